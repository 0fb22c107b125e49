"""What every answer forbids the browser, and names under which the page answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from review.security.headers import HEADERS


@pytest.fixture
def lenient(app: FastAPI) -> TestClient:
    """A browser that shows what comes of a fault of ours, with a page that has one."""

    @app.get("/try/broken")
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    return TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200),
        ("/account", 303),
        ("/nowhere", 404),
        ("/api/nowhere", 404),
        ("/static/style.css", 200),
        ("/static/nothing.css", 404),
        ("/v/forged", 404),
        ("/try/broken", 500),
    ],
)
def test_every_answer_has_the_headers(lenient: TestClient, path: str, status: int) -> None:
    answer = lenient.get(path)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "strict-transport-security" not in answer.headers


def test_the_policy_lets_nothing_run_that_is_not_ours(lenient: TestClient) -> None:
    policy = dict(part.split(" ", 1) for part in lenient.get("/login").headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


def test_pages_are_kept_nowhere_and_files_of_the_page_for_minutes(lenient: TestClient) -> None:
    assert lenient.get("/login").headers["cache-control"] == "no-store"
    assert lenient.get("/static/style.css").headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("path", ["/login", "/try/broken"])
def test_a_refused_form_has_the_headers_too(lenient: TestClient, path: str) -> None:
    answer = lenient.post(path, data={})

    assert answer.status_code == 403
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_page_answers_only_under_its_own_names(app_with: Callable[..., FastAPI]) -> None:
    client = TestClient(app_with(base_url="https://review.example.com"), base_url="http://127.0.0.1:8765")
    expected = {
        "127.0.0.1:8765": 200,
        "localhost:9": 200,
        "[::1]:8765": 200,
        "review.example.com": 200,
        "REVIEW.example.com:443": 200,
        "evil.example": 400,
        "127.0.0.1.evil.example": 400,
        "evil.example@127.0.0.1@evil.example": 400,
        "review.example.com.": 400,
        "[": 400,
        "": 400,
    }
    answers = {host: client.get("/login", headers={"Host": host}) for host in expected}

    assert {host: answer.status_code for host, answer in answers.items()} == expected
    assert {answer.headers["content-security-policy"] for answer in answers.values()} == {
        HEADERS["Content-Security-Policy"]
    }


def test_under_https_browsers_come_back_only_that_way(app_with: Callable[..., FastAPI]) -> None:
    client = TestClient(app_with(base_url="https://localhost", is_https=True), base_url="https://localhost")
    answer = client.get("/login")
    cookie = answer.headers["set-cookie"]

    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert cookie.startswith("__Host-partnerlift-browser=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
