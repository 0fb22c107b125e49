"""Users for whom a proxy in front of the page vouches, by a request header."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from features.shown import listing
from review.desk import Desk, Options
from review.roles import Viewer
from review.store.users import all_users, user_named

__all__ = ["proxied_viewer", "refusal", "vouched_name"]


def vouched_name(request: HTTPConnection, options: Options) -> str | None:
    """The name for which a proxy vouches; None where no proxy does, or where the header is there more than once."""
    values = request.headers.getlist(options.header or "")
    is_believed = _peer(request) in options.proxies and len(values) == 1
    return (_utf8(values[0].strip()) or None) if is_believed else None


def proxied_viewer(request: HTTPConnection, desk: Desk) -> Viewer | None:
    """The user for whom a proxy vouches; None where there is none, or the user is disabled."""
    name = vouched_name(request, desk.options)
    if name is None:
        return None
    with desk.engine.connect() as connection:
        user = user_named(connection, name)
    return user.viewer if user is not None and user.disabled_at is None else None


def refusal(request: HTTPConnection, desk: Desk) -> HTTPException:
    """Why nobody is looking, and whom to ask."""
    options = desk.options
    if _peer(request) not in options.proxies:
        return HTTPException(403, f"This page is reached only by way of {options.base_url}. Go there.")
    name = vouched_name(request, options)
    if name is None:
        told = f"The server in front of this page must say by one header {options.header} who you are, and does not. "
        return HTTPException(403, told + "Log in there, or tell whoever runs it.")
    with desk.engine.connect() as connection:
        admins = [user.name for user in all_users(connection) if user.role == "admin" and user.disabled_at is None]
    ask = f"Ask {listing(admins)}." if admins else "Whoever started this page has the link to set it up."
    return HTTPException(403, f"You are known as {name[:100]}, who may not use this page. {ask}")


def _peer(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _utf8(value: str) -> str:
    """A header's value, which arrives as Latin-1, read as the UTF-8 that proxies send."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
