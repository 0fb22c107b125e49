"""Judgements taken down, with what they changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.assist.taxonomy import taxonomy
from features.judgements import DECIDES, OWNER, Role
from features.tables import REVIEWS
from review.roles import Right, Viewer
from review.store.events import Event, record
from review.store.schema import events, judgements, moments, partners
from review.store.standing import STANDS, settle
from review.store.turns import Span, checked_span, turns

__all__ = [
    "VERDICTS",
    "Judged",
    "Other",
    "add_judgement",
    "added_row",
    "checked",
    "judge",
    "may_judge",
    "moment_row",
    "stands",
    "words",
]

VERDICTS: Final = REVIEWS.column("verdict").vocabulary
ROLES: Final = get_args(Role)
SOURCES: Final = ("page", "link", "table")
CORRECTING: Final = ("confirmed", "partly", "relabelled")
"""Verdicts that may correct type and partner; of others no correction is kept."""
MOST_WORDS: Final = 4_000
"""Characters of a note."""


@dataclass(frozen=True)
class Other:
    """What somebody else did about a moment meanwhile; ``verdict`` is None where it was no judgement that stands."""

    who: str
    action: str
    verdict: str | None
    assist_type: str | None
    partner_id: str | None
    at: datetime


@dataclass(frozen=True)
class Judged:
    """A judgement that was taken down, and what others did since the page had been opened; all of it stands."""

    review_id: str
    others: tuple[Other, ...]


def add_judgement(
    connection: Connection,
    moment_id: str,
    *,
    reviewer: str,
    role: str,
    verdict: str,
    at: datetime,
    source: str,
    assist_type: str | None = None,
    partner_id: str | None = None,
    span: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> str:
    """Takes a judgement down, with its row in the audit, and works out what now stands; returns its ``review_id``.

    A correction is kept in one form, so that people who say the same are seen to: one that changes nothing is a
    confirmation, one that changes the type or the partner is ``relabelled`` (or ``partly``) and names the type.

    Raises
    ------
    LookupError : no such moment, or no such partner.
    ValueError : a word that is not of its vocabulary, ``relabelled`` without a type, a span beyond the conversation,
        or a note that cannot be kept.
    """
    _known("role", role, ROLES)
    _known("source", source, SOURCES)
    before = moment_row(connection, moment_id)
    given = {"reviewer": reviewer, "role": role, "reviewed_at": at, "source": source, "note": words(note)}
    told = _told(connection, before, verdict, assist_type, partner_id, role)
    row = added_row(connection, before, {**given, **told, "span": _moved(connection, before, span)})
    settle(connection, moment_id)
    after = {"review_ids": [row["review_id"]], **told, "now": stands(moment_row(connection, moment_id))}
    event = Event(reviewer, role, "judged", "moment", moment_id, stands(before), after, before["model_version"])
    record(connection, event, at)
    return str(row["review_id"])


def judge(
    connection: Connection,
    moment_id: str,
    viewer: Viewer,
    *,
    verdict: str,
    at: datetime,
    seen_version: int | None = None,
    decides: bool = False,
    assist_type: str | None = None,
    partner_id: str | None = None,
    span: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> Judged:
    """A viewer's judgement of a moment that was opened at ``seen_version`` (None: not known).

    With ``decides`` somebody who has the right settles what others disagree about. Raises as ``add_judgement``, and
    ``PermissionError``.
    """
    may_judge(viewer, decides=decides)
    others = () if seen_version is None else _meanwhile(connection, moment_id, viewer.name, seen_version)
    role = DECIDES if decides else "reviewer"
    review_id = add_judgement(
        connection,
        moment_id,
        reviewer=viewer.name,
        role=role,
        verdict=verdict,
        at=at,
        source="page",
        assist_type=assist_type,
        partner_id=partner_id,
        span=span,
        note=note,
    )
    connection.execute(
        moments.update().where(moments.c.moment_id == moment_id).values(opened_by=None, opened_until=None)
    )
    return Judged(review_id, others)


def may_judge(viewer: Viewer, *, decides: bool = False) -> None:
    """Raises ``PermissionError`` where the viewer may not judge or, with ``decides``, not settle disagreements."""
    if not viewer.may(Right.DECIDE if decides else Right.JUDGE):
        raise PermissionError(f"The role {viewer.role} may not {'decide' if decides else 'judge'}.")


def moment_row(connection: Connection, moment_id: str) -> RowMapping:
    """The moment's row; raises ``LookupError`` where there is none."""
    found = connection.execute(sa.select(moments).where(moments.c.moment_id == moment_id)).mappings().first()
    if found is None:
        raise LookupError(f"There is no moment {moment_id!r}.")
    return found


def stands(row: RowMapping) -> dict[str, Any]:
    """What stands of a moment, for the audit."""
    return {
        "state": row["state"],
        "verdict": row["verdict"],
        "assist_type": row["told_type"] or row["assist_type"],
        "partner_id": row["told_partner"] or row["partner_id"],
        "span": row["told_span"],
        "grade": row["grade"],
        "version": row["version"],
    }


