"""The list of partners, and one with its credit by grade, its deals and what was said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BeforeValidator, WithJsonSchema
from sqlalchemy.engine import Connection, RowMapping

from features.grades import GRADES
from features.titles import METHOD_TEXTS
from review.desk import AtDesk, Desk
from review.pages.deal_view import meaning_of
from review.pages.moment_lines import moment_line
from review.pages.paging import PageNumber, pager
from review.pages.partner_view import by_grade, by_quarter, kinds, totals
from review.rendering import page, segment
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.partner_moments import moments_counted, moments_of, precision_of
from review.store.partner_names import veil
from review.store.partners import (
    claims_of,
    disputes_of,
    main_method,
    methods_of,
    partner_named,
    partner_rows,
    range_of,
)
from review.store.periods import Period
from review.store.schema import OPEN_DISPUTES

__all__ = ["Asked", "Day", "asked_period", "chosen_method", "partner_for", "router"]

router = APIRouter()
Looker = Annotated[Viewer, Depends(needs(Right.SEE, Right.SEE_OWN))]


def _day(text: str | None) -> date | None:
    """A day as forms send it: ``2026-03-31``, or nothing; raises ``ValueError`` for anything else."""
    if not text:
        return None
    made = date.fromisoformat(text)
    if str(made) != text:
        raise ValueError(f"{text!r} is no day as forms send it. Write {made}.")
    return made


DAY_SCHEMA: Final = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 0}]}
Day = Annotated[date | None, BeforeValidator(_day), WithJsonSchema(DAY_SCHEMA)]
ROWS: Final = 25
"""Deals, and moments, on one page."""


async def asked_period(
    since: Annotated[Day, Query(alias="from")] = None, until: Annotated[Day, Query()] = None
) -> Period:
    """The period of an address: two days, both inclusive; either may be missing."""
    if since and until and since > until:
        raise HTTPException(422, f"The period ends on {until}, before it begins on {since}. Exchange the two days.")
    return Period(since, until)


Asked = Annotated[Period, Depends(asked_period)]


@router.get("/partners", response_class=HTMLResponse, include_in_schema=False)
def partner_list(request: Request, viewer: Looker, desk: AtDesk) -> Response:
    """All partners; somebody of a partner gets to its own page at once."""
    if not viewer.may(Right.SEE):
        return RedirectResponse(f"/partners/{segment(viewer.partner_id or '')}", 303)
    with desk.engine.connect() as connection:
        rows = partner_rows(connection, desk.options.report_currency)
        method = main_method(connection)
    return page(request, "partners.html.jinja", viewer, rows=rows, method=method, grades=GRADES)


@router.get("/partners/{partner_id:path}", response_class=HTMLResponse, include_in_schema=False)
def partner_page(
    request: Request,
    viewer: Looker,
    desk: AtDesk,
    partner_id: str,
    period: Asked,
    method: Annotated[str, Query(max_length=50)] = "",
    deals: PageNumber = 1,
    said: PageNumber = 1,
) -> HTMLResponse:
    """One partner in a period, by one method."""
    with desk.engine.connect() as connection:
        partner = partner_for(connection, viewer, partner_id)
        main, methods = main_method(connection), methods_of(connection, partner_id)
        chosen = chosen_method(method, methods, main)
        found = claims_of(
            connection,
            partner_id,
            period,
            chosen,
            is_main=chosen == main,
            report_currency=desk.options.report_currency,
        )
        wins_range = range_of(connection, partner_id, period, chosen)
        counted = moments_counted(connection, partner_id, period)
        heard = moments_of(connection, partner_id, period, size=ROWS, page=said)
        contested = disputes_of(connection, partner_id)
        precision = precision_of(connection, partner_id, period) if viewer.may(Right.SEE) else None
        veiled = veil(connection, viewer)
    return page(
        request,
        "partner.html.jinja",
        viewer,
        partner=partner,
        period=period,
        periods=_periods(desk),
        method=chosen,
        methods=methods or [chosen],
        total=totals(found),
        wins_range=wins_range,
        grades=by_grade(found),
        quarters=by_quarter(found),
        kinds=kinds(counted),
        claims=[
            replace(claim, deal_name=veiled(claim.deal_name or ""))
            for claim in found[(deals - 1) * ROWS : deals * ROWS]
        ],
        claim_pages=pager(request, deals, ROWS, len(found), "deals"),
        heard=[
            (moment_line({**row, "quote": veiled(row["quote"])}), veiled(row["deal_name"] or row["deal_id"] or ""))
            for row in heard
        ],
        said_pages=pager(request, said, ROWS, sum(row["n"] for row in counted), "said"),
        n_waiting=sum(row["n"] for row in counted if row["state"] == "waiting"),
        disputes=[
            {**row, "deal_name": veiled(row["deal_name"] or "")} for row in contested if row["state"] in OPEN_DISPUTES
        ],
        settled=sum(row["state"] not in OPEN_DISPUTES for row in contested),
        precision=precision,
        meaning=meaning_of(chosen),
        says=METHOD_TEXTS[chosen].meaning if chosen in METHOD_TEXTS else "",
    )


def partner_for(connection: Connection, viewer: Viewer, partner_id: str) -> RowMapping:
    """The partner of that id; a 404 where there is none, and for one that the viewer may not know of."""
    found = None if "\0" in partner_id or not viewer.sees(partner_id) else partner_named(connection, partner_id)
    if found is None:
        raise HTTPException(404, "There is no partner of that id. Look for it in the list of partners.")
    return found


def chosen_method(method: str, methods: list[str], main: str) -> str:
    """The method that an address asks for, the main one where it names none; a 404 for one that credits nothing."""
    if method and method not in methods:
        raise HTTPException(
            404, f"No method {method!r} credits this partner. There are: {', '.join(methods) or 'none'}."
        )
    return method or main


def _periods(desk: Desk) -> list[tuple[str, str]]:
    """Periods to choose at once: a name and the address's query."""
    today = desk.clock().date()
    first = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    starts = [
        ("This quarter", first),
        ("This year", date(today.year, 1, 1)),
        ("Since last year", date(today.year - 1, 1, 1)),
    ]
    return [("All time", ""), *((name, f"from={start}") for name, start in starts)]
