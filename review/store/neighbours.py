"""Which moments stand beside one in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.filters import KINDS, Filters, conditions, states_of
from review.store.ordering import SORTED, beyond
from review.store.schema import moments

__all__ = ["Neighbours", "neighbours"]


@dataclass(frozen=True)
class Neighbours:
    """Ids of the moments before and after one, in the order and by the filters of a queue; None at its ends."""

    before: str | None
    after: str | None


def neighbours(connection: Connection, filters: Filters, moment_id: str) -> Neighbours:
    """What stands beside a moment, which may itself be judged already, or be of another queue."""
    return Neighbours(
        _nearest(connection, filters, moment_id, "before"), _nearest(connection, filters, moment_id, "after")
    )


def _nearest(connection: Connection, filters: Filters, moment_id: str, side: Literal["after", "before"]) -> str | None:
    """The nearest of all states and kinds, each of which is one range of an index."""
    column = moments.c[SORTED[filters.order]]
    is_beyond, asked = beyond(connection, filters.order, moment_id, side), conditions(filters)
    query = (
        sa.select(moments.c.moment_id, column.label("place")).where(is_beyond, *asked).order_by(*_order(column, side))
    )
    ranges = [
        query.where(moments.c.state == state, moments.c.is_assist == is_assist).limit(1).subquery()
        for state in states_of(filters)
        for is_assist in KINDS[filters.kind]
    ]
    found = sa.union_all(*(sa.select(one) for one in ranges)).subquery()
    place = found.c.place
    nearest = sa.select(found.c.moment_id).order_by(*_order(place, side, found.c.moment_id)).limit(1)
    return connection.scalar(nearest)


def _order(
    place: sa.ColumnElement[Any],
    side: Literal["after", "before"],
    moment_id: sa.ColumnElement[str] = moments.c.moment_id,
) -> tuple[sa.ColumnElement[Any], ...]:
    """The nearest first: what has no place stands last in the queue."""
    if side == "after":
        return place.desc().nulls_last(), moment_id
    return place.asc().nulls_first(), moment_id.desc()
