"""The exchange between workspace and review database: both come to the same, whoever changed what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.tables import TABLES
from pipelines.config import Config
from pipelines.reviewing.exchange import Exchanged, exchange, has_changed
from pipelines.workspace import Workspace, WorkspaceError
from review.roles import Viewer
from review.store import schema
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.judgements import add_missed, judge, split, undo
from review.store.turns import turns

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
BOB = Viewer("bob", "reviewer")
ANN = Viewer("ann", "reviewer")
CONFIG = Config.model_validate({"report_currency": "USD"})
TEXTS = ("Northwind ran the proof of concept for us.", "Fine.", "Northwind cleared the audit questions as well.")


def moment(moment_id: str, seq: int, **others: Any) -> dict[str, Any]:
    """A row of ``moments`` about one turn of conversation c1."""
    row: dict[str, Any] = {"moment_id": moment_id, "conversation_id": "c1", "deal_id": "d1", "partner_id": "nw"}
    row |= {"assist_type": "technical_validation", "journey_stage": "pre_sale", "utterance_ids": [f"u{seq}"]}
    row |= {"quote": TEXTS[seq], "char_start": 0, "char_end": len(TEXTS[seq]), "confidence": 0.75}
    return {**row, "type_confidence": 0.9, "model_version": "m1", "detected_at": NOW, **others}


def review(review_id: str, moment_id: str, verdict: str = "confirmed", **others: Any) -> dict[str, Any]:
    """A row of ``reviews`` that another tool has written."""
    row = {"review_id": review_id, "moment_id": moment_id, "reviewer": "zoe", "role": "reviewer", "verdict": verdict}
    return {**row, "model_version": "m1", "reviewed_at": NOW, **others}


def credit(partner_id: str, target: str, value: float, share: float) -> dict[str, Any]:
    """A row of ``credits`` of deal d1 by the model."""
    row = {"run_id": "r1", "deal_id": "d1", "partner_id": partner_id, "method": "model", "target": target}
    return {**row, "kind": "split", "credit": value, "share": share, "model_version": "m1", "scored_at": NOW}


TABLES_OF_IT: dict[str, list[dict[str, Any]]] = {
    "deals": [
        {"deal_id": "d1", "account_id": "a1", "name": "Acme", "owner_id": "o1", "deal_type": "new", "amount": 1000.0}
        | {"currency": "EUR", "fx_rate": 2.0, "created_at": NOW, "closed_at": NOW, "outcome": "won"},
        {"deal_id": "d2", "account_id": "a2", "deal_type": "new", "created_at": NOW, "outcome": "open"},
    ],
    "partners": [{"partner_id": "nw", "name": "Northwind", "partner_type": "si"}],
    "contacts": [
        {"contact_id": "o1", "name": "Ana", "email": "ana@example.com", "organisation": "internal"},
    ],
    "touchpoints": [
        {"touchpoint_id": "t1", "deal_id": "d1", "partner_id": "nw", "kind": "demo", "occurred_at": NOW},
    ],
    "conversations": [
        {"conversation_id": "c1", "deal_id": "d1", "channel": "call", "started_at": NOW},
        {"conversation_id": "c2", "deal_id": "d1", "channel": "call", "started_at": NOW},
    ],
    "utterances": [
        {"utterance_id": f"u{seq}", "conversation_id": "c1", "seq": seq, "speaker_org": "customer", "text": text}
        for seq, text in enumerate(TEXTS)
    ],
    "moments": [moment("m1", 0), moment("m2", 2)],
    "credits": [credit("nw", "win", 0.2, 0.25), credit("nw", "amount", 250.0, 0.25)],
}


@pytest.fixture
def workspace(workspace_of: Callable[..., Workspace]) -> Workspace:
    """A company of one won deal with a call in which two moments were found."""
    return workspace_of(**TABLES_OF_IT)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(workspace: Workspace, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The workspace's review database, before any exchange."""
    is_sqlite = request.param == "sqlite"
    made = open_engine(
        f"sqlite:///{workspace.root}/review.db" if is_sqlite else request.getfixturevalue("postgres_url")
    )
    yield made
    made.dispose()


def put(workspace: Workspace, name: str, rows: list[dict[str, Any]]) -> None:
    """Writes a table as another program would."""
    pq.write_table(pa.Table.from_pylist(rows, TABLES[name].arrow_schema()), workspace.path(name))


def row(engine: Engine, table: sa.Table, **key: str) -> dict[str, Any]:
    """The row of that key."""
    is_it = sa.and_(*(table.c[name] == value for name, value in key.items()))
    with engine.connect() as connection:
        return dict(connection.execute(sa.select(table).where(is_it)).mappings().one())


