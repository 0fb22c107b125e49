"""Moments that people add: those that were missed, and second halves of those that held two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.assist.magnitude import magnitude
from features.assist.taxonomy import taxonomy
from review.roles import Viewer
from review.store.events import Event, record
from review.store.schema import conversations, deals, moments
from review.store.standing import settle
from review.store.turns import Span, Turn, checked_span, quote_of, turns
from review.store.verdicts import added_row, checked, may_judge, moment_row, stands, words

__all__ = ["PERSON", "add_missed", "evidence_of", "split"]

PERSON: Final = "person"
"""``model_version`` of a moment that a person added."""
NOT_TOLD: Final = {"any": "pre_sale"}
"""The stage of a moment whose type may be in any."""


def add_missed(
    connection: Connection,
    viewer: Viewer,
    conversation_id: str,
    span: Mapping[str, Any],
    partner_id: str | None,
    assist_type: str,
    note: str | None,
    at: datetime,
) -> str:
    """Adds a moment that no model found, confirmed by who adds it; returns its ``moment_id``.

    Raises ``LookupError`` for an unknown conversation or partner, ``ValueError`` for words that do not lie in it or a
    type that is no assist, and ``PermissionError``.
    """
    may_judge(viewer)
    found = turns(connection, conversation_id)
    if not found:
        raise LookupError(f"There is no conversation {conversation_id!r}.")
    told = checked(connection, partner_id=partner_id, assist_type=assist_type, types=taxonomy().assist_ids)
    row = _row(connection, conversation_id, checked_span(span, found), found)
    row = {**row, **told, "journey_stage": _stage(assist_type), "added_by": viewer.name, "detected_at": at}
    row["has_record"] = _has_record(connection, row["deal_id"], partner_id)
    _refuse_twin(connection, row)
    connection.execute(moments.insert().values(row))
    review = _confirmed(connection, row["moment_id"], viewer, at, note=note)
    _told(connection, row["moment_id"], viewer, "added", {"review_ids": [review], **told}, at)
    return str(row["moment_id"])


def split(
    connection: Connection, moment_id: str, viewer: Viewer, spans: Sequence[Mapping[str, Any]], at: datetime
) -> tuple[str, str]:
    """Makes two moments of one: it keeps the first span, a new one has the second; both are confirmed.

    Returns both ids. Type and partner are those that stand. Raises ``LookupError`` for an unknown moment,
    ``ValueError`` for spans that do not lie in the conversation or are not two, and ``PermissionError``.
    """
    may_judge(viewer)
    old = moment_row(connection, moment_id)
    found = turns(connection, old["conversation_id"])
    if len(spans) != 2:
        raise ValueError(f"A moment is split in two, not in {len(spans)}. Give two spans.")
    first, second = (checked_span(span, found) for span in spans)
    if first == second:
        raise ValueError("Both spans are the same. Choose different words for each.")
    new = _second_half(old, second, found, viewer, at)
    connection.execute(moments.insert().values(new))
    before = stands(old)
    reviews = [
        _confirmed(connection, moment_id, viewer, at, span=first),
        _confirmed(connection, new["moment_id"], viewer, at),
    ]
    ids = [moment_id, str(new["moment_id"])]
    _told(connection, ids[0], viewer, "split", {"review_ids": reviews, "moment_ids": ids}, at, before)
    _told(connection, ids[1], viewer, "split_off", {"review_ids": reviews, "split_from": moment_id}, at)
    return ids[0], ids[1]


def _second_half(old: RowMapping, span: Span, found: Sequence[Turn], viewer: Viewer, at: datetime) -> dict[str, Any]:
    kept = {name: old[name] for name in old if name not in _OWN}
    kind, partner = old["told_type"] or old["assist_type"], old["told_partner"] or old["partner_id"]
    told = {"assist_type": kind, "partner_id": partner}
    return {
        **kept,
        **_made(span, found),
        **told,
        "is_assist": kind in taxonomy().assist_ids,
        "added_by": viewer.name,
        "split_from": old["moment_id"],
        "detected_at": at,
    }


_OWN: Final = frozenset(
    {"version", "verdict", "told_type", "told_partner", "told_span", "is_confirmed", "is_verified", "grade"}
    | {"digest", "ignored_by", "opened_by", "opened_until"}
)
"""Columns of what people did with a moment; a new one begins without."""


def _row(connection: Connection, conversation_id: str, span: Span, found: Sequence[Turn]) -> dict[str, Any]:
    """The row of a moment in a conversation, without partner and type."""
    about = conversations.c.conversation_id == conversation_id
    joined = conversations.outerjoin(deals, deals.c.deal_id == conversations.c.deal_id)
    query = sa.select(
        conversations.c.deal_id, conversations.c.started_at, deals.c.owner_id, deals.c.closed_at
    ).select_from(joined)
    facts = connection.execute(query.where(about)).mappings().one()
    return {**facts, "conversation_id": conversation_id, **_made(span, found)}


def evidence_of(span: Span, found: Sequence[Turn]) -> dict[str, Any]:
    """The columns of a moment that its words fill, when these are its words."""
    by_id = {turn.utterance_id: turn for turn in found}
    ids = span["utterance_ids"]
    quote, first = quote_of(span, found), by_id[ids[0]]
    return {
        "utterance_ids": ids,
        "char_start": span["char_start"],
        "char_end": span["char_end"] if len(ids) == 1 else len(first.text),
        "quote": quote,
        "magnitude": magnitude(quote),
        "start_s": first.start_s,
        "end_s": by_id[ids[-1]].end_s,
    }


def _made(span: Span, found: Sequence[Turn]) -> dict[str, Any]:
    """What the chosen words and a person's word for it make of a moment."""
    return {
        "moment_id": uuid4().hex[:16],
        **evidence_of(span, found),
        "confidence": 1.0,
        "type_confidence": 1.0,
        "model_version": PERSON,
        "cues": [],
        "stake": 0.0,
        "is_assist": True,
        "is_found": False,
        "state": "judged",
    }


