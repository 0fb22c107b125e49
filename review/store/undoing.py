"""What people take back, and what they set aside."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.judgements import OWNER
from review.roles import Right, Viewer
from review.store.events import Event, record
from review.store.schema import events, judgements, moments, notes
from review.store.standing import STANDS, settle
from review.store.verdicts import may_judge, moment_row, stands, words

__all__ = ["add_note", "ignore", "undo", "unignore"]

JUDGING: Final = ("judged", "added", "split", "split_off")
"""Actions by which judgements come about."""


def undo(connection: Connection, viewer: Viewer, at: datetime, review_id: str | None = None) -> str | None:
    """Takes back the viewer's latest action that has not been taken back; called again, the one before it.

    Actions are judgements, moments split or added, and moments set aside. With ``review_id`` it is that judgement, of
    somebody else if the viewer may decide. Returns the ``moment_id``, or None where there is nothing to take back.
    Raises ``LookupError`` for a judgement that is not there or was taken back before, and ``PermissionError``.
    """
    may_judge(viewer)
    if review_id is not None:
        return _undo_review(connection, viewer, review_id, at)
    event = _latest(connection, viewer.name)
    if event is None:
        return None
    if event["action"] == "ignored":
        _set_aside(connection, event["subject_id"], viewer, None, at, action="undone")
    else:
        _take_back(connection, viewer, event["after"]["review_ids"], at)
    return str(event["after"].get("split_from") or event["subject_id"])


def ignore(connection: Connection, moment_id: str, viewer: Viewer, at: datetime) -> None:
    """Sets a moment aside: it is asked about no more and supports no claim. Raises ``LookupError``."""
    _set_aside(connection, moment_id, viewer, viewer.name, at, action="ignored")


def unignore(connection: Connection, moment_id: str, viewer: Viewer, at: datetime) -> None:
    """Brings a moment that was set aside back. Raises ``LookupError``."""
    _set_aside(connection, moment_id, viewer, None, at, action="unignored")


def add_note(connection: Connection, moment_id: str, viewer: Viewer, note: str, at: datetime) -> None:
    """Keeps a note on a moment. Raises ``LookupError``, and ``ValueError`` for one without words."""
    may_judge(viewer)
    text = words(note)
    if text is None:
        raise ValueError("The note is empty. Write something.")
    row = moment_row(connection, moment_id)
    values = {"moment_id": moment_id, "author": viewer.name, "text": text, "written_at": at}
    connection.execute(notes.insert().values(values))
    event = Event(viewer.name, viewer.role, "noted", "moment", moment_id, model_version=row["model_version"])
    record(connection, event, at)


def _latest(connection: Connection, who: str) -> RowMapping | None:
    """The event of somebody's latest action that still has an effect."""
    found = [event for event in (_latest_judged(connection, who), _latest_ignored(connection, who)) if event]
    return max(found, key=lambda event: int(event["seq"]), default=None)


def _latest_judged(connection: Connection, who: str) -> RowMapping | None:
    mine = (judgements.c.reviewer == who) & (judgements.c.role != OWNER) & (judgements.c.source == "page") & STANDS
    last = connection.execute(sa.select(judgements).where(mine).order_by(judgements.c.seq.desc()).limit(1)).first()
    if last is None:
        return None
    about = (events.c.subject == "moment") & (events.c.subject_id == last.moment_id) & (events.c.who == who)
    told = sa.select(events).where(about, events.c.action.in_(JUDGING)).order_by(events.c.seq.desc())
    rows = connection.execute(told).mappings().all()
    return next((event for event in rows if last.review_id in event["after"]["review_ids"]), None)


def _latest_ignored(connection: Connection, who: str) -> RowMapping | None:
    aside = moments.join(events, (events.c.subject == "moment") & (events.c.subject_id == moments.c.moment_id))
    mine = (moments.c.ignored_by == who) & (events.c.who == who) & (events.c.action == "ignored")
    query = sa.select(events).select_from(aside).where(mine).order_by(events.c.seq.desc()).limit(1)
    return connection.execute(query).mappings().first()


def _undo_review(connection: Connection, viewer: Viewer, review_id: str, at: datetime) -> str:
    query = sa.select(judgements.c.moment_id, judgements.c.reviewer).where(judgements.c.review_id == review_id, STANDS)
    found = connection.execute(query).first()
    if found is None:
        raise LookupError(f"There is no judgement {review_id!r} that could be taken back.")
    if found.reviewer != viewer.name and not viewer.may(Right.DECIDE):
        raise PermissionError(f"The role {viewer.role} may not take back what others judged.")
    _take_back(connection, viewer, [review_id], at)
    return str(found.moment_id)


def _take_back(connection: Connection, viewer: Viewer, review_ids: list[str], at: datetime) -> None:
    """Takes judgements back; each moment of theirs is settled, and has its row in the audit."""
    is_it = judgements.c.review_id.in_(review_ids) & STANDS
    rows = connection.execute(sa.select(judgements.c.review_id, judgements.c.moment_id).where(is_it)).all()
    connection.execute(judgements.update().where(is_it).values(undone_at=at))
    for moment_id in sorted({row.moment_id for row in rows}):
        before = moment_row(connection, moment_id)
        settle(connection, moment_id)
        gone = [row.review_id for row in rows if row.moment_id == moment_id]
        _told(connection, viewer, "undone", before, {"review_ids": gone}, at)


def _set_aside(
    connection: Connection, moment_id: str, viewer: Viewer, who: str | None, at: datetime, *, action: str
) -> None:
    may_judge(viewer)
    before = moment_row(connection, moment_id)
    if (before["ignored_by"] is None) == (who is None):
        return
    values = {"ignored_by": who, "opened_by": None, "opened_until": None}
    connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(values))
    settle(connection, moment_id)
    _told(connection, viewer, action, before, {}, at)


def _told(
    connection: Connection, viewer: Viewer, action: str, before: RowMapping, what: dict[str, Any], at: datetime
) -> None:
    moment_id = before["moment_id"]
    after = {**what, "now": stands(moment_row(connection, moment_id))}
    event = Event(viewer.name, viewer.role, action, "moment", moment_id, stands(before), after, before["model_version"])
    record(connection, event, at)
