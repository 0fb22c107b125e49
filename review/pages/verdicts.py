"""What the forms of a moment's page do: verdicts, notes, moments split, added, set aside, and all of it taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, BeforeValidator, Field
from sqlalchemy.engine import Connection

from review.desk import desk_of
from review.pages.filters import LongText, address, some
from review.pages.moment import Asked, Id, Judge, existing, shown
from review.pages.moment_look import Did, Look, Tool
from review.pages.moment_words import rest_of, said_in, span_of
from review.pages.talk import whole_span
from review.roles import Viewer
from review.store.engine import writing
from review.store.judgements import add_missed, add_note, ignore, judge, split, undo, unignore
from review.store.moments import moment
from review.store.partner_names import named
from review.store.queue import next_moment
from review.store.turns import Span, Turn, turns

__all__ = ["router"]

router = APIRouter()
Whole = Annotated[Annotated[int, Field(ge=0, le=2**31)] | None, BeforeValidator(some)]


class Verdict(BaseModel):
    """The form of a verdict, with corrections that go along."""

    verdict: Annotated[
        Literal["confirmed", "rejected", "partly", "relabelled", "unsure"] | None, BeforeValidator(some)
    ] = None
    assist_type: LongText = None
    partner: LongText = None
    partner_name: LongText = None
    words: LongText = None
    note: LongText = None
    version: Whole = None
    decides: bool = False


class Piece(BaseModel):
    """The form of words that become a moment of their own: chosen in the conversation, or typed with their turn."""

    selection: LongText = None
    turn: Whole = None
    said: LongText = None
    assist_type: LongText = None
    partner: LongText = None
    partner_name: LongText = None


@router.post("/moments/{moment_id}/verdict", include_in_schema=False)
def give_verdict(
    request: Request, viewer: Judge, moment_id: Id, asked: Asked, form: Annotated[Verdict, Form()]
) -> Response:
    """Keeps a verdict, and opens the next moment."""
    desk = desk_of(request)
    at = desk.clock()
    verdict = form.verdict or ("relabelled" if form.assist_type else None)
    try:
        if verdict is None:
            raise ValueError("No verdict is given. Confirm, reject, or say what it is.")
        with writing(desk.engine) as connection:
            about = existing(connection, moment_id)
            judged = judge(
                connection,
                moment_id,
                viewer,
                verdict=verdict,
                at=at,
                seen_version=form.version,
                decides=form.decides,
                assist_type=form.assist_type,
                partner_id=_partner(connection, form.partner, form.partner_name),
                span=span_of(form.words, turns(connection, about.conversation_id)) if form.words else None,
                note=form.note,
            )
            following = next_moment(connection, asked.filters, viewer.name, at, after=moment_id)
    except (ValueError, LookupError, PermissionError) as error:
        return _refused(request, viewer, moment_id, asked, error, "relabel" if form.assist_type else None)
    return _go_on(request, viewer, asked, moment_id, following, "judged", met=bool(judged.others))


@router.post("/moments/{moment_id}/split", include_in_schema=False)
def split_in_two(
    request: Request, viewer: Judge, moment_id: Id, asked: Asked, form: Annotated[Piece, Form()]
) -> Response:
    """Makes two moments of one, and opens the second."""
    desk = desk_of(request)
    try:
        with writing(desk.engine) as connection:
            about = existing(connection, moment_id)
            found = turns(connection, about.conversation_id)
            second = _words(form, found)
            spans = [rest_of(whole_span(about, found), second, found), second]
            _, new = split(connection, moment_id, viewer, spans, desk.clock())
    except (ValueError, LookupError, PermissionError) as error:
        return _refused(request, viewer, moment_id, asked, error, "split")
    return _open(request, viewer, asked, new, new, "split")


@router.post("/moments/{moment_id}/missed", include_in_schema=False)
def add(request: Request, viewer: Judge, moment_id: Id, asked: Asked, form: Annotated[Piece, Form()]) -> Response:
    """Adds a moment that the model missed in this conversation, and shows it."""
    desk = desk_of(request)
    try:
        if not form.assist_type:
            raise ValueError("No kind is chosen. Say what kind of help it was.")
        with writing(desk.engine) as connection:
            about = existing(connection, moment_id)
            span = _words(form, turns(connection, about.conversation_id))
            partner_id = _partner(connection, form.partner, form.partner_name)
            new = add_missed(
                connection, viewer, about.conversation_id, span, partner_id, form.assist_type, None, desk.clock()
            )
    except (ValueError, LookupError, PermissionError) as error:
        return _refused(request, viewer, moment_id, asked, error, "missed")
    return _open(request, viewer, asked, moment_id, new, "added")


@router.post("/moments/{moment_id}/note", include_in_schema=False)
def keep_note(
    request: Request, viewer: Judge, moment_id: Id, asked: Asked, text: Annotated[LongText, Form()] = None
) -> Response:
    """Keeps a note."""
    desk = desk_of(request)
    try:
        with writing(desk.engine) as connection:
            add_note(connection, moment_id, viewer, text or "", desk.clock())
    except (ValueError, LookupError, PermissionError) as error:
        return _refused(request, viewer, moment_id, asked, error, "note")
    return _open(request, viewer, asked, moment_id, moment_id, "noted")


@router.post("/moments/{moment_id}/ignore", include_in_schema=False)
def set_aside(request: Request, viewer: Judge, moment_id: Id, asked: Asked) -> Response:
    """Sets a moment aside, and opens the next; one that is set aside is brought back."""
    desk = desk_of(request)
    at = desk.clock()
    with writing(desk.engine) as connection:
        about = existing(connection, moment_id)
        if about.ignored_by is not None:
            unignore(connection, moment_id, viewer, at)
            following = None
        else:
            ignore(connection, moment_id, viewer, at)
            following = next_moment(connection, asked.filters, viewer.name, at, after=moment_id)
    if about.ignored_by is not None:
        return _open(request, viewer, asked, moment_id, moment_id, "brought_back")
    return _go_on(request, viewer, asked, moment_id, following, "ignored")


@router.post("/undo", include_in_schema=False)
def take_back(request: Request, viewer: Judge, asked: Asked, here: Annotated[LongText, Form()] = None) -> Response:
    """Takes back what the viewer did last, and opens the moment that it was done to."""
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        moment_id = undo(connection, viewer, desk.clock())
        back = moment_id or (here if here and moment(connection, here) else None)
    if back is None:
        return _to(request, address("/queue", asked.filters, did="nothing"))
    return _open(request, viewer, asked, back, back, "undone" if moment_id else "nothing")


def _words(form: Piece, found: list[Turn]) -> Span:
    return span_of(form.selection, found) if form.selection else said_in(form.turn or 0, form.said or "", found)


def _partner(connection: Connection, partner_id: str | None, name: str | None) -> str | None:
    """The chosen partner, or that of the typed name."""
    if not name:
        return partner_id
    found = named(connection, name)
    if found is None:
        raise ValueError(
            f"There is no partner, or more than one, of the name {name[:80]!r}. Write its whole name, or its id."
        )
    return found


def _go_on(
    request: Request, viewer: Viewer, asked: Look, done: str, following: str | None, did: Did, *, met: bool = False
) -> Response:
    """The next moment; the queue where there is none."""
    if following is None or following == done:
        return _to(request, address("/queue", asked.filters, done=done, did=did, met=int(met) or None))
    return _open(request, viewer, asked, done, following, did, met=met)


def _open(
    request: Request, viewer: Viewer, asked: Look, done: str, moment_id: str, did: Did, *, met: bool = False
) -> Response:
    """The page of a moment that says what was done: at once where a script asks for it, else by its address."""
    plain = Look(asked.filters, done=done, did=did, met=met)
    if "hx-request" not in request.headers:
        return RedirectResponse(plain.href(moment_id, done=done, did=did, met=met), 303)
    answer = shown(request, viewer, moment_id, plain)
    answer.headers["HX-Push-Url"] = plain.href(moment_id)
    return answer


def _to(request: Request, where: str) -> Response:
    """Another page, opened as a whole."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def _refused(
    request: Request, viewer: Viewer, moment_id: str, asked: Look, error: Exception, tool: Tool | None
) -> Response:
    """The moment's page again, saying what is wrong."""
    if isinstance(error, PermissionError):
        raise HTTPException(403, str(error)) from error
    text = str(error.args[0]) if error.args else str(error)
    return shown(request, viewer, moment_id, replace(asked, tool=tool), error=text, status=422)
