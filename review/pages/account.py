"""Logging in and out, the first set-up, and one's own password."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from review.desk import Desk, desk_of
from review.rendering import menu, page
from review.roles import Role, Viewer
from review.security import passwords
from review.security.access import Looking, needs
from review.security.asking import local_path
from review.security.cookies import cookie_of, forget, remember, session_cookie
from review.security.entry import log_in, start_session
from review.security.pace import count_attempt
from review.security.proxied import vouched_name
from review.security.setup import is_setup_token
from review.store.engine import writing
from review.store.sessions import close_session
from review.store.users import add_user, has_admin, set_password, user_named

__all__ = ["router"]

router = APIRouter()
pages = APIRouter(include_in_schema=False)
WRONG: Final = "No user has this name and password. Mind capitals in the password, or ask an admin for a new one."
"""The same for a wrong name, a wrong password and a disabled user."""
USED_UP: Final = (
    "This link does not set up the page, or no longer, since there is an admin. Log in, or ask an admin to let you in; "
    "who runs the page can make another: partnerlift review user add NAME --role admin."
)
Somebody = Annotated[Viewer, Depends(needs())]
Word = Annotated[str, Form(max_length=2000)]


@pages.get("/", response_model=None)
def home(viewer: Somebody) -> Response:
    """Leads to the first page that the viewer may open."""
    return RedirectResponse(menu(viewer)[0][0], 303)


@pages.get("/login", response_model=None)
def ask(request: Request, viewer: Looking, next: Annotated[str, Query()] = "/") -> Response:  # noqa: A002
    """The form to log in."""
    if viewer is not None:
        return RedirectResponse(local_path(next), 303)
    return _login(request, back=local_path(next))


@pages.post("/login", response_model=None)
def enter(request: Request, name: Word = "", password: Word = "", next: Word = "/") -> Response:  # noqa: A002
    """Logs in, and leads back to where one wanted to go."""
    desk = desk_of(request)
    _refuse_under_proxy(desk)
    count_attempt(request, name)
    token = log_in(desk, name, password)
    if token is None:
        return _login(request, back=local_path(next), name=name, fault=WRONG, status=401)
    _end_session(request, desk)
    return _entered(desk, token, local_path(next))


@pages.post("/logout", response_model=None)
def leave(request: Request) -> Response:
    """Ends the session."""
    desk = desk_of(request)
    _end_session(request, desk)
    answer = RedirectResponse("/login", 303)
    forget(answer, session_cookie(desk.options), desk.options)
    return answer


@pages.get("/setup")
def begin(request: Request, token: str = "") -> HTMLResponse:
    """The form to make the first admin."""
    _check_setup(desk_of(request), token)
    return _setup(request, token)


@pages.post("/setup", response_model=None)
def set_up(request: Request, token: Word = "", name: Word = "", password: Word = "") -> Response:
    """Makes the first admin, who is then logged in."""
    desk = desk_of(request)
    _check_setup(desk, token)
    vouched = vouched_name(request, desk.options) if desk.options.header else None
    try:
        with writing(desk.engine) as connection:
            if has_admin(connection):
                raise HTTPException(403, USED_UP)
            chosen, word = (vouched or "", None) if desk.options.header else (name, password)
            by = Viewer("setup", "admin")
            user = add_user(connection, chosen, word, "admin", None, desk.clock(), by)
    except ValueError as error:
        return _setup(request, token, name=name, fault=str(error), status=422)
    if desk.options.header:
        return RedirectResponse("/", 303)
    return _entered(desk, start_session(desk, user.viewer), "/")


class Me(BaseModel):
    """Who is logged in; ``csrf`` is what the header ``X-CSRF-Token`` of a request that changes something holds."""

    name: str
    role: Role
    partner_id: str | None
    csrf: str


@router.get("/api/me")
def me(request: Request, viewer: Somebody) -> Me:
    """Who is logged in, and the token that a program sends with whatever changes something."""
    return Me(name=viewer.name, role=viewer.role, partner_id=viewer.partner_id, csrf=request.state.csrf)


@pages.get("/account")
def account(request: Request, viewer: Somebody, done: str = "") -> HTMLResponse:
    """Who one is here, and one's own password."""
    return _account(request, viewer, is_done=done == "1")


@pages.post("/account/password", response_model=None)
def change(request: Request, viewer: Somebody, now: Word = "", password: Word = "", again: Word = "") -> Response:
    """Changes one's own password; all other sessions end."""
    desk = desk_of(request)
    _refuse_under_proxy(desk)
    count_attempt(request, viewer.name)
    fault = _wrong(desk, viewer, now) or ("" if password == again else "The new password was not typed twice alike.")
    if fault:
        return _account(request, viewer, fault=fault, status=422)
    try:
        with writing(desk.engine) as connection:
            set_password(connection, viewer.name, password, desk.clock(), viewer)
    except ValueError as error:
        return _account(request, viewer, fault=str(error), status=422)
    return _entered(desk, start_session(desk, viewer), "/account?done=1")


def _wrong(desk: Desk, viewer: Viewer, password: str) -> str:
    with desk.engine.connect() as connection:
        user = user_named(connection, viewer.name)
    is_right = passwords.is_right(user.password_hash if user else None, password)
    return "" if is_right else "The present password is another one."


def _end_session(request: Request, desk: Desk) -> None:
    """Ends the session that the browser has held so far."""
    token = cookie_of(request, session_cookie(desk.options))
    if token is not None:
        with writing(desk.engine) as connection:
            close_session(connection, token)


def _entered(desk: Desk, token: str, to: str) -> Response:
    """Sends somebody on who holds a new session."""
    answer = RedirectResponse(to, 303)
    keep = timedelta(hours=desk.options.session_hours)
    remember(answer, session_cookie(desk.options), token, desk.options, keep=keep)
    return answer


def _refuse_under_proxy(desk: Desk) -> None:
    if desk.options.header:
        raise HTTPException(403, f"Passwords are not used here: {desk.options.base_url} says who you are.")


def _check_setup(desk: Desk, token: str) -> None:
    with desk.engine.connect() as connection:
        is_set_up = has_admin(connection)
    if is_set_up or not is_setup_token(desk.secret, token):
        raise HTTPException(403, USED_UP)


def _login(request: Request, *, back: str, name: str = "", fault: str = "", status: int = 200) -> HTMLResponse:
    return page(request, "login.html.jinja", None, status=status, back=back, name=name, fault=fault)


def _setup(request: Request, token: str, *, name: str = "", fault: str = "", status: int = 200) -> HTMLResponse:
    options = desk_of(request).options
    vouched = vouched_name(request, options) if options.header else None
    return page(
        request,
        "setup.html.jinja",
        None,
        status=status,
        token=token,
        name=name,
        fault=fault,
        header=options.header,
        vouched=vouched,
        shortest=passwords.SHORTEST,
    )


def _account(
    request: Request, viewer: Viewer, *, is_done: bool = False, fault: str = "", status: int = 200
) -> HTMLResponse:
    return page(
        request,
        "account.html.jinja",
        viewer,
        status=status,
        is_done=is_done,
        fault=fault,
        shortest=passwords.SHORTEST,
    )


router.include_router(pages)
