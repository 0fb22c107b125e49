"""Disputes: claims that somebody contests, who looks into them, what was said, and how they end."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field
from sqlalchemy.engine import Connection

from features.assist.taxonomy import taxonomy
from review.desk import AtDesk, Desk
from review.pages.dispute_view import dispute_view, named
from review.pages.filters import Text, some, storable
from review.pages.paging import MOST_PAGES, PageNumber, pager
from review.pages.refusing import refusing
from review.rendering import page
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.dispute_files import PAGE_SIZE, STALE, assignable, dispute_file, listed, numbers, subject
from review.store.disputes import Effect, assign, open_dispute, resolve, say
from review.store.engine import writing
from review.store.partner_names import named as named_partner

__all__ = ["router"]

router = APIRouter()
Seer = Annotated[Viewer, Depends(needs(Right.SEE, Right.SEE_OWN))]
Contester = Annotated[Viewer, Depends(needs(Right.CONTEST))]
Decider = Annotated[Viewer, Depends(needs(Right.DECIDE))]
Number = Annotated[int, Path(ge=1, le=2**62)]
State = Annotated[Literal["open", "in_review", "upheld", "declined"] | None, BeforeValidator(some)]
Id = Annotated[str, BeforeValidator(storable), Field(min_length=1, max_length=500)]
MaybeId = Annotated[Annotated[str, BeforeValidator(storable), Field(max_length=500)] | None, BeforeValidator(some)]
Words = Annotated[str, BeforeValidator(storable), Field(max_length=10_000)]


class NewDispute(BaseModel):
    """What somebody contests: a claim, or one moment of it."""

    deal_id: Id
    partner_id: Id
    moment_id: MaybeId = None
    reason: Words


class Said(BaseModel):
    """Words that somebody adds; internal ones are not shown to the partner."""

    text: Words
    is_internal: bool = False


class Resolution(BaseModel):
    """A decision; the verdict is what becomes of the moment."""

    state: Literal["upheld", "declined"]
    resolution: Words
    verdict: Annotated[Literal["rejected", "relabelled", "confirmed"] | None, BeforeValidator(some)] = None
    assist_type: MaybeId = None
    partner: MaybeId = None


class DisputeAnswer(BaseModel):
    """A dispute as it stands; ages are whole days."""

    dispute_id: int
    deal_id: str
    partner_id: str
    moment_id: str | None
    state: str
    reason: str
    opened_by: str
    opened_at: AwareDatetime
    age_days: int
    owner: str | None
    closed_at: AwareDatetime | None
    resolution: str | None


@router.get("/disputes", response_class=HTMLResponse, include_in_schema=False)
def dispute_list(
    request: Request,
    viewer: Seer,
    desk: AtDesk,
    state: State = None,
    partner: Text = None,
    owner: Text = None,
    number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1,
) -> HTMLResponse:
    """The disputes that the viewer may see."""
    whose: dict[str, Any] = {"partner_id": partner, "owner": owner if viewer.may(Right.SEE) else None}
    with desk.engine.connect() as connection:
        rows = listed(connection, viewer, state=state, **whose, page=number)
        by_state = numbers(connection, viewer, **whose)
    total = by_state[state] if state else sum(by_state.values())
    return page(
        request,
        "disputes.html.jinja",
        viewer,
        rows=[named(row, viewer, desk.clock()) for row in rows],
        numbers=by_state,
        state=state,
        whose=whose,
        pager=pager(request, number, PAGE_SIZE, total),
        stale_days=STALE.days,
    )


@router.get("/disputes/new", response_class=HTMLResponse, include_in_schema=False)
def new(
    request: Request, viewer: Contester, desk: AtDesk, deal: Text = None, partner: Text = None, moment: Text = None
) -> HTMLResponse:
    """The form by which a claim is contested."""
    with refusing(), desk.engine.connect() as connection:
        about = subject(connection, viewer, deal or "", partner or "", moment)
    return page(request, "dispute_new.html.jinja", viewer, about=about)


@router.post("/disputes", include_in_schema=False)
def open_by_form(viewer: Contester, desk: AtDesk, form: Annotated[NewDispute, Form()]) -> RedirectResponse:
    """Opens a dispute."""
    return RedirectResponse(f"/disputes/{_opened(viewer, desk, form)}", 303)


@router.get("/disputes/{dispute_id}", response_class=HTMLResponse, include_in_schema=False)
def dispute(request: Request, viewer: Seer, desk: AtDesk, dispute_id: Number) -> HTMLResponse:
    """One dispute."""
    with refusing(), desk.engine.connect() as connection:
        found = dispute_file(connection, viewer, dispute_id)
        people = assignable(connection) if viewer.may(Right.DECIDE) else []
    view = dispute_view(found, viewer, desk.clock(), people, taxonomy())
    return page(request, "dispute.html.jinja", viewer, view=view)


@router.post("/disputes/{dispute_id}/say", include_in_schema=False)
def add(viewer: Contester, desk: AtDesk, dispute_id: Number, form: Annotated[Said, Form()]) -> RedirectResponse:
    """Adds words to a dispute."""
    with refusing(), writing(desk.engine) as connection:
        say(connection, viewer, dispute_id, form.text, desk.clock(), is_internal=form.is_internal)
    return RedirectResponse(f"/disputes/{dispute_id}#said", 303)


@router.post("/disputes/{dispute_id}/assign", include_in_schema=False)
def give(viewer: Decider, desk: AtDesk, dispute_id: Number, owner: Annotated[Id, Form()]) -> RedirectResponse:
    """Gives a dispute to somebody."""
    with refusing(), writing(desk.engine) as connection:
        assign(connection, viewer, dispute_id, owner, desk.clock())
    return RedirectResponse(f"/disputes/{dispute_id}", 303)


@router.post("/disputes/{dispute_id}/resolve", include_in_schema=False)
def decide(viewer: Decider, desk: AtDesk, dispute_id: Number, form: Annotated[Resolution, Form()]) -> RedirectResponse:
    """Decides a dispute."""
    with refusing(), writing(desk.engine) as connection:
        effect = _effect(connection, form)
        resolve(connection, viewer, dispute_id, form.state, form.resolution, desk.clock(), effect=effect)
    return RedirectResponse(f"/disputes/{dispute_id}", 303)


@router.get("/api/disputes")
def disputes(
    viewer: Seer, desk: AtDesk, state: State = None, partner: Text = None, page: PageNumber = 1
) -> list[DisputeAnswer]:
    """A page of the disputes that the viewer may see: open ones first, the oldest on top."""
    with desk.engine.connect() as connection:
        rows = listed(connection, viewer, state=state, partner_id=partner, page=page)
    return [DisputeAnswer.model_validate(named(row, viewer, desk.clock())) for row in rows]


@router.post("/api/disputes", status_code=201, responses={409: {"description": "It is contested already."}})
def open_by_program(viewer: Contester, desk: AtDesk, given: NewDispute) -> DisputeAnswer:
    """Contests a claim, or one moment of it."""
    number = _opened(viewer, desk, given)
    with desk.engine.connect() as connection:
        row = dispute_file(connection, viewer, number).row
    return DisputeAnswer.model_validate(named(row, viewer, desk.clock()))


def _opened(viewer: Viewer, desk: Desk, given: NewDispute) -> int:
    with refusing(), writing(desk.engine) as connection:
        return open_dispute(connection, viewer, **given.model_dump(), at=desk.clock())


def _effect(connection: Connection, form: Resolution) -> Effect | None:
    """What becomes of the moment; a correction without another type corrects the partner."""
    if form.verdict is None or form.state == "declined":
        return None
    partner_id = named_partner(connection, form.partner) if form.partner else None
    if form.partner and partner_id is None:
        raise LookupError(f"There is no partner {form.partner!r}, or more than one of that name. Give its id.")
    is_of_other = form.verdict == "relabelled" and partner_id is not None and form.assist_type is None
    return Effect("confirmed" if is_of_other else form.verdict, form.assist_type, partner_id)
