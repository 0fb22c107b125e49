"""The audit: who did what and when, what was before and after, and whether the record is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, BeforeValidator

from review.desk import AtDesk
from review.pages.audit_files import as_csv, as_json_lines
from review.pages.differences import Change, changes
from review.pages.filters import Text
from review.rendering import page, segment
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.audit import PAGE_SIZE, AuditFilters, all_events, events_page, known
from review.store.events import Chain, chain
from review.store.periods import Period

__all__ = ["router"]

router = APIRouter()
Decider = Annotated[Viewer, Depends(needs(Right.DECIDE))]
Day = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]
Seq = Annotated[int | None, Query(ge=1, le=2**62)]
Row = Mapping[Any, Any]

LOOKED_AT: Final = 1_000
"""Newest rows whose chain is followed whenever the page is opened."""
PAGES: Final = {"moment": "/moments/", "deal": "/deals/", "partner": "/partners/", "dispute": "/disputes/"}
"""Where each kind of subject has a page of its own."""
FORMATS: Final[dict[str, tuple[str, Callable[[Iterable[Row]], Iterator[str]]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "jsonl": ("application/jsonl; charset=utf-8", as_json_lines),
}


class EventAnswer(BaseModel):
    """One row of the audit, with its hash and that of the row before."""

    seq: int
    at: AwareDatetime
    who: str
    role: str
    action: str
    subject: str
    subject_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    model_version: str | None
    before_hash: str
    hash: str


class EventsAnswer(BaseModel):
    """A page of the audit, the newest first; ``next_before`` asks for the one that follows (None: there is none)."""

    events: list[EventAnswer]
    next_before: int | None
    is_whole: bool
    looked_at: int
    first_break: int | None


@dataclass(frozen=True)
class Line:
    """A row of the audit as it is shown; ``href`` is empty where the subject has no page."""

    seq: int
    at: datetime
    who: str
    role: str
    action: str
    subject: str
    subject_id: str
    href: str
    changes: list[Change]
    model_version: str | None
    hash: str


async def asked(
    who: Text = None,
    action: Text = None,
    subject: Text = None,
    subject_id: Text = None,
    since: Day = None,
    until: Day = None,
) -> AuditFilters:
    """The filters that an address asks for."""
    return AuditFilters(who, action, subject, subject_id, Period(since, until))


Asked = Annotated[AuditFilters, Depends(asked)]


@router.get("/audit", response_class=HTMLResponse, include_in_schema=False)
def audit_page(
    request: Request, viewer: Decider, desk: AtDesk, filters: Asked, before: Seq = None, look: Literal["all", ""] = ""
) -> HTMLResponse:
    """A page of the audit; with ``look=all`` the whole chain is followed."""
    with desk.engine.connect() as connection:
        rows = events_page(connection, filters, before=before, size=PAGE_SIZE + 1)
        found = chain(connection, last=None if look else LOOKED_AT)
        offered = known(connection)
    kept = _kept(request)
    return page(
        request,
        "audit.html.jinja",
        viewer,
        lines=[_line(row) for row in rows[:PAGE_SIZE]],
        chain=found,
        is_all=bool(look) or found.rows < LOOKED_AT,
        offered=offered,
        filters=filters,
        is_narrowed=filters != AuditFilters(),
        older=_address(kept, before=rows[PAGE_SIZE - 1]["seq"]) if len(rows) > PAGE_SIZE else "",
        newest=_address(kept) if before else "",
        look_all=_address(kept, look="all"),
        files=[(name, f"/audit/export.{name}?{urlencode(kept)}") for name in FORMATS],
    )


@router.get("/audit/export.{form}", include_in_schema=False)
def export(viewer: Decider, desk: AtDesk, filters: Asked, form: Literal["csv", "jsonl"]) -> StreamingResponse:  # noqa: ARG001
    """The rows asked for as a file, the oldest first, sent while they are read."""
    kind, written = FORMATS[form]

    def pieces() -> Iterator[str]:
        with desk.engine.connect() as connection:
            yield from written(all_events(connection, filters))

    headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
    return StreamingResponse(pieces(), media_type=kind, headers=headers)


@router.get("/api/events")
def events(
    viewer: Decider,  # noqa: ARG001
    desk: AtDesk,
    filters: Asked,
    before: Seq = None,
    size: Annotated[int, Query(ge=1, le=500)] = PAGE_SIZE,
) -> EventsAnswer:
    """A page of the audit, and whether the chain of its newest rows is whole."""
    with desk.engine.connect() as connection:
        rows = events_page(connection, filters, before=before, size=size + 1)
        found: Chain = chain(connection, last=LOOKED_AT)
    return EventsAnswer(
        events=[EventAnswer.model_validate(dict(row)) for row in rows[:size]],
        next_before=rows[size - 1]["seq"] if len(rows) > size else None,
        is_whole=found.is_whole,
        looked_at=found.rows,
        first_break=found.first_break,
    )


def _line(row: Row) -> Line:
    stem, name = PAGES.get(row["subject"]), row["subject_id"]
    return Line(
        row["seq"],
        row["at"],
        row["who"],
        row["role"],
        row["action"],
        row["subject"],
        name,
        href=f"{stem}{segment(name)}" if stem else "",
        changes=changes(row["before"], row["after"]),
        model_version=row["model_version"],
        hash=row["hash"],
    )


def _kept(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.query_params.items() if value and name not in ("before", "look")}


def _address(kept: dict[str, str], **more: Any) -> str:
    return f"/audit?{urlencode({**kept, **more})}"
