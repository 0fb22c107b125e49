"""Other sites can make a browser send, but nothing comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import FastAPI, Form
from fastapi.testclient import TestClient

ClientAs = Callable[..., TestClient]


@pytest.fixture
def echo(app: FastAPI) -> str:
    """A page that takes a form, and one that takes JSON; returns the path of the first."""

    @app.post("/try/echo")
    def echoed(words: Annotated[list[str], Form()]) -> list[str]:
        return words

    @app.post("/api/try/echo")
    def told(words: list[str]) -> list[str]:
        return words

    @app.post("/v/try-echo")
    def signed(words: Annotated[str, Form()]) -> str:
        return words

    return "/try/echo"


@pytest.fixture
def client(client_as: ClientAs) -> TestClient:
    """A browser of a reviewer, without the header that its script would send."""
    made = client_as("reviewer")
    del made.headers["X-CSRF-Token"]
    return made


def token(client: TestClient) -> str:
    """The token that the browser's page holds."""
    page: str = client.get("/account").text
    return page.split('name="csrf" value="')[1].split('"')[0]


def test_a_form_with_its_token_arrives_whole(client: TestClient, echo: str) -> None:
    answer = client.post(echo, data={"csrf": token(client), "words": ["ä & b", "c=d"]})

    assert (answer.status_code, answer.json()) == (200, ["ä & b", "c=d"])


def test_a_form_in_parts_arrives_whole(client: TestClient, echo: str) -> None:
    parts = [("csrf", (None, token(client))), ("words", (None, "ä & b")), ("words", (None, "x" * 100_000))]
    answer = client.post(echo, files=parts)

    assert answer.json() == ["ä & b", "x" * 100_000]


def test_a_program_sends_the_token_as_a_header(client: TestClient, echo: str) -> None:
    answer = client.post("/api" + echo, json=["a"], headers={"X-CSRF-Token": token(client)})

    assert (answer.status_code, answer.json()) == (200, ["a"])


@pytest.mark.parametrize("sent", ["", "0" * 64, "ü"])
def test_a_form_without_the_right_token_is_refused_and_says_what_to_do(
    client: TestClient, echo: str, sent: str
) -> None:
    answer = client.post(echo, data={"csrf": sent, "words": ["a"]})

    assert answer.status_code == 403
    assert "reload" in answer.text
    assert "Nothing was changed" in answer.text


def test_json_without_the_token_is_refused_in_json(client: TestClient, echo: str) -> None:
    answer = client.post("/api" + echo, json=["a"])

    assert answer.status_code == 403
    assert "reload" in answer.json()["detail"]


def test_a_token_in_the_address_is_not_taken(client: TestClient, echo: str) -> None:
    assert client.post(f"{echo}?csrf={token(client)}", data={"words": ["a"]}).status_code == 403


def test_a_token_inside_a_body_that_is_no_form_is_not_taken(client: TestClient, echo: str) -> None:
    body, kind = f"csrf={token(client)}&words=a", {"Content-Type": "text/plain"}

    assert client.post(echo, content=body, headers=kind).status_code == 403


def test_one_users_token_is_of_no_use_to_another(client: TestClient, client_as: ClientAs, echo: str) -> None:
    other = token(client_as("manager"))

    assert client.post(echo, data={"csrf": other, "words": ["a"]}).status_code == 403


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
    ],
)
def test_what_another_site_sends_is_refused_even_with_the_token(
    client: TestClient, echo: str, sent: dict[str, str], status: int
) -> None:
    answer = client.post(echo, data={"csrf": token(client), "words": ["a"]}, headers=sent)

    assert answer.status_code == status


def test_a_visitor_needs_the_token_of_their_own_browser_to_log_in(visitor: TestClient) -> None:
    without = visitor.post("/login", data={"name": "a", "password": "b"})
    visitor.get("/login")
    page = visitor.get("/login").text
    own = page.split('name="csrf" value="')[1].split('"')[0]
    with_it = visitor.post("/login", data={"name": "a", "password": "b", "csrf": own})
    visitor.cookies.clear()
    elsewhere = visitor.post("/login", data={"name": "a", "password": "b", "csrf": own})

    assert (without.status_code, with_it.status_code, elsewhere.status_code) == (403, 401, 403)


@pytest.mark.usefixtures("echo")
def test_pages_that_are_signed_by_themselves_need_no_token(visitor: TestClient) -> None:
    assert visitor.post("/v/try-echo", data={"words": "a"}).json() == "a"


def test_a_body_that_is_too_large_is_refused(client: TestClient, echo: str) -> None:
    answer = client.post(echo, data={"csrf": token(client), "words": "x" * 1_000_001})

    assert answer.status_code == 413


def test_a_broken_form_is_refused(client: TestClient, echo: str) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=a"}

    assert client.post(echo, content=b"no parts at all", headers=kind).status_code in (400, 403)
    assert client.post(echo, content=b"x", headers={"Content-Type": "multipart/form-data"}).status_code in (400, 403)
