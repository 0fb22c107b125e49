"""What of the queue is asked for, as conditions on moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Literal

import sqlalchemy as sa

from review.store.corrected import WHAT, WHOSE
from review.store.schema import MOMENT_STATES, deals, moments

__all__ = ["KINDS", "Band", "Filters", "Kind", "Order", "State", "conditions", "states_of"]

BANDS: Final = {"sure": (0.8, 2.0), "likely": (0.6, 0.8), "doubtful": (-1.0, 0.6)}
"""Confidence of each band: from (inclusive) to (exclusive)."""
KINDS: Final = {"moments": (True,), "signals": (False,), "all": (True, False)}
"""Values of ``is_assist`` of each kind."""
SHOWN_STATES: Final = tuple(state for state in MOMENT_STATES if state != "gone")

Band = Literal["sure", "likely", "doubtful"]
Kind = Literal["moments", "signals", "all"]
Order = Literal["stake", "close", "confidence"]
State = Literal["waiting", "judged", "contested", "ignored", "unsure", "all"]


@dataclass(frozen=True)
class Filters:
    """What of the queue is asked for, and in which order; None leaves a thing open.

    partner, assist_type : as people corrected them, else as found.
    deal : its id, or its whole name, in capitals or not.
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


def conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """What the filters ask for, but for state and kind."""
    asked = [
        (WHOSE, filters.partner),
        (WHAT, filters.assist_type),
        (moments.c.owner_id, filters.owner),
    ]
    made: list[sa.ColumnElement[bool]] = [column == value for column, value in asked if value is not None]
    if filters.deal is not None:
        is_named = sa.func.lower(deals.c.name) == sa.func.lower(filters.deal)
        named = sa.select(deals.c.deal_id).where(is_named)
        made.append((moments.c.deal_id == filters.deal) | moments.c.deal_id.in_(named))
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
