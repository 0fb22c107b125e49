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

from features.tables import DIRECT
from review.app import create_app
from review.desk import Desk, Options
from review.roles import Viewer
from review.security import passwords
from review.security.csrf import token_of
from review.security.pace import Pace
from review.store import schema
from review.store.claims import regrade_all
from review.store.engine import open_engine, writing
from review.store.sessions import open_session
from review.store.settings import secret
from review.store.turns import Turn, packed
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
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("review.store.engine.migrate", lambda engine: None)  # The copy has the schema already.
        made = open_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


@pytest.fixture
def desk_clock() -> HandClock:
    """The page's clock: 2026-06-01 09:00 UTC until ``desk_clock.move(hours=1)``."""
    return HandClock()


@pytest.fixture(scope="session")
def shared_app(empty_database: Path) -> FastAPI:
    """The application, whose routes take long to make; every test gives it a desk of its own."""
    engine = open_engine(f"sqlite:///{empty_database}")
    app = create_app(engine, Options(), HandClock())
    engine.dispose()
    return app


@pytest.fixture
def app_with(shared_app: FastAPI, engine: Engine, desk_clock: HandClock) -> Iterator[Callable[..., FastAPI]]:
    """A factory: ``app_with(session_hours=1)`` is the application, from now on with these options.

    Routes that a test adds to it are gone at its end.
    """
    key, routes = secret(engine), list(shared_app.router.routes)

    def make(**options: Any) -> FastAPI:
        shared_app.state.desk = Desk(engine, Options(**options), desk_clock, key)
        shared_app.state.pace = Pace(shared_app.state.desk.options)
        return shared_app

    yield make
    shared_app.router.routes[:] = routes


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


@pytest.fixture(scope="session")
def filled_database(empty_database: Path) -> Path:
    """A database file with the small company in it."""
    path = empty_database.with_name("filled.db")
    shutil.copy(empty_database, path)
    engine = open_engine(f"sqlite:///{path}")
    _fill(engine)
    engine.dispose()
    return path


@pytest.fixture
def filled(engine: Engine, filled_database: Path) -> Engine:
    """The database with a small company in it.

    Partners ``nw`` (Northwind) and ``bk`` (Brücke & Söhne). Deals ``d1`` (won, of Ana, 90,000 USD), which both touched,
    and ``d2`` (open, of Ben, 40,000 EUR), which ``bk`` touched. Conversations ``c1`` (a call on d1), ``c2`` (a mail on
    d1) and ``c3`` (a chat on d2). Moments ``m1`` (nw), ``m2`` (nw) and ``m3`` (bk) in c1, ``m4`` (bk) in c2, ``m5``
    (bk) in c3, and ``m6`` (no partner known) in c3. ``s1`` in c3 is a signal. All wait; ``m1`` has an independent
    record.
    """
    if engine.dialect.name == "sqlite" and engine.url.database:
        engine.dispose()
        shutil.copy(filled_database, engine.url.database)
    else:
        _fill(engine)
    return engine