def _confirmed(
    connection: Connection,
    moment_id: str,
    viewer: Viewer,
    at: datetime,
    *,
    span: Span | None = None,
    note: str | None = None,
) -> str:
    """The viewer's judgement that it is as it stands, and what follows of it; returns its ``review_id``."""
    row = moment_row(connection, moment_id)
    is_corrected = row["told_type"] is not None or row["told_partner"] is not None
    told = {
        "verdict": "relabelled" if is_corrected else "confirmed",
        "assist_type": row["told_type"],
        "partner_id": row["told_partner"],
    }
    given = {"reviewer": viewer.name, "role": "reviewer", "reviewed_at": at, "source": "page"}
    review = added_row(connection, row, {**given, **told, "span": span, "note": words(note)})
    settle(connection, moment_id)
    return str(review["review_id"])


def _refuse_twin(connection: Connection, row: Mapping[str, Any]) -> None:
    """Refuses a second moment of the same partner, type and words: it would count twice."""
    same = ("conversation_id", "partner_id", "assist_type", "quote", "char_start")
    query = sa.select(moments.c.utterance_ids).where(
        *(moments.c[name].is_not_distinct_from(row[name]) for name in same)
    )
    if row["utterance_ids"] in connection.scalars(query.where(moments.c.state != "gone")).all():
        raise ValueError("There is a moment of these words, this partner and this kind already. Judge that one.")


def _told(
    connection: Connection,
    moment_id: str,
    viewer: Viewer,
    action: str,
    what: dict[str, Any],
    at: datetime,
    before: dict[str, Any] | None = None,
) -> None:
    row = moment_row(connection, moment_id)
    after = {**what, "now": stands(row)}
    event = Event(viewer.name, viewer.role, action, "moment", moment_id, before, after, row["model_version"])
    record(connection, event, at)


def _stage(assist_type: str) -> str:
    stage = taxonomy()[assist_type].stage
    return NOT_TOLD.get(stage, stage)


def _has_record(connection: Connection, deal_id: str | None, partner_id: str | None) -> bool:
    """Whether the partner's other moments on that deal are borne out by a record."""
    same = (moments.c.deal_id == deal_id) & (moments.c.partner_id == partner_id) & moments.c.has_record
    return connection.scalar(sa.select(moments.c.moment_id).where(same).limit(1)) is not None
