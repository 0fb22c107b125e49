"""The list of deals, and one deal with its claims, their evidence and its timeline."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel

from features.grades import GRADES
from features.tables import OUTCOMES
from review.desk import AtDesk, Desk
from review.pages.deal_view import deal_view
from review.pages.paging import PageNumber, pager
from review.rendering import page
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.deals import ORDERS, PAGE_SIZE, DealFile, Order, Wanted, deal_file, found_deals, owners
from review.store.partner_names import all_names

__all__ = ["DealAnswer", "router", "wanted_deals"]

router = APIRouter()
Seer = Annotated[Viewer, Depends(needs(Right.SEE))]
Text = Annotated[str, Query(max_length=500)]


class ClaimOnDeal(BaseModel):
    """A player's claim: its credit by every method, its grade and why; the own team has no grade."""

    partner_id: str
    name: str
    grade: str | None
    reason: str | None
    n_moments: int
    n_confirmed: int
    n_verified: int
    credits: dict[str, Any]


class MomentOnDeal(BaseModel):
    """A moment of the deal and where it stands."""

    moment_id: str
    partner_id: str | None
    assist_type: str
    quote: str
    started_at: AwareDatetime
    confidence: float
    state: str
    verdict: str | None
    grade: str | None


class DealAnswer(BaseModel):
    """One deal with its claims and moments."""

    deal_id: str
    name: str | None
    account_id: str | None
    owner_id: str | None
    outcome: str
    stage: str | None
    amount: float | None
    currency: str | None
    created_at: AwareDatetime
    closed_at: AwareDatetime | None
    claims: list[ClaimOnDeal]
    moments: list[MomentOnDeal]


async def wanted_deals(
    search: Text = "",
    outcome: Text = "",
    owner: Text = "",
    grade: Text = "",
    partner: Text = "",
    order: Order = "amount",
    page: PageNumber = 1,
) -> Wanted:
    """Which deals an address asks for."""
    return Wanted(_plain(search).strip(), _plain(outcome), _plain(owner), _plain(grade), _plain(partner), order, page)


@router.get("/deals", response_class=HTMLResponse, include_in_schema=False)
def deal_list(
    request: Request, viewer: Seer, desk: AtDesk, wanted: Annotated[Wanted, Depends(wanted_deals)]
) -> HTMLResponse:
    """The deals that are wanted."""
    with desk.engine.connect() as connection:
        rows, total = found_deals(connection, wanted)
        named = list(all_names(connection).items())
        owning = owners(connection)
    return page(
        request,
        "deals.html.jinja",
        viewer,
        rows=rows,
        wanted=wanted,
        choices={"outcome": OUTCOMES, "grade": GRADES, "owner": owning, "partner": named, "order": ORDERS},
        pager=pager(request, wanted.page, PAGE_SIZE, total),
    )


@router.get("/deals/{deal_id:path}", response_class=HTMLResponse, include_in_schema=False)
def deal_page(request: Request, viewer: Seer, desk: AtDesk, deal_id: str) -> HTMLResponse:
    """One deal."""
    return page(request, "deal.html.jinja", viewer, **deal_view(_file(desk, deal_id)))


@router.get("/api/deals/{deal_id:path}")
def deal_answer(viewer: Seer, desk: AtDesk, deal_id: str) -> DealAnswer:  # noqa: ARG001
    """One deal with its claims and moments, as JSON."""
    file = _file(desk, deal_id)
    view = deal_view(file)
    reasons = {found.partner_id: found.reason for found in view["evidence"]}
    named = {line.partner_id: line.name for line in view["table"].lines}
    claims = [
        ClaimOnDeal(**{**claim, "name": named[claim["partner_id"]], "reason": reasons.get(claim["partner_id"])})
        for claim in file.claims
    ]
    return DealAnswer(**{**file.deal, "claims": claims, "moments": [_moment(row) for row in file.moments]})


def _plain(text: str) -> str:
    """Text without the one character that a database may not keep."""
    return text.replace("\0", "")


def _moment(row: Any) -> MomentOnDeal:
    told = {
        "partner_id": row["told_partner"] or row["partner_id"],
        "assist_type": row["told_type"] or row["assist_type"],
    }
    return MomentOnDeal(**{**row, **told})


def _file(desk: Desk, deal_id: str) -> DealFile:
    with desk.engine.connect() as connection:
        file = None if "\0" in deal_id else deal_file(connection, deal_id)
    if file is None:
        raise HTTPException(404, "There is no deal of that id. Look for it by name in the list of deals.")
    return file