def added_row(connection: Connection, moment: RowMapping, given: Mapping[str, Any]) -> dict[str, Any]:
    """A judgement's row, made and added; nothing but the row."""
    span = given["span"]
    row = {
        **given,
        "review_id": uuid4().hex,
        "moment_id": moment["moment_id"],
        "model_version": moment["model_version"],
        "span": sa.null() if span is None else span,
        "utterance_ids": sa.null() if span is None else span["utterance_ids"],
    }
    connection.execute(judgements.insert().values(row))
    return row


def checked(
    connection: Connection, *, partner_id: str | None, assist_type: str | None, types: tuple[str, ...]
) -> dict[str, str | None]:
    """Partner and type, if there is such a partner, and the type is one of these; raises as ``add_judgement``."""
    if assist_type:
        _known("assist_type", assist_type, types)
    query = sa.select(partners.c.partner_id).where(partners.c.partner_id == partner_id)
    if partner_id and connection.scalar(query) is None:
        raise LookupError(f"There is no partner {partner_id!r}.")
    return {"assist_type": assist_type or None, "partner_id": partner_id or None}


def words(note: str | None) -> str | None:
    """A note without blanks around it, None for none; raises ``ValueError`` for one that no database could keep."""
    text = (note or "").strip()
    if len(text) > MOST_WORDS:
        raise ValueError(f"The note has {len(text):,} characters. Write at most {MOST_WORDS:,}.")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("The note holds characters that are no text. Write it anew.")
    return text or None


def _told(
    connection: Connection,
    moment: RowMapping,
    verdict: str,
    assist_type: str | None,
    partner_id: str | None,
    role: str,
) -> dict[str, str | None]:
    """Verdict, corrected type and corrected partner, checked and in their one form."""
    _known("verdict", verdict, VERDICTS)
    if verdict == "relabelled" and not assist_type:
        raise ValueError("A moment that is relabelled needs a type of the taxonomy. Give the assist_type.")
    checked(connection, partner_id=partner_id, assist_type=assist_type, types=taxonomy().ids)
    if verdict not in CORRECTING:
        return {"verdict": verdict, "assist_type": None, "partner_id": None}
    other_partner = partner_id if partner_id and partner_id != moment["partner_id"] else None
    if role == OWNER:  # Who says whether it is so, and of which partner, and corrects nothing.
        return {"verdict": verdict, "assist_type": None, "partner_id": other_partner}
    kind = assist_type or moment["assist_type"]
    if kind == moment["assist_type"] and other_partner is None:
        return {"verdict": "partly" if verdict == "partly" else "confirmed", "assist_type": None, "partner_id": None}
    return {
        "verdict": "partly" if verdict == "partly" else "relabelled",
        "assist_type": kind,
        "partner_id": other_partner,
    }


def _moved(connection: Connection, moment: RowMapping, span: Mapping[str, Any] | None) -> Span | None:
    """The span, checked; None where it is the one that stands."""
    if span is None:
        return None
    checked = checked_span(span, turns(connection, moment["conversation_id"]))
    if moment["told_span"] is not None:
        return None if checked == moment["told_span"] else checked
    found = (moment["utterance_ids"], moment["char_start"], moment["char_end"])
    is_same = len(checked["utterance_ids"]) == 1 and found == tuple(checked.values())
    return None if is_same else checked


def _known(name: str, value: str, vocabulary: tuple[str, ...]) -> None:
    if value not in vocabulary:
        raise ValueError(f"{name} {value!r} is not one of {', '.join(vocabulary)}.")


def _meanwhile(connection: Connection, moment_id: str, viewer: str, seen_version: int) -> tuple[Other, ...]:
    """What others did about a moment after the version that somebody has seen, the earliest first."""
    if moment_row(connection, moment_id)["version"] <= seen_version:
        return ()
    about = (events.c.subject == "moment") & (events.c.subject_id == moment_id) & (events.c.who != viewer)
    query = sa.select(events).where(about).order_by(events.c.seq.desc()).limit(50)
    rows = [row for row in connection.execute(query).mappings() if _version(row) > seen_version]
    standing = sa.select(judgements.c.review_id).where(judgements.c.moment_id == moment_id, STANDS)
    ids = set(connection.scalars(standing))
    return tuple(
        _other(row, is_standing=not ids.isdisjoint(row["after"].get("review_ids", ()))) for row in reversed(rows)
    )


def _version(event: RowMapping) -> int:
    return int(((event["after"] or {}).get("now") or {}).get("version", -1))


def _other(event: RowMapping, *, is_standing: bool) -> Other:
    told = event["after"] if is_standing else {}
    return Other(
        event["who"],
        event["action"],
        told.get("verdict"),
        told.get("assist_type"),
        told.get("partner_id"),
        event["at"],
    )
