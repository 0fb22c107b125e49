"""Audit, agreement and disputes in PostgreSQL: the same as in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.pages.agreement_view import agreement_view
from review.pages.audit_files import as_json_lines
from review.roles import Viewer
from review.store.audit import AuditFilters, all_events, events_page, known
from review.store.contested import contested, follow, overruled
from review.store.dispute_files import dispute_file, listed, numbers
from review.store.disputes import Effect, assign, open_dispute, resolve, say
from review.store.engine import open_engine, writing
from review.store.events import Event, chain, record
from review.store.judgements import judge
from review.store.periods import Period
from review.store.schema import METADATA

pytestmark = pytest.mark.slow
AT = datetime(2026, 5, 4, 9, 0, 0, 123456, tzinfo=UTC)
ADA, BO, MAX, NORA = (
    Viewer("ada", "reviewer"),
    Viewer("bo", "reviewer"),
    Viewer("max", "manager"),
    Viewer("nora", "partner", "nw"),
)


@pytest.fixture
def server(postgres_url: str) -> Iterator[Engine]:
    """An empty database of PostgreSQL."""
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def copied(source: Engine, target: Engine) -> None:
    """Every row of one database in the other."""
    with source.connect() as reading, writing(target) as connection:
        for table in METADATA.sorted_tables:
            if table.name != "settings" and (rows := reading.execute(sa.select(table)).mappings().all()):
                connection.execute(table.insert(), [dict(row) for row in rows])


def done(engine: Engine) -> dict[str, Any]:
    """What people do in an afternoon, and what it comes to."""
    with writing(engine) as connection:
        for at, moment_id in enumerate(("m1", "m2", "m3")):
            judge(connection, moment_id, ADA, verdict="confirmed", at=AT + timedelta(seconds=9 * at))
            judge(connection, moment_id, BO, verdict="rejected" if at else "confirmed", at=AT + timedelta(hours=1))
        first = contested(connection, MAX)[0]
        follow(connection, MAX, first.row["moment_id"], first.said[1]["review_id"], "No.", AT + timedelta(hours=2))
        number = open_dispute(
            connection, NORA, deal_id="d1", partner_id="nw", moment_id="m1", reason="Wir waren es! 🙂", at=AT
        )
        say(connection, ADA, number, "Hm.", AT, is_internal=True)
        resolve(connection, MAX, number, "upheld", "Yes.", AT, effect=Effect("confirmed", partner_id="bk"))
        view = agreement_view(connection, MAX, Period(AT.date()))
        return {
            "chain": chain(connection).is_whole,
            "numbers": numbers(connection, NORA),
            "entries": [entry["kind"] for entry in dispute_file(connection, NORA, number).entries],
            "listed": [row["partner_name"] for row in listed(connection, MAX)],
            "contested": [one.row["moment_id"] for one in contested(connection, MAX)],
            "overruled": [one.row["moment_id"] for one in overruled(connection, "ada")],
            "agreement": (view.on_help, view.on_type, view.pairs_on_help, view.reviewers, view.precision, view.by_week),
            "actions": [row["action"] for row in events_page(connection, AuditFilters(who="max"))],
            "people": known(connection).people,
        }


def test_what_people_do_comes_to_the_same(filled: Engine, server: Engine) -> None:
    copied(filled, server)
    assert done(server) == done(filled)


def test_the_audit_of_one_database_is_whole_in_the_other(filled: Engine, server: Engine) -> None:
    odd = {"share": 0.1 + 0.2, "tiny": 5e-324, "whole": 1.0, "name": "Zoë \u202e\u0000 🙂", "deep": {"b": [1, None]}}
    with writing(filled) as connection:
        record(connection, Event("zoë", "admin", "shared", "claim", "d/1", odd, {}), AT)
        record(connection, Event("ada", "admin", "shared", "claim", "d/1", None, odd), AT + timedelta(hours=5))
    copied(filled, server)
    with filled.connect() as here, server.connect() as there:
        assert chain(there) == chain(here)
        lines = [list(as_json_lines(all_events(connection, AuditFilters()))) for connection in (here, there)]
    assert lines[0] == lines[1]


def test_an_owner_is_given_and_may_be_given_again(filled: Engine, server: Engine) -> None:
    copied(filled, server)
    with writing(server) as connection:
        connection.execute(METADATA.tables["users"].insert().values(name="ada", role="reviewer", created_at=AT))
        number = open_dispute(connection, MAX, deal_id="d1", partner_id="nw", reason="Why?", at=AT)
        assign(connection, MAX, number, "ada", AT)
        assert listed(connection, MAX, owner="ada")[0]["state"] == "in_review"
