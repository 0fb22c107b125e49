"""The audit: what was done, by whom and when, in rows that are only ever added, each chained to the one before."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.engine import lock_writers
from review.store.schema import events

__all__ = ["FIRST", "HASHED", "Chain", "Event", "canonical", "chain", "moment", "record"]

FIRST: Final = "0" * 64
"""What stands for the hash before that of the first row."""
HASHED: Final = (
    *("at", "who", "role", "action", "subject", "subject_id"),
    *("before", "after", "model_version", "before_hash"),
)
"""The columns that a row's hash is made of."""
BATCH: Final = 1_000


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


@dataclass(frozen=True)
class Chain:
    """What a look along it found: rows looked at, the first that is broken (None: whole), and the last hash.

    A row is broken that is not what it was when it was added, or that follows a missing one.

    A chain says nothing of rows that were cut off at its end: for that, compare ``head`` with one noted earlier.
    """

    rows: int
    first_break: int | None
    head: str

    @property
    def is_whole(self) -> bool:
        """Whether every row looked at is what it was, and follows the one before."""
        return self.first_break is None


def record(connection: Connection, event: Event, at: datetime) -> None:
    """Adds a row to the audit, within the transaction that does what it tells of.

    Writers take turns from here to the end of their transactions, so that no two rows follow the same one.
    """
    lock_writers(connection)
    last = connection.scalar(sa.select(events.c.hash).order_by(events.c.seq.desc()).limit(1)) or FIRST
    values = {
        **event.__dict__,
        "before": _plain(event.before),
        "after": _plain(event.after),
        "at": at,
        "before_hash": last,
    }
    connection.execute(events.insert().values(**values, hash=_hash(values)))


def chain(connection: Connection, *, last: int | None = None) -> Chain:
    """Whether the chain is whole: all of it, or its ``last`` rows and their bond with the row before them."""
    since = 0
    if last is not None:
        newest = sa.select(events.c.seq).order_by(events.c.seq.desc())
        since = connection.scalar(newest.offset(last).limit(1)) or 0
    before = connection.scalar(sa.select(events.c.hash).where(events.c.seq == since)) or FIRST
    query = sa.select(events).where(events.c.seq > since).order_by(events.c.seq)
    with connection.execute(query, execution_options={"yield_per": BATCH}) as found:
        return _followed(found.mappings(), before)


def canonical(values: Mapping[Any, Any]) -> str:
    """The text of which a row's hash is the SHA-256: the columns ``HASHED`` as JSON.

    Names sorted, no spaces, everything beyond ASCII escaped, times in UTC to the microsecond.
    """
    chosen = {name: values[name] for name in HASHED} | {"at": moment(values["at"])}
    return json.dumps(chosen, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def moment(at: datetime) -> str:
    """A time as the audit writes it, e.g. ``2026-01-02T03:04:05.678901+00:00``."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _followed(rows: Iterable[Mapping[Any, Any]], before: str) -> Chain:
    count, head = 0, before
    for row in rows:
        count += 1
        if row["before_hash"] != head or row["hash"] != _hash(row):
            return Chain(count, int(row["seq"]), head)
        head = row["hash"]
    return Chain(count, None, head)


def _hash(values: Mapping[Any, Any]) -> str:
    return hashlib.sha256(canonical(values).encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """A value of which JSON, read back from any database, is the same."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
