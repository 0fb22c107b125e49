"""What comes back by link: an answer, word that somebody else opened it, or a wish for a new link."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.judgements import OWNER
from features.shown import clean
from review.store.events import Event, record
from review.store.judgements import add_judgement
from review.store.schema import judgements, moments, replies, verifications
from review.store.standing import STANDS
from review.store.verifications import Verification, found

__all__ = ["ANSWERS", "LONGEST_COMMENT", "VERDICTS", "Answer", "TooLateError", "answer", "not_me", "want_new_link"]

Answer = Literal["yes", "partly", "no", "not_mine"]
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)
VERDICTS: Final[dict[Answer, str]] = {
    "yes": "confirmed",
    "partly": "partly",
    "no": "rejected",
    "not_mine": "not_mine",
}
"""The verdict of the judgement, in role ``rep``, that an answer is."""
LONGEST_COMMENT: Final = 300
SOURCE: Final = "link"


class TooLateError(ValueError):
    """An answer to a question that has expired or was withdrawn; nothing is recorded."""


def answer(connection: Connection, verification_id: str, said: Answer, comment: str, at: datetime) -> Verification:
    """Takes the recipient's answer, and returns the question as it is then.

    The same answer again changes nothing. Another one takes the place of the earlier, which keeps its row, undone; the
    question is ``contradicted`` from then on.

    Parameters
    ----------
    comment : one line or nothing; longer ones are cut at 300 characters.

    Raises
    ------
    TooLateError
        When the question has expired or was withdrawn.
    """
    question = found(connection, verification_id, lock=True)
    if question is None or question.state in ("expired", "withdrawn") or at >= question.expires_at:
        raise TooLateError("The question can be answered no more.")
    line = " ".join(clean(comment).split())[:LONGEST_COMMENT] or None
    if question.answer == said and line in (None, question.comment):
        return question
    _undo(connection, question, at)
    partner = sa.select(moments.c.told_partner).where(moments.c.moment_id == question.moment_id)
    add_judgement(
        connection,
        question.moment_id,
        reviewer=question.recipient,
        role=OWNER,
        verdict=VERDICTS[said],
        at=at,
        source=SOURCE,
        partner_id=connection.scalar(partner),
        note=line,
    )
    is_other = question.state == "contradicted" or question.answer not in (None, said)
    state = "contradicted" if is_other else "answered"
    connection.execute(
        verifications.update()
        .where(verifications.c.verification_id == verification_id)
        .values(state=state, answer=said, comment=line, answered_at=at, answered_by=question.recipient)
    )
    _reply(connection, question, "answer", at, said, line)
    _record(connection, question, "answered", at, {"state": state, "answer": said})
    after = found(connection, verification_id)
    assert after is not None
    return after


def not_me(connection: Connection, questions: list[Verification], at: datetime) -> None:
    """Notes that somebody else opened the link of these open questions; they stay open for whom they were meant."""
    for question in questions:
        _once(connection, question, "not_me", "forwarded", at)


def want_new_link(connection: Connection, questions: list[Verification], at: datetime) -> None:
    """Notes, once for each, that the recipient wants to answer these expired questions; who asked is shown it."""
    for question in questions:
        _once(connection, question, "new_link", "new_link_wanted", at)


def _undo(connection: Connection, question: Verification, at: datetime) -> None:
    """Undoes what the recipient said by link of the moment before; only the latest word stands."""
    connection.execute(
        judgements.update()
        .where(
            judgements.c.moment_id == question.moment_id,
            judgements.c.reviewer == question.recipient,
            judgements.c.role == OWNER,
            judgements.c.source == SOURCE,
            STANDS,
        )
        .values(undone_at=at)
    )


def _once(connection: Connection, question: Verification, kind: str, action: str, at: datetime) -> None:
    is_noted = sa.select(replies.c.reply_id).where(
        replies.c.verification_id == question.verification_id, replies.c.kind == kind
    )
    if found(connection, question.verification_id, lock=True) is None or connection.scalar(is_noted) is not None:
        return
    _reply(connection, question, kind, at)
    _record(connection, question, action, at, {"state": question.state})


def _reply(
    connection: Connection,
    question: Verification,
    kind: str,
    at: datetime,
    said: str | None = None,
    comment: str | None = None,
) -> None:
    values = {"verification_id": question.verification_id, "at": at, "kind": kind, "answer": said, "comment": comment}
    connection.execute(replies.insert().values(**values))


def _record(connection: Connection, question: Verification, action: str, at: datetime, after: dict[str, str]) -> None:
    """An audit row; by link only the recipient is known, also where somebody else held it."""
    who = question.recipient if action == "answered" else f"holder of the link to {question.recipient}"
    before = {"state": question.state, "answer": question.answer}
    event = Event(who, OWNER, action, "verification", question.verification_id, before=before, after=dict(after))
    record(connection, event, at)
