"""Logging in and out, the first admin, and one's own password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.security import passwords
from review.security.setup import setup_link
from review.store.engine import writing
from review.store.schema import events, sessions, users
from review.store.users import add_user, disable, set_password

pytestmark = pytest.mark.slow
ClientAs = Callable[..., TestClient]
GOOD = "four words make one"
SETUP = Viewer("setup", "admin")


@pytest.fixture
def maria(engine: Engine, desk_clock: Any) -> str:
    """A reviewer's name; her password is ``GOOD``."""
    with writing(engine) as connection:
        add_user(connection, "maria", GOOD, "reviewer", None, desk_clock(), SETUP)
    return "maria"


def own_token(client: TestClient, path: str = "/login") -> str:
    """The token of the form on a page."""
    page: str = client.get(path).text
    return page.split('name="csrf" value="')[1].split('"')[0]


def enter(client: TestClient, name: str, password: str = GOOD, **more: str) -> Any:
    """Logs in by the form."""
    return client.post("/login", data={"csrf": own_token(client), "name": name, "password": password, **more})


def test_the_right_password_opens_the_page_one_came_for(visitor: TestClient, maria: str) -> None:
    answer = enter(visitor, " Maria ", next="/account?done=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=1")
    assert "maria" in visitor.get("/account").text


