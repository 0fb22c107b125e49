"""The two cookies: one of who is logged in, one that binds forms to a browser before anybody is."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Message, Send

from review.desk import Options

__all__ = ["browser_cookie", "cookie_of", "forget", "hashed", "new_token", "remember", "session_cookie", "set_on_start"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 random bits that fit into a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """What is kept of a token, from which nobody can make the token."""
    return sha256(token.encode()).hexdigest()


def session_cookie(options: Options) -> str:
    """The name of the cookie of who is logged in; under HTTPS one that no other host or path can set."""
    return "__Host-partnerlift" if options.is_https else "partnerlift"


def browser_cookie(options: Options) -> str:
    """The name of the cookie that binds forms to a browser in which nobody is logged in."""
    return session_cookie(options) + "-browser"


def cookie_of(request: HTTPConnection, name: str) -> str | None:
    """The token in a cookie; None for one that is missing or not such as ``new_token`` makes."""
    value = request.cookies.get(name, "")
    return value if _TOKEN.fullmatch(value) else None


def remember(response: Response, name: str, token: str, options: Options, *, keep: timedelta | None = None) -> None:
    """Sets a cookie that no script can read and no other site's form sends; without ``keep`` until the browser ends."""
    response.set_cookie(
        name,
        token,
        max_age=None if keep is None else int(keep.total_seconds()),
        path="/",
        secure=options.is_https,
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, name: str, options: Options) -> None:
    """Deletes a cookie in the browser."""
    response.delete_cookie(name, path="/", secure=options.is_https, httponly=True, samesite="lax")


def set_on_start(send: Send, name: str, token: str, options: Options) -> Send:
    """``send`` that sets a cookie with a page, where the answer is one."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                answer = Response()
                remember(answer, name, token, options)
                headers.append("set-cookie", answer.headers["set-cookie"])
        await send(message)

    return sending
