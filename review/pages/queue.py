"""The queue: what waits to be judged, what is worth most first."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from review.desk import Desk, desk_of
from review.pages.filters import address, asked
from review.pages.moment_look import Did, Look
from review.pages.moment_said import told
from review.pages.queue_view import queue_view
from review.rendering import page
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.engine import writing
from review.store.filters import Filters
from review.store.moments import moment
from review.store.queue import choices, counts, next_moment, queue_page

__all__ = ["midnight", "router"]

router = APIRouter()
See = Annotated[Viewer, Depends(needs(Right.SEE))]
Judge = Annotated[Viewer, Depends(needs(Right.JUDGE))]
Asked = Annotated[Filters, Depends(asked)]
EVERYTHING: Final = Filters(state="all", kind="all")


@router.get("/queue", include_in_schema=False)
def show(
    request: Request,
    viewer: See,
    filters: Asked,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
    done: Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")] = None,
    did: Did | None = None,
    met: Annotated[bool, Query()] = False,  # noqa: FBT002 - the names are those of the address
) -> HTMLResponse:
    """A page of the queue."""
    desk = desk_of(request)
    with desk.engine.connect() as connection:
        numbers = counts(connection, filters, viewer.name, midnight(desk))
        rows = queue_page(connection, filters, page=number)
        offered = choices(connection)
        happened = _happened(connection, viewer, done, did, met=met)
        has_any = bool(rows or queue_page(connection, EVERYTHING, page=1, size=1))
    view = queue_view(viewer, filters, numbers, offered, rows, number=number, has_any=has_any)
    view["said"] = happened
    return page(request, "queue.html.jinja", viewer, view=view)


@router.get("/queue/start", include_in_schema=False)
def start(request: Request, viewer: Judge, filters: Asked) -> Response:
    """Opens the first moment that nobody else has open."""
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        first = next_moment(connection, filters, viewer.name, desk.clock())
    where = address("/queue", filters) if first is None else Look(filters).href(first)
    return RedirectResponse(where, 303)


def midnight(desk: Desk) -> datetime:
    """When the present day began, in UTC."""
    now = desk.clock()
    return datetime.combine(now.date(), time.min, now.tzinfo)


def _happened(connection: Connection, viewer: Viewer, done: str | None, did: Did | None, *, met: bool) -> str:
    if did == "nothing":
        return "There is nothing of yours to take back."
    about = moment(connection, done) if done and did else None
    return " ".join(each.text for each in told(did or "", about, viewer, met=met)) if about else ""
