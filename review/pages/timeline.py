"""A deal's touches, moments and judgements over time, one lane a player, as places in a picture and rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from features.judgements import OWNER
from features.shown import day
from features.tables import DIRECT
from review.pages.claim_table import OWN_TEAM, rank
from review.rendering import type_name
from review.store.deal_facts import Stage, stages_of, touches_of
from review.store.deals import DealFile

__all__ = ["LOOKS", "Band", "Lane", "Mark", "Timeline", "timeline"]

Kind = Literal["touch", "moment", "judgement", "question"]
LIFE: Final = (1.5, 84.0)
"""Where the deal's own time lies, in per cent of the picture's width."""
LATER: Final = (89.0, 98.5)
"""Where what people said of it after its end stands, in its order."""
NEAR_START, FAR_FROM_END, NEAR_END = 30.0, 50.0, 70.0
"""Where the day of the close stands so that no two days of the axis overlap on a narrow screen, in per cent."""
HEIGHTS: Final[dict[Kind, int]] = {"moment": 12, "judgement": 12, "question": 12, "touch": 30}
LOOKS: Final = {
    "touch": "touch",
    "waiting": "moment, nobody has judged it",
    "confirmed": "moment, confirmed",
    "rejected": "moment, rejected",
    "contested": "moment, people disagree",
    "yes": "said to be so",
    "no": "said not to be so",
    "asked": "the deal's owner was asked",
}
"""What each look of a mark stands for."""
UNKNOWN: Final = ""


@dataclass(frozen=True)
class Mark:
    """One thing that happened in a lane; ``x`` in per cent of the width, ``y`` in pixels."""

    at: datetime
    kind: Kind
    look: str
    title: str
    x: float
    y: int


@dataclass(frozen=True)
class Lane:
    """A player and what happened to it, in order of time."""

    name: str
    is_own: bool
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Band:
    """A stage of the deal and where it lies."""

    stage: str
    entered_at: datetime
    x: float
    width: float


@dataclass(frozen=True)
class Timeline:
    """The lanes, the stages, the ends of the deal's time, and when and where in the picture it was closed."""

    first: datetime
    last: datetime
    closed_at: datetime | None
    closed_x: float | None
    bands: tuple[Band, ...]
    lanes: tuple[Lane, ...]

    @property
    def looks(self) -> list[tuple[str, str]]:
        """Looks that occur, with what they stand for."""
        there = {mark.look for lane in self.lanes for mark in lane.marks}
        return [(look, text) for look, text in LOOKS.items() if look in there]

    @property
    def ticks(self) -> list[tuple[float, str, str]]:
        """Days along the axis: place, text and how it is anchored; the close stands for the end where it is near."""
        made = [(LIFE[0], day(self.first), "start")]
        if self.closed_at and self.closed_x is not None:
            anchor = "end" if self.closed_x > NEAR_END else "middle" if self.closed_x > NEAR_START else "start"
            made.append((self.closed_x, f"closed {day(self.closed_at)}", anchor))
        if self.closed_x is None or NEAR_START < self.closed_x < FAR_FROM_END:
            made.append((LIFE[1], day(self.last), "end"))
        return [*made, (LATER[1], "later", "end")] if self.has_later else made

    @property
    def has_later(self) -> bool:
        """Whether something was said after the deal's own time."""
        return any(mark.x > LIFE[1] for lane in self.lanes for mark in lane.marks)


@dataclass(frozen=True)
class _Event:
    partner_id: str
    at: datetime
    kind: Kind
    look: str
    title: str


