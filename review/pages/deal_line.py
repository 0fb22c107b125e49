"""A deal's life in one line: its touches, and when a moment of it was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from features.shown import count, day
from features.tables import DIRECT
from review.store.deal_facts import Touch, touches_of
from review.store.moments import Deal

__all__ = ["DealLine", "deal_line"]

LEFT: Final = 8
WIDTH: Final = 304
"""Where the line begins, and how long it is, in the picture's own units."""


@dataclass(frozen=True)
class Mark:
    """One thing on the line; ``look`` says what it is: this moment, a touch of the partner or of others, the close."""

    kind: str
    look: str
    x: int
    title: str


@dataclass(frozen=True)
class DealLine:
    """The marks between two days, and what the picture shows, in words."""

    first: datetime
    last: datetime
    marks: list[Mark]
    label: str


def deal_line(deal: Deal, partner_id: str | None, said_at: datetime) -> DealLine:
    """The line from the deal's first day to its last, which is that of the moment where it is later."""
    touches = touches_of(deal.facts)
    times = [deal.created_at, said_at, *(touch.occurred_at for touch in touches)]
    times += [deal.closed_at] if deal.closed_at else []
    first, last = min(times), max(times)
    own = [touch for touch in touches if touch.partner_id == partner_id]
    marks = [*_marks(touches, partner_id, first, last)]
    if deal.closed_at:
        marks.append(Mark("close", "closed", _x(deal.closed_at, first, last), f"{day(deal.closed_at)}: closed"))
    marks.append(Mark("moment", "this", _x(said_at, first, last), f"{day(said_at)}: this moment"))
    label = (
        f"From {day(first)} to {day(last)}: {count(len(touches), 'recorded touch', 'recorded touches')}, "
        f"{len(own)} of this partner; the moment was on {day(said_at)}."
    )
    return DealLine(first, last, marks, label)


def _marks(touches: Iterable[Touch], partner_id: str | None, first: datetime, last: datetime) -> Iterator[Mark]:
    """One mark for all touches of a look at a place; the partner's own lie on top."""
    places: dict[tuple[str, int], list[Touch]] = {}
    for touch in touches:
        look = "own" if touch.partner_id == partner_id else "other"
        places.setdefault((look, _x(touch.occurred_at, first, last)), []).append(touch)
    for (look, x), found in sorted(places.items(), key=lambda item: (item[0][0] == "own", item[0][1])):
        who = "this partner" if look == "own" else "own team" if found[0].partner_id == DIRECT else "another partner"
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        kind = found[0].kind.replace("_", " ")
        yield Mark("touch", look, x, f"{day(found[0].occurred_at)}: {kind}, {who}{more}")


def _x(at: datetime, first: datetime, last: datetime) -> int:
    span = (last - first).total_seconds()
    return LEFT + round(WIDTH * (at - first).total_seconds() / span) if span else LEFT
