"""Small tables for the tests of features: typed in as rows, or drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from features.inputs import Inputs, inputs_from
from features.tables import JOURNEY_STAGES, TABLES

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]

START = datetime(2024, 1, 1, tzinfo=UTC)
EXTRA = {"x_score": pa.float64(), "x_label": pa.string(), "x_flag": pa.bool_()}
PARTNERS = ("p1", "p2", "p3", "p4", "unlisted")


def _arrow(name: str, rows: Rows) -> pa.Table:
    schema = TABLES[name].arrow_schema()
    if name == "deals":
        for column, dtype in EXTRA.items():
            schema = schema.append(pa.field(column, dtype))
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.fixture(scope="session")
def arrow() -> Callable[[str, Rows], pa.Table]:
    """Rows of a canonical table as Arrow, with its declared types (and those of the ``x_`` columns of the tests)."""
    return _arrow


@pytest.fixture(scope="module")
def inputs() -> Iterator[Callable[[Tables], Inputs]]:
    """Makes ``Inputs`` on DuckDB from rows by table name; each call is a database of its own."""
    connections = []

    def build(tables: Tables) -> Inputs:
        connection = duckdb.connect()
        connections.append(connection)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET threads = 1")
        for name, rows in tables.items():
            connection.register("rows", _arrow(name, rows))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            connection.unregister("rows")
        return inputs_from(connection)

    yield build
    for connection in connections:
        connection.close()


@pytest.fixture(scope="session")
def company() -> Callable[[int], Tables]:
    """Draws all tables of a small company from a seed, full of ties, missing values, late entries and odd seconds."""
    return _Company.draw


class _Company:
    """Times lie on a coarse grid, so that moments coincide; a few are off it by less than a second."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    @classmethod
    def draw(cls, seed: int) -> Tables:
        drawn = cls(seed)
        deals = [drawn.deal(i) for i in range(16)]
        partners = [drawn.partner(p) for p in PARTNERS if p != "unlisted"]
        touchpoints = [drawn.touchpoint(i, drawn.random.choice(deals)) for i in range(110)]
        conversations = [drawn.conversation(i) for i in range(8)]
        return {
            "deals": deals,
            "partners": partners,
            "touchpoints": touchpoints,
            "stage_history": drawn.stage_history(deals),
            "integrations": [drawn.integration() for _ in range(8)],
            "leads": [drawn.lead(i, drawn.random.choice(deals)) for i in range(14)],
            "conversations": conversations,
            "moments": [drawn.moment(i, drawn.random.choice(deals)) for i in range(30)],
        }

    def at(self, low: float, high: float) -> datetime:
        """A moment from day ``low`` to day ``high`` of the company, mostly at midnight or noon."""
        moment = START + timedelta(hours=12 * self.random.randint(int(low * 2), int(high * 2)))
        return moment + timedelta(microseconds=self.random.choice([0, 0, 0, 0, 1, 700_000, 1_234_567]))

    def maybe(self, value: Any, share: float = 0.7) -> Any:
        return value if self.random.random() < share else None

    def deal(self, i: int) -> dict[str, Any]:
        created = self.random.randint(0, 60)
        outcome = self.random.choice(["won", "won", "lost", "lost", "open"])
        length = self.random.choice([0, 3, 10, 25, 40, 60])
        closed = START + timedelta(days=created + length)
        return {
            "deal_id": f"d{i:02}",
            "account_id": self.random.choice(["a1", "a2", "a3", "a4"]),
            "owner_id": self.maybe(self.random.choice(["o1", "o2"])),
            "segment": self.maybe(self.random.choice(["enterprise", "smb"])),
            "industry": self.maybe("retail"),
            "deal_type": self.random.choice(["new", "renewal"]),
            "amount": self.maybe(float(self.random.randint(1, 9) * 1000)),
            "currency": self.random.choice(["EUR", "EUR", "USD", None]),
            "fx_rate": self.maybe(1.5),
            "created_at": START + timedelta(days=created),
            "closed_at": closed if outcome != "open" else None,
            "outcome": outcome,
            "x_score": self.maybe(self.random.random()),
            "x_label": self.maybe("a b"),
            "x_flag": self.maybe(self.random.random() < 0.5),
        }

    def partner(self, partner_id: str) -> dict[str, Any]:
        partner_type = self.random.choice(["si", "isv", "msp"])
        return {
            "partner_id": partner_id,
            "name": f"Partner {partner_id}",
            "partner_type": partner_type,
            "tier": self.maybe(self.random.choice(["gold", "silver"])),
        }

    def touchpoint(self, i: int, deal: dict[str, Any]) -> dict[str, Any]:
        created = (deal["created_at"] - START).days
        occurred = self.at(created - 5, created + 60)
        late = timedelta(days=self.random.choice([0, 0, 1, 30]))
        return {
            "touchpoint_id": f"t{i}",
            "deal_id": deal["deal_id"],
            "partner_id": self.random.choice([*PARTNERS, None, None]),
            "contact_id": self.maybe(self.random.choice(["c1", "c2", "c3"])),
            "kind": self.random.choice(["Demo", "Call", "call!", "e-mail"]),
            "journey_stage": self.maybe(self.random.choice(JOURNEY_STAGES)),
            "occurred_at": occurred,
            "recorded_at": self.maybe(occurred + late),
            "minutes": self.maybe(self.random.choice([0.0, 12.5, 30.0, 7.3333])),
        }

    def stage_history(self, deals: Rows) -> Rows:
        rows = {}
        for deal in deals:
            created = (deal["created_at"] - START).days
            for stage in self.random.sample(["Discovery", "Proposal", "Closing"], self.random.randint(0, 3)):
                moment = self.at(created, created + 30)
                rows[deal["deal_id"], stage, moment] = {
                    "deal_id": deal["deal_id"],
                    "stage": stage,
                    "entered_at": moment,
                }
        return list(rows.values())

    def integration(self) -> dict[str, Any]:
        installed = self.at(0, 90)
        return {
            "account_id": self.random.choice(["a1", "a2", "a3", "a4"]),
            "partner_id": self.random.choice(PARTNERS),
            "installed_at": installed,
            "removed_at": self.maybe(installed + timedelta(days=20), 0.5),
        }

    def lead(self, i: int, deal: dict[str, Any]) -> dict[str, Any]:
        given = self.at(0, 60)
        return {
            "lead_id": f"l{i}",
            "direction": self.random.choice(["from_partner", "from_partner", "to_partner"]),
            "partner_id": self.random.choice(PARTNERS),
            "deal_id": self.maybe(deal["deal_id"], 0.9),
            "given_at": given,
            "registered_at": self.maybe(given + timedelta(days=3)),
        }

    def conversation(self, i: int) -> dict[str, Any]:
        return {"conversation_id": f"k{i}", "channel": "call", "started_at": self.at(0, 90)}

    def moment(self, i: int, deal: dict[str, Any]) -> dict[str, Any]:
        return {
            "moment_id": f"m{i}",
            "conversation_id": f"k{self.random.randint(0, 9)}",
            "deal_id": self.maybe(deal["deal_id"], 0.9),
            "partner_id": self.maybe(self.random.choice(PARTNERS), 0.9),
            "assist_type": "introduction",
            "journey_stage": "pre_sale",
            "utterance_ids": ["u1"],
            "quote": "They introduced us.",
            "char_start": 0,
            "char_end": 4,
            "confidence": self.random.choice([0.9, 0.123456789, 1.0]),
            "type_confidence": 0.5,
            "model_version": "1",
            "detected_at": START + timedelta(days=400),
        }


class _Canonical(Mapping[str, Rows]):
    """The rows of each canonical table of an export, asked for when they are needed."""

    def __init__(self, con: duckdb.DuckDBPyConnection, queries: dict[str, str]) -> None:
        self.con = con
        self.queries = queries

    def __getitem__(self, table: str) -> Rows:
        result = self.con.execute(f"SELECT * FROM ({self.queries[table]}) ORDER BY _file, _line")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.queries)

    def __len__(self) -> int:
        return len(self.queries)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Callable[..., Callable[..., Mapping[str, Rows]]]]:
    """A factory: an importer and the names of its files to a function that reads files given as texts."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")

    def of(canonical: Callable[..., dict[str, str]], file_name: str) -> Callable[..., Mapping[str, Rows]]:
        def reading(**files: str) -> Mapping[str, Rows]:
            export, staging = tmp_path / "export", tmp_path / "staging"
            export.mkdir()
            staging.mkdir()
            for name, text in files.items():
                (export / file_name.format(name)).write_text(text, encoding="utf-8")
            return _Canonical(con, canonical(con, export, staging))

        return reading

    yield of
    con.close()
