"""How fast anybody may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from review.desk import Options
from review.security.pace import address_of

ClientAs = Callable[..., TestClient]


def browser(app: FastAPI, address: str = "127.0.0.1") -> TestClient:
    """A browser at an address, that has opened the page to log in."""
    client = TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False, client=(address, 50000))
    page = client.get("/login").text
    client.headers["X-CSRF-Token"] = page.split('name="csrf" value="')[1].split('"')[0]
    return client


def attempt(client: TestClient, name: str) -> int:
    return int(client.post("/login", data={"name": name, "password": "a wrong password"}).status_code)


def test_the_eleventh_login_in_a_minute_from_one_address_is_refused(app: FastAPI) -> None:
    client = browser(app)

    assert [attempt(client, f"user{i}") for i in range(11)] == [401] * 10 + [429]


def test_the_eleventh_login_for_one_name_is_refused_wherever_it_comes_from(app: FastAPI) -> None:
    addresses = [browser(app, f"10.0.0.{i}") for i in range(11)]

    assert [attempt(client, " Maria " if i % 2 else "maria") for i, client in enumerate(addresses)][-2:] == [401, 429]
    assert attempt(addresses[0], "another") == 401


def test_a_refused_attempt_says_when_to_come_back(app_with: Callable[..., FastAPI]) -> None:
    client = browser(app_with(attempts_per_minute=1))
    attempt(client, "maria")
    answer = client.post("/login", data={"name": "maria", "password": "b"})

    assert answer.headers["retry-after"] == "60"
    assert "Wait a minute" in answer.text


def test_requests_are_counted_to_whoever_makes_them(app_with: Callable[..., FastAPI], client_as: ClientAs) -> None:
    app = app_with(requests_per_minute=3)
    users = {}
    for name in ("ann", "ben"):
        users[name] = TestClient(app, base_url="http://127.0.0.1:8765", client=("127.0.0.1", 50000))
        users[name].cookies.set("partnerlift", client_as("reviewer", name=name).cookies["partnerlift"])

    assert [users["ann"].get("/account").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert users["ben"].get("/account").status_code == 200
    assert users["ann"].get("/static/style.css").status_code == 200
    told = users["ann"].get("/account", headers={"Accept": "application/json"})
    assert (told.status_code, told.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(
    ("peer", "forwarded", "options", "address"),
    [
        ("127.0.0.1", "6.6.6.6", {}, "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 9.9.9.9", {"is_https": True}, "9.9.9.9"),
        ("127.0.0.1", "9.9.9.9, 127.0.0.1", {"header": "X-User"}, "9.9.9.9"),
        ("8.8.8.8", "9.9.9.9", {"is_https": True}, "8.8.8.8"),
        ("127.0.0.1", "", {"is_https": True}, "127.0.0.1"),
        ("127.0.0.1", "unknown", {"is_https": True}, "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", {}, "2001:db8:1:2::/64"),
        ("::ffff:9.9.9.9", "", {}, "9.9.9.9"),
    ],
)
def test_the_address_is_that_which_a_proxy_of_ours_has_seen(
    peer: str, forwarded: str, options: dict[str, Any], address: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = HTTPConnection({"type": "http", "headers": headers, "client": (peer, 1)})

    assert address_of(request, Options(**options)) == address
