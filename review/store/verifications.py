"""Questions to the owners of deals: who is asked about which moment, asked again, withdrawn, expired."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.assist.taxonomy import taxonomy
from review.desk import Options
from review.store.corrected import WHOSE
from review.store.events import Event, record
from review.store.schema import deals, moments, verifications

__all__ = [
    "OPEN",
    "CannotAskError",
    "NoOwnerError",
    "Verification",
    "ask",
    "ask_again",
    "ask_all",
    "expire",
    "found",
    "unasked",
    "withdraw",
]

OPEN: Final = ("queued", "sent", "undeliverable")
"""States in which an answer is still awaited."""
MOST_AT_ONCE: Final = 500
"""Moments that are asked about in one go."""
LONGEST_RECIPIENT: Final = 254


class CannotAskError(ValueError):
    """A question that cannot be asked, or taken back; the message says why and what would help."""


class NoOwnerError(CannotAskError):
    """A deal whose owner is not known, or is whoever asks; somebody else could be asked."""


@dataclass(frozen=True)
class Verification:
    """One question, as a row of ``verifications``."""

    verification_id: str
    moment_id: str
    deal_id: str | None
    recipient: str
    recipient_name: str | None
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: str
    sent_at: datetime | None = None
    reminded_at: datetime | None = None
    reminders: int = 0
    answer: str | None = None
    comment: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, row: sa.RowMapping) -> Self:
        """The question of a row that has its columns, perhaps among others."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def is_open(self) -> bool:
        """Whether an answer is still awaited."""
        return self.state in OPEN


