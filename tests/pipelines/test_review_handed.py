"""Judgements that come in about a moment that was found anew since follow to the one in its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from features.assist.carried import FROM, carried
from features.tables import TABLES
from pipelines.config import Config
from pipelines.reviewing.exchange import exchange
from pipelines.workspace import Workspace
from review.store import schema
from review.store.engine import open_engine

pytestmark = pytest.mark.slow
NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
CONFIG: Final = Config()
TEXT: Final = "Northwind ran the proof of concept for us."


def moment(moment_id: str, kind: str) -> dict[str, Any]:
    place = {"conversation_id": "c1", "deal_id": "d1", "partner_id": "nw", "utterance_ids": ["u0"], "quote": TEXT}
    span = {"journey_stage": "pre_sale", "char_start": 0, "char_end": len(TEXT), "confidence": 0.75}
    made = {"type_confidence": 0.9, "model_version": "m1", "detected_at": NOW}
    return {"moment_id": moment_id, "assist_type": kind} | place | span | made


def review(review_id: str, role: str, about: str) -> dict[str, Any]:
    said = {"review_id": review_id, "moment_id": about, "reviewer": role, "role": role, "verdict": "confirmed"}
    return said | {"model_version": "m1", "reviewed_at": NOW + timedelta(days=role == "rep")}


def put(workspace: Workspace, name: str, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, TABLES[name].arrow_schema()), workspace.path(name))


def test_what_is_said_of_the_old_moment_counts_for_the_new_one_and_the_old_counts_no_more(
    workspace_of: Callable[..., Workspace],
) -> None:
    deal = {"deal_id": "d1", "account_id": "a1", "deal_type": "new", "created_at": NOW, "outcome": "open"}
    workspace = workspace_of(
        deals=[deal],
        partners=[{"partner_id": "nw", "name": "Northwind", "partner_type": "si"}],
        conversations=[{"conversation_id": "c1", "deal_id": "d1", "channel": "call", "started_at": NOW}],
        utterances=[{"utterance_id": "u0", "conversation_id": "c1", "seq": 0, "speaker_org": "customer", "text": TEXT}],
        moments=[moment("old", "technical_validation")],
        reviews=[review("r", "reviewer", "old")],
    )
    engine = open_engine(f"sqlite:///{workspace.root}/review.db")

    def exchanged() -> dict[str, Any]:
        """What the database says of the new moment; the old one is not among those that stand as people left them."""
        exchange(workspace, engine, CONFIG, NOW)
        assert workspace.read("judged_moments").empty
        with engine.connect() as connection:
            query = sa.select(schema.moments).where(schema.moments.c.moment_id == "new")
            return dict(connection.execute(query).mappings().one())

    exchange(workspace, engine, CONFIG, NOW)
    handed = carried(workspace.read("reviews"), workspace.read("moments"), _frame([moment("new", "risk_save")]))
    put(workspace, "moments", [moment("new", "risk_save")])
    put(workspace, "reviews", [review("r", "reviewer", "old"), *_plain(handed)])
    found = exchanged()
    assert (found["verdict"], found["told_type"], found["is_verified"]) == (
        "relabelled", "technical_validation", False
    )  # fmt: skip
    put(workspace, "reviews", [*_plain(workspace.read("reviews")), review("late", "rep", "old")])
    assert exchanged()["is_verified"]
    assert len(workspace.read("reviews")) == 4
    assert exchanged()["is_confirmed"]
    assert len(workspace.read("reviews")) == 4
    with engine.begin() as connection:
        said = schema.judgements
        connection.execute(sa.update(said).where(said.c.moment_id == "new").values(undone_at=NOW))
    (workspace.path("conversations")).touch()
    exchanged()
    assert set(workspace.read("reviews")["review_id"]) == {"r", "late"}
    engine.dispose()


def _frame(rows: list[dict[str, Any]]) -> Any:
    return pa.Table.from_pylist(rows, TABLES["moments"].arrow_schema()).to_pandas()


def _plain(frame: Any) -> list[dict[str, Any]]:
    plain = frame.drop(columns=FROM, errors="ignore").astype(object)
    rows: list[dict[str, Any]] = plain.where(plain.notna(), None).to_dict("records")
    return rows
