"""The queue: which moments wait, in which order, and which one is next for somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.ordering import SORTED, beyond
from review.store.schema import MOMENT_STATES, deals, judgements, moments, partners, verifications
from review.store.standing import STANDS

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
    "states_of",
]

PAGE_SIZE: Final = 25
OPEN_FOR: Final = timedelta(minutes=5)
"""How long a moment that somebody has opened is kept for them."""
BANDS: Final = {"sure": (0.8, 2.0), "likely": (0.6, 0.8), "doubtful": (-1.0, 0.6)}
"""Confidence of each band: from (inclusive) to (exclusive)."""
KINDS: Final = {"moments": (True,), "signals": (False,), "all": (True, False)}
"""Values of ``is_assist`` of each kind."""
SHOWN_STATES: Final = tuple(state for state in MOMENT_STATES if state != "gone")
OPEN_QUESTIONS: Final = ("queued", "sent")
"""States of a verification that waits for its owner."""
WHOSE: Final = sa.func.coalesce(moments.c.told_partner, moments.c.partner_id)
WHAT: Final = sa.func.coalesce(moments.c.told_type, moments.c.assist_type)

Band = Literal["sure", "likely", "doubtful"]
Kind = Literal["moments", "signals", "all"]
Order = Literal["stake", "close", "confidence"]
State = Literal["waiting", "judged", "contested", "ignored", "unsure", "all"]


@dataclass(frozen=True)
class Filters:
    """What of the queue is asked for, and in which order; None leaves a thing open.

    partner, assist_type : as people corrected them, else as found.
    since, until : days (UTC) on which the conversation began, both inclusive.
    band : of confidence: ``sure`` from 0.8, ``likely`` from 0.6, ``doubtful`` below.
    state : as in the column of that name; ``all`` are those still found or judged.
    kind : ``moments`` were flagged as help, ``signals`` as something else.
    order : money at stake × uncertainty, close date, or confidence; the greatest first, and those without one last.
    """

    partner: str | None = None
    assist_type: str | None = None
    deal: str | None = None
    owner: str | None = None
    since: date | None = None
    until: date | None = None
    band: Band | None = None
    state: State = "waiting"
    kind: Kind = "moments"
    order: Order = "stake"


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


@dataclass(frozen=True)
class Choice:
    """One value that a filter may take, its name, and how many moments wait that have it."""

    value: str
    name: str
    count: int


@dataclass(frozen=True)
class Choices:
    """What the filters offer, by name."""

    partners: tuple[Choice, ...]
    types: tuple[Choice, ...]
    owners: tuple[Choice, ...]


def queue_page(connection: Connection, filters: Filters, *, page: int = 1, size: int = PAGE_SIZE) -> list[QueueRow]:
    """The rows of one page, counted from 1."""
    chosen = _chosen(filters, size, offset=(page - 1) * size)
    joined = (
        chosen.join(moments, moments.c.moment_id == chosen.c.moment_id)
        .outerjoin(deals, deals.c.deal_id == moments.c.deal_id)
        .outerjoin(partners, partners.c.partner_id == WHOSE)
    )
    query = sa.select(*_COLUMNS).select_from(joined).order_by(*_order(filters, chosen.c))
    return [QueueRow(**row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, filters: Filters, reviewer: str, day_start: datetime) -> Counts:
    """How much matches, waits and was done since ``day_start``."""
    by_state = sa.select(moments.c.state, sa.func.count()).where(moments.c.is_assist).group_by(moments.c.state)
    found = {row.state: int(row[1]) for row in connection.execute(by_state)}
    today = (judgements.c.reviewed_at >= day_start) & STANDS & (judgements.c.role != "rep")
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
    )


def next_moment(
    connection: Connection, filters: Filters, reviewer: str, now: datetime, *, after: str | None = None
) -> str | None:
    """The first moment in order that nobody else has open, kept for the reviewer for a while; None if there is none.

    With ``after``, the first after that moment; where there is none behind it, the first of all.
    Where those that wait are asked for, those about which somebody else was unsure belong to them.
    """
    is_free = sa.or_(moments.c.opened_by.is_(None), moments.c.opened_by == reviewer, moments.c.opened_until <= now)
    unsure = sa.exists().where(judgements.c.moment_id == moments.c.moment_id, judgements.c.reviewer == reviewer, STANDS)
    further = [is_free, sa.or_(moments.c.state != "unsure", ~unsure)]
    if after is not None:
        further.append(beyond(connection, filters.order, after, "after"))
    states = ("waiting", "unsure") if filters.state == "waiting" else None
    chosen = _chosen(filters, 1, further=further, states=states)
    moment_id = connection.scalar(sa.select(chosen.c.moment_id).order_by(*_order(filters, chosen.c)))
    if moment_id is None and after is not None:
        return next_moment(connection, filters, reviewer, now)
    if moment_id is not None:
        values = {"opened_by": reviewer, "opened_until": now + OPEN_FOR}
        connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(values))
    return moment_id


def choices(connection: Connection) -> Choices:
    """Partners, types and owners of the moments that wait, by name."""
    waiting = moments.c.is_assist & (moments.c.state == "waiting")
    named = {row.partner_id: row.name for row in connection.execute(sa.select(partners.c.partner_id, partners.c.name))}
    owners = sa.select(deals.c.owner_id, sa.func.max(deals.c.owner_name)).group_by(deals.c.owner_id)
    reps = {row.owner_id: row[1] for row in connection.execute(owners)}
    return Choices(
        partners=_choice(connection, WHOSE, waiting, named),
        types=_choice(connection, WHAT, waiting, {}),
        owners=_choice(connection, moments.c.owner_id, waiting, reps),
    )


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
    further: Iterable[sa.ColumnElement[bool]] = (),
    states: tuple[str, ...] | None = None,
) -> sa.Subquery:
    """Ids and places of the rows asked for: each state and kind is one range of an index, and they are merged."""
    wanted, kinds = states or states_of(filters), KINDS[filters.kind]
    ranges = []
    for state in wanted:
        for is_assist in kinds:
            is_in = (moments.c.state == state, moments.c.is_assist == is_assist, *conditions(filters), *further)
            query = sa.select(moments.c.moment_id, moments.c[SORTED[filters.order]].label("place")).where(*is_in)
            ordered = query.order_by(*_order(filters, query.selected_columns)).limit(offset + size)
            ranges.append(sa.select(ordered.subquery()))
    merged = sa.union_all(*ranges).subquery()
    query = sa.select(merged.c.moment_id, merged.c.place)
    return query.order_by(*_order(filters, merged.c)).limit(size).offset(offset).subquery()


def _order(filters: Filters, columns: Any) -> tuple[sa.ColumnElement[Any], ...]:
    place = columns["place"].desc()
    return (place.nulls_last() if filters.order == "close" else place, columns["moment_id"])


def conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """What the filters ask for, but for state and kind."""
    asked = [
        (WHOSE, filters.partner),
        (WHAT, filters.assist_type),
        (moments.c.deal_id, filters.deal),
        (moments.c.owner_id, filters.owner),
    ]
    made: list[sa.ColumnElement[bool]] = [column == value for column, value in asked if value is not None]
    if filters.since is not None:
        made.append(moments.c.started_at >= datetime.combine(filters.since, time.min, UTC))
    if filters.until is not None:
        made.append(moments.c.started_at <= datetime.combine(filters.until, time.max, UTC))
    if filters.band is not None:
        least, below = BANDS[filters.band]
        made += [moments.c.confidence >= least, moments.c.confidence < below]
    return made


def states_of(filters: Filters) -> tuple[str, ...]:
    """The states that the filters ask for."""
    return SHOWN_STATES if filters.state == "all" else (filters.state,)


def _matching(connection: Connection, filters: Filters, by_state: dict[str, int]) -> int:
    asked = conditions(filters)
    states = states_of(filters)
    if not asked and filters.kind == "moments":
        return sum(by_state.get(state, 0) for state in states)
    is_in = (moments.c.state.in_(states), moments.c.is_assist.in_(KINDS[filters.kind]), *asked)
    return connection.scalar(sa.select(sa.func.count()).select_from(moments).where(*is_in)) or 0


def _choice(
    connection: Connection, column: sa.ColumnElement[Any], waiting: sa.ColumnElement[bool], names: dict[str, str | None]
) -> tuple[Choice, ...]:
    query = sa.select(column, sa.func.count()).where(waiting, column.is_not(None)).group_by(column)
    made = [Choice(value, names.get(value) or value, number) for value, number in connection.execute(query)]
    return tuple(sorted(made, key=lambda choice: (choice.name.casefold(), choice.value)))
