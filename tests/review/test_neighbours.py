from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from review.store.engine import writing
from review.store.filters import Filters
from review.store.neighbours import neighbours
from review.store.queue import next_moment, queue_page


@pytest.mark.parametrize("order", ["stake", "close", "confidence"])
@pytest.mark.parametrize("kind", ["moments", "all"])
def test_neighbours_are_those_of_the_queue(filled: Engine, order: str, kind: str) -> None:
    filters = Filters(order=order, kind=kind)  # type: ignore[arg-type]
    with filled.connect() as connection:
        ids = [row.moment_id for row in queue_page(connection, filters)]
        found = [neighbours(connection, filters, moment_id) for moment_id in ids]
    assert len(ids) == (7 if kind == "all" else 6)
    assert [each.before for each in found] == [None, *ids[:-1]]
    assert [each.after for each in found] == [*ids[1:], None]


def test_the_next_moment_is_behind_the_one_just_judged_and_then_the_first(filled: Engine, desk_clock: object) -> None:
    with writing(filled) as connection:
        ids = [row.moment_id for row in queue_page(connection, Filters())]
        now = desk_clock()  # type: ignore[operator]
        assert next_moment(connection, Filters(), "ann", now, after=ids[2]) == ids[3]
        assert next_moment(connection, Filters(), "ann", now, after=ids[-1]) == ids[0]
        assert next_moment(connection, Filters(), "bea", now, after=ids[2]) == ids[4]


def test_an_unknown_moment_has_no_neighbours(filled: Engine) -> None:
    with filled.connect() as connection:
        assert neighbours(connection, Filters(), "unknown").after is None
