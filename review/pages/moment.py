"""One moment: the conversation with its evidence, what the model says, the deal, and what people said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from review.desk import desk_of
from review.pages.filters import LongText, Number, Text
from review.pages.moment_look import Look, look
from review.pages.moment_said import Told, told
from review.pages.moment_view import Found, moment_view, partner_choices
from review.pages.moment_words import said_in, span_of, words_of
from review.pages.queue import midnight
from review.rendering import page
from review.roles import Right, Viewer
from review.security.access import needs
from review.store import asked
from review.store.moments import Moment, moment
from review.store.neighbours import neighbours
from review.store.partner_names import name_of, named, partners_like
from review.store.progress import judged_since
from review.store.turns import turns

__all__ = ["Asked", "Id", "Judge", "See", "existing", "router", "shown"]

router = APIRouter()
See = Annotated[Viewer, Depends(needs(Right.SEE))]
Judge = Annotated[Viewer, Depends(needs(Right.JUDGE))]
Asked = Annotated[Look, Depends(look)]
Id = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
PICKERS: Final = ("partner", "told_partner")
"""Names that the field of a chosen partner has in a form."""


@router.get("/moments/{moment_id}", include_in_schema=False)
def show(request: Request, viewer: See, moment_id: Id, asked_for: Asked) -> HTMLResponse:
    """The page of a moment."""
    return shown(request, viewer, moment_id, asked_for)


@router.get("/moments/{moment_id}/words", include_in_schema=False)
def choose_words(
    request: Request,
    viewer: Judge,
    moment_id: Id,
    asked_for: Asked,
    selection: Text = None,
    turn: Number = None,
    said: LongText = None,
) -> Response:
    """Takes other words as evidence, which are kept when the moment is judged."""
    with desk_of(request).engine.connect() as connection:
        found = turns(connection, existing(connection, moment_id).conversation_id)
    try:
        span = span_of(selection, found) if selection else said_in(turn or 0, said or "", found)
    except ValueError as error:
        again = replace(asked_for, tool="words")
        return shown(request, viewer, moment_id, again, error=str(error), status=422)
    return RedirectResponse(asked_for.href(moment_id, words=words_of(span, found)), 303)


@router.get("/moments/{moment_id}/partner", include_in_schema=False)
def choose_partner(
    request: Request, viewer: Judge, moment_id: Id, asked_for: Asked, partner_name: Text = None
) -> Response:
    """Takes another partner, which is kept when the moment is judged."""
    with desk_of(request).engine.connect() as connection:
        about = existing(connection, moment_id)
        chosen = named(connection, partner_name) if partner_name else asked_for.told_partner
    if not chosen:
        again = replace(asked_for, tool="partner")
        error = "No partner is chosen. Choose one, or type its whole name."
        return shown(request, viewer, moment_id, again, error=error, status=422)
    return RedirectResponse(
        asked_for.href(moment_id, told_partner="" if chosen == about.standing_partner else chosen), 303
    )


@router.get("/moments/{moment_id}/partners", include_in_schema=False)
def find_partners(
    request: Request, viewer: See, moment_id: Id, name: Annotated[str, Query(max_length=20)], find: Text = None
) -> HTMLResponse:
    """Partners to choose from, by letters of their names."""
    if name not in PICKERS:
        raise HTTPException(422, f"name {name[:20]!r} is not one of {', '.join(PICKERS)}.")
    with desk_of(request).engine.connect() as connection:
        about = existing(connection, moment_id)
        found = partners_like(connection, find or "", deal_id=about.deal_id, own=_own(about))
    chosen = about.standing_partner if not find else None
    view = partner_choices(found, chosen) | {"find": find or ""}
    return page(request, "_moment_partners.html.jinja", viewer, view=view, name=name)


def shown(
    request: Request,
    viewer: Viewer,
    moment_id: str,
    asked_for: Look,
    *,
    happened: tuple[Told, ...] | None = None,
    error: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The page of a moment; ``happened`` is what its address would say of what was done, if it said so."""
    desk = desk_of(request)
    with desk.engine.connect() as connection:
        found = _found(connection, existing(connection, moment_id), viewer, asked_for, midnight(desk))
        sentences = happened if happened is not None else _happened(connection, viewer, asked_for)
    try:
        view = moment_view(found, viewer, asked_for, sentences, error)
    except ValueError as fault:
        raise HTTPException(422, str(fault)) from fault
    return page(request, "moment.html.jinja", viewer, view=view, status=status)


def existing(connection: Connection, moment_id: str) -> Moment:
    """The moment; a 404 where there is none."""
    found = moment(connection, moment_id)
    if found is None:
        raise HTTPException(
            404, f"There is no moment {moment_id[:80]!r}. It may have been deleted with its conversation."
        )
    return found


def _found(connection: Connection, about: Moment, viewer: Viewer, asked_for: Look, today: datetime) -> Found:
    return Found(
        about,
        turns(connection, about.conversation_id),
        neighbours(connection, asked_for.filters, about.moment_id),
        partners_like(connection, asked_for.find, deal_id=about.deal_id, own=_own(about)),
        asked.asked(connection, asked.Filters(moment_id=about.moment_id), limit=1),
        name_of(connection, asked_for.told_partner) if asked_for.told_partner else None,
        judged_since(connection, viewer.name, today),
    )


def _own(about: Moment) -> list[str]:
    return [one for one in (about.partner_id, about.told_partner) if one]


def _happened(connection: Connection, viewer: Viewer, asked_for: Look) -> tuple[Told, ...]:
    if asked_for.did == "nothing":
        return (Told("There is nothing of yours to take back."),)
    about = moment(connection, asked_for.done) if asked_for.done else None
    return tuple(told(asked_for.did or "", about, viewer, met=asked_for.met)) if about else ()