def _fill(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(schema.partners.insert(), PARTNERS)
        connection.execute(schema.deals.insert(), DEALS)
        connection.execute(schema.claims.insert(), CLAIMS)
        connection.execute(schema.conversations.insert(), [_conversation(*row) for row in CONVERSATIONS])
        connection.execute(schema.moments.insert(), [_moment(*row) for row in MOMENTS])
        connection.execute(schema.partner_scores.insert(), SCORES)
        regrade_all(connection)


PARTNERS: list[dict[str, Any]] = [
    {"partner_id": "nw", "name": "Northwind", "partner_type": "si", "tier": "gold"},
    {"partner_id": "bk", "name": "Brücke & Söhne", "partner_type": "reseller", "tier": None},
]
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
CLOSED = datetime(2026, 4, 30, 12, tzinfo=UTC)


def _touch(touchpoint_id: str, partner_id: str | None, kind: str, day: int) -> dict[str, Any]:
    return {
        "touchpoint_id": touchpoint_id,
        "partner_id": partner_id,
        "kind": kind,
        "occurred_at": (MARCH + timedelta(days=day)).isoformat(),
        "source_system": "crm",
        "conversation_id": None,
        "minutes": 30.0,
    }


DEALS: list[dict[str, Any]] = [
    {
        "deal_id": "d1",
        "name": "Acme renewal",
        "account_id": "a1",
        "owner_id": "u1",
        "owner_name": "Ana Pires",
        "owner_email": "ana@example.com",
        "outcome": "won",
        "stage": "closed won",
        "amount": 90_000.0,
        "currency": "USD",
        "amount_in_report": 90_000.0,
        "worth": 90_000.0,
        "created_at": MARCH,
        "closed_at": CLOSED,
        "digest": "1",
        "facts": {
            "touches": [
                _touch("t1", "nw", "introduction", 1),
                _touch("t2", "bk", "demo", 9),
                _touch("t3", None, "call", 20),
            ],
            "stages": [{"stage": "discovery", "entered_at": MARCH.isoformat()}],
            "leads": [],
            "quotes": [],
        },
    },
    {
        "deal_id": "d2",
        "name": "Borealis pilot",
        "account_id": "a2",
        "owner_id": "u2",
        "owner_name": "Ben Okafor",
        "owner_email": "ben@example.com",
        "outcome": "open",
        "stage": "proposal",
        "amount": 40_000.0,
        "currency": "EUR",
        "amount_in_report": 44_000.0,
        "worth": 44_000.0,
        "created_at": MARCH,
        "closed_at": None,
        "digest": "1",
        "facts": {"touches": [_touch("t4", "bk", "meeting", 5)], "stages": [], "leads": [], "quotes": []},
    },
]


def _claim(partner_id: str, share: float) -> dict[str, Any]:
    def credit(target: str, whole: float) -> dict[str, Any]:
        made = {"share": share, "credit": share * whole, "lo": None, "hi": None, "kind": "split", "model_version": "1"}
        return {target: made}

    return {
        "deal_id": "d1",
        "partner_id": partner_id,
        "closed_at": CLOSED,
        "outcome": "won",
        "currency": "USD",
        "share": share,
        "amount": share * 90_000,
        "amount_in_report": share * 90_000,
        "digest": "1",
        "credits": {"model": {**credit("win", 0.8), **credit("amount", 90_000)}},
    }


CLAIMS = [_claim("nw", 0.2), _claim("bk", 0.1), _claim(DIRECT, 0.7)]
SCORES: list[dict[str, Any]] = [
    {
        "partner_id": partner_id,
        "period": "2026",
        "method": "model",
        "currency": "USD",
        "values": {
            "deals_touched": 1,
            "deals_won": 1,
            "credited_wins": share,
            "credited_wins_lo": share - 0.05,
            "credited_wins_hi": share + 0.05,
            "credited_amount": share * 90_000,
            "credited_amount_lo": None,
            "credited_amount_hi": None,
        },
    }
    for partner_id, share in (("nw", 0.2), ("bk", 0.1))
]
CONVERSATIONS: list[tuple[str, str, str, list[tuple[str, str, str]]]] = [
    (
        "c1",
        "d1",
        "call",
        [
            ("internal", "Ana", "Thanks for joining. Where do we stand with security?"),
            ("customer", "Lee", "Northwind walked our CIO through the architecture last week."),
            ("customer", "Lee", "Northwind also cleared the audit questions for us."),
            ("customer", "Lee", "And Brücke got us the quote within a day."),
        ],
    ),
    ("c2", "d1", "email", [("customer", "Lee", "Brücke & Söhne wrote the business case with our finance team.")]),
    (
        "c3",
        "d2",
        "chat",
        [
            ("customer", "Mo", "Brücke introduced us to your product."),
            ("customer", "Mo", "A partner of yours set up the test system."),
            ("internal", "Ben", "Brücke might help with the rollout later."),
        ],
    ),
]
MOMENTS: list[tuple[str, str, int, str | None, str, float]] = [
    ("m1", "c1", 1, "nw", "technical_validation", 0.95),
    ("m2", "c1", 2, "nw", "technical_validation", 0.80),
    ("m3", "c1", 3, "bk", "pricing_quote_acceleration", 0.70),
    ("m4", "c2", 0, "bk", "strategy_value_case", 0.90),
    ("m5", "c3", 0, "bk", "opportunity_identification", 0.60),
    ("m6", "c3", 1, None, "implementation_integration", 0.55),
    ("s1", "c3", 2, "bk", "hypothetical_planned", 0.20),
]
_TURNS = {name: turns for name, _, _, turns in CONVERSATIONS}
_DEAL_OF = {name: deal_id for name, deal_id, _, _ in CONVERSATIONS}


def _conversation(
    conversation_id: str, deal_id: str, channel: str, turns: list[tuple[str, str, str]]
) -> dict[str, Any]:
    said = [
        Turn(f"{conversation_id}-{seq}", seq, text, org, speaker, None, 10.0 * seq, 10.0 * seq + 9)
        for seq, (org, speaker, text) in enumerate(turns)
    ]
    return {
        "conversation_id": conversation_id,
        "deal_id": deal_id,
        "account_id": "a1" if deal_id == "d1" else "a2",
        "channel": channel,
        "started_at": MARCH + timedelta(days=3),
        "source_system": "gong",
        "url": f"https://calls.example.com/{conversation_id}",
        "digest": "1",
        "turns": packed(said),
    }


def _moment(
    moment_id: str, conversation_id: str, seq: int, partner_id: str | None, assist_type: str, confidence: float
) -> dict[str, Any]:
    deal = next(deal for deal in DEALS if deal["deal_id"] == _DEAL_OF[conversation_id])
    text = _TURNS[conversation_id][seq][2]
    is_assist = assist_type != "hypothetical_planned"
    has_record = moment_id == "m1"
    return {
        "moment_id": moment_id,
        "conversation_id": conversation_id,
        "deal_id": deal["deal_id"],
        "partner_id": partner_id,
        "assist_type": assist_type,
        "is_assist": is_assist,
        "journey_stage": "pre_sale",
        "start_s": 10.0 * seq,
        "end_s": 10.0 * seq + 9,
        "utterance_ids": [f"{conversation_id}-{seq}"],
        "quote": text,
        "char_start": 0,
        "char_end": len(text),
        "confidence": confidence,
        "type_confidence": confidence,
        "model_version": "shipped-1",
        "detected_at": MARCH + timedelta(days=40),
        "cues": [],
        "started_at": MARCH + timedelta(days=3),
        "owner_id": deal["owner_id"],
        "closed_at": deal["closed_at"],
        "stake": deal["amount_in_report"] * (1 - confidence),
        "has_record": has_record,
        "is_found": True,
        "state": "waiting",
        "grade": "C" if has_record else "D",
    }
