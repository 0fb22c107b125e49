"""Periods of whole days in UTC, and quarters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from features.shown import day

__all__ = ["Period", "quarter"]


@dataclass(frozen=True)
class Period:
    """From one day until another, both inclusive; None is open."""

    since: date | None = None
    until: date | None = None

    def holds(self, column: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """Conditions that the column's moment lies in the period; one without a moment lies in no bounded period."""
        conditions = []
        if self.since:
            conditions.append(column >= _start(self.since))
        if self.until and self.until < date.max:
            conditions.append(column < _start(self.until + timedelta(days=1)))
        return conditions

    def includes(self, moment: datetime) -> bool:
        """Whether a moment lies in the period."""
        on = moment.astimezone(UTC).date()
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)

    @property
    def first(self) -> datetime | None:
        """The beginning of the first day; None where the period is open there."""
        return _start(self.since) if self.since else None

    @property
    def last(self) -> datetime | None:
        """The beginning of the last day; None where the period is open there."""
        return _start(self.until) if self.until else None

    @property
    def text(self) -> str:
        """The period in words."""
        if self.since and self.until:
            return f"{day(_start(self.since))} to {day(_start(self.until))}"
        if self.since:
            return f"since {day(_start(self.since))}"
        return f"until {day(_start(self.until))}" if self.until else "all time"


def quarter(moment: datetime) -> str:
    """The quarter of a moment, e.g. ``2025 Q1``."""
    return f"{moment.year} Q{(moment.month + 2) // 3}"


def _start(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)
