"""Questions to the owners of deals: asked, listed, withdrawn, asked again and sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from features.shown import count, day
from review.channels.delivery import deliver
from review.desk import Desk, desk_of
from review.rendering import page, segment
from review.roles import Right, Viewer
from review.security.access import needs
from review.store.asked import PAGE, Asked, Filters, asked, asked_by_ids, counts, people, unasked_partners
from review.store.engine import writing
from review.store.messages import due_numbers
from review.store.schema import VERIFICATION_STATES
from review.store.verifications import (
    CannotAskError,
    NoOwnerError,
    Verification,
    ask,
    ask_again,
    ask_all,
    found,
    withdraw,
)

__all__ = ["router"]

router = APIRouter()
See = Annotated[Viewer, Depends(needs(Right.SEE))]
Judge = Annotated[Viewer, Depends(needs(Right.JUDGE))]
Decide = Annotated[Viewer, Depends(needs(Right.DECIDE))]
Id = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
Wanted = Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")]
Given = Annotated[str, Form(max_length=300, pattern=r"^[^\x00]*$")]
STATE_WORDS: Final = {
    "queued": ("waits for the next message", ""),
    "sent": ("sent", "warn"),
    "answered": ("answered", "good"),
    "contradicted": ("answer changed", "bad"),
    "expired": ("expired", ""),
    "withdrawn": ("withdrawn", ""),
    "undeliverable": ("could not be delivered", "bad"),
}
"""For each state: its words, and the look of its tag."""
ANSWER_WORDS: Final = {"yes": "yes", "partly": "partly", "no": "no", "not_mine": "not mine"}


@router.get("/verifications", include_in_schema=False)
def show(
    request: Request,
    viewer: See,
    state: Wanted = "",
    partner: Wanted = "",
    deal: Wanted = "",
    recipient: Wanted = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
    said: Wanted = "",
) -> HTMLResponse:
    """The questions, the latest first."""
    filters = Filters(state or None, partner or None, deal or None, None, recipient or None)
    return _listed(request, viewer, filters, number=number, say=SAID.get(said))


@router.post("/moments/{moment_id}/ask", include_in_schema=False)
def ask_one(request: Request, viewer: Judge, moment_id: Id, recipient: Given = "") -> Response:
    """Asks the owner of the moment's deal, or somebody else, and goes back to the moment."""
    desk = desk_of(request)
    here = f"/moments/{segment(moment_id)}" + (f"?{request.url.query}" if request.url.query else "")
    try:
        with writing(desk.engine) as connection:
            ask(connection, moment_id, **_asker(desk, viewer), recipient=recipient or None)
    except (CannotAskError, LookupError) as error:
        return _refused(request, viewer, error, here)
    return RedirectResponse(here, 303)


@router.post("/verifications/ask", include_in_schema=False)
def ask_many(request: Request, viewer: Judge, deal_id: Given = "", partner_id: Given = "") -> HTMLResponse:
    """Asks about every confirmed moment (of a deal, of a partner) that no owner has been asked about."""
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        questions, reasons = ask_all(
            connection, **_asker(desk, viewer), deal_id=deal_id or None, partner_id=partner_id or None
        )
    say = f"{count(len(questions), 'question')} will be in the next messages."
    return _listed(request, viewer, Filters(), say=" ".join([say, *(f"Not asked: {reason}" for reason in reasons)]))


@router.post("/verifications/send", include_in_schema=False)
def send(request: Request, viewer: Decide) -> HTMLResponse:
    """Sends what is due now."""
    desk = desk_of(request)
    if desk.channel is None:
        return _listed(request, viewer, Filters(), status=409, say="No channel is set up, so nothing was sent.")
    done = deliver(desk, desk.channel)
    say = f"{count(done.sent, 'message')} sent by {desk.channel.name}."
    if done.failed:
        say += f" {done.failed} refused: {done.error}"
    return _listed(request, viewer, Filters(), say=say)


@router.get("/verifications/ask", include_in_schema=False)
@router.get("/verifications/send", include_in_schema=False)
def seen_again() -> RedirectResponse:
    """The list, for who opens once more the address under which a form was answered."""
    return RedirectResponse("/verifications", 303)


@router.post("/verifications/{verification_id}/withdraw", include_in_schema=False)
def take_back(request: Request, viewer: Judge, verification_id: Id) -> Response:
    """Withdraws an open question."""
    desk = desk_of(request)
    try:
        with writing(desk.engine) as connection:
            _check_own(found(connection, verification_id), viewer)
            withdraw(connection, verification_id, who=viewer.name, role=viewer.role, at=desk.clock())
    except (CannotAskError, LookupError) as error:
        return _refused(request, viewer, error)
    return RedirectResponse("/verifications?said=withdrawn", 303)


@router.post("/verifications/{verification_id}/again", include_in_schema=False)
def once_more(request: Request, viewer: Judge, verification_id: Id, recipient: Given = "") -> Response:
    """Asks again, the same person or somebody else."""
    desk = desk_of(request)
    try:
        with writing(desk.engine) as connection:
            for item in asked_by_ids(connection, [verification_id]):
                if item.question.is_open and not item.needs_another:
                    _check_own(item.question, viewer)
            ask_again(connection, verification_id, **_asker(desk, viewer), recipient=recipient.strip() or None)
    except (CannotAskError, LookupError) as error:
        return _refused(request, viewer, error)
    return RedirectResponse("/verifications?said=again", 303)


