"""Questions with what they are about, as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.corrected import WHAT, WHOSE
from review.store.schema import conversations, deals, moments, partners, replies, verifications
from review.store.turns import quote_of, turns
from review.store.verifications import Verification, unasked

__all__ = ["PAGE", "Asked", "Filters", "Reply", "asked", "asked_by_ids", "counts", "people", "unasked_partners"]

PAGE: Final = 50
"""Questions on a page."""


@dataclass(frozen=True)
class Reply:
    """What came back by link: an ``answer``, ``not_me`` or ``new_link``."""

    at: datetime
    kind: str
    answer: str | None
    comment: str | None


@dataclass(frozen=True)
class Asked:
    """One question with its moment, deal and partner, and all replies, the earliest first."""

    question: Verification
    assist_type: str
    quote: str
    started_at: datetime
    channel: str | None
    partner_id: str | None
    partner_name: str | None
    deal_name: str | None
    replies: tuple[Reply, ...] = field(default=())

    @property
    def stamp(self) -> str:
        """Differs when what is asked has changed: the partner, the kind of help or the words."""
        text = "\0".join((self.partner_id or "", self.assist_type, self.quote))
        return sha256(text.encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def earlier(self) -> list[Reply]:
        """Answers that a later one took the place of."""
        return [reply for reply in self.replies if reply.kind == "answer"][:-1]

    @property
    def needs_another(self) -> bool:
        """Whether somebody else should be asked: it is not theirs, or the message has not reached them."""
        is_elsewhere = self.question.answer is None and self.last("not_me") is not None
        return self.question.answer == "not_mine" or self.question.state == "undeliverable" or is_elsewhere

    def last(self, kind: str) -> Reply | None:
        """The latest reply of that kind."""
        return next((reply for reply in reversed(self.replies) if reply.kind == kind), None)


@dataclass(frozen=True)
class Filters:
    """Which questions are wanted; None means any."""

    state: str | None = None
    partner_id: str | None = None
    deal_id: str | None = None
    moment_id: str | None = None
    recipient: str | None = None


def asked(connection: Connection, filters: Filters, *, offset: int = 0, limit: int = PAGE) -> list[Asked]:
    """The questions, the latest first."""
    order = (verifications.c.asked_at.desc(), verifications.c.verification_id)
    return _read(connection, _selected().where(*_conditions(filters)).order_by(*order).offset(offset).limit(limit))


def asked_by_ids(connection: Connection, verification_ids: Sequence[str]) -> list[Asked]:
    """The questions of these ids that there are, in their order."""
    found = _read(connection, _selected().where(verifications.c.verification_id.in_(verification_ids)))
    place = {verification_id: at for at, verification_id in enumerate(verification_ids)}
    return sorted(found, key=lambda item: place[item.question.verification_id])


def counts(connection: Connection, filters: Filters) -> dict[str, int]:
    """How many questions there are in each state, whatever state the filters name."""
    wanted = Filters(None, filters.partner_id, filters.deal_id, filters.moment_id, filters.recipient)
    query = (
        sa.select(verifications.c.state, sa.func.count())
        .select_from(verifications.outerjoin(moments, moments.c.moment_id == verifications.c.moment_id))
        .where(*_conditions(wanted))
        .group_by(verifications.c.state)
    )
    return {state: int(number) for state, number in connection.execute(query)}


def unasked_partners(connection: Connection) -> list[tuple[str, str, int]]:
    """Partners with confirmed moments that no owner was asked about: id, name, and how many; the most first."""
    number = sa.func.count()
    query = (
        sa.select(WHOSE, sa.func.max(partners.c.name), number)
        .select_from(moments.join(partners, partners.c.partner_id == WHOSE))
        .where(*unasked(), moments.c.deal_id.is_not(None))
        .group_by(WHOSE)
        .order_by(number.desc(), WHOSE)
    )
    return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]


def people(connection: Connection) -> list[tuple[str, str | None]]:
    """Owners of deals who can be asked, as id and name, by name; 500 at most."""
    person = sa.func.coalesce(deals.c.owner_email, deals.c.owner_id)
    name = sa.func.max(deals.c.owner_name)
    query = (
        sa.select(person, name)
        .where(person.is_not(None))
        .group_by(person)
        .order_by(name.nulls_last(), person)
        .limit(500)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _selected() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            *verifications.c,
            WHAT.label("assist_type"),
            moments.c.quote,
            moments.c.told_span,
            moments.c.conversation_id,
            moments.c.started_at,
            conversations.c.channel,
            WHOSE.label("partner_id"),
            partners.c.name.label("partner_name"),
            deals.c.name.label("deal_name"),
        )
        .outerjoin(moments, moments.c.moment_id == verifications.c.moment_id)
        .outerjoin(conversations, conversations.c.conversation_id == moments.c.conversation_id)
        .outerjoin(partners, partners.c.partner_id == WHOSE)
        .outerjoin(deals, deals.c.deal_id == verifications.c.deal_id)
    )


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    columns = {
        verifications.c.state: filters.state,
        WHOSE: filters.partner_id,
        verifications.c.deal_id: filters.deal_id,
        verifications.c.moment_id: filters.moment_id,
        verifications.c.recipient: filters.recipient,
    }
    return [column == value for column, value in columns.items() if value]


def _read(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[Asked]:
    rows = connection.execute(query).mappings().all()
    said = _replies(connection, [row["verification_id"] for row in rows])
    return [
        Asked(
            question=Verification.of(row),
            assist_type=row["assist_type"] or "",
            quote=_quote(connection, row),
            started_at=row["started_at"] or row["asked_at"],
            channel=row["channel"],
            partner_id=row["partner_id"],
            partner_name=row["partner_name"],
            deal_name=row["deal_name"] or row["deal_id"],
            replies=tuple(said.get(row["verification_id"], ())),
        )
        for row in rows
    ]


def _quote(connection: Connection, row: sa.RowMapping) -> str:
    """The words as they were found, or as people have moved the span since."""
    if row["told_span"]:
        found = turns(connection, row["conversation_id"])
        if {turn.utterance_id for turn in found} >= set(row["told_span"]["utterance_ids"]):
            return quote_of(row["told_span"], found)
    return row["quote"] or ""


def _replies(connection: Connection, verification_ids: Sequence[str]) -> dict[str, list[Reply]]:
    query = sa.select(replies).where(replies.c.verification_id.in_(verification_ids)).order_by(replies.c.reply_id)
    found: dict[str, list[Reply]] = {}
    for row in connection.execute(query):
        found.setdefault(row.verification_id, []).append(Reply(row.at, row.kind, row.answer, row.comment))
    return found
