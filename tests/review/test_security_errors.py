"""What people and programs are told when something cannot be done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Query
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DataError, DBAPIError

ClientAs = Callable[..., TestClient]


@pytest.fixture
def lenient(app: FastAPI) -> TestClient:
    """A browser in which nobody is logged in, and pages that go wrong each in its way."""

    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    def unstorable(kind: str) -> None:
        if kind == "large":
            raise OverflowError("Python int too large")
        raise DataError("INSERT INTO judgements", {}, ValueError("NUL"))

    def numbered(page: int = Query(ge=1)) -> int:
        return page

    def gone() -> None:
        raise HTTPException(404, "There is no moment <b>m1</b>. The queue lists all.")

    for prefix in ("/try", "/api/try"):
        app.get(f"{prefix}/broken")(broken)
        app.get(f"{prefix}/unstorable")(unstorable)
        app.get(f"{prefix}/numbered")(numbered)
        app.get(f"{prefix}/gone")(gone)
    return TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False)


def test_a_fault_of_ours_shows_nothing_of_the_inside(lenient: TestClient) -> None:
    page, told = lenient.get("/try/broken"), lenient.get("/api/try/broken")

    assert page.status_code == told.status_code == 500
    assert "Something went wrong" in page.text
    assert "hunter2" not in page.text + told.text
    assert "Traceback" not in page.text + told.text
    assert set(told.json()) == {"detail"}


def test_a_page_that_is_not_there_says_so_in_our_look(lenient: TestClient) -> None:
    answer = lenient.get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "/static/style.css" in answer.text
    assert lenient.get("/api/nowhere").json()["detail"].startswith("Nothing has this address")


def test_a_reason_given_by_a_page_is_shown_and_escaped(lenient: TestClient) -> None:
    answer = lenient.get("/try/gone")

    assert "There is no moment &lt;b&gt;m1&lt;/b&gt;. The queue lists all." in answer.text
    assert lenient.get("/api/try/gone").json() == {"detail": "There is no moment <b>m1</b>. The queue lists all."}


def test_a_wrong_value_is_named_and_not_repeated(lenient: TestClient) -> None:
    page, told = lenient.get("/try/numbered?page=%3Cscript%3E"), lenient.get("/api/try/numbered?page=abc")

    assert page.status_code == told.status_code == 422
    assert "page: Input should be a valid integer" in page.text
    assert "script&gt;" not in page.text
    assert told.json()["detail"] == [
        {
            "loc": ["query", "page"],
            "msg": "Input should be a valid integer, unable to parse string as an integer",
            "type": "int_parsing",
        }
    ]


@pytest.mark.parametrize("kind", ["large", "nul"])
def test_a_value_that_cannot_be_kept_is_the_senders_to_correct(lenient: TestClient, kind: str) -> None:
    answer = lenient.get(f"/api/try/unstorable?kind={kind}")

    assert answer.status_code == 422
    assert "cannot be kept" in answer.json()["detail"]
    assert "judgements" not in answer.text


def test_a_part_of_a_page_is_told_in_a_part(lenient: TestClient) -> None:
    answer = lenient.get("/try/gone", headers={"HX-Request": "true"})

    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("path", ["/try/gone", "/api/try/gone"])
def test_another_method_is_refused_with_those_that_work(client_as: ClientAs, lenient: TestClient, path: str) -> None:
    answer = client_as("reviewer").delete(path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/users", "/nowhere"])
def test_who_is_logged_in_keeps_the_menu_on_a_page_that_tells_of_an_error(client_as: ClientAs, path: str) -> None:
    assert 'aria-label="Pages"' in client_as("viewer").get(path).text


def test_what_is_logged_of_an_error_of_the_database_holds_no_words_of_anybody(engine: Engine) -> None:
    statement = sa.text("SELECT 1 FROM nowhere WHERE quote = :quote").bindparams(quote="what was said")

    with engine.connect() as connection, pytest.raises(DBAPIError) as told:
        connection.execute(statement)

    assert "what was said" not in str(told.value)
