"""Which questions go to whom today. Nobody gets more than one message a day, whatever it is about.

A day is claimed in the database before its message is sent, so that two servers never send twice. A server that dies
between both leaves a claimed message that was perhaps not sent: it is not tried again on that day, and its questions go
into the message of the next. A day is given back where the channel surely took nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from review.desk import Options
from review.store.events import Event, record
from review.store.schema import messages, verifications
from review.store.verifications import OPEN, Verification

__all__ = ["MOST_QUESTIONS", "Batch", "Numbers", "claimed", "due", "due_numbers", "mark_failed", "mark_sent", "release"]

MOST_QUESTIONS: Final = 20
"""In one message; the others wait for the next day's."""


@dataclass(frozen=True)
class Batch:
    """The questions that one person's message of a day asks, the oldest first; ``message_id`` once it is claimed."""

    recipient: str
    questions: tuple[Verification, ...]
    message_id: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of the questions."""
        return [question.verification_id for question in self.questions]

    @property
    def is_reminder(self) -> bool:
        """Whether all of it has been sent before."""
        return all(question.sent_at is not None for question in self.questions)


@dataclass(frozen=True)
class Numbers:
    """Messages that are due now, the questions in them, and waiting questions that are not among these."""

    messages: int
    questions: int
    later: int


def due(connection: Connection, at: datetime, options: Options, recipient: str | None = None) -> list[Batch]:
    """What is to be sent now (to one ``recipient``), one batch for each person who has got no message today, in UTC.

    Questions that wait or could not be delivered, and those that were sent ``options.remind_days`` ago or earlier and
    have been reminded of less often than ``options.most_reminders``.
    """
    query = sa.select(verifications).where(*_is_due(at, options))
    if recipient is not None:
        query = query.where(verifications.c.recipient == recipient)
    order = ("recipient", "asked_at", "deal_id", "moment_id")
    rows = map(
        Verification.of, connection.execute(query.order_by(*(verifications.c[name] for name in order))).mappings()
    )
    grouped = groupby(rows, key=lambda question: question.recipient)
    return [Batch(person, tuple(questions)[:MOST_QUESTIONS]) for person, questions in grouped]


def due_numbers(connection: Connection, at: datetime, options: Options) -> Numbers:
    """How much is due."""
    is_queued = sa.case((verifications.c.state == "queued", 1), else_=0)
    query = (
        sa.select(sa.func.count().label("due"), sa.func.sum(is_queued).label("queued"))
        .where(*_is_due(at, options))
        .group_by(verifications.c.recipient)
    )
    people = connection.execute(query).all()
    waiting = sa.select(sa.func.count()).where(verifications.c.state == "queued", verifications.c.expires_at > at)
    queued = sum(min(int(person.queued), MOST_QUESTIONS) for person in people)
    return Numbers(
        messages=len(people),
        questions=sum(min(person.due, MOST_QUESTIONS) for person in people),
        later=max(0, (connection.scalar(waiting) or 0) - queued),
    )


def _is_due(at: datetime, options: Options) -> tuple[sa.ColumnElement[bool], ...]:
    last = sa.func.coalesce(verifications.c.reminded_at, verifications.c.sent_at)
    is_unsent = verifications.c.state.in_(("queued", "undeliverable"))
    is_unanswered = sa.and_(
        verifications.c.state == "sent",
        last <= at - timedelta(days=options.remind_days),
        verifications.c.reminders < options.most_reminders,
    )
    told_today = sa.select(messages.c.recipient).where(messages.c.day == _day(at))
    return (
        sa.or_(is_unsent, is_unanswered),
        verifications.c.expires_at > at,
        verifications.c.recipient.not_in(told_today),
    )


def claimed(connection: Connection, batch: Batch, channel: str, at: datetime, options: Options) -> Batch | None:
    """The batch as this caller alone may send it today; None when the day is taken or nothing is due any more.

    What is due is looked up again, because questions may have been answered or withdrawn in the meantime. Links are
    valid from the first sending for ``options.link_days``.
    """
    now = next(iter(due(connection, at, options, batch.recipient)), None)
    if now is None:
        return None
    values = {"recipient": now.recipient, "day": _day(at), "channel": channel, "verification_ids": now.ids}
    try:
        with connection.begin_nested():
            added = connection.execute(messages.insert().values(**values))
    except IntegrityError:
        return None
    until = at + timedelta(days=options.link_days)
    questions = tuple(replace(q, expires_at=until) if q.sent_at is None else q for q in now.questions)
    (message_id,) = added.inserted_primary_key or (0,)
    return Batch(now.recipient, questions, message_id)


def mark_sent(connection: Connection, batch: Batch, at: datetime) -> None:
    """Notes that the channel took the message. What was answered or withdrawn meanwhile keeps its state."""
    connection.execute(messages.update().where(messages.c.message_id == batch.message_id).values(sent_at=at))
    for question in batch.questions:
        is_first = question.sent_at is None
        first = {"sent_at": at, "expires_at": question.expires_at}
        values = first if is_first else {"reminded_at": at, "reminders": question.reminders + 1}
        _mark(connection, question, "sent", "sent" if is_first else "reminded", at, {**values, "error": None})


def mark_failed(connection: Connection, batch: Batch, error: str, at: datetime) -> None:
    """Notes that the channel refused the message, and why; the next day's message asks again."""
    connection.execute(messages.update().where(messages.c.message_id == batch.message_id).values(error=error))
    for question in batch.questions:
        _mark(connection, question, "undeliverable", "not_delivered", at, {"error": error})


def release(connection: Connection, batch: Batch, error: str) -> None:
    """Gives the day back, because nothing was handed over for sure; the questions tell why they still wait."""
    connection.execute(messages.delete().where(messages.c.message_id == batch.message_id))
    is_one = verifications.c.verification_id.in_(batch.ids)
    connection.execute(verifications.update().where(is_one).values(error=error))


def _mark(
    connection: Connection,
    question: Verification,
    state: str,
    action: str,
    at: datetime,
    values: Mapping[str, object],
) -> None:
    is_it = verifications.c.verification_id == question.verification_id
    connection.execute(verifications.update().where(is_it).values(**values))
    is_open = sa.and_(is_it, verifications.c.state.in_(OPEN))
    connection.execute(verifications.update().where(is_open).values(state=state))
    before, after = {"state": question.state}, {"state": state}
    event = Event("partnerlift", "system", action, "verification", question.verification_id, before, after)
    record(connection, event, at)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
