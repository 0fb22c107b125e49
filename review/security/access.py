"""Who is looking, and whether they may: ``needs`` stands before every page that is not for everybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from review.desk import Desk, desk_of
from review.roles import Right, Viewer
from review.security.asking import login_path, wants_json, wants_part
from review.security.cookies import cookie_of, session_cookie
from review.security.pace import address_of, pace_of
from review.security.proxied import proxied_viewer, refusal
from review.store.sessions import session_viewer

__all__ = ["Looking", "looking", "needs", "paced"]


def looking(request: Request) -> Viewer | None:
    """Who is logged in, None for nobody; kept in the request's state for pages that tell of errors."""
    desk = desk_of(request)
    viewer = proxied_viewer(request, desk) if desk.options.header else _session_viewer(request, desk)
    request.state.viewer = viewer
    return viewer


Looking = Annotated[Viewer | None, Depends(looking)]


async def paced(request: Request, viewer: Looking) -> None:
    """Counts a request to its user, or to its address where nobody is logged in; raises a 429 for too many."""
    whose = f"user:{viewer.name}" if viewer else f"address:{address_of(request, desk_of(request).options)}"
    pace_of(request).request(whose)


def needs(*rights: Right) -> Callable[[Request, Viewer | None], Awaitable[Viewer]]:
    """A dependency that gives the viewer, who has at least one of the rights; without any, whoever is logged in.

    Raises, where nobody is logged in, a 303 to the page on which one does (for programs a 401), and a 403 for somebody
    without the right.
    """

    async def allowed(request: Request, viewer: Looking) -> Viewer:
        if viewer is None:
            raise _nobody(request, desk_of(request))
        if rights and not any(viewer.may(right) for right in rights):
            raise HTTPException(403, f"This is not for users of role {viewer.role}. An admin can change your role.")
        return viewer

    return allowed


def _session_viewer(request: Request, desk: Desk) -> Viewer | None:
    token = cookie_of(request, session_cookie(desk.options))
    if token is None:
        return None
    with desk.engine.connect() as connection:
        return session_viewer(connection, token, desk.clock())


def _nobody(request: Request, desk: Desk) -> HTTPException:
    """What somebody is told who is not logged in."""
    if desk.options.header:
        return refusal(request, desk)
    if wants_json(request):
        return HTTPException(401, "Nobody is logged in. Log in at /login, and send the cookie that you get.")
    if wants_part(request):
        return HTTPException(401, "Log in again to go on.", {"HX-Redirect": login_path(request)})
    return HTTPException(303, headers={"Location": login_path(request)})
