"""The queue, moments and verdicts as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from sqlalchemy.engine import Connection

from review.desk import AtDesk
from review.pages.api_shapes import (
    Added,
    AddedAnswer,
    JudgedAnswer,
    MomentAnswer,
    QueueAnswer,
    Split,
    SplitAnswer,
    Undo,
    UndoneAnswer,
    Verdict,
    as_answer,
)
from review.pages.filters import Short, asked
from review.pages.queue import midnight
from review.pages.refusing import refusing
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.engine import writing
from review.store.filters import Filters
from review.store.judgements import add_missed, judge, split, undo
from review.store.moments import Moment, moment
from review.store.queue import counts, next_moment, queue_page
from review.store.turns import turns

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["moments"])
Sees = Annotated[Viewer, Depends(needs(Right.SEE))]
Judges = Annotated[Viewer, Depends(needs(Right.JUDGE))]
Asked = Annotated[Filters, Depends(asked)]
Id = Annotated[Short, Path()]


@router.get("/queue")
def read_queue(
    viewer: Sees,
    desk: AtDesk,
    filters: Asked,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    size: Annotated[int, Query(ge=1, le=200)] = 25,
) -> QueueAnswer:
    """One page of the queue, and how much there is."""
    with desk.engine.connect() as connection:
        rows = queue_page(connection, filters, page=page, size=size)
        numbers = counts(connection, filters, viewer.name, midnight(desk))
    return as_answer(QueueAnswer, {"page": page, "size": size, "rows": rows, "counts": numbers})


@router.post("/queue/next")
def open_next(viewer: Judges, desk: AtDesk, filters: Asked) -> MomentAnswer | None:
    """The first moment that nobody else has open, kept for the viewer for five minutes; null where none is left."""
    with writing(desk.engine) as connection:
        moment_id = next_moment(connection, filters, viewer.name, desk.clock())
        return None if moment_id is None else _shown(connection, moment_id)


@router.get("/moments/{moment_id}")
def read_moment(viewer: Sees, desk: AtDesk, moment_id: Id) -> MomentAnswer:  # noqa: ARG001
    """A moment with its conversation, its deal, the claim that it supports, and what people said of it."""
    with desk.engine.connect() as connection:
        return _shown(connection, moment_id)


@router.post("/moments/{moment_id}/verdicts", status_code=201)
def add_verdict(viewer: Judges, desk: AtDesk, moment_id: Id, given: Verdict) -> JudgedAnswer:
    """Takes a judgement down; ``others`` tells what other people did since the moment's ``version`` was read."""
    with refusing(), writing(desk.engine) as connection:
        judged = judge(
            connection,
            moment_id,
            viewer,
            verdict=given.verdict,
            at=desk.clock(),
            seen_version=given.version,
            decides=given.decides,
            assist_type=given.assist_type,
            partner_id=given.partner_id,
            span=given.span.model_dump() if given.span else None,
            note=given.note,
        )
        now = _existing(connection, moment_id)
    return as_answer(JudgedAnswer, {"review_id": judged.review_id, "others": judged.others, **_standing(now)})


@router.post("/moments/{moment_id}/split", status_code=201)
def split_moment(viewer: Judges, desk: AtDesk, moment_id: Id, given: Split) -> SplitAnswer:
    """Makes two moments of one; the first span stays with it."""
    with refusing(), writing(desk.engine) as connection:
        spans = [span.model_dump() for span in given.spans]
        first, second = split(connection, moment_id, viewer, spans, desk.clock())
    return SplitAnswer(moment_ids=[first, second])


@router.post("/conversations/{conversation_id}/moments", status_code=201)
def add_moment(viewer: Judges, desk: AtDesk, conversation_id: Id, given: Added) -> AddedAnswer:
    """Adds a moment that no model found."""
    span = given.span.model_dump()
    with refusing(), writing(desk.engine) as connection:
        moment_id = add_missed(
            connection, viewer, conversation_id, span, given.partner_id, given.assist_type, given.note, desk.clock()
        )
    return AddedAnswer(moment_id=moment_id)


@router.post("/undo")
def take_back(viewer: Judges, desk: AtDesk, given: Undo | None = None) -> UndoneAnswer:
    """Takes back the viewer's latest action, or a judgement by its id; ``moment_id`` is null where nothing is left."""
    with refusing(), writing(desk.engine) as connection:
        moment_id = undo(connection, viewer, desk.clock(), given.review_id if given else None)
    return UndoneAnswer(moment_id=moment_id)


def _existing(connection: Connection, moment_id: str) -> Moment:
    found = moment(connection, moment_id)
    if found is None:
        raise HTTPException(404, f"There is no moment {moment_id!r}.")
    return found


def _shown(connection: Connection, moment_id: str) -> MomentAnswer:
    found = _existing(connection, moment_id)
    said = turns(connection, found.conversation_id)
    return as_answer(MomentAnswer, {**found.__dict__, **_standing(found), "turns": said})


def _standing(found: Moment) -> dict[str, object]:
    """What stands of the moment, for an answer."""
    return {
        "moment_id": found.moment_id,
        "state": found.state,
        "verdict": found.verdict,
        "grade": found.grade,
        "version": found.version,
        "standing_type": found.standing_type,
        "standing_partner": found.standing_partner,
    }
