"""The page's process is killed while people judge: what it had acknowledged is there, and the audit is whole."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from review.roles import Viewer
from review.security.csrf import token_of
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.schema import conversations, events, judgements, moments, partners
from review.store.sessions import open_session
from review.store.settings import secret
from review.store.turns import Turn, packed
from review.store.users import add_user

pytestmark = pytest.mark.slow
AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
WORDS = "Northwind brought us in."
PEOPLE = [f"reviewer{number}" for number in range(6)]
SERVER = """
import sys
from datetime import UTC, datetime

import uvicorn

from review.app import create_app
from review.desk import Options
from review.store.engine import open_engine

app = create_app(open_engine(sys.argv[1]), Options(requests_per_minute=1_000_000), lambda: datetime.now(UTC))
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""
ENOUGH = 40
"""Verdicts that are acknowledged before the page is killed."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with 2,000 moments, in which everybody may judge."""
    is_sqlite = request.param == "sqlite"
    made = f"sqlite:///{tmp_path / 'review.db'}" if is_sqlite else str(request.getfixturevalue("postgres_url"))
    engine = open_engine(made)
    talk = {"conversation_id": "c1", "channel": "call", "started_at": AT, "digest": ""}
    with writing(engine) as connection:
        connection.execute(partners.insert().values(partner_id="nw", name="Northwind"))
        connection.execute(conversations.insert().values(**talk, turns=packed([Turn("u1", 0, WORDS, "customer")])))
        connection.execute(moments.insert(), [moment_row(number) for number in range(2_000)])
    engine.dispose()
    return made


def moment_row(number: int) -> dict[str, object]:
    """A moment that waits."""
    return {
        "moment_id": f"m{number}",
        "conversation_id": "c1",
        "partner_id": "nw",
        "assist_type": "technical_validation",
        "is_assist": True,
        "journey_stage": "pre_sale",
        "utterance_ids": ["u1"],
        "quote": WORDS,
        "char_start": 0,
        "char_end": len(WORDS),
        "confidence": 0.7,
        "type_confidence": 0.7,
        "model_version": "1",
        "detected_at": AT,
        "cues": [],
        "started_at": AT,
        "stake": float(number),
        "has_record": False,
        "is_found": True,
        "state": "waiting",
    }


def headers_of(engine: Engine) -> list[dict[str, str]]:
    """What each person's requests carry."""
    key, now, made = secret(engine), datetime.now(UTC), []
    with writing(engine) as connection:
        for name in PEOPLE:
            add_user(connection, name, None, "reviewer", None, now, Viewer("setup", "admin"))
            token = open_session(connection, name, now, timedelta(hours=1))
            made.append({"Cookie": f"partnerlift={token}", "X-CSRF-Token": token_of(key, token)})
    return made


@contextmanager
def served(url: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The page's address and the process that serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVER, url, str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{base}/login")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield base, process
    finally:
        process.kill()
        process.wait()


@contextmanager
def reopened(url: str) -> Iterator[Connection]:
    """The database as somebody finds it who opens it again."""
    engine = open_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def judge_until_it_dies(base: str, headers: dict[str, str], kept: list[tuple[str, str]]) -> None:
    """Judges what comes next; keeps the ids that the page acknowledged."""
    with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
        try:
            while True:
                moment_id = client.post("/api/queue/next").json()["moment_id"]
                answer = client.post(f"/api/moments/{moment_id}/verdicts", json={"verdict": "confirmed"})
                if answer.status_code == 201:
                    kept.append((moment_id, answer.json()["review_id"]))
        except httpx.TransportError:
            return


def test_a_killed_page_loses_no_verdict_that_it_had_acknowledged(url: str) -> None:
    engine = open_engine(url)
    kept: list[tuple[str, str]] = []
    with served(url) as (base, process):
        people = [
            threading.Thread(target=judge_until_it_dies, args=(base, headers, kept)) for headers in headers_of(engine)
        ]
        for one in people:
            one.start()
        while len(kept) < ENOUGH and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        for one in people:
            one.join(60)
    engine.dispose()
    assert len(kept) >= ENOUGH
    with reopened(url) as connection:
        rows = connection.execute(sa.select(judgements.c.moment_id, judgements.c.review_id)).all()
        told = connection.scalar(sa.select(sa.func.count()).where(events.c.action == "judged"))
        states = connection.execute(sa.select(moments.c.moment_id).where(moments.c.state == "judged")).all()
        assert set(kept) <= {tuple(row) for row in rows}
        assert told == len(rows)
        assert {row.moment_id for row in states} == {row.moment_id for row in rows}
        assert chain(connection).is_whole