def told(workspace: Workspace) -> dict[str, str]:
    """Moment to verdict, of the workspace's reviews."""
    frame = workspace.read("reviews")
    return dict(zip(frame["moment_id"], frame["verdict"], strict=True))


def run(workspace: Workspace, engine: Engine) -> Exchanged:
    """An exchange."""
    return exchange(workspace, engine, CONFIG, NOW)


def test_amounts_are_put_in_one_order_by_their_rates_also_where_no_report_currency_is_named(
    workspace: Workspace, engine: Engine
) -> None:
    exchange(workspace, engine, Config(), NOW)
    deal = row(engine, schema.deals, deal_id="d1")
    assert (deal["amount"], deal["amount_in_report"], deal["worth"]) == (1000.0, 1000.0, 2000.0)
    assert row(engine, schema.moments, moment_id="m1")["stake"] == pytest.approx(2000 * 4 * 0.75 * 0.25)


def test_what_a_page_shows_is_copied_and_a_second_exchange_changes_nothing(
    workspace: Workspace, engine: Engine
) -> None:
    done = run(workspace, engine)
    assert done.copied == {
        "partners": 1, "deals": 1, "conversations": 1, "moments": 2, "claims": 1, "partner_scores": 0
    }  # fmt: skip
    found = row(engine, schema.moments, moment_id="m1")
    assert (found["state"], found["owner_id"], found["has_record"], found["grade"]) == ("waiting", "o1", True, "C")
    assert found["stake"] == pytest.approx(1000 * 2.0 * 4 * 0.75 * 0.25)
    deal = row(engine, schema.deals, deal_id="d1")
    assert (deal["owner_email"], deal["amount_in_report"], deal["worth"]) == ("ana@example.com", 2000.0, 2000.0)
    assert [touch["touchpoint_id"] for touch in deal["facts"]["touches"]] == ["t1"]
    claim = row(engine, schema.claims, deal_id="d1", partner_id="nw")
    assert (claim["share"], claim["amount"], claim["amount_in_report"], claim["grade"]) == (0.25, 250.0, 500.0, "C")
    assert claim["credits"]["model"]["win"]["credit"] == 0.2
    with engine.connect() as connection:
        assert [turn.text for turn in turns(connection, "c1")] == list(TEXTS)
    assert not has_changed(workspace, engine, CONFIG)
    assert run(workspace, engine) == Exchanged()


def test_judgements_reach_the_workspace_and_undone_ones_leave_it(workspace: Workspace, engine: Engine) -> None:
    run(workspace, engine)
    with writing(engine) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=NOW)
        judge(connection, "m2", ANN, verdict="rejected", at=NOW)
    assert has_changed(workspace, engine, CONFIG)
    assert run(workspace, engine).written == {"reviews": 2}
    assert told(workspace) == {"m1": "confirmed", "m2": "rejected"}
    with writing(engine) as connection:
        undo(connection, ANN, NOW)
    run(workspace, engine)
    assert told(workspace) == {"m1": "confirmed"}


def test_reviews_of_other_tools_are_taken_in_also_of_moments_that_come_later(
    workspace: Workspace, engine: Engine
) -> None:
    put(workspace, "reviews", [review("r1", "m1"), review("r2", "m3", "rejected")])
    assert run(workspace, engine).taken == 2
    assert row(engine, schema.moments, moment_id="m1")["state"] == "judged"
    put(workspace, "moments", [moment("m1", 0), moment("m2", 2), moment("m3", 1)])
    run(workspace, engine)
    assert row(engine, schema.moments, moment_id="m3")["verdict"] == "rejected"
    assert told(workspace) == {"m1": "confirmed", "m3": "rejected"}
    assert row(engine, schema.judgements, review_id="r1")["source"] == "table"


def test_a_moment_found_no_more_is_gone_unless_somebody_judged_it(workspace: Workspace, engine: Engine) -> None:
    run(workspace, engine)
    with writing(engine) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=NOW)
    put(workspace, "moments", [])
    run(workspace, engine)
    assert row(engine, schema.moments, moment_id="m1")["state"] == "judged"
    assert row(engine, schema.moments, moment_id="m2")["state"] == "gone"
    assert workspace.read("judged_moments")["moment_id"].tolist() == ["m1"]
    put(workspace, "moments", [moment("m2", 2)])
    run(workspace, engine)
    assert row(engine, schema.moments, moment_id="m2")["state"] == "waiting"


