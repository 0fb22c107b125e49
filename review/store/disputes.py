"""Claims that somebody contests, from the first word to the decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.judgements import DECIDES
from review.roles import Right, Viewer
from review.store.dispute_files import assignable, dispute_row, subject
from review.store.events import Event, record
from review.store.schema import OPEN_DISPUTES, dispute_entries, disputes
from review.store.verdicts import add_judgement, words

__all__ = ["Effect", "assign", "open_dispute", "resolve", "say"]

INTERNAL: Final = ("note", "assigned")
"""Kinds of entries that a partner does not see."""


@dataclass(frozen=True)
class Effect:
    """The judgement that an upheld dispute brings about its moment; fields as in ``add_judgement``."""

    verdict: str
    assist_type: str | None = None
    partner_id: str | None = None


def open_dispute(
    connection: Connection,
    viewer: Viewer,
    *,
    deal_id: str,
    partner_id: str,
    reason: str,
    at: datetime,
    moment_id: str | None = None,
) -> int:
    """Opens a dispute and returns its number.

    Raises
    ------
    PermissionError : the viewer may not contest claims.
    LookupError : as ``subject``.
    ValueError : no reason is given, or the same is contested already.
    """
    if not viewer.may(Right.CONTEST):
        raise PermissionError(f"The role {viewer.role} may not contest claims.")
    subject(connection, viewer, deal_id, partner_id, moment_id)
    text = _said(reason, "why the claim is contested")
    same = (disputes.c.deal_id == deal_id) & (disputes.c.partner_id == partner_id) & disputes.c.state.in_(OPEN_DISPUTES)
    moment_is = disputes.c.moment_id.is_(None) if moment_id is None else disputes.c.moment_id == moment_id
    if (number := connection.scalar(sa.select(disputes.c.dispute_id).where(same, moment_is))) is not None:
        raise ValueError(f"This is contested already, in dispute {number}. Add to that one.")
    values = {"deal_id": deal_id, "partner_id": partner_id, "moment_id": moment_id, "state": "open", "reason": text}
    made = connection.execute(disputes.insert().values(**values, opened_by=viewer.name, opened_at=at))
    dispute_id = int(made.inserted_primary_key[0])  # type: ignore[index]
    _enter(connection, viewer, dispute_id, "opened", text, at)
    after = {"state": "open", "deal_id": deal_id, "partner_id": partner_id, "moment_id": moment_id}
    _record(connection, viewer, dispute_id, "opened", None, after, at)
    return dispute_id


def say(
    connection: Connection, viewer: Viewer, dispute_id: int, text: str, at: datetime, *, is_internal: bool = False
) -> None:
    """Adds words to a dispute, internal ones unseen by the partner; raises as ``open_dispute``."""
    if not viewer.may(Right.CONTEST) or (is_internal and not viewer.may(Right.SEE)):
        raise PermissionError(f"The role {viewer.role} may not add to disputes.")
    row = dispute_row(connection, viewer, dispute_id)
    kind = "note" if is_internal else "comment"
    _enter(connection, viewer, row["dispute_id"], kind, _said(text, "what you have to say"), at)
    _record(connection, viewer, dispute_id, "noted" if is_internal else "commented", None, None, at)


def assign(connection: Connection, viewer: Viewer, dispute_id: int, owner: str, at: datetime) -> None:
    """Gives an open dispute to somebody who looks into it; raises as ``resolve``."""
    row = _open_row(connection, viewer, dispute_id)
    if owner not in assignable(connection):
        raise LookupError(f"There is nobody called {owner!r} who can look into a dispute.")
    changed = {"owner": owner, "state": "in_review"}
    connection.execute(disputes.update().where(disputes.c.dispute_id == dispute_id).values(changed))
    _enter(connection, viewer, dispute_id, "assigned", owner, at)
    _record(connection, viewer, dispute_id, "assigned", {name: row[name] for name in changed}, changed, at)


def resolve(
    connection: Connection,
    viewer: Viewer,
    dispute_id: int,
    state: Literal["upheld", "declined"],
    resolution: str,
    at: datetime,
    *,
    effect: Effect | None = None,
) -> None:
    """Decides an open dispute; ``effect`` judges its moment in the role that settles what others said.

    Raises
    ------
    PermissionError : the viewer may not decide.
    LookupError : no such dispute, moment or partner.
    ValueError : it is decided already, no reason is given, or the effect is none that this dispute can have.
    """
    row = _open_row(connection, viewer, dispute_id)
    text = _said(resolution, "why you decide so")
    if effect is not None and (state != "upheld" or row["moment_id"] is None):
        raise ValueError("Only a dispute about a moment that is upheld changes what is said of the moment.")
    changed: dict[str, Any] = {"state": state, "closed_at": at, "closed_by": viewer.name, "resolution": text}
    connection.execute(disputes.update().where(disputes.c.dispute_id == dispute_id).values(changed))
    _enter(connection, viewer, dispute_id, state, text, at)
    after = {"state": state, "verdict": effect.verdict if effect else None}
    _record(connection, viewer, dispute_id, state, {"state": row["state"]}, after, at)
    if effect is not None:
        add_judgement(
            connection,
            row["moment_id"],
            reviewer=viewer.name,
            role=DECIDES,
            verdict=effect.verdict,
            assist_type=effect.assist_type,
            partner_id=effect.partner_id,
            at=at,
            source="page",
            note=f"Dispute {dispute_id}",
        )


def _open_row(connection: Connection, viewer: Viewer, dispute_id: int) -> RowMapping:
    if not viewer.may(Right.DECIDE):
        raise PermissionError(f"The role {viewer.role} may not decide disputes.")
    row = dispute_row(connection, viewer, dispute_id)
    if row["state"] not in OPEN_DISPUTES:
        raise ValueError(f"Dispute {dispute_id} was {row['state']} already, by {row['closed_by']}.")
    return row


def _said(text: str, what: str) -> str:
    said = words(text)
    if said is None:
        raise ValueError(f"Nothing is written. Write {what}.")
    return said


def _enter(connection: Connection, viewer: Viewer, dispute_id: int, kind: str, text: str, at: datetime) -> None:
    values = {"dispute_id": dispute_id, "at": at, "who": viewer.name, "role": viewer.role, "kind": kind, "text": text}
    connection.execute(dispute_entries.insert().values(**values, is_internal=kind in INTERNAL))


def _record(
    connection: Connection,
    viewer: Viewer,
    dispute_id: int,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    at: datetime,
) -> None:
    record(connection, Event(viewer.name, viewer.role, action, "dispute", str(dispute_id), before, after), at)
