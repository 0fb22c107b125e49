"""What a request wants: HTML or JSON, a whole page or a part, and where it may be sent on to."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from starlette.requests import Request

__all__ = ["SIGNED", "local_path", "login_path", "parts_of", "wants_json", "wants_part"]

SIGNED: Final = "/v/"
"""Below it, pages are signed by themselves, and work in a browser in which nobody is logged in."""
ELSEWHERE: Final = ("/login", "/logout", "/setup")
"""Pages to which nobody wants to come back."""


def wants_json(request: Request) -> bool:
    """Whether a program asks: under ``/api/``, or one that accepts JSON and no HTML."""
    accepts = request.headers.get("accept", "")
    return request.url.path.startswith("/api/") or ("application/json" in accepts and "text/html" not in accepts)


def wants_part(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return "hx-request" in request.headers and "hx-boosted" not in request.headers


def parts_of(address: str) -> SplitResult:
    """The parts of an address that a header tells; empty ones of what is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def local_path(target: str | None) -> str:
    """A path with its query on this very site, fit for a redirect; ``/`` for anything that is not surely one."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    if "\\" in target or not target.isprintable() or len(target) > 2000:
        return "/"
    parts = urlsplit(target)
    is_page = not parts.scheme and not parts.netloc and not parts.path.startswith(("//", *ELSEWHERE))
    return target if is_page else "/"


def login_path(request: Request) -> str:
    """Where somebody logs in who then wants to come back to what they asked for."""
    if wants_part(request):
        current = parts_of(request.headers.get("hx-current-url", ""))
        back = local_path(f"{current.path}?{current.query}" if current.query else current.path)
    elif request.method == "GET":
        back = local_path(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path)
    else:
        back = "/"
    return "/login" if back == "/" else f"/login?next={quote(back, safe='/')}"
