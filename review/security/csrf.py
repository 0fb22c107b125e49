"""No other site can make a browser do anything here: every change carries a token that only our own pages know."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.desk import Options, desk_of
from review.security.asking import SIGNED, parts_of
from review.security.cookies import browser_cookie, cookie_of, new_token, session_cookie, set_on_start
from review.security.errors import problem

__all__ = ["Forms", "token_of"]

SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")
LARGEST: Final = 1_000_000
"""Bytes of a request's body."""
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
STALE: Final = "This page is out of date, or you have logged in anew. Nothing was changed. Go back, reload, try again."
FOREIGN: Final = "This request was made by another site. Nothing was changed. Open the page itself, and try again."


def token_of(secret: str, bound_to: str) -> str:
    """The token of the forms in a browser that holds that cookie."""
    return hmac.new(secret.encode(), b"form:" + bound_to.encode(), sha256).hexdigest()


class Forms:
    """Puts the token into the request's state, and refuses unsafe requests that do not bring it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        desk = desk_of(request)
        options = desk.options
        bound_to = _bound_to(request, options)
        fresh = new_token()
        request.state.csrf = token_of(desk.secret, bound_to or fresh)
        if bound_to is None and not request.url.path.startswith((SIGNED, "/static/")):
            send = set_on_start(send, browser_cookie(options), fresh, options)
        if request.method in SAFE:
            await self.app(scope, receive, send)
            return
        try:
            body = await _body(receive)
            if not request.url.path.startswith(SIGNED):
                await _check(request, body, options, is_bound=bound_to is not None)
        except HTTPException as error:
            await problem(request, error.status_code, error.detail)(scope, receive, send)
            return
        await self.app(scope, _replayed(body, receive), send)


async def _check(request: Request, body: bytes, options: Options, *, is_bound: bool) -> None:
    """Raises a 403 for a request of another site, or one without this browser's token."""
    if _is_foreign(request, options):
        raise HTTPException(403, FOREIGN)
    given = request.headers.get("x-csrf-token") or await _field(request, body)
    if not is_bound or not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
        raise HTTPException(403, STALE)


def _bound_to(request: Request, options: Options) -> str | None:
    """The cookie to which a browser's forms are bound: that of the session, before there is one that of the browser."""
    session = None if options.header else cookie_of(request, session_cookie(options))
    return session or cookie_of(request, browser_cookie(options))


def _is_foreign(request: Request, options: Options) -> bool:
    """Whether the browser says that another site made the request; it says ``null`` where it may not tell."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")
    ours = (request.headers.get("host", ""), urlsplit(options.base_url).netloc)
    return site not in ("same-origin", "none") or (origin != "null" and parts_of(origin).netloc not in ours)


async def _body(receive: Receive) -> bytes:
    """The whole body; raises a 413 for one that is too large, and a 400 for one that was broken off."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise HTTPException(400, "The request was broken off.")
        parts += message.get("body", b"")
        if len(parts) > LARGEST:
            raise HTTPException(413, f"A request has at most {LARGEST} bytes. Send less at once.")
        if not message.get("more_body", False):
            return bytes(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """``receive`` of a request whose body has been read: the body once more, then whatever else comes."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _field(request: Request, body: bytes) -> str:
    """The token in a form's body; empty where there is none."""
    if not request.headers.get("content-type", "").lower().startswith(FORMS):
        return ""
    async with Request(request.scope, _replayed(body, request.receive)).form() as form:
        value = form.get("csrf")
    return value if isinstance(value, str) else ""