def test_a_new_database_comes_to_what_people_said_by_the_tables_alone(
    workspace: Workspace, engine: Engine, tmp_path: Path
) -> None:
    run(workspace, engine)
    with writing(engine) as connection:
        span = {"utterance_ids": ["u0"], "char_start": 0, "char_end": 31}
        judge(connection, "m1", ANN, verdict="confirmed", at=NOW, span=span)
        judge(connection, "m2", ANN, verdict="relabelled", assist_type="strategy_value_case", at=NOW)
        span = {"utterance_ids": ["u1", "u2"], "char_start": 0, "char_end": 9}
        added = add_missed(connection, ANN, "c1", span, "nw", "technical_validation", None, LATER)
    run(workspace, engine)
    overlay = workspace.read("judged_moments").set_index("moment_id")
    assert overlay["quote"].to_dict() == {"m1": TEXTS[0][:31], added: "Fine.\nNorthwind"}
    other = open_engine(f"sqlite:///{tmp_path}/other.db")
    exchange(workspace, other, CONFIG, NOW, adopt=True)
    names = ("moment_id", "state", "verdict", "told_type", "told_span", "quote", "grade", "is_found")
    query = sa.select(*(schema.moments.c[name] for name in names)).order_by("moment_id")
    with engine.connect() as one, other.connect() as two:
        assert one.execute(query).all() == two.execute(query).all()
    assert exchange(workspace, other, CONFIG, NOW).written == {}
    other.dispose()


def test_both_halves_of_a_split_moment_reach_the_workspace_and_stay_there(workspace: Workspace, engine: Engine) -> None:
    run(workspace, engine)
    halves = [{"utterance_ids": ["u0"], "char_start": start, "char_end": end} for start, end in ((0, 13), (14, 41))]
    with writing(engine) as connection:
        names = split(connection, "m1", ANN, halves, NOW)
    for _ in range(2):
        run(workspace, engine)
        quotes = workspace.read("judged_moments").set_index("moment_id")["quote"].to_dict()
        assert quotes == dict(zip(names, (TEXTS[0][:13], TEXTS[0][14:41]), strict=True))
        assert told(workspace) == dict.fromkeys(names, "confirmed")
        put(workspace, "moments", [moment("m1", 0), moment("m2", 2)])


def test_a_moment_given_to_another_partner_has_only_what_bears_that_one_out(
    workspace: Workspace, engine: Engine
) -> None:
    put(workspace, "partners", [*TABLES_OF_IT["partners"], {"partner_id": "bk", "name": "Bk", "partner_type": "si"}])
    run(workspace, engine)
    with writing(engine) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", partner_id="bk", at=NOW)
        judge(connection, "m2", ANN, verdict="confirmed", at=NOW)
        judge(connection, "m2", BOB, verdict="rejected", at=NOW)
    run(workspace, engine)
    found = row(engine, schema.moments, moment_id="m1")
    assert (found["told_partner"], found["has_record"], found["grade"]) == ("bk", False, "C")
    assert row(engine, schema.moments, moment_id="m2")["grade"] == "D"
    assert run(workspace, engine) == Exchanged()


def test_only_what_changed_is_copied_again(workspace: Workspace, engine: Engine) -> None:
    run(workspace, engine)
    with writing(engine) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=NOW)
    put(workspace, "moments", [moment("m1", 0, confidence=0.5), moment("m2", 2)])
    done = run(workspace, engine)
    assert {name: n for name, n in done.copied.items() if n} == {"moments": 1}
    found = row(engine, schema.moments, moment_id="m1")
    assert (found["confidence"], found["verdict"], found["grade"]) == (0.5, "confirmed", "B")


def test_a_database_that_another_workspace_filled_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    shared = open_engine(f"sqlite:///{tmp_path}/shared.db")
    run(workspace, shared)
    other = Workspace.open(tmp_path / "other", create=True, threads=1)
    with pytest.raises(WorkspaceError, match="filled from another workspace"):
        run(other, shared)
    run(workspace, shared)
    assert row(shared, schema.moments, moment_id="m1")["state"] == "waiting"
    exchange(other, shared, CONFIG, NOW, adopt=True)
    assert row(shared, schema.moments, moment_id="m1")["state"] == "gone"
    shared.dispose()


def test_the_audit_says_what_was_taken_in_and_stays_whole(workspace: Workspace, engine: Engine) -> None:
    put(workspace, "reviews", [review("r1", "m1")])
    run(workspace, engine)
    assert row(engine, schema.events, action="judgements taken in")["after"] == {"review_ids": 1, "moments": 1}
    with engine.connect() as connection:
        assert chain(connection).is_whole
