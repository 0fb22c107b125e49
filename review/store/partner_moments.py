"""A partner's moments of a period, and how well the model finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.assist.taxonomy import taxonomy
from review.store.claims import supports
from review.store.corrected import WHAT, WHOSE
from review.store.periods import Period
from review.store.schema import deals, moments

__all__ = ["Precision", "moments_counted", "moments_of", "precision_of"]


@dataclass(frozen=True)
class Precision:
    """Of the moments found for a partner: how many were judged, and how many of these hold as its help."""

    n_judged: int
    n_right: int


def moments_counted(connection: Connection, partner_id: str, period: Period) -> Sequence[RowMapping]:
    """A partner's moments of conversations begun in the period, counted by what they tell of and where they stand.

    Columns: ``assist_type``, ``told_type``, ``state``, ``verdict`` and ``n``.
    """
    by = (moments.c.assist_type, moments.c.told_type, moments.c.state, moments.c.verdict)
    select = sa.select(*by, sa.func.count().label("n")).where(*_tells_of_help(partner_id, period)).group_by(*by)
    return connection.execute(select).mappings().all()


def moments_of(
    connection: Connection, partner_id: str, period: Period, *, size: int, page: int
) -> Sequence[RowMapping]:
    """One page of a partner's moments of conversations begun in the period, the latest first, with the deal's name."""
    select = (
        sa.select(moments, deals.c.name.label("deal_name"))
        .outerjoin(deals, deals.c.deal_id == moments.c.deal_id)
        .where(*_tells_of_help(partner_id, period))
        .order_by(moments.c.started_at.desc(), moments.c.moment_id)
    )
    return connection.execute(select.limit(size).offset((page - 1) * size)).mappings().all()


def precision_of(connection: Connection, partner_id: str, period: Period) -> Precision:
    """How well the model finds this partner's help, as judged; of conversations begun in the period."""
    by = (moments.c.assist_type, moments.c.told_type, moments.c.told_partner, moments.c.state, moments.c.verdict)
    is_its = (moments.c.partner_id == partner_id) & moments.c.is_found & moments.c.is_assist
    select = sa.select(*by, sa.func.count().label("n")).where(
        is_its, moments.c.state == "judged", *period.holds(moments.c.started_at)
    )
    judged = connection.execute(select.group_by(*by)).mappings().all()
    right = [row for row in judged if supports(row) and row["told_partner"] in (None, partner_id)]
    return Precision(sum(row["n"] for row in judged), sum(row["n"] for row in right))


def _tells_of_help(partner_id: str, period: Period) -> list[sa.ColumnElement[bool]]:
    """Conditions: a moment tells of the partner's help, in the period, and is not gone."""
    return [
        sa.literal(partner_id) == WHOSE,
        moments.c.state != "gone",
        WHAT.not_in(taxonomy().other_ids),
        *period.holds(moments.c.started_at),
    ]
