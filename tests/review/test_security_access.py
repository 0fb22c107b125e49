"""Who may open what, and where those are sent who may not yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from review.roles import Right, Viewer
from review.security.access import needs
from review.security.asking import local_path
from review.store.schema import sessions

ClientAs = Callable[..., TestClient]


@pytest.fixture
def pages(app: FastAPI) -> None:
    """Adds pages for those who may judge, and for those who may see all or their own."""
    judges = needs(Right.JUDGE)
    sees = needs(Right.SEE, Right.SEE_OWN)

    def judge(viewer: Any) -> str:
        return str(viewer.name)

    judge.__annotations__ = {"viewer": Annotated[Viewer, Depends(judges)]}
    app.get("/try/judge")(judge)
    app.post("/try/judge")(judge)
    app.get("/api/try/judge")(judge)

    def see(viewer: Any) -> str:
        return str(viewer.name)

    see.__annotations__ = {"viewer": Annotated[Viewer, Depends(sees)]}
    app.get("/try/see")(see)


@pytest.mark.usefixtures("pages", "filled")
@pytest.mark.parametrize(
    ("role", "judges", "sees"),
    [("admin", 200, 200), ("manager", 200, 200), ("reviewer", 200, 200), ("viewer", 403, 200), ("partner", 403, 200)],
)
def test_a_page_opens_to_whoever_has_one_of_its_rights(client_as: ClientAs, role: str, judges: int, sees: int) -> None:
    client = client_as(role, partner_id="nw")

    assert client.get("/try/judge").status_code == judges
    assert client.get("/try/see").status_code == sees


@pytest.mark.usefixtures("pages")
def test_nobody_is_sent_to_the_login_and_from_there_back(visitor: TestClient) -> None:
    answer = visitor.get("/try/judge?state=waiting&page=2")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/try/judge%3Fstate%3Dwaiting%26page%3D2"


@pytest.mark.usefixtures("pages")
def test_a_program_without_a_session_is_told_so_in_json(visitor: TestClient) -> None:
    by_address = visitor.get("/api/try/judge")
    by_accept = visitor.get("/try/judge", headers={"Accept": "application/json"})

    assert by_address.status_code == by_accept.status_code == 401
    assert "log in" in by_address.json()["detail"].lower()


@pytest.mark.usefixtures("pages")
def test_a_part_of_a_page_without_a_session_leads_the_whole_page_to_the_login(visitor: TestClient) -> None:
    sent = {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1:8765/queue?type=risk_save"}
    answer = visitor.get("/try/judge", headers=sent)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?next=/queue%3Ftype%3Drisk_save"


@pytest.mark.usefixtures("pages")
def test_a_part_of_a_page_whose_address_is_none_leads_to_the_login_all_the_same(visitor: TestClient) -> None:
    answer = visitor.get("/try/judge", headers={"HX-Request": "true", "HX-Current-URL": "http://["})

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/queue",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/queue\r\nSet-Cookie: a=b",
        "queue",
        "",
        "/login?next=/login",
        "/logout",
    ],
)
def test_the_login_leads_to_no_other_site(target: str) -> None:
    assert local_path(target) == "/"


@given(st.text(alphabet="/\\:@.?#%\t\n\r evil", max_size=12))
def test_a_local_path_never_names_a_host(target: str) -> None:
    path = local_path(target)

    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert "\\" not in path
    assert path.isprintable()


@pytest.mark.parametrize("target", ["/queue", "/queue?type=a&page=2", "/moments/a%2Fb#c"])
def test_a_path_of_this_site_is_kept(target: str) -> None:
    assert local_path(target) == target


def test_a_session_ends_at_its_time(client_as: ClientAs, desk_clock: Any) -> None:
    client = client_as("reviewer")
    desk_clock.move(hours=12, seconds=-1)
    assert client.get("/account").status_code == 200

    desk_clock.move(seconds=1)

    assert client.get("/account").status_code == 303


@pytest.mark.parametrize("forged", ["A" * 43, "reviewer", "", "' OR 1=1 --", "x" * 5000])
def test_a_forged_cookie_is_nobodys(visitor: TestClient, client_as: ClientAs, forged: str) -> None:
    client_as("reviewer")
    visitor.cookies.set("partnerlift", forged)

    assert visitor.get("/account").status_code == 303


def test_what_the_database_keeps_of_a_session_is_no_cookie(
    client_as: ClientAs, visitor: TestClient, engine: Engine
) -> None:
    token = client_as("reviewer").cookies["partnerlift"]
    with engine.connect() as connection:
        kept = connection.scalars(sa.select(sessions.c.token_hash)).one()

    assert token not in kept
    visitor.cookies.set("partnerlift", kept)
    assert visitor.get("/account").status_code == 303


def test_a_page_costs_one_query_to_know_who_is_looking(client_as: ClientAs, engine: Engine) -> None:
    client = client_as("reviewer")
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    client.get("/account")

    assert len([query for query in asked if query != "BEGIN"]) == 1
    assert "JOIN sessions" in asked[-1]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("role", "first"), [("reviewer", "/queue"), ("partner", "/partners")])
def test_the_start_is_the_first_page_one_may_open(client_as: ClientAs, role: str, first: str) -> None:
    assert client_as(role, partner_id="nw").get("/").headers["location"] == first
