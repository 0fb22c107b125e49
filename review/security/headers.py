"""Headers that keep browsers from doing what no page of ours asks for, and hosts under which the page answers."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.desk import Options, desk_of
from review.security.asking import parts_of

__all__ = ["HEADERS", "Protection", "protect"]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
UNUSED: Final = ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics")
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
}
LOCAL: Final = ("127.0.0.1", "localhost", "::1")


def protect(headers: MutableHeaders, path: str, options: Options) -> None:
    """Sets the headers of an answer; pages are kept by nobody, files of the page itself for some minutes."""
    headers.update(HEADERS)
    headers.setdefault("Cache-Control", "public, max-age=300" if path.startswith("/static/") else "no-store")
    if options.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"


class Protection:
    """Sets the headers of every answer, and answers only under the page's own names.

    Another name in ``Host`` is one that somebody has pointed at this address, so that a page of theirs may talk to it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        options = desk_of(Request(scope)).options

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                protect(MutableHeaders(scope=message), scope["path"], options)
            await send(message)

        is_ours = _host(scope) in (*LOCAL, urlsplit(options.base_url).hostname)
        app = self.app if is_ours else PlainTextResponse(f"Not under this name. Open {options.base_url}.\n", 400)
        await app(scope, receive, sending)


def _host(scope: Scope) -> str | None:
    """The name in ``Host``, in lower case and without the port; None for what is no host."""
    return parts_of("//" + Headers(scope=scope).get("host", "")).hostname
