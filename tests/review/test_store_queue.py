from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.filters import Filters
from review.store.judgements import judge
from review.store.queue import choices, counts, next_moment, queue_page
from review.store.schema import moments

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN, BOB = Viewer("ann", "reviewer"), Viewer("bob", "reviewer")


def ids(engine: Engine, **asked: Any) -> list[str]:
    """The ids on the first page of the queue."""
    with engine.connect() as connection:
        return [row.moment_id for row in queue_page(connection, Filters(**asked))]


def opened(engine: Engine, who: str, at: datetime = AT, **asked: Any) -> str | None:
    """What is next for somebody."""
    with writing(engine) as connection:
        return next_moment(connection, Filters(**asked), who, at)


def test_the_queue_holds_what_is_asked_for(filled: Engine) -> None:
    with filled.connect() as connection:
        rows = {row.moment_id: row for row in connection.execute(sa.select(moments))}
    waiting = [row for row in rows.values() if row.is_assist]
    assert set(ids(filled)) == {row.moment_id for row in waiting}
    assert ids(filled, kind="signals") == ["s1"]
    assert set(ids(filled, kind="all", state="all")) == set(rows)
    assert set(ids(filled, partner="nw")) == {"m1", "m2"}
    assert set(ids(filled, deal="d2")) == {"m5", "m6"}
    assert set(ids(filled, deal="BOREALIS PILOT")) == {"m5", "m6"}
    assert set(ids(filled, band="sure")) == {row.moment_id for row in waiting if row.confidence >= 0.8}
    assert ids(filled, until=date(2000, 1, 1)) == []
    assert set(ids(filled, since=date.min, until=date.max)) == set(ids(filled))
    assert ids(filled, assist_type="none of them") == []


@pytest.mark.parametrize(
    ("order", "column"), [("stake", "stake"), ("confidence", "confidence"), ("close", "closed_at")]
)
def test_the_greatest_comes_first_and_what_has_no_value_last(filled: Engine, order: Any, column: str) -> None:
    with filled.connect() as connection:
        rows = queue_page(connection, Filters(order=order))
    values = [getattr(row, column) for row in rows]
    known = [value for value in values if value is not None]
    assert values == sorted(known, reverse=True) + [None] * (len(values) - len(known))


def test_what_somebody_has_open_is_kept_for_them_for_a_while(filled: Engine) -> None:
    first = opened(filled, "ann")
    assert first == ids(filled)[0]
    assert opened(filled, "bob") == ids(filled)[1]
    assert opened(filled, "ann") == first
    assert opened(filled, "cy", AT + timedelta(minutes=5)) == first


def test_what_leaves_somebody_unsure_is_asked_of_others(filled: Engine) -> None:
    with writing(filled) as connection:
        for name in ids(filled)[1:]:
            judge(connection, name, BOB, verdict="confirmed", at=AT)
        (last,) = [row.moment_id for row in queue_page(connection, Filters())]
        judge(connection, last, ANN, verdict="unsure", at=AT)
    assert opened(filled, "ann") is None
    assert opened(filled, "bob") == last


def test_a_corrected_partner_is_found_under_the_new_one(filled: Engine) -> None:
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", partner_id="bk", at=AT)
    assert ids(filled, partner="bk", state="judged") == ["m1"]
    assert ids(filled, partner="nw", state="judged") == []


def test_counts_tell_what_waits_and_what_was_done_today(filled: Engine) -> None:
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=AT)
        judge(connection, "m1", BOB, verdict="rejected", at=AT)
        judge(connection, "m2", BOB, verdict="unsure", at=AT - timedelta(days=1))
        now = counts(connection, Filters(partner="nw", state="all"), "ann", AT - timedelta(hours=9))
    assert (now.matching, now.waiting, now.contested, now.unsure) == (2, 4, 1, 1)
    assert (now.judged_today_by_you, now.judged_today_by_all) == (1, 2)


def test_choices_count_what_waits(filled: Engine) -> None:
    with filled.connect() as connection:
        offered = choices(connection)
    assert [(choice.name, choice.count) for choice in offered.partners] == [("Brücke & Söhne", 3), ("Northwind", 2)]
    assert sum(choice.count for choice in offered.types) == 6
    assert [(choice.name, choice.count) for choice in offered.owners] == [("Ana Pires", 4), ("Ben Okafor", 2)]
