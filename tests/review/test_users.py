"""Who may log in, and as what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.engine import Engine

from review.roles import ROLES, Viewer
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.schema import events
from review.store.sessions import open_session, session_viewer
from review.store.users import add_user, all_users, change_role, disable, enable, user_name, user_named

pytestmark = pytest.mark.slow
ClientAs = Callable[..., TestClient]
AT = datetime(2026, 6, 1, tzinfo=UTC)
SETUP = Viewer("setup", "admin")
GOOD = "four words make one"


def added(engine: Engine, name: str, role: str = "reviewer", partner_id: str | None = None) -> None:
    with writing(engine) as connection:
        add_user(connection, name, GOOD, role, partner_id, AT, SETUP)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Maria", "Maria"),
        ("  Ana   Silva ", "Ana Silva"),
        ("ana@example.com", "ana@example.com"),
        ("Ｚoe\u0308", "Zoë"),
    ],
)
def test_a_name_is_kept_in_one_way_of_writing(written: str, kept: str) -> None:
    assert user_name(written) == kept


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "a\u202eb", "<b>", "x" * 101, "a\x00b", "=cmd"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a user's name"):
        user_name(name)


def test_a_name_is_had_once_however_it_is_written(engine: Engine) -> None:
    added(engine, "Zoë Straße")

    with pytest.raises(ValueError, match="user 'Zoë Straße' already"):
        added(engine, "ZOË STRASSE")
    with engine.connect() as connection:
        found = user_named(connection, "zoë  strasse")
    assert found is not None
    assert found.name == "Zoë Straße"


@pytest.mark.parametrize(
    ("role", "partner_id", "reason"),
    [("boss", None, "'boss' is no role"), ("partner", None, "needs a partner"), ("partner", "xx", "no partner 'xx'")],
)
def test_an_unknown_role_or_partner_is_refused(filled: Engine, role: str, partner_id: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        added(filled, "maria", role, partner_id)


def test_only_users_of_role_partner_have_a_partner(filled: Engine) -> None:
    added(filled, "nina", "partner", "nw")
    added(filled, "maria", "manager", "nw")
    with writing(filled) as connection:
        change_role(connection, "nina", "viewer", "nw", AT, SETUP)

    with filled.connect() as connection:
        assert {user.name: user.partner_id for user in all_users(connection)} == {"nina": None, "maria": None}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_two_last_admins_who_disable_each_other_at_once_one_stays(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine = open_engine(url)
    added(engine, "ana", "admin")
    added(engine, "eva", "admin")
    both, told = Barrier(2), []

    def ends(name: str, by: str) -> None:
        both.wait()
        try:
            with writing(engine) as connection:
                disable(connection, name, AT, Viewer(by, "admin"))
        except ValueError as error:
            told.append(str(error))

    threads = [Thread(target=ends, args=pair) for pair in (("ana", "eva"), ("eva", "ana"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engine.connect() as connection:
        assert sum(user.disabled_at is None for user in all_users(connection)) == 1
    engine.dispose()
    assert len(told) == 1
    assert "is the last admin" in told[0]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_session_is_known_by_its_token_in_both_databases(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine = open_engine(url)
    added(engine, "Zoë", "manager")
    with writing(engine) as connection:
        token = open_session(connection, "Zoë", AT, timedelta(hours=1))
        found = user_named(connection, "ZOË")

    with engine.connect() as connection:
        assert session_viewer(connection, token, AT + timedelta(minutes=59)) == Viewer("Zoë", "manager")
        assert session_viewer(connection, token, AT + timedelta(hours=1)) is None
    engine.dispose()
    assert found is not None
    assert (found.name, found.created_at) == ("Zoë", AT)


@pytest.mark.parametrize("lose", ["disable", "demote"])
def test_the_last_admin_stays_one(engine: Engine, lose: str) -> None:
    added(engine, "ana", "admin")
    added(engine, "eva", "admin")

    def ends(name: str) -> None:
        with writing(engine) as connection:
            if lose == "disable":
                disable(connection, name, AT, SETUP)
            else:
                change_role(connection, name, "viewer", None, AT, SETUP)

    ends("ana")
    with pytest.raises(ValueError, match="'eva' is the last admin"):
        ends("eva")
    with writing(engine) as connection:
        enable(connection, "ana", AT, SETUP)
        change_role(connection, "ana", "admin", None, AT, SETUP)
    ends("eva")


def test_every_change_is_in_the_audit_and_no_password_is(engine: Engine) -> None:
    added(engine, "ana", "admin")
    by = Viewer("ana", "admin")
    with writing(engine) as connection:
        add_user(connection, "maria", GOOD, "reviewer", None, AT, by)
        change_role(connection, "maria", "manager", None, AT, by)
        change_role(connection, "maria", "manager", None, AT, by)
        disable(connection, "maria", AT, by)
        enable(connection, "maria", AT, by)

    with engine.connect() as connection:
        rows = connection.execute(sa.select(events).where(events.c.subject_id == "maria").order_by(events.c.seq)).all()
        assert chain(connection).first_break is None
    assert [row.action for row in rows] == ["added", "role_changed", "disabled", "enabled"]
    assert {(row.who, row.role, row.subject) for row in rows} == {("ana", "admin", "user")}
    assert (rows[1].before["role"], rows[1].after["role"]) == ("reviewer", "manager")
    assert not any("argon2" in str(row) or GOOD in str(row) for row in rows)


def test_a_disabled_user_is_out_at_once(client_as: ClientAs) -> None:
    admin, maria = client_as("admin"), client_as("reviewer", name="maria")
    assert maria.get("/account").status_code == 200

    assert admin.post("/users/maria/disable").headers["location"] == "/users/maria?done=disabled"
    assert maria.get("/account").status_code == 303
    assert "logged out everywhere" in admin.get("/users/maria?done=disabled").text

    admin.post("/users/maria/enable")
    assert maria.get("/account").status_code == 303, "the old session stays dead"


def test_another_role_counts_from_the_next_request_on(client_as: ClientAs) -> None:
    admin, maria = client_as("admin"), client_as("reviewer", name="maria")
    assert maria.get("/users").status_code == 403

    admin.post("/users/maria/role", data={"role": "admin"})

    assert maria.get("/users").status_code == 200


def test_a_made_up_password_is_shown_once_and_works(client_as: ClientAs, visitor: TestClient) -> None:
    admin = client_as("admin")
    page = admin.post("/users", data={"name": "Maria", "role": "reviewer"})
    password = page.text.split('class="secret">')[1].split("<")[0]

    assert page.status_code == 201
    assert page.headers["cache-control"] == "no-store"
    assert password not in admin.get("/users/maria").text
    own = visitor.get("/login").text.split('name="csrf" value="')[1].split('"')[0]
    assert visitor.post("/login", data={"csrf": own, "name": "maria", "password": password}).status_code == 303

    renewed = admin.post("/users/maria/password").text.split('class="secret">')[1].split("<")[0]
    assert renewed != password
    assert visitor.get("/account").status_code == 303


def test_what_is_wrong_with_a_new_user_is_said_beside_what_was_typed(client_as: ClientAs) -> None:
    page = client_as("admin").post("/users", data={"name": "a/b", "role": "viewer"})

    assert page.status_code == 422
    assert "cannot be a user&#39;s name" in page.text
    assert 'value="a/b"' in page.text


def test_the_last_admin_is_told_why_they_stay(client_as: ClientAs) -> None:
    page = client_as("admin").post("/users/admin/disable")

    assert page.status_code == 422
    assert "is the last admin. Make somebody else an admin first." in page.text


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_only_admins_govern_users(client_as: ClientAs, role: str, engine: Engine) -> None:
    client = client_as(role, partner_id="nw")
    client_as("admin")
    new = {"name": "mallory", "role": "admin"}
    tries: list[Any] = [
        client.get("/users"),
        client.get("/users/admin"),
        client.post("/users", data=new),
        *(client.post(f"/users/{role}/{act}", data=new) for act in ("role", "password", "enable")),
        client.post("/users/admin/disable"),
    ]

    assert {answer.status_code for answer in tries} == {403}
    with engine.connect() as connection:
        assert user_named(connection, "mallory") is None
        found = user_named(connection, role)
    assert found is not None
    assert found.role == role


def test_a_user_that_is_not_there_is_said_not_to_be(client_as: ClientAs) -> None:
    assert client_as("admin").post("/users/nobody/disable").status_code == 404
