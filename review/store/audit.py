"""What the audit holds, looked up and taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from review.store.periods import Period
from review.store.schema import events

__all__ = ["PAGE_SIZE", "AuditFilters", "Known", "all_events", "events_page", "known"]

PAGE_SIZE: Final = 50
BATCH: Final = 500
EVER: Final = Period()
RECENT: Final = 5_000
"""Newest rows in which names for the filters are looked for."""


@dataclass(frozen=True)
class AuditFilters:
    """What of the audit is asked for; None leaves a thing open.

    subject : the kind of thing, e.g. ``moment``. subject_id : the one thing of that kind, or of any kind.
    """

    who: str | None = None
    action: str | None = None
    subject: str | None = None
    subject_id: str | None = None
    period: Period = EVER


@dataclass(frozen=True)
class Known:
    """People, actions and kinds of subject that the newest rows name."""

    people: tuple[str, ...]
    actions: tuple[str, ...]
    subjects: tuple[str, ...]


def events_page(
    connection: Connection, filters: AuditFilters, *, before: int | None = None, size: int = PAGE_SIZE
) -> list[RowMapping]:
    """The newest ``size`` rows, of those whose ``seq`` is below ``before``."""
    query = _asked(filters).order_by(events.c.seq.desc()).limit(size)
    if before is not None:
        query = query.where(events.c.seq < before)
    return list(connection.execute(query).mappings())


def all_events(connection: Connection, filters: AuditFilters) -> Iterator[RowMapping]:
    """All rows asked for, the oldest first, a few at a time."""
    query = _asked(filters).order_by(events.c.seq)
    with connection.execute(query, execution_options={"yield_per": BATCH}) as found:
        yield from found.mappings()


def known(connection: Connection) -> Known:
    """What the filters offer."""
    columns = (events.c.who, events.c.action, events.c.subject)
    newest = sa.select(*columns).order_by(events.c.seq.desc()).limit(RECENT).subquery()
    rows = connection.execute(sa.select(newest).distinct()).all()
    people, actions, subjects = ({row[at] for row in rows} for at in range(3))
    return Known(tuple(sorted(people)), tuple(sorted(actions)), tuple(sorted(subjects)))


def _asked(filters: AuditFilters) -> sa.Select[Any]:
    named = ("who", "action", "subject", "subject_id")
    conditions = [events.c[name] == value for name in named if (value := getattr(filters, name)) is not None]
    return sa.select(events).where(*conditions, *filters.period.holds(events.c.at))
