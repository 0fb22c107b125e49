"""Headers that keep browsers from doing what no page of ours asks for, and hosts under which the page answers."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.desk import Options

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

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self.app = app
        self.options = options
        self.hosts = {*LOCAL, urlsplit(options.base_url).hostname}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                protect(MutableHeaders(scope=message), scope["path"], self.options)
            await send(message)

        app = self.app if _host(scope) in self.hosts else PlainTextResponse(self._elsewhere(), 400)
        await app(scope, receive, sending)

    def _elsewhere(self) -> str:
        return f"This page does not answer under that name. Open {self.options.base_url}.\n"


def _host(scope: Scope) -> str | None:
    """The name in ``Host``, in lower case and without the port; None for what is no host."""
    try:
        return urlsplit("//" + Headers(scope=scope).get("host", "")).hostname
    except ValueError:
        return None
