"""Second opinions: which moments are offered to somebody else, and until when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import Connection, Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.filters import Filters
from review.store.judgements import judge, undo
from review.store.queue import counts, next_moment
from review.store.schema import moments
from review.store.second import keep_share, kept_share

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ADA, BO, MAX = Viewer("ada", "reviewer"), Viewer("bo", "reviewer"), Viewer("max", "manager")
ONLY = Filters(partner="nw")


@pytest.fixture
def asks_all(filled: Engine) -> Engine:
    """A small company in which every moment is wanted twice, and only m1 and m2 (of Northwind) wait."""
    with writing(filled) as connection:
        keep_share(connection, 1.0)
        connection.execute(moments.delete().where(moments.c.partner_id.is_distinct_from("nw")))
    return filled


def following(connection: Connection, viewer: Viewer) -> str | None:
    """The moment that is next for somebody, and kept for nobody after that."""
    found = next_moment(connection, ONLY, viewer.name, AT)
    connection.execute(moments.update().values(opened_by=None, opened_until=None))
    return found


def test_a_judged_moment_is_offered_to_others_and_not_to_who_judged_it(asks_all: Engine) -> None:
    with writing(asks_all) as connection:
        for moment_id in ("m1", "m2"):
            judge(connection, moment_id, ADA, verdict="confirmed", at=AT)
        assert following(connection, ADA) is None
        assert following(connection, BO) == "m2"
        assert (counts(connection, ONLY, "bo", AT).second, counts(connection, ONLY, "ada", AT).second) == (2, 0)
        judge(connection, "m2", BO, verdict="confirmed", at=AT)
        assert following(connection, BO) == "m1"
        judge(connection, "m1", BO, verdict="unsure", at=AT)
        assert following(connection, BO) is None
        assert following(connection, MAX) is None


def test_undoing_the_first_opinion_brings_the_moment_back_to_all(asks_all: Engine) -> None:
    with writing(asks_all) as connection:
        judge(connection, "m2", ADA, verdict="confirmed", at=AT)
        undo(connection, ADA, AT)
        assert following(connection, ADA) == "m2"
        assert counts(connection, ONLY, "bo", AT).second == 0


def test_what_a_manager_decides_needs_no_second_opinion(asks_all: Engine) -> None:
    with writing(asks_all) as connection:
        judge(connection, "m2", MAX, verdict="confirmed", at=AT, decides=True)
        assert counts(connection, ONLY, "bo", AT).second == 0


def test_without_a_share_nothing_is_offered_twice(asks_all: Engine) -> None:
    with writing(asks_all) as connection:
        keep_share(connection, 0.0)
        assert kept_share(connection) == 0.0
        judge(connection, "m2", ADA, verdict="confirmed", at=AT)
        judge(connection, "m1", ADA, verdict="confirmed", at=AT)
        assert following(connection, BO) is None
