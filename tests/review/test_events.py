"""The audit: chained, append-only, and the same in every database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.store.engine import open_engine, writing
from review.store.events import FIRST, Event, canonical, chain, record
from review.store.schema import events
from review.store.triggers import drop_triggers

AT = datetime(2026, 3, 1, 10, 0, 0, 250, tzinfo=UTC)
ODD = {
    "share": 0.1 + 0.2,
    "tiny": 5e-324,
    "name": "Zoë \u202e\u0000 \U0001f600",
    "span": (1, 2),
    "at": AT,
    "none": None,
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def audit(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("engine")
        return
    engine = open_engine(request.getfixturevalue("postgres_url"))
    yield engine
    engine.dispose()


def fill(engine: Engine, n: int) -> None:
    """That many rows."""
    with writing(engine) as connection:
        for number in range(n):
            record(connection, Event("ada", "reviewer", "judge", "moment", f"m{number}", after={"n": number}), AT)


def tampered(engine: Engine, statement: sa.Executable) -> None:
    """Somebody with the keys of the database takes the triggers away and changes it."""
    with engine.begin() as connection:
        drop_triggers(connection)
        connection.execute(statement)


def test_a_chain_of_untouched_rows_is_whole(audit: Engine) -> None:
    fill(audit, 5)
    with audit.connect() as connection:
        found = chain(connection)
        assert (found.rows, found.is_whole) == (5, True)
        assert found.head == connection.scalar(sa.select(events.c.hash).where(events.c.seq == 5))
        assert connection.scalar(sa.select(events.c.before_hash).where(events.c.seq == 1)) == FIRST


def test_an_empty_audit_is_whole(audit: Engine) -> None:
    with audit.connect() as connection:
        assert (chain(connection).rows, chain(connection).first_break, chain(connection, last=3).rows) == (0, None, 0)


def test_what_is_read_back_has_the_hash_it_was_written_with(audit: Engine) -> None:
    with writing(audit) as connection:
        at = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
        record(connection, Event("zoë", "admin", "share", "claim", "d/1", before=ODD, after={}), at)
    with audit.connect() as connection:
        assert chain(connection).first_break is None


def test_both_databases_hash_alike() -> None:
    row = {"at": AT, "who": "ada", "role": "admin", "action": "a", "subject": "s", "subject_id": "1", "before": None}
    row |= {"after": {"b": "é", "a": 1.5}, "model_version": None, "before_hash": FIRST}
    assert canonical(row) == (
        '{"action":"a","after":{"a":1.5,"b":"\\u00e9"},"at":"2026-03-01T10:00:00.000250+00:00","before":null,'
        f'"before_hash":"{FIRST}","model_version":null,"role":"admin","subject":"s","subject_id":"1","who":"ada"}}'
    )


@pytest.mark.parametrize(
    "statement",
    [
        events.update().values(who="eve"),
        events.update().where(events.c.seq == 2).values(after={"n": 7}),
        events.delete().where(events.c.seq == 3),
        sa.text("INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 2"),
    ],
)
def test_the_database_refuses_to_change_or_delete_rows(audit: Engine, statement: sa.Executable) -> None:
    if isinstance(statement, sa.TextClause) and audit.dialect.name != "sqlite":
        statement = sa.text("TRUNCATE events")
    fill(audit, 4)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), audit.begin() as connection:
        connection.execute(statement)
    with audit.connect() as connection:
        assert (chain(connection).rows, chain(connection).first_break) == (4, None)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (events.update().where(events.c.seq == 3).values(who="eve"), 3),
        (events.update().where(events.c.seq == 3).values(after={"n": 7}), 3),
        (events.delete().where(events.c.seq == 3), 4),
        (events.delete().where(events.c.seq == 1), 2),
    ],
)
def test_a_change_behind_the_triggers_breaks_the_chain_there(
    audit: Engine, statement: sa.Executable, broken: int
) -> None:
    fill(audit, 5)
    tampered(audit, statement)
    with audit.connect() as connection:
        assert chain(connection).first_break == broken


def test_a_look_at_the_last_rows_sees_a_break_among_them_and_none_before(audit: Engine) -> None:
    fill(audit, 9)
    tampered(audit, events.update().where(events.c.seq == 5).values(who="eve"))
    with audit.connect() as connection:
        assert chain(connection, last=4).is_whole
        assert chain(connection, last=5).first_break == 5
        assert chain(connection, last=50).first_break == 5


def test_writers_at_once_make_one_chain(audit: Engine) -> None:
    def write(number: int) -> None:
        for turn in range(3):
            with writing(audit) as connection:
                record(connection, Event(f"p{number}", "reviewer", "judge", "moment", f"m{turn}"), AT)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with audit.connect() as connection:
        found = chain(connection)
        befores = connection.scalars(sa.select(events.c.before_hash)).all()
    assert (found.rows, found.is_whole, len(set(befores))) == (18, True, 18)


def test_a_transaction_that_fails_leaves_no_row_and_no_gap_in_the_chain(audit: Engine) -> None:
    fill(audit, 2)
    with audit.connect() as connection:
        record(connection, Event("ada", "reviewer", "judge", "moment", "m"), AT)
        connection.rollback()
    fill(audit, 2)
    with audit.connect() as connection:
        assert (chain(connection).rows, chain(connection).first_break) == (4, None)
