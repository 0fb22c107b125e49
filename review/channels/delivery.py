"""What is due, put into messages and handed to a channel."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.channels.message import Channel, Message, Topic, UndeliverableError, UnreachableError
from review.desk import Desk
from review.security.links import signed_link
from review.store.corrected import WHOSE
from review.store.engine import writing
from review.store.messages import Batch, claimed, due, mark_failed, mark_sent, release
from review.store.schema import deals, moments, partners
from review.store.verifications import expire

__all__ = ["Delivered", "deliver", "message_of"]


@dataclass(frozen=True)
class Delivered:
    """What one run did: messages sent, refused, and left for later because the channel could not be used.

    ``error`` is the last failure's reason; ``expired`` counts questions whose time was over.
    """

    sent: int = 0
    failed: int = 0
    left: int = 0
    expired: int = 0
    error: str | None = None


def deliver(desk: Desk, channel: Channel) -> Delivered:
    """Sends every message that is due, each person's day claimed before.

    A channel that cannot be used ends the run, so that what is left can still be sent today.
    """
    with writing(desk.engine) as connection:
        expired = expire(connection, desk.clock())
        waiting = due(connection, desk.clock(), desk.options)
    sent, failed, error = 0, 0, None
    for batch in waiting:
        try:
            sent += _sent(desk, channel, batch)
        except UndeliverableError as refusal:
            failed, error = failed + (not _is_unsent(refusal)), str(refusal)
            if isinstance(refusal, UnreachableError):
                break
    return Delivered(sent, failed, max(0, len(waiting) - sent - failed), expired, error)


def message_of(connection: Connection, batch: Batch, desk: Desk) -> Message:
    """The message that asks a batch's questions, with the link that answers them."""
    until = max(question.expires_at for question in batch.questions)
    token = signed_link(desk.secret, batch.ids, until)
    topics = _topics(connection, [question.moment_id for question in batch.questions])
    return Message(
        message_id=batch.message_id,
        recipient=batch.recipient,
        name=next((q.recipient_name for q in batch.questions if q.recipient_name), None),
        topics=tuple(topics.get(q.moment_id, Topic(None, "your deal", q.asked_at)) for q in batch.questions),
        asked_by=tuple(dict.fromkeys(question.asked_by for question in batch.questions)),
        link=f"{desk.options.base_url}/v/{token}",
        at=desk.clock(),
        expires_at=until,
        is_reminder=batch.is_reminder,
    )


def _sent(desk: Desk, channel: Channel, batch: Batch) -> bool:
    """Claims the day and sends; whether it was this caller's to send. Raises ``UndeliverableError``."""
    with writing(desk.engine) as connection:
        own = claimed(connection, batch, channel.name, desk.clock(), desk.options)
        message = message_of(connection, own, desk) if own is not None else None
    if own is None or message is None:
        return False
    try:
        channel.send(message)
    except UndeliverableError as refusal:
        with writing(desk.engine) as connection:
            if _is_unsent(refusal):
                release(connection, own, str(refusal))
            else:
                mark_failed(connection, own, str(refusal), desk.clock())
        raise
    with writing(desk.engine) as connection:
        mark_sent(connection, own, desk.clock())
    return True


def _is_unsent(refusal: UndeliverableError) -> bool:
    return isinstance(refusal, UnreachableError) and refusal.is_unsent


def _topics(connection: Connection, moment_ids: list[str]) -> dict[str, Topic]:
    query = (
        sa.select(moments.c.moment_id, partners.c.name, deals.c.name, deals.c.deal_id, moments.c.started_at)
        .outerjoin(partners, partners.c.partner_id == WHOSE)
        .outerjoin(deals, deals.c.deal_id == moments.c.deal_id)
        .where(moments.c.moment_id.in_(moment_ids))
    )
    return {
        moment_id: Topic(partner, deal or deal_id or "your deal", started_at)
        for moment_id, partner, deal, deal_id, started_at in connection.execute(query)
    }
