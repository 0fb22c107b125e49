"""Fixtures of the page: a database, a clock that is moved by hand, and people who are logged in."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from review.app import create_app
from review.desk import Options
from review.roles import Viewer
from review.security import passwords
from review.security.csrf import token_of
from review.store.engine import open_engine, writing
from review.store.sessions import open_session
from review.store.users import add_user, user_named

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It asks for a successor of httpx.
    from starlette.testclient import TestClient

SETUP = Viewer("setup", "admin")


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Moves it, by e.g. ``hours=13``."""
        self.now += timedelta(**by)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take no time."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", lambda: cheap)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the present schema and no rows."""
    path = tmp_path_factory.mktemp("review") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    engine.dispose()
    return path


@pytest.fixture
def engine(tmp_path: Path, empty_database: Path) -> Iterator[Engine]:
    """An empty database of SQLite in ``tmp_path / "review.db"``."""
    path = tmp_path / "review.db"
    shutil.copy(empty_database, path)
    made = open_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


@pytest.fixture
def desk_clock() -> HandClock:
    """The page's clock: 2026-06-01 09:00 UTC until ``desk_clock.move(hours=1)``."""
    return HandClock()


@pytest.fixture
def app_with(engine: Engine, desk_clock: HandClock) -> Callable[..., FastAPI]:
    """A factory: ``app_with(session_hours=1)`` is the application with these options."""

    def make(**options: Any) -> FastAPI:
        return create_app(engine, Options(**options), desk_clock)

    return make


@pytest.fixture
def app(app_with: Callable[..., FastAPI]) -> FastAPI:
    """The application with the usual options."""
    return app_with()


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    """A browser in which nobody is logged in."""
    return TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False, client=("127.0.0.1", 50000))


@pytest.fixture
def client_as(app: FastAPI, engine: Engine, desk_clock: HandClock) -> Callable[..., TestClient]:
    """A factory: ``client_as("reviewer")`` is a browser in which a user of that role is logged in.

    The user's name is the role, unless ``name`` says another. Forms' tokens go with it by themselves. A user of role
    ``partner`` is of ``partner_id``, which must be in the database.
    """

    def make(role: str, *, name: str | None = None, partner_id: str | None = None) -> TestClient:
        at, name = desk_clock(), name or role
        with writing(engine) as connection:
            if user_named(connection, name) is None:
                add_user(connection, name, None, role, partner_id, at, SETUP)
            token = open_session(connection, name, at, timedelta(hours=12))
        client = TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False, client=("127.0.0.1", 50000))
        client.cookies.set("partnerlift", token)
        client.headers["X-CSRF-Token"] = token_of(app.state.desk.secret, token)
        return client

    return make
