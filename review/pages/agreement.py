"""How far reviewers agree, how often the model was right, and what waits for a decision."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator, Field

from review.agreement import Agreement, PairAgreement
from review.desk import AtDesk, Desk
from review.pages.agreement_view import AgreementView, agreement_view
from review.pages.filters import some, storable
from review.pages.paging import MOST_PAGES, pager
from review.pages.refusing import refusing
from review.precision import Precision
from review.rendering import page
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.agreement import Reviewer
from review.store.contested import PAGE_SIZE, contested, follow, n_contested, overruled
from review.store.engine import writing
from review.store.periods import Period

__all__ = ["router"]

router = APIRouter()
Seer = Annotated[Viewer, Depends(needs(Right.SEE))]
Judge = Annotated[Viewer, Depends(needs(Right.JUDGE))]
Decider = Annotated[Viewer, Depends(needs(Right.DECIDE))]
Days = Literal["30", "90", "365", "all"]
Id = Annotated[str, BeforeValidator(storable), Field(min_length=1, max_length=500)]
Note = Annotated[Annotated[str, BeforeValidator(storable), Field(max_length=4_000)] | None, BeforeValidator(some)]

PERIODS: Final[dict[Days, str]] = {"30": "last 30 days", "90": "last 90 days", "365": "last year", "all": "all time"}


class AgreementAnswer(BaseModel):
    """Agreement and precision; people's names are those that the viewer may see."""

    on_help: Agreement
    on_type: Agreement
    pairs_on_help: list[PairAgreement]
    pairs_on_type: list[PairAgreement]
    reviewers: list[Reviewer]
    precision: Precision | None
    by_type: list[Precision]
    by_week: list[Precision]
    by_confidence: list[Precision]
    contested: int


@router.get("/agreement", response_class=HTMLResponse, include_in_schema=False)
def agreement_page(request: Request, viewer: Seer, desk: AtDesk, days: Days = "90") -> HTMLResponse:
    """Agreement and precision of a period."""
    view, n = _seen(viewer, desk, days)
    return page(request, "agreement.html.jinja", viewer, view=view, n_contested=n, days=days, periods=PERIODS)


@router.get("/api/agreement")
def agreement(viewer: Seer, desk: AtDesk, days: Days = "90") -> AgreementAnswer:
    """Agreement between reviewers, and the model's precision as they judged it."""
    view, n = _seen(viewer, desk, days)
    return AgreementAnswer.model_validate({**asdict(view), "contested": n})


@router.get("/agreement/contested", response_class=HTMLResponse, include_in_schema=False)
def contested_page(
    request: Request, viewer: Seer, desk: AtDesk, number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1
) -> HTMLResponse:
    """The moments about which people disagree."""
    with desk.engine.connect() as connection:
        found = contested(connection, viewer, page=number)
        total, shown = n_contested(connection), n_contested(connection, viewer)
    beside = pager(request, number, PAGE_SIZE, shown)
    return page(request, "contested.html.jinja", viewer, found=found, total=total, pager=beside)


@router.post("/agreement/contested/{moment_id}", include_in_schema=False)
def decide(
    viewer: Decider,
    desk: AtDesk,
    moment_id: Annotated[str, BeforeValidator(storable), Path(max_length=500)],
    review_id: Annotated[Id, Form()],
    note: Annotated[Note, Form()] = None,
) -> RedirectResponse:
    """Decides as one of those who judged."""
    with refusing(unfit=409), writing(desk.engine) as connection:
        follow(connection, viewer, moment_id, review_id, note, desk.clock())
    return RedirectResponse("/agreement/contested", 303)


@router.get("/agreement/overruled", response_class=HTMLResponse, include_in_schema=False)
def overruled_page(request: Request, viewer: Judge, desk: AtDesk) -> HTMLResponse:
    """The viewer's judgements that were overruled."""
    with desk.engine.connect() as connection:
        found = overruled(connection, viewer.name)
    return page(request, "overruled.html.jinja", viewer, found=found)


def _seen(viewer: Viewer, desk: Desk, days: Days) -> tuple[AgreementView, int]:
    since = None if days == "all" else (desk.clock() - timedelta(days=int(days))).date()
    with desk.engine.connect() as connection:
        return agreement_view(connection, viewer, Period(since)), n_contested(connection)
