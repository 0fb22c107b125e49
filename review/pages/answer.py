"""The page of a deal's owner, reached by a signed link and no log-in: one question, four buttons, one tap.

Opening the link never answers, because mail scanners open links. Each form is guarded by the link itself. An address
may try only so many links that are none of ours in a minute, and send only so many answers to one question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from review.desk import Desk, desk_of
from review.rendering import page
from review.security.links import Link, read_link
from review.security.pace import address_of, pace_of
from review.store.asked import Asked, asked_by_ids
from review.store.engine import writing
from review.store.replies import ANSWERS, LONGEST_COMMENT, TooLateError, answer, not_me, want_new_link

__all__ = ["router"]

router = APIRouter(prefix="/v", include_in_schema=False)
HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
CHANNEL_WORDS: Final = {"call": "a call", "email": "an e-mail", "chat": "a chat", "notes": "notes"}
ANSWER_WORDS: Final = {"yes": "yes", "partly": "partly", "no": "no", "not_mine": "not mine"}


@dataclass(frozen=True)
class Batch:
    """What a link leads to: its questions, told apart by whether they can be answered now."""

    token: str
    items: list[Asked]
    answerable: list[Asked]
    expired: list[Asked]

    @property
    def open(self) -> list[Asked]:
        """Those that wait for an answer."""
        return [item for item in self.answerable if item.question.answer is None]

    def find(self, verification_id: str | None) -> Asked | None:
        """The answerable question of that id."""
        return next((item for item in self.answerable if item.question.verification_id == verification_id), None)


@router.get("/{token}")
def show(request: Request, token: str, q: str | None = None, done: str | None = None) -> HTMLResponse:
    """The question ``q``, or the first that is open; ``done`` is the one that was answered last."""
    batch = _batch(request, token)
    if batch is None:
        return _page(request, "answer_none", 404)
    return _shown(request, batch, q=q, done=done)


@router.post("/{token}/answer")
def take(
    request: Request,
    token: str,
    question: Annotated[str, Form()] = "",
    said: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
    stamp: Annotated[str, Form()] = "",
) -> Response:
    """Takes an answer and goes on to what is asked next."""
    desk = desk_of(request)
    batch = _batch(request, token)
    if batch is None:
        return _page(request, "answer_none", 404)
    item = batch.find(question)
    if item is None:
        return _shown(request, batch, say="That question can be answered no more; nothing was recorded.", status=410)
    _attempt(request, question)
    if said not in ANSWERS:
        return _shown(request, batch, q=question, say="Choose one of the four answers.", status=400)
    try:
        with writing(desk.engine) as connection:
            is_as_opened = [now.stamp for now in asked_by_ids(connection, [question])] == [stamp]
            if is_as_opened:
                answer(connection, question, said, comment, desk.clock())
    except (TooLateError, LookupError):
        return _page(request, "answer_expired", 410, batch=_batch(request, token))
    if not is_as_opened:
        say = "The question has changed since you opened it; nothing was recorded. Please read it again."
        return _shown(request, _batch(request, token) or batch, q=question, say=say, status=409)
    return RedirectResponse(f"/v/{token}?done={question}", 303, HEADERS)


@router.post("/{token}/not-me")
def somebody_else(request: Request, token: str) -> HTMLResponse:
    """Somebody else has opened the link: nothing is counted, and whoever asked is told."""
    desk = desk_of(request)
    batch = _batch(request, token)
    if batch is None:
        return _page(request, "answer_none", 404)
    with writing(desk.engine) as connection:
        not_me(connection, [item.question for item in batch.open], desk.clock())
    return _page(request, "answer_not_me", 200, batch=batch)


@router.post("/{token}/new-link")
def new_link(request: Request, token: str) -> HTMLResponse:
    """The link has expired and its holder wants to answer: whoever asked is told."""
    desk = desk_of(request)
    batch = _batch(request, token)
    if batch is None or not batch.expired:
        return _page(request, "answer_none", 404)
    with writing(desk.engine) as connection:
        want_new_link(connection, [item.question for item in batch.expired], desk.clock())
    return _page(request, "answer_expired", 200, batch=_batch(request, token))


def _batch(request: Request, token: str) -> Batch | None:
    """What the token leads to; None for one that is not ours, or whose questions are gone. Raises a 429."""
    desk = desk_of(request)
    link = read_link(desk.secret, token)
    if link is None:
        _attempt(request)
        return None
    with desk.engine.connect() as connection:
        items = asked_by_ids(connection, link.verification_ids)
    return _sorted(desk, token, link, items) if items else None


def _attempt(request: Request, about: str = "") -> None:
    pace_of(request).attempt([f"link:{address_of(request, desk_of(request).options)}:{about}"])


def _sorted(desk: Desk, token: str, link: Link, items: list[Asked]) -> Batch:
    now = desk.clock()
    kept = [item for item in items if item.question.state != "withdrawn"]
    late = [item for item in kept if _is_late(item, link, desk)]
    answerable = [item for item in kept if item not in late]
    expired = [item for item in late if item.question.answer is None and now >= item.question.expires_at]
    return Batch(token, items, answerable, expired)


def _is_late(item: Asked, link: Link, desk: Desk) -> bool:
    now = desk.clock()
    return item.question.state == "expired" or link.has_expired(now) or now >= item.question.expires_at


def _shown(
    request: Request,
    batch: Batch,
    *,
    q: str | None = None,
    done: str | None = None,
    say: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    if not batch.answerable:
        is_withdrawn = all(item.question.state == "withdrawn" for item in batch.items)
        return _page(request, "answer_withdrawn" if is_withdrawn else "answer_expired", 410, batch=batch)
    current = batch.find(q) or next(iter(batch.open), None)
    last = batch.find(done)
    return _page(
        request,
        "answer",
        status,
        batch=batch,
        item=current,
        done=last if last is not None and last.question.answer else None,
        say=say,
        channel_words=CHANNEL_WORDS,
        longest=LONGEST_COMMENT,
    )


def _page(request: Request, template: str, status: int, **values: object) -> HTMLResponse:
    made = page(request, f"{template}.html.jinja", None, status=status, answer_words=ANSWER_WORDS, **values)
    made.headers.update(HEADERS)
    return made
