"""The queue: which moments wait, in which order, and which one is next for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.judgements import OWNER
from review.store.corrected import WHAT, WHOSE
from review.store.filters import KINDS, Filters, conditions, states_of
from review.store.ordering import SORTED, beyond
from review.store.schema import deals, judgements, moments, partners, verifications
from review.store.standing import STANDS
from review.store.tallies import Choice, Choices, by_state, choices

__all__ = [
    "KINDS",
    "OPEN_FOR",
    "PAGE_SIZE",
    "Choice",
    "Choices",
    "Counts",
    "Filters",
    "QueueRow",
    "choices",
    "conditions",
    "counts",
    "next_moment",
    "queue_page",
    "second_for",
    "states_of",
]

PAGE_SIZE: Final = 25
OPEN_FOR: Final = timedelta(minutes=5)
"""How long a moment that somebody has opened is kept for them."""
OPEN_QUESTIONS: Final = ("queued", "sent")
"""States of a verification that waits for its owner."""


@dataclass(frozen=True)
class QueueRow:
    """A moment as a row of the queue; ``assist_type`` and ``partner_id`` as people corrected them, else as found."""

    moment_id: str
    conversation_id: str
    quote: str
    assist_type: str
    is_assist: bool
    partner_id: str | None
    partner_name: str | None
    confidence: float
    journey_stage: str
    started_at: datetime
    stake: float
    state: str
    verdict: str | None
    grade: str | None
    is_confirmed: bool
    is_verified: bool
    version: int
    opened_by: str | None
    opened_until: datetime | None
    deal_id: str | None
    deal_name: str | None
    owner_id: str | None
    owner_name: str | None
    outcome: str | None
    closed_at: datetime | None
    amount: float | None
    currency: str | None


@dataclass(frozen=True)
class Counts:
    """How much there is: ``matching`` the filters, and of all moments that were flagged as help.

    ``unsure`` : about which somebody could not say; they come back to others.
    """

    matching: int
    waiting: int
    judged_today_by_you: int
    judged_today_by_all: int
    contested: int
    verifications_open: int
    unsure: int
    second: int = 0


def queue_page(connection: Connection, filters: Filters, *, page: int = 1, size: int = PAGE_SIZE) -> list[QueueRow]:
    """The rows of one page, counted from 1."""
    chosen = _chosen(filters, size, offset=(page - 1) * size)
    joined = (
        chosen.join(moments, moments.c.moment_id == chosen.c.moment_id)
        .outerjoin(deals, deals.c.deal_id == moments.c.deal_id)
        .outerjoin(partners, partners.c.partner_id == WHOSE)
    )
    query = sa.select(*_COLUMNS).select_from(joined).order_by(*_order(chosen.c))
    return [QueueRow(**row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, filters: Filters, reviewer: str, day_start: datetime) -> Counts:
    """How much matches, waits and was done since ``day_start``."""
    found = by_state(connection)
    today = (judgements.c.reviewed_at >= day_start) & STANDS & (judgements.c.role != OWNER)
    done = sa.select(sa.func.count(), sa.func.count().filter(judgements.c.reviewer == reviewer)).where(today)
    by_all, by_you = connection.execute(done).one()
    asked = sa.select(sa.func.count()).where(verifications.c.state.in_(OPEN_QUESTIONS))
    return Counts(
        matching=_matching(connection, filters, found),
        waiting=found.get("waiting", 0),
        judged_today_by_you=by_you,
        judged_today_by_all=by_all,
        contested=found.get("contested", 0),
        verifications_open=connection.scalar(asked) or 0,
        unsure=found.get("unsure", 0),
        second=_for_second(connection, reviewer),
    )


def next_moment(
    connection: Connection, filters: Filters, reviewer: str, now: datetime, *, after: str | None = None
) -> str | None:
    """The first moment in order that nobody else has open, kept for the reviewer for a while; None if there is none.

    With ``after``, the first after that moment; where there is none behind it, the first of all.
    Where those that wait are asked for, those about which somebody else was unsure belong to them, and those of which a
    second opinion is wanted.
    """
    opened = (moments.c.opened_until > now, moments.c.opened_by != reviewer)
    taken = connection.scalars(sa.select(moments.c.moment_id).where(*opened)).all()
    mine = sa.select(judgements.c.moment_id).where(judgements.c.reviewer == reviewer, STANDS)
    further: list[sa.ColumnElement[bool]] = [moments.c.moment_id.not_in(taken)]
    if after is not None:
        further.append(beyond(connection, filters.order, after, "after"))
    states, beside = (("waiting", "unsure"), [second_for(reviewer)]) if filters.state == "waiting" else (None, [])
    of_state = {"unsure": moments.c.moment_id.not_in(mine)}
    chosen = _chosen(filters, 1, states=states, further=further, of_state=of_state, beside=beside)
    moment_id = connection.scalar(sa.select(chosen.c.moment_id).order_by(*_order(chosen.c)))
    if moment_id is None and after is not None:
        return next_moment(connection, filters, reviewer, now)
    if moment_id is not None:
        values = {"opened_by": reviewer, "opened_until": now + OPEN_FOR}
        connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(values))
    return moment_id


def second_for(reviewer: str) -> sa.ColumnElement[bool]:
    """The condition that the reviewer is wanted for a second opinion of a moment."""
    return moments.c.second_after.is_not(None) & (moments.c.second_after != reviewer)


_COLUMNS: Final = (
    *(
        moments.c[name]
        for name in (
            *("moment_id", "conversation_id", "quote", "is_assist", "confidence", "journey_stage", "started_at"),
            *("stake", "state", "verdict", "grade", "is_confirmed", "is_verified", "version", "opened_by"),
            *("opened_until", "deal_id", "owner_id", "closed_at"),
        )
    ),
    WHAT.label("assist_type"),
    WHOSE.label("partner_id"),
    partners.c.name.label("partner_name"),
    deals.c.name.label("deal_name"),
    deals.c.owner_name,
    deals.c.outcome,
    deals.c.amount,
    deals.c.currency,
)


def _chosen(
    filters: Filters,
    size: int,
    offset: int = 0,
    *,
    states: tuple[str, ...] | None = None,
    further: Sequence[sa.ColumnElement[bool]] = (),
    of_state: Mapping[str, sa.ColumnElement[bool]] | None = None,
    beside: Sequence[sa.ColumnElement[bool]] = (),
) -> sa.Subquery:
    """Ids and places of the rows asked for: each state and kind is one range of an index, and they are merged.

    ``further`` holds conditions on all of them, ``of_state`` one on those of a state; those of ``beside`` bring moments
    of any state.
    """
    extra = of_state or {}
    of_states = [
        sa.and_(moments.c.state == state, extra.get(state, sa.true())) for state in states or states_of(filters)
    ]
    ranges = []
    for is_wanted in (*of_states, *beside):
        for is_assist in KINDS[filters.kind]:
            is_in = [is_wanted, moments.c.is_assist == is_assist, *conditions(filters), *further]
            query = sa.select(moments.c.moment_id, moments.c[SORTED[filters.order]].label("place")).where(*is_in)
            ordered = query.order_by(*_order(query.selected_columns)).limit(offset + size)
            ranges.append(sa.select(ordered.subquery()))
    merged = sa.union_all(*ranges).subquery()
    query = sa.select(merged.c.moment_id, merged.c.place)
    return query.order_by(*_order(merged.c)).limit(size).offset(offset).subquery()


def _order(columns: Any) -> tuple[sa.ColumnElement[Any], ...]:
    return columns["place"].desc().nulls_last(), columns["moment_id"]


def _matching(connection: Connection, filters: Filters, numbers: dict[str, int]) -> int:
    asked = conditions(filters)
    states = states_of(filters)
    if not asked and filters.kind == "moments":
        return sum(numbers.get(state, 0) for state in states)
    is_in = (moments.c.state.in_(states), moments.c.is_assist.in_(KINDS[filters.kind]), *asked)
    return connection.scalar(sa.select(sa.func.count()).select_from(moments).where(*is_in)) or 0


def _for_second(connection: Connection, reviewer: str) -> int:
    query = sa.select(sa.func.count()).select_from(moments).where(second_for(reviewer), moments.c.is_assist)
    return connection.scalar(query) or 0
