"""Conversations forgotten, with all that rests on them; the audit keeps that it was so, by ids alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from review.store.claims import regrade_all
from review.store.engine import writing
from review.store.events import Event, record
from review.store.schema import conversations, disputes, judgements, messages, moments, notes, replies, verifications

__all__ = ["DELETED", "forget_conversations"]

DELETED: Final = "source deleted"
"""The audit's action, and the status of ``deletions`` in the workspace."""
BATCH: Final = 200
OF_MOMENTS: Final = (judgements, notes, verifications)


def forget_conversations(engine: Engine, conversation_ids: Iterable[str], at: datetime) -> int:
    """Deletes what the database holds of these conversations, in steps; how many it knew.

    Their words, moments, judgements, notes and questions go; a dispute about a moment stays without it. Those that the
    database does not know cost nothing, so that it can be called again after it was cut short.
    """
    wanted, n = sorted(set(conversation_ids)), 0
    for start in range(0, len(wanted), BATCH):
        with writing(engine) as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")  # deleted words are overwritten
            n += _forgotten(connection, wanted[start : start + BATCH], at)
    if n:
        with writing(engine) as connection:
            regrade_all(connection)
        _empty_log(engine)
    return n


def _forgotten(connection: Connection, some: Sequence[str], at: datetime) -> int:
    is_it = moments.c.conversation_id.in_(some)
    found = connection.execute(sa.select(moments.c.conversation_id, moments.c.moment_id).where(is_it)).all()
    there = sa.select(conversations.c.conversation_id).where(conversations.c.conversation_id.in_(some))
    known = sorted({*connection.scalars(there), *(row.conversation_id for row in found)})
    names = [row.moment_id for row in found]
    asked = _of(connection, verifications.c.verification_id, verifications.c.moment_id, names)
    _delete(connection, replies.c.verification_id, asked)
    _unsay(connection, set(asked), at)
    for table in OF_MOMENTS:
        _delete(connection, table.c.moment_id, names)
    for part in _parts(names):
        connection.execute(disputes.update().where(disputes.c.moment_id.in_(part)).values(moment_id=None))
    _delete(connection, moments.c.moment_id, names)
    _delete(connection, conversations.c.conversation_id, some)
    for name in known:
        after = {"moments": sorted(row.moment_id for row in found if row.conversation_id == name)}
        record(connection, Event("forget", "system", DELETED, "conversation", name, after=after), at)
    return len(known)


def _unsay(connection: Connection, asked: set[str], at: datetime) -> None:
    """Takes questions out of the record of messages; that of today stays, so that nobody gets a second one."""
    if not asked:
        return
    for row in connection.execute(sa.select(messages)).mappings().all():
        rest = [name for name in row["verification_ids"] if name not in asked]
        is_it = messages.c.message_id == row["message_id"]
        if not rest and row["day"] < at.date():
            connection.execute(messages.delete().where(is_it))
        elif len(rest) < len(row["verification_ids"]):
            connection.execute(messages.update().where(is_it).values(verification_ids=rest))


def _of(connection: Connection, column: sa.Column[Any], by: sa.Column[Any], values: Sequence[str]) -> list[str]:
    return [name for part in _parts(values) for name in connection.scalars(sa.select(column).where(by.in_(part)))]


def _delete(connection: Connection, column: sa.Column[Any], values: Sequence[str]) -> None:
    for part in _parts(values):
        connection.execute(column.table.delete().where(column.in_(part)))


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + 500] for start in range(0, len(values), 500)]


def _empty_log(engine: Engine) -> None:
    """Moves SQLite's write-ahead log, which still holds the words, into the file and cuts it."""
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