def timeline(file: DealFile) -> Timeline:
    """The timeline of a deal."""
    deal = file.deal
    happened = [*_touches(file), *_moments(file)]
    said = [*_judgements(file), *_questions(file)]
    stages = stages_of(deal["facts"])
    times = [event.at for event in happened] + [stage.entered_at for stage in stages]
    times += [at for at in (deal["created_at"], deal["closed_at"]) if at]
    first, last = min(times), max(times)
    later = sorted(event.at for event in said if event.at > last)
    lanes = [
        Lane(
            OWN_TEAM if player == DIRECT else file.names.get(player, player) or "A partner that is not known",
            player == DIRECT,
            tuple(_mark(event, _x(event.at, first, last, later)) for event in sorted(events, key=lambda e: e.at)),
        )
        for player, events in _by_player(
            [*happened, *said], [claim["partner_id"] for claim in sorted(file.claims, key=rank)]
        )
    ]
    closed = deal["closed_at"]
    return Timeline(
        first,
        last,
        closed,
        None if closed is None else _x(closed, first, last, []),
        tuple(_bands(stages, closed or last, first, last)),
        tuple(lanes),
    )


def _touches(file: DealFile) -> Iterable[_Event]:
    for touch in touches_of(file.deal["facts"]):
        where = f", {touch.source_system}" if touch.source_system else ""
        long = f", {touch.minutes:g} minutes" if touch.minutes else ""
        text = f"{touch.kind.replace('_', ' ')}{long}{where}"
        yield _Event(touch.partner_id, touch.occurred_at, "touch", "touch", text)


def _moments(file: DealFile) -> Iterable[_Event]:
    for moment in file.moments:
        look = "rejected" if moment["verdict"] == "rejected" else moment["state"]
        look = {"judged": "confirmed", "contested": "contested", "rejected": "rejected"}.get(look, "waiting")
        text = f"{LOOKS[look]}: {type_name(moment['told_type'] or moment['assist_type'])}"
        yield _Event(_whose(moment), moment["started_at"], "moment", look, text)


def _judgements(file: DealFile) -> Iterable[_Event]:
    whose = {moment["moment_id"]: _whose(moment) for moment in file.moments}
    for moment_id, rows in file.judgements.items():
        for row in rows:
            who = "the deal's owner" if row["role"] == OWNER else row["reviewer"]
            look = "no" if row["verdict"] == "rejected" else "yes"
            text = f"{row['verdict'].replace('_', ' ')} by {who}"
            yield _Event(whose[moment_id], row["reviewed_at"], "judgement", look, text)


def _questions(file: DealFile) -> Iterable[_Event]:
    whose = {moment["moment_id"]: _whose(moment) for moment in file.moments}
    for moment_id, rows in file.questions.items():
        for row in rows:
            yield _Event(whose[moment_id], row["asked_at"], "question", "asked", LOOKS["asked"])


def _whose(moment: Mapping[Any, Any]) -> str:
    whose: str = moment["told_partner"] or moment["partner_id"] or UNKNOWN
    return whose


def _by_player(events: Sequence[_Event], claiming: Sequence[str]) -> list[tuple[str, list[_Event]]]:
    """Events by player in the order of claims, then players without a claim, the own team last."""
    grouped: dict[str, list[_Event]] = {player: [] for player in claiming if player != DIRECT}
    for event in events:
        grouped.setdefault(event.partner_id, []).append(event)
    return sorted(grouped.items(), key=lambda pair: pair[0] == DIRECT)


def _mark(event: _Event, x: float) -> Mark:
    return Mark(event.at, event.kind, event.look, f"{day(event.at)}: {event.title}", x, HEIGHTS[event.kind])


def _x(at: datetime, first: datetime, last: datetime, later: Sequence[datetime]) -> float:
    if at > last and later:
        return round(LATER[0] + (LATER[1] - LATER[0]) * (later.index(at) + 0.5) / len(later), 2)
    span = (last - first).total_seconds() or 1.0
    part = (at - first).total_seconds() / span
    return round(LIFE[0] + (LIFE[1] - LIFE[0]) * min(max(part, 0.0), 1.0), 2)


def _bands(stages: Sequence[Stage], end: datetime, first: datetime, last: datetime) -> Iterable[Band]:
    ends = [stage.entered_at for stage in stages[1:]] + [end]
    for stage, until in zip(stages, ends, strict=False):
        x = _x(stage.entered_at, first, last, [])
        yield Band(stage.stage, stage.entered_at, x, round(max(_x(until, first, last, []) - x, 0.0), 2))
