"""The audit: what was done, by whom and when, in rows that are only ever added, each chained to the one before."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.schema import events

__all__ = ["FIRST", "Event", "first_break", "record"]

FIRST: Final = "0" * 64
"""What stands for the hash before that of the first row."""


@dataclass(frozen=True)
class Event:
    """One thing done: ``action`` on the ``subject`` (a kind, e.g. ``moment``) of that id.

    ``before`` and ``after`` hold ids, verdicts, types, states and places, and never words of a conversation.
    """

    who: str
    role: str
    action: str
    subject: str
    subject_id: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    model_version: str | None = None


def record(connection: Connection, event: Event, at: datetime) -> None:
    """Adds a row to the audit, within the transaction that does what it tells of."""
    last = connection.scalar(sa.select(events.c.hash).order_by(events.c.seq.desc()).limit(1)) or FIRST
    values = {**event.__dict__, "at": at, "before_hash": last}
    connection.execute(events.insert().values(**values, hash=_hash(values)))


def first_break(connection: Connection) -> int | None:
    """``seq`` of the first row that is not what it was when it was added, or that follows a missing one; else None."""
    last = FIRST
    for row in connection.execute(sa.select(events).order_by(events.c.seq)).mappings():
        values = {name: row[name] for name in row if name not in ("seq", "hash")}
        if row["before_hash"] != last or row["hash"] != _hash(values):
            return int(row["seq"])
        last = row["hash"]
    return None


def _hash(values: dict[str, Any]) -> str:
    text = json.dumps({**values, "at": values["at"].isoformat()}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