def found(connection: Connection, verification_id: str, *, lock: bool = False) -> Verification | None:
    """The question of that id; with ``lock`` nobody else changes it until the transaction ends."""
    query = sa.select(verifications).where(verifications.c.verification_id == verification_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return Verification.of(row) if row is not None else None


def ask(
    connection: Connection,
    moment_id: str,
    *,
    asked_by: str,
    at: datetime,
    options: Options,
    role: str = "reviewer",
    recipient: str | None = None,
) -> Verification:
    """Asks the owner of a moment's deal whether it was so; the question waits for the next message to that person.

    An open question about the moment to the same person is given back instead of a second one.

    Parameters
    ----------
    recipient : somebody else to ask, who must own some deal; None means the deal's owner.
    role : of whoever asks, for the audit.

    Raises
    ------
    LookupError
        When there is no such moment.
    CannotAskError
        When the moment is rejected, is no help, has no deal, or nobody can be asked.
    """
    query = sa.select(moments).where(moments.c.moment_id == moment_id).with_for_update()
    moment = connection.execute(query).mappings().first()
    if moment is None:
        raise LookupError(f"There is no moment {moment_id}.")
    _check(moment)
    person, name = _owner(connection, moment) if recipient is None else _somebody(connection, recipient)
    if person.casefold() == asked_by.casefold():
        raise NoOwnerError(
            "The deal's owner is you. Somebody else has to ask, so that the answer is another person's word."
        )
    already = _open_question(connection, moment_id, person)
    if already is not None:
        return already
    question = Verification(
        verification_id=secrets.token_hex(6),
        moment_id=moment_id,
        deal_id=moment["deal_id"],
        recipient=person,
        recipient_name=name,
        asked_by=asked_by,
        asked_at=at,
        expires_at=at + timedelta(days=options.link_days),
        state="queued",
    )
    connection.execute(verifications.insert().values(**question.__dict__))
    _record(connection, question, asked_by, role, "asked", at, after={"moment_id": moment_id, "recipient": person})
    return question


def ask_all(
    connection: Connection,
    *,
    asked_by: str,
    at: datetime,
    options: Options,
    role: str = "reviewer",
    deal_id: str | None = None,
    partner_id: str | None = None,
) -> tuple[list[Verification], list[str]]:
    """Asks about all confirmed moments (of a deal, of a partner) that no owner has verified or was asked about.

    Returns the questions, and why others could not be asked, each reason once; 500 moments at most.
    """
    questions, reasons = [], dict[str, None]()
    for moment_id in _unasked(connection, deal_id, partner_id):
        try:
            questions.append(ask(connection, moment_id, asked_by=asked_by, role=role, at=at, options=options))
        except CannotAskError as error:
            reasons[str(error)] = None
    return questions, list(reasons)


def unasked() -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions on ``moments`` of a confirmed one that no owner has verified or was asked about."""
    asked_about = sa.select(verifications.c.moment_id).where(verifications.c.state.not_in(("expired", "withdrawn")))
    return (
        moments.c.state == "judged",
        moments.c.is_confirmed,
        sa.not_(moments.c.is_verified),
        moments.c.moment_id.not_in(asked_about),
    )


def ask_again(
    connection: Connection,
    verification_id: str,
    *,
    asked_by: str,
    at: datetime,
    options: Options,
    role: str = "reviewer",
    recipient: str | None = None,
) -> Verification:
    """Asks once more, the same person or somebody else; a question that is still open is withdrawn first.

    Raises ``LookupError`` for an unknown question, and ``CannotAskError`` as ``ask`` does.
    """
    before = found(connection, verification_id, lock=True)
    if before is None:
        raise LookupError(f"There is no question {verification_id}.")
    if before.is_open:
        _close(connection, before, "withdrawn", asked_by, role, at)
    person = recipient or before.recipient
    return ask(connection, before.moment_id, asked_by=asked_by, role=role, at=at, options=options, recipient=person)


def withdraw(connection: Connection, verification_id: str, *, who: str, role: str, at: datetime) -> Verification:
    """Takes an open question back: its link leads to a page that says so.

    Raises ``LookupError`` for an unknown question, and ``CannotAskError`` for one that is open no more.
    """
    question = found(connection, verification_id, lock=True)
    if question is None:
        raise LookupError(f"There is no question {verification_id}.")
    if not question.is_open:
        raise CannotAskError(f"The question is {question.state} and can be withdrawn no more.")
    _close(connection, question, "withdrawn", who, role, at)
    return question


def expire(connection: Connection, at: datetime) -> int:
    """Marks the open questions whose time is over, and returns how many there were."""
    query = sa.select(verifications).where(verifications.c.state.in_(OPEN), verifications.c.expires_at <= at)
    late = [Verification.of(row) for row in connection.execute(query.with_for_update()).mappings()]
    for question in late:
        _close(connection, question, "expired", "partnerlift", "system", at)
    return len(late)


def _check(moment: sa.RowMapping) -> None:
    if moment["verdict"] == "rejected":
        raise CannotAskError("The moment was rejected. Undo the rejection before you ask the deal's owner about it.")
    if (moment["told_type"] or moment["assist_type"]) in taxonomy().other_ids:
        raise CannotAskError("The moment is not taken for help by a partner. Give it a type of help before you ask.")
    if moment["state"] == "ignored":
        raise CannotAskError("The moment was set aside. Bring it back before you ask the deal's owner about it.")
    if moment["state"] == "gone":
        raise CannotAskError("The moment is found no more, so there is nothing to ask about.")
    if moment["deal_id"] is None:
        raise CannotAskError("The moment belongs to no deal, so there is no owner to ask.")


def _unasked(connection: Connection, deal_id: str | None, partner_id: str | None) -> list[str]:
    query = sa.select(moments.c.moment_id).where(*unasked())
    if deal_id:
        query = query.where(moments.c.deal_id == deal_id)
    if partner_id:
        query = query.where(sa.literal(partner_id) == WHOSE)
    query = query.order_by(moments.c.stake.desc(), moments.c.moment_id).limit(MOST_AT_ONCE)
    return list(connection.scalars(query))


def _owner(connection: Connection, moment: sa.RowMapping) -> tuple[str, str | None]:
    query = sa.select(deals.c.owner_email, deals.c.owner_id, deals.c.owner_name).where(
        deals.c.deal_id == moment["deal_id"]
    )
    row = connection.execute(query).first()
    person = (row.owner_email or row.owner_id) if row is not None else None
    if row is None or not person:
        raise NoOwnerError("The deal has no owner in the data. Ask an owner of another deal, or give it an owner.")
    return person, row.owner_name


def _somebody(connection: Connection, recipient: str) -> tuple[str, str | None]:
    """An owner of any deal; others cannot be asked, so that nobody confirms moments in an owner's place."""
    wanted = recipient.strip()
    person = sa.func.coalesce(deals.c.owner_email, deals.c.owner_id)
    either = sa.or_(sa.func.lower(deals.c.owner_email) == wanted.lower(), deals.c.owner_id == wanted)
    query = sa.select(person, deals.c.owner_name).where(either).order_by(deals.c.created_at.desc()).limit(1)
    is_possible = 0 < len(wanted) <= LONGEST_RECIPIENT and wanted.isprintable()
    row = connection.execute(query).first() if is_possible else None
    if row is None:
        raise CannotAskError("That person owns no deal here. Name an owner of a deal by e-mail address or id.")
    return row[0], row[1]


def _open_question(connection: Connection, moment_id: str, recipient: str) -> Verification | None:
    query = sa.select(verifications).where(
        verifications.c.moment_id == moment_id,
        verifications.c.recipient == recipient,
        verifications.c.state.in_(OPEN),
    )
    row = connection.execute(query).mappings().first()
    return Verification.of(row) if row is not None else None


def _close(connection: Connection, question: Verification, state: str, who: str, role: str, at: datetime) -> None:
    is_it = verifications.c.verification_id == question.verification_id
    connection.execute(verifications.update().where(is_it).values(state=state))
    _record(connection, question, who, role, state, at, before={"state": question.state}, after={"state": state})


def _record(
    connection: Connection, question: Verification, who: str, role: str, action: str, at: datetime, **states: Any
) -> None:
    event = Event(who, role, action, "verification", question.verification_id, **states)
    record(connection, event, at)
