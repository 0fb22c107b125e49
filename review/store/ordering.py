"""The orders of the queue, and what comes after or before a moment in them."""

from __future__ import annotations

from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.schema import moments

__all__ = ["SORTED", "beyond"]

SORTED: Final = {"stake": "stake", "close": "closed_at", "confidence": "confidence"}
"""The column of each order; the greatest comes first, then the smallest id, and what has none comes last."""


def beyond(
    connection: Connection, order: str, moment_id: str, side: Literal["after", "before"]
) -> sa.ColumnElement[bool]:
    """The condition that a moment comes after that one in the order, or before it; of an unknown one, none does."""
    column: sa.ColumnElement[Any] = moments.c[SORTED[order]]
    found = connection.execute(sa.select(column).where(moments.c.moment_id == moment_id)).first()
    if found is None:
        return sa.false()
    return _after(column, found[0], moment_id, order) if side == "after" else _before(column, found[0], moment_id)


def _after(column: sa.ColumnElement[Any], at: Any, moment_id: str, order: str) -> sa.ColumnElement[bool]:
    same = moments.c.moment_id > moment_id
    if at is None:
        return column.is_(None) & same
    further: sa.ColumnElement[bool] = (column <= at) & (
        (column < at) | same
    )  # The first half is what an index is searched by.
    return further | column.is_(None) if order == "close" else further


def _before(column: sa.ColumnElement[Any], at: Any, moment_id: str) -> sa.ColumnElement[bool]:
    same = moments.c.moment_id < moment_id
    if at is None:
        return column.is_not(None) | same
    further: sa.ColumnElement[bool] = (column >= at) & ((column > at) | same)
    return further
