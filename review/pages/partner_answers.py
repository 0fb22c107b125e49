"""Partners and claims as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import AwareDatetime, BaseModel

from review.desk import AtDesk
from review.pages.paging import PageNumber
from review.pages.partner_view import by_grade, kinds, totals
from review.pages.partners import Asked, chosen_method, partner_for
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.claim_list import ClaimsWanted, found_claims
from review.store.partner_moments import moments_counted
from review.store.partners import claims_of, main_method, methods_of

__all__ = ["ClaimAnswer", "ClaimsAnswer", "GradeAnswer", "PartnerAnswer", "router"]

router = APIRouter()
Looker = Annotated[Viewer, Depends(needs(Right.SEE, Right.SEE_OWN))]
Text = Annotated[str, Query(max_length=500)]


class GradeAnswer(BaseModel):
    """Won claims of one grade: how many, credited wins, and money by currency (empty: none is named)."""

    grade: str
    n_won: int
    credited_wins: float
    credited: dict[str, float]


class KindAnswer(BaseModel):
    """How often a type of help was heard, and where that stands."""

    name: str
    n: int
    n_confirmed: int
    n_rejected: int
    n_open: int


class PartnerAnswer(BaseModel):
    """A partner's credit of a period by one method."""

    partner_id: str
    name: str
    partner_type: str | None
    tier: str | None
    method: str
    methods: list[str]
    n_closed: int
    n_won: int
    credited_wins: float
    credited: dict[str, float]
    grades: list[GradeAnswer]
    moments: list[KindAnswer]


class ClaimAnswer(BaseModel):
    """One player's claim on one deal; ``share`` and ``amount`` by the main method."""

    deal_id: str
    partner_id: str
    closed_at: AwareDatetime | None
    outcome: str
    currency: str | None
    share: float | None
    amount: float | None
    amount_in_report: float | None
    grade: str | None
    n_moments: int
    n_confirmed: int
    n_verified: int
    credits: dict[str, Any]


class ClaimsAnswer(BaseModel):
    """One page of claims, and how many there are on all pages."""

    total: int
    page: int
    claims: list[ClaimAnswer]


@router.get("/api/partners/{partner_id:path}")
def partner_answer(
    viewer: Looker,
    desk: AtDesk,
    partner_id: str,
    period: Asked,
    method: Annotated[str, Query(max_length=50)] = "",
) -> PartnerAnswer:
    """One partner's credit in a period, by one method, as JSON."""
    currency = desk.options.report_currency
    with desk.engine.connect() as connection:
        partner = partner_for(connection, viewer, partner_id)
        main, methods = main_method(connection), methods_of(connection, partner_id)
        chosen = chosen_method(method, methods, main)
        found = claims_of(connection, partner_id, period, chosen, is_main=chosen == main, report_currency=currency)
        heard = moments_counted(connection, partner_id, period)
    total = totals(found)
    return PartnerAnswer(
        **partner,
        method=chosen,
        methods=methods,
        n_closed=total.n_closed,
        n_won=total.n_won,
        credited_wins=total.wins,
        credited=_money(total.money.parts),
        grades=[
            GradeAnswer(grade=row.grade, n_won=row.n_won, credited_wins=row.wins, credited=_money(row.money.parts))
            for row in by_grade(found)
        ],
        moments=[KindAnswer(**vars(kind)) for kind in kinds(heard)],
    )


@router.get("/api/claims")
def claims_answer(
    viewer: Looker,
    desk: AtDesk,
    period: Asked,
    deal: Text = "",
    partner: Text = "",
    grade: Text = "",
    outcome: Text = "",
    page: PageNumber = 1,
) -> ClaimsAnswer:
    """Claims as JSON; somebody of a partner gets its own."""
    if not viewer.may(Right.SEE):
        if partner and not viewer.sees(partner):
            raise HTTPException(404, "There is no partner of that id. Look for it in the list of partners.")
        partner = viewer.partner_id or ""
    deal, partner, grade, outcome = (text.replace("\0", "") for text in (deal, partner, grade, outcome))
    with desk.engine.connect() as connection:
        rows, total = found_claims(connection, ClaimsWanted(deal, partner, grade, outcome, period, page))
    return ClaimsAnswer(total=total, page=page, claims=[ClaimAnswer(**row) for row in rows])


def _money(parts: tuple[tuple[str, int], ...]) -> dict[str, float]:
    return {unit: cents / 100 for unit, cents in parts}