SAID: Final = {
    "withdrawn": "The question is withdrawn; its link says so.",
    "again": "The question will be in the next message.",
}


class Question(BaseModel):
    """A question to the owner of a deal."""

    verification_id: str
    moment_id: str
    deal_id: str | None
    partner_id: str | None
    assist_type: str
    recipient: str
    recipient_name: str | None
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: str
    sent_at: datetime | None
    reminded_at: datetime | None
    reminders: int
    answer: str | None
    comment: str | None
    answered_at: datetime | None
    error: str | None


class Questions(BaseModel):
    """A page of questions, the latest first, and how many there are in each state."""

    questions: list[Question]
    counts: dict[str, int]


class Asking(BaseModel):
    """Whom to ask: an owner of a deal by e-mail address or id; null means the owner of the moment's deal."""

    recipient: str | None = Field(None, min_length=1, max_length=300, pattern=r"^[^\x00]+$")


@router.get("/api/verifications")
def read_questions(
    request: Request,
    viewer: See,  # noqa: ARG001 - asked for so that only who may see gets here
    state: Annotated[str, Query(json_schema_extra={"enum": ["", *VERIFICATION_STATES]})] = "",
    partner_id: Wanted = "",
    deal_id: Wanted = "",
    moment_id: Wanted = "",
    recipient: Wanted = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = PAGE,
) -> Questions:
    """Questions to the owners of deals."""
    if state and state not in VERIFICATION_STATES:
        raise HTTPException(422, f"state {state[:50]!r} is not one of {', '.join(VERIFICATION_STATES)}.")
    filters = Filters(*(value or None for value in (state, partner_id, deal_id, moment_id, recipient)))
    with desk_of(request).engine.connect() as connection:
        items = asked(connection, filters, offset=offset, limit=limit)
        return Questions(questions=[_question(item) for item in items], counts=counts(connection, filters))


@router.post("/api/moments/{moment_id}/verifications", status_code=201)
def ask_by_api(request: Request, viewer: Judge, moment_id: Id, asking: Asking) -> Question:
    """Asks about a moment; an open question to the same person is given back instead of a second one."""
    desk = desk_of(request)
    try:
        with writing(desk.engine) as connection:
            made = ask(connection, moment_id, **_asker(desk, viewer), recipient=asking.recipient)
            (item,) = asked_by_ids(connection, [made.verification_id])
    except LookupError as error:
        raise HTTPException(404, _text(error)) from error
    except CannotAskError as error:
        raise HTTPException(409, _text(error)) from error
    return _question(item)


def _listed(
    request: Request, viewer: Viewer, filters: Filters, *, number: int = 1, say: str | None = None, status: int = 200
) -> HTMLResponse:
    desk = desk_of(request)
    now = desk.clock()
    with desk.engine.connect() as connection:
        items = asked(connection, filters, offset=(number - 1) * PAGE, limit=PAGE + 1)
        by_state = counts(connection, filters)
        numbers = due_numbers(connection, now, desk.options)
        askable = unasked_partners(connection) if viewer.may(Right.JUDGE) else []
        owners = people(connection) if any(item.needs_another for item in items) else []
    return page(
        request,
        "verifications.html.jinja",
        viewer,
        status=status,
        items=items[:PAGE],
        has_more=len(items) > PAGE,
        number=number,
        counts=by_state,
        total=sum(by_state.values()),
        filters=filters,
        due=numbers,
        askable=askable,
        channel=desk.channel.name if desk.channel is not None else None,
        owners=owners,
        say=say,
        ago=lambda moment: _ago(now, moment),
        states=STATE_WORDS,
        answer_words=ANSWER_WORDS,
    )


def _ago(now: datetime, moment: datetime) -> str:
    days = (now.date() - moment.date()).days
    return {0: "today", 1: "yesterday"}.get(days, f"{count(abs(days), 'day')} ago" if days > 0 else day(moment))


def _refused(request: Request, viewer: Viewer, error: Exception, back: str = "/verifications") -> HTMLResponse:
    """Why not, and whom one could ask instead where the deal's owner is what is missing."""
    owners: list[tuple[str, str | None]] = []
    if isinstance(error, NoOwnerError):
        with desk_of(request).engine.connect() as connection:
            owners = people(connection)
    return page(
        request,
        "cannot_ask.html.jinja",
        viewer,
        status=404 if isinstance(error, LookupError) else 409,
        reason=_text(error),
        back=back,
        owners=owners,
        here=request.url.path,
    )


def _check_own(question: Verification | None, viewer: Viewer) -> None:
    if question is not None and question.asked_by != viewer.name and not viewer.may(Right.DECIDE):
        raise CannotAskError("Only who asked, or a manager, can withdraw a question.")


def _asker(desk: Desk, viewer: Viewer) -> dict[str, Any]:
    return {"asked_by": viewer.name, "role": viewer.role, "at": desk.clock(), "options": desk.options}


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def _question(item: Asked) -> Question:
    known = {name: getattr(item.question, name) for name in Question.model_fields if hasattr(item.question, name)}
    return Question(**known, partner_id=item.partner_id, assist_type=item.assist_type)
