"""Users for whom a proxy in front of the page vouches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.security.setup import setup_link
from review.store.engine import writing
from review.store.users import add_user, disable

pytestmark = pytest.mark.slow
BASE = "https://review.example.com"
PROXY = "10.1.1.1"


@pytest.fixture
def by_proxy(app_with: Callable[..., FastAPI], engine: Engine, desk_clock: Any) -> Callable[..., TestClient]:
    """A factory of browsers; the proxy at 10.1.1.1 says in X-User who somebody is, and knows of maria and ben."""
    app = app_with(base_url=BASE, header="X-User", proxies=(PROXY,))
    setup = Viewer("setup", "admin")
    with writing(engine) as connection:
        add_user(connection, "maria", None, "admin", None, desk_clock(), setup)
        add_user(connection, "ben", None, "reviewer", None, desk_clock(), setup)
        disable(connection, "ben", desk_clock(), setup)

    def make(headers: list[tuple[str, str]] | dict[str, str], address: str = PROXY) -> TestClient:
        made = TestClient(app, base_url=BASE, follow_redirects=False, client=(address, 1))
        made.headers.update(headers)
        return made

    return make


def test_whom_the_proxy_names_is_logged_in(by_proxy: Callable[..., TestClient]) -> None:
    page = by_proxy({"X-User": " Maria"}).get("/users")

    assert page.status_code == 200
    assert "Log out" not in page.text


def test_the_header_is_not_believed_from_another_address(by_proxy: Callable[..., TestClient]) -> None:
    page = by_proxy({"X-User": "maria"}, address="10.6.6.6").get("/users")

    assert page.status_code == 403
    assert f"only by way of {BASE}" in page.text


@pytest.mark.parametrize(
    ("name", "shown"), [("nobody", "nobody"), ("ben", "ben"), ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;")]
)
def test_whoever_is_no_user_is_told_whom_to_ask(by_proxy: Callable[..., TestClient], name: str, shown: str) -> None:
    page = by_proxy({"X-User": name}).get("/queue")

    assert page.status_code == 403
    assert f"You are known as {shown}, who may not use this page. Ask maria." in page.text


@pytest.mark.parametrize("sent", [[], [("X-User", "")], [("X-User", "maria"), ("X-User", "ben")]])
def test_a_proxy_that_does_not_say_who_it_is_vouches_for_nobody(
    app_with: Callable[..., FastAPI], by_proxy: Callable[..., TestClient], sent: list[tuple[str, str]]
) -> None:
    answer = by_proxy({}).get("/queue", headers=sent)

    assert answer.status_code == 403
    assert "one header X-User" in answer.text


def test_with_the_header_no_password_and_no_session_is_taken(
    client_as: Callable[..., TestClient], by_proxy: Callable[..., TestClient]
) -> None:
    session = client_as("manager").cookies["partnerlift"]
    client = by_proxy({})
    client.cookies.set("partnerlift", session)
    assert client.get("/queue").status_code == 403

    page = client.get("/login").text
    assert 'type="password"' not in page

    client.headers["X-CSRF-Token"] = page.split('X-CSRF-Token": "')[1].split('"')[0]
    answer = client.post("/login", data={"name": "maria", "password": "four words make one"})
    assert answer.status_code == 403
    assert "Passwords are not used here" in answer.text


def test_without_the_option_the_header_says_nothing(visitor: TestClient, client_as: Callable[..., TestClient]) -> None:
    client_as("admin")

    assert visitor.get("/users", headers={"X-User": "admin", "Remote-User": "admin"}).status_code == 303


def test_forms_are_guarded_behind_a_proxy_too(by_proxy: Callable[..., TestClient]) -> None:
    client = by_proxy({"X-User": "maria"})
    new = {"name": "ann", "role": "reviewer"}
    assert client.post("/users", data=new).status_code == 403

    own = client.get("/users").text.split('name="csrf" value="')[1].split('"')[0]
    added = client.post("/users", data={**new, "csrf": own})

    assert added.status_code == 201
    assert 'class="secret"' not in added.text


def test_a_name_beyond_latin_letters_is_read_as_utf_8(
    by_proxy: Callable[..., TestClient], engine: Engine, desk_clock: Any
) -> None:
    client = by_proxy({})
    with writing(engine) as connection:
        add_user(connection, "Zoë", None, "viewer", None, desk_clock(), Viewer("maria", "admin"))

    answer = client.get("/account", headers=[(b"X-User", "Zoë".encode())])

    assert answer.status_code == 200
    assert "Zoë" in answer.text


def test_the_first_admin_is_whom_the_proxy_names(app_with: Callable[..., FastAPI]) -> None:
    app = app_with(base_url=BASE, header="X-User", proxies=(PROXY,))
    client = TestClient(app, base_url=BASE, follow_redirects=False, client=(PROXY, 1))
    link = setup_link(app.state.desk) or ""
    assert "by one header X-User" in client.get(link).text

    client.headers["X-User"] = "maria"
    page = client.get(link).text
    assert "maria" in page
    form = {"csrf": page.split('name="csrf" value="')[1].split('"')[0], "token": link.split("token=")[1]}
    assert client.post("/setup", data={**form, "name": "mallory"}).status_code == 303

    assert client.get("/users").status_code == 200
    assert "mallory" not in client.get("/users").text
