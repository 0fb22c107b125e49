"""The queue and moments for programs: what the pages show and do, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from review.desk import desk_of
from review.pages.filters import asked
from review.pages.judging_shapes import (
    Back,
    Ids,
    Line,
    Meanwhile,
    Missed,
    Note,
    Numbers,
    OneMoment,
    Queue,
    Row,
    Spans,
    Taken,
    Verdict,
)
from review.pages.moment import Id, Judge, See, existing
from review.pages.queue import midnight
from review.store.engine import writing
from review.store.filters import Filters
from review.store.judgements import add_missed, add_note, ignore, judge, split, undo
from review.store.queue import counts, next_moment, queue_page
from review.store.turns import turns

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["judging"])
Asked = Annotated[Filters, Depends(asked)]


@router.get("/queue")
def read_queue(
    request: Request, viewer: See, filters: Asked, page: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> Queue:
    """A page of the queue."""
    desk = desk_of(request)
    with desk.engine.connect() as connection:
        numbers = counts(connection, filters, viewer.name, midnight(desk))
        rows = queue_page(connection, filters, page=page)
    return Queue(counts=Numbers.model_validate(numbers), page=page, moments=[Row.model_validate(row) for row in rows])


@router.post("/queue/next")
def take_next(request: Request, viewer: Judge, filters: Asked) -> Ids:
    """The next moment that nobody else has open, kept for the viewer for a few minutes."""
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        found = next_moment(connection, filters, viewer.name, desk.clock())
    return Ids(moment_ids=[found] if found else [])


@router.get("/moments/{moment_id}")
def read_moment(request: Request, viewer: See, moment_id: Id, with_turns: bool = False) -> OneMoment:  # noqa: FBT001, FBT002 - a flag of the address
    """A moment, with the conversation's turns if they are wanted."""
    with desk_of(request).engine.connect() as connection:
        about = existing(connection, moment_id)
        said = turns(connection, about.conversation_id) if with_turns else []
    made = OneMoment.of(about, viewer)
    return made.model_copy(update={"turns": [Line.model_validate(turn) for turn in said]})


@router.post("/moments/{moment_id}/verdicts")
def give_verdict(request: Request, viewer: Judge, moment_id: Id, verdict: Verdict) -> Taken:
    """Keeps a verdict. What somebody else said meanwhile is kept as well, and told."""
    desk = desk_of(request)
    with _refusing(), writing(desk.engine) as connection:
        done = judge(
            connection,
            moment_id,
            viewer,
            verdict=verdict.verdict,
            at=desk.clock(),
            seen_version=verdict.version,
            decides=verdict.decides,
            assist_type=verdict.assist_type,
            partner_id=verdict.partner_id,
            span=verdict.span.plain() if verdict.span else None,
            note=verdict.note,
        )
        now = existing(connection, moment_id)
    others = [Meanwhile.model_validate(other) for other in done.others]
    return Taken(review_id=done.review_id, others=others, state=now.state, version=now.version)


@router.post("/moments")
def add_moment(request: Request, viewer: Judge, missed: Missed) -> Ids:
    """Adds a moment that was not found; it is confirmed by who adds it."""
    desk = desk_of(request)
    told = (missed.conversation_id, missed.span.plain(), missed.partner_id, missed.assist_type, missed.note)
    with _refusing(), writing(desk.engine) as connection:
        new = add_missed(connection, viewer, *told, desk.clock())
    return Ids(moment_ids=[new])


@router.post("/moments/{moment_id}/split")
def split_moment(request: Request, viewer: Judge, moment_id: Id, parts: Spans) -> Ids:
    """Makes two moments of one."""
    desk = desk_of(request)
    with _refusing(), writing(desk.engine) as connection:
        spans = [span.plain() for span in parts.spans]
        return Ids(moment_ids=list(split(connection, moment_id, viewer, spans, desk.clock())))


@router.post("/moments/{moment_id}/notes")
def keep_note(request: Request, viewer: Judge, moment_id: Id, note: Note) -> Ids:
    """Keeps a note."""
    desk = desk_of(request)
    with _refusing(), writing(desk.engine) as connection:
        add_note(connection, moment_id, viewer, note.text, desk.clock())
    return Ids(moment_ids=[moment_id])


@router.post("/moments/{moment_id}/ignore")
def set_aside(request: Request, viewer: Judge, moment_id: Id) -> Ids:
    """Sets a moment aside."""
    desk = desk_of(request)
    with _refusing(), writing(desk.engine) as connection:
        ignore(connection, moment_id, viewer, desk.clock())
    return Ids(moment_ids=[moment_id])


@router.post("/undo")
def take_back(request: Request, viewer: Judge, back: Back) -> Ids:
    """Takes back what the viewer did last, or one judgement."""
    desk = desk_of(request)
    with _refusing(), writing(desk.engine) as connection:
        found = undo(connection, viewer, desk.clock(), back.review_id)
    return Ids(moment_ids=[found] if found else [])


@contextmanager
def _refusing() -> Iterator[None]:
    """Tells what the store refuses: a 404 of what is not there, a 403 of what may not be, a 422 of what is wrong."""
    try:
        yield
    except LookupError as error:
        raise HTTPException(404, str(error.args[0] if error.args else error)) from error
    except PermissionError as error:
        raise HTTPException(403, str(error)) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
