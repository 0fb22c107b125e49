"""What was known when: the only place that decides it.

A deal's cutoff is the moment up to which its history is known to the features. Lost deals often die early, and then
the touches that they never lived to receive give the outcome away (immortal time). A landmark, an age or a stage that
won and lost deals alike reached, compares deals at the same point of their lives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import ibis
import ibis.expr.types as ir

from features.portable import SECONDS_PER_DAY

KINDS: Final = ("at_close", "days_before_close", "stage_entry", "age_days")


@dataclass(frozen=True)
class Cutoff:
    """Which moment of a deal's life is its cutoff.

    ``at_close``: when it closed. ``days_before_close``: ``days`` (>= 0) before that. ``stage_entry``: its first entry
    into ``stage``. ``age_days``: ``days`` (>= 0) after it was created. ``days`` is rounded to whole seconds.
    Raises ``ValueError`` for another kind, or one without its ``days`` or ``stage``.
    """

    kind: str = "at_close"
    days: float | None = None
    stage: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"cutoff kind is {self.kind!r}; it must be one of {', '.join(KINDS)}.")
        if self.kind in {"days_before_close", "age_days"} and (self.days is None or not 0 <= self.days < 1e6):
            raise ValueError(f"cutoff {self.kind} needs days, a number from 0 to a million, but days is {self.days!r}.")
        if self.kind == "stage_entry" and not self.stage:
            raise ValueError("cutoff stage_entry needs stage, the name of the stage as in stage_history.")

    @property
    def is_landmark(self) -> bool:
        """Whether deals are compared at the same point of their lives rather than at, or relative to, their end."""
        return self.kind in {"stage_entry", "age_days"}

    @property
    def words(self) -> str:
        """The kind with its days or stage, e.g. ``age_days (30)``."""
        detail = self.stage if self.days is None else f"{self.days:g}"
        return self.kind if detail is None else f"{self.kind} ({detail})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The cutoff that ``to_dict`` gave."""
        return cls(**values)


def cutoffs(deals: ir.Table, stage_history: ir.Table, cutoff: Cutoff) -> ir.Table:
    """The cutoff of every closed deal that reached it: ``deal_id``, ``cutoff_at`` (UTC).

    A cutoff is never after the deal's close. Absent are open deals, deals that closed before the landmark or never
    entered the stage (an entry after close does not count), and deals that did not yet exist ``days`` before close.
    """
    closed = closed_deals(deals)
    dated = _RULES[cutoff.kind](closed, stage_history, cutoff)
    return dated.filter(dated.cutoff_at <= dated.closed_at).select("deal_id", "cutoff_at")


def closed_deals(deals: ir.Table) -> ir.Table:
    """The won and lost deals."""
    return deals.filter(deals.outcome.isin(["won", "lost"]), deals.closed_at.notnull())


def known_at(table: ir.Table, cutoffs: ir.Table) -> ir.Table:
    """The rows of a table that were known at their deal's cutoff, with the columns of ``cutoffs`` beside them.

    ``table`` has ``deal_id``, ``occurred_at`` and ``recorded_at`` (null: recorded when it happened). Both moments must
    lie at or before the cutoff (inclusive). Rows of deals without a cutoff are left out.
    """
    dated = table.inner_join(cutoffs, "deal_id")
    recorded = dated.recorded_at.isnull() | (dated.recorded_at <= dated.cutoff_at)
    return dated.filter(dated.occurred_at <= dated.cutoff_at, recorded)


def _interval(days: float | None) -> ir.IntervalScalar:
    assert days is not None
    return ibis.interval(seconds=round(days * SECONDS_PER_DAY))


def _at_close(closed: ir.Table, _: ir.Table, __: Cutoff) -> ir.Table:
    return closed.mutate(cutoff_at=closed.closed_at)


def _days_before_close(closed: ir.Table, _: ir.Table, cutoff: Cutoff) -> ir.Table:
    dated = closed.mutate(cutoff_at=closed.closed_at - _interval(cutoff.days))
    return dated.filter(dated.cutoff_at >= dated.created_at)


def _stage_entry(closed: ir.Table, stage_history: ir.Table, cutoff: Cutoff) -> ir.Table:
    entries = stage_history.filter(stage_history.stage == cutoff.stage)
    first = entries.group_by("deal_id").aggregate(cutoff_at=entries.entered_at.min())
    return closed.inner_join(first, "deal_id")


def _age_days(closed: ir.Table, _: ir.Table, cutoff: Cutoff) -> ir.Table:
    return closed.mutate(cutoff_at=closed.created_at + _interval(cutoff.days))


_RULES: Final[dict[str, Callable[[ir.Table, ir.Table, Cutoff], ir.Table]]] = {
    "at_close": _at_close,
    "days_before_close": _days_before_close,
    "stage_entry": _stage_entry,
    "age_days": _age_days,
}