def test_a_forged_way_back_leads_to_the_start(visitor: TestClient, maria: str) -> None:
    assert "evil" not in visitor.get("/login?next=//evil.example").text
    assert enter(visitor, maria, next="//evil.example").headers["location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: TestClient, maria: str) -> None:
    cookie = enter(visitor, maria).headers["set-cookie"]

    assert cookie.startswith("partnerlift=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))


def test_under_https_the_cookie_is_this_hosts_alone(app_with: Callable[..., FastAPI], maria: str) -> None:
    app = app_with(base_url="https://localhost", is_https=True)
    client = TestClient(app, base_url="https://localhost", follow_redirects=False)
    cookie = enter(client, maria).headers["set-cookie"]

    assert cookie.startswith("__Host-partnerlift=")
    assert "Secure" in cookie.split("; ")
    assert client.get("/account").status_code == 200


def test_wrong_name_wrong_password_and_disabled_are_told_alike(
    visitor: TestClient, maria: str, engine: Engine, desk_clock: Any
) -> None:
    with writing(engine) as connection:
        add_user(connection, "gone", GOOD, "reviewer", None, desk_clock(), SETUP)
        add_user(connection, "proxied", None, "reviewer", None, desk_clock(), SETUP)
        disable(connection, "gone", desk_clock(), SETUP)
    told = set()
    for name, password in ((maria, "another one here"), ("nobody", GOOD), ("gone", GOOD), ("proxied", GOOD)):
        answer = enter(visitor, name, password)
        assert answer.status_code == 401
        told.add(answer.text.replace(name, "NAME").split("<main")[1].replace(own_token(visitor), ""))

    assert len(told) == 1


def test_a_session_token_that_was_there_before_is_not_taken_over(
    visitor: TestClient, maria: str, engine: Engine
) -> None:
    planted = "A" * 43
    visitor.cookies.set("partnerlift", planted)
    form = {"csrf": own_token(visitor), "name": maria, "password": GOOD}
    answer = visitor.post("/login", data=form)

    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(sessions)) == 1


def test_logging_out_ends_the_session_for_whoever_has_the_cookie(client_as: ClientAs, visitor: TestClient) -> None:
    client = client_as("reviewer")
    visitor.cookies.set("partnerlift", client.cookies["partnerlift"])
    answer = client.post("/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert 'partnerlift=""' in answer.headers["set-cookie"]
    assert visitor.get("/account").status_code == 303


def test_sessions_that_have_ended_are_cleared_away(
    visitor: TestClient, maria: str, engine: Engine, desk_clock: Any
) -> None:
    enter(visitor, maria)
    desk_clock.move(hours=13)
    visitor.cookies.clear()
    enter(visitor, maria)

    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(sessions)) == 1


def test_a_log_in_is_in_the_audit_and_renews_a_weak_hash(
    visitor: TestClient, maria: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", lambda: stronger)
    enter(visitor, maria)

    with engine.connect() as connection:
        assert "m=16,t=2" in connection.scalars(sa.select(users.c.password_hash)).one()
        last = connection.execute(sa.select(events).order_by(events.c.seq.desc())).first()
    assert last is not None
    assert (last.who, last.action) == (maria, "logged_in")


def test_a_changed_password_ends_all_other_sessions(visitor: TestClient, maria: str, client_as: ClientAs) -> None:
    elsewhere = client_as("reviewer", name=maria)
    enter(visitor, maria)
    before = visitor.cookies["partnerlift"]
    new = "another four words"
    form = {"csrf": own_token(visitor, "/account"), "now": GOOD, "password": new, "again": new}
    answer = visitor.post("/account/password", data=form)

    assert answer.headers["location"] == "/account?done=1"
    assert visitor.cookies["partnerlift"] != before
    assert "Your password is changed" in visitor.get("/account?done=1").text
    assert elsewhere.get("/account").status_code == 303
    visitor.cookies.clear()
    assert enter(visitor, maria, GOOD).status_code == 401
    assert enter(visitor, maria, new).status_code == 303


@pytest.mark.parametrize(
    ("now", "password", "again", "reason"),
    [
        ("wrong password", "another four words", "another four words", "present password is another"),
        (GOOD, "another four words", "another for words", "not typed twice alike"),
        (GOOD, "short", "short", "at least 12 characters"),
    ],
)
def test_a_password_is_not_changed_without_reason_to(
    visitor: TestClient, maria: str, now: str, password: str, again: str, reason: str
) -> None:
    enter(visitor, maria)
    form = {"csrf": own_token(visitor, "/account"), "now": now, "password": password, "again": again}
    answer = visitor.post("/account/password", data=form)

    assert answer.status_code == 422
    assert reason in answer.text
    visitor.cookies.clear()
    assert enter(visitor, maria, GOOD).status_code == 303


def test_an_account_whose_password_an_admin_changes_is_out_at_once(
    visitor: TestClient, maria: str, engine: Engine, desk_clock: Any
) -> None:
    enter(visitor, maria)
    with writing(engine) as connection:
        set_password(connection, maria, "another four words", desk_clock(), SETUP)

    assert visitor.get("/account").status_code == 303


def test_the_first_admin_is_made_by_a_link_that_works_once(app: FastAPI, visitor: TestClient) -> None:
    link = setup_link(app.state.desk) or ""
    form = {"csrf": own_token(visitor, link), "token": link.split("token=")[1], "name": "Ana", "password": GOOD}
    answer = visitor.post("/setup", data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.get("/users").status_code == 200
    assert setup_link(app.state.desk) is None
    assert visitor.get(link).status_code == 403
    form = {**form, "csrf": own_token(visitor, "/account"), "name": "mallory"}
    assert visitor.post("/setup", data=form).status_code == 403


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_nobody_sets_up_the_page_without_the_link(visitor: TestClient, token: str) -> None:
    assert visitor.get("/setup", params={"token": token}).status_code == 403
    form = {"csrf": own_token(visitor), "token": token, "name": "mallory", "password": GOOD}
    assert visitor.post("/setup", data=form).status_code == 403


def test_a_poor_first_password_is_refused_and_the_link_stays_good(app: FastAPI, visitor: TestClient) -> None:
    link = setup_link(app.state.desk) or ""
    form = {"csrf": own_token(visitor, link), "token": link.split("token=")[1], "name": "Ana", "password": "short"}
    answer = visitor.post("/setup", data=form)

    assert answer.status_code == 422
    assert "at least 12 characters" in answer.text
    assert setup_link(app.state.desk) == link


def test_a_program_logs_in_and_learns_what_to_send_with_a_change(visitor: TestClient, maria: str) -> None:
    enter(visitor, maria)
    told = visitor.get("/api/me").json()

    assert (told["name"], told["role"], told["partner_id"]) == (maria, "reviewer", None)
    assert visitor.post("/logout", headers={"X-CSRF-Token": told["csrf"]}).status_code == 303
    assert "/api/me" in visitor.get("/openapi.json").json()["paths"]


def test_who_is_logged_in_is_not_asked_again(client_as: ClientAs) -> None:
    assert client_as("viewer").get("/login?next=/deals").headers["location"] == "/deals"
