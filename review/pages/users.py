"""Users: who may log in, and as what; for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from review.desk import desk_of
from review.rendering import page
from review.roles import Right, Role, Viewer
from review.security.access import needs
from review.security.passwords import made_up
from review.store.engine import writing
from review.store.partner_names import all_names
from review.store.users import (
    User,
    add_user,
    all_users,
    change_role,
    disable,
    enable,
    set_password,
    user_history,
    user_named,
)

__all__ = ["router"]

router = APIRouter(prefix="/users", include_in_schema=False)
Admin = Annotated[Viewer, Depends(needs(Right.GOVERN))]
Word = Annotated[str, Form(max_length=500)]
ROLE_TEXTS: Final[dict[Role, str]] = {
    "admin": "Does everything, and says who may log in.",
    "manager": "Judges, settles disagreements and disputes, exports evidence and the audit.",
    "reviewer": "Judges moments, asks deals' owners, contests claims.",
    "viewer": "Sees everything and changes nothing.",
    "partner": "Sees only what concerns its own company, and may contest that.",
}
DONE_TEXTS: Final = {
    "role": "The role is changed.",
    "disabled": "The user is disabled, and logged out everywhere.",
    "enabled": "The user may log in again.",
}


@router.get("")
def show(request: Request, viewer: Admin) -> HTMLResponse:
    """All users."""
    return _list(request, viewer)


@router.post("", response_model=None)
def add(request: Request, viewer: Admin, name: Word = "", role: Word = "", partner_id: Word = "") -> HTMLResponse:
    """Adds a user, whose password is shown once."""
    desk = desk_of(request)
    password = None if desk.options.header else made_up()
    try:
        with writing(desk.engine) as connection:
            user = add_user(connection, name, password, role, partner_id or None, desk.clock(), viewer)
    except ValueError as error:
        given = {"name": name, "role": role, "partner_id": partner_id}
        return _list(request, viewer, given=given, fault=str(error), status=422)
    return _one(request, viewer, user.name, password=password, said=f"{user.name} is added.", status=201)


@router.get("/{name}")
def show_one(request: Request, viewer: Admin, name: str, done: str = "") -> HTMLResponse:
    """One user."""
    return _one(request, viewer, name, said=DONE_TEXTS.get(done, ""))


@router.post("/{name}/role", response_model=None)
def give_role(request: Request, viewer: Admin, name: str, role: Word = "", partner_id: Word = "") -> Response:
    """Gives a user another role."""
    at, company = desk_of(request).clock(), partner_id or None
    return _changed(request, viewer, name, "role", lambda c: change_role(c, name, role, company, at, viewer))


@router.post("/{name}/disable", response_model=None)
def shut_out(request: Request, viewer: Admin, name: str) -> Response:
    """Shuts a user out at once."""
    return _changed(
        request,
        viewer,
        name,
        "disabled",
        lambda c: disable(c, name, desk_of(request).clock(), viewer),
    )


@router.post("/{name}/enable", response_model=None)
def let_in(request: Request, viewer: Admin, name: str) -> Response:
    """Lets a disabled user in again."""
    at = desk_of(request).clock()
    return _changed(request, viewer, name, "enabled", lambda c: enable(c, name, at, viewer))


@router.post("/{name}/password", response_model=None)
def renew(request: Request, viewer: Admin, name: str) -> HTMLResponse:
    """Gives a user a new password, which is shown once."""
    desk = desk_of(request)
    if desk.options.header:
        raise HTTPException(403, f"Passwords are not used here: {desk.options.base_url} says who somebody is.")
    password = made_up()
    user = _found(request, name)
    with writing(desk.engine) as connection:
        set_password(connection, user.name, password, desk.clock(), viewer)
    return _one(request, viewer, user.name, password=password, said=f"{user.name} has a new password.")


def _changed(request: Request, viewer: Viewer, name: str, done: str, change: Callable[[Connection], None]) -> Response:
    user = _found(request, name)
    try:
        with writing(desk_of(request).engine) as connection:
            change(connection)
    except ValueError as error:
        return _one(request, viewer, user.name, fault=str(error), status=422)
    return RedirectResponse(f"/users/{quote(user.name)}?done={done}", 303)


def _found(request: Request, name: str) -> User:
    with desk_of(request).engine.connect() as connection:
        user = user_named(connection, name)
    if user is None:
        raise HTTPException(404, "There is no user of that name. The page of users lists all.")
    return user


def _list(
    request: Request, viewer: Viewer, *, given: dict[str, str] | None = None, fault: str = "", status: int = 200
) -> HTMLResponse:
    with desk_of(request).engine.connect() as connection:
        found, companies = all_users(connection), all_names(connection)
    values: dict[str, Any] = {"users": found, "partners": list(companies.items()), "names": companies, "fault": fault}
    given = given or {"name": "", "role": "reviewer", "partner_id": ""}
    return page(request, "users.html.jinja", viewer, status=status, given=given, roles=ROLE_TEXTS, **values)


def _one(
    request: Request,
    viewer: Viewer,
    name: str,
    *,
    password: str | None = None,
    said: str = "",
    fault: str = "",
    status: int = 200,
) -> HTMLResponse:
    user = _found(request, name)
    with desk_of(request).engine.connect() as connection:
        companies, history = all_names(connection), user_history(connection, user.name)
    values: dict[str, Any] = {"user": user, "partners": list(companies.items()), "names": companies, "history": history}
    values |= {"password": password, "said": said, "fault": fault, "roles": ROLE_TEXTS}
    return page(request, "user.html.jinja", viewer, status=status, **values)
