"""An exchange that is killed at any moment is finished by the next, which leaves what an undisturbed one leaves."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Config
from pipelines.reviewing.exchange import exchange
from pipelines.workspace import Workspace
from review.store import schema
from review.store.engine import open_engine
from review.store.events import chain

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
N = 6_000
TEXT = "Northwind ran the proof of concept for us."
SHOWN = ("moment_id", "state", "verdict", "grade", "is_found", "digest", "confidence")
CHILD = """
import sys
from datetime import UTC, datetime
from pipelines.config import Config
from pipelines.reviewing import inward
from pipelines.reviewing.exchange import exchange
from pipelines.workspace import Workspace
from review.store.engine import open_engine

inward.BATCH = 200
workspace = Workspace.open(sys.argv[1], threads=1)
engine = open_engine(f"sqlite:///{sys.argv[1]}/review.db")
print("begun", flush=True)
exchange(workspace, engine, Config(), datetime(2026, 6, 1, 9, tzinfo=UTC))
"""


def moment(i: int) -> dict[str, Any]:
    """A row of ``moments``."""
    row: dict[str, Any] = {"moment_id": f"m{i:05}", "conversation_id": f"c{i // 3}", "deal_id": "d1"}
    row |= {"partner_id": "nw", "assist_type": "technical_validation", "journey_stage": "pre_sale"}
    row |= {"utterance_ids": [f"c{i // 3}"], "quote": TEXT, "char_start": 0, "char_end": len(TEXT)}
    return {**row, "confidence": 0.75, "type_confidence": 0.9, "model_version": "m1", "detected_at": NOW}


def review(i: int) -> dict[str, Any]:
    """A row of ``reviews`` that another tool has written."""
    row = {"review_id": f"r{i:05}", "moment_id": f"m{i:05}", "reviewer": "zoe", "role": "reviewer"}
    return {**row, "verdict": "confirmed", "model_version": "m1", "reviewed_at": NOW}


@pytest.fixture
def workspace(workspace_of: Callable[..., Workspace]) -> Workspace:
    """Many moments, every tenth of which another tool has judged, and some of which nobody finds any more."""
    talks = range(N // 3)
    return workspace_of(
        deals=[{"deal_id": "d1", "account_id": "a1", "deal_type": "new", "created_at": NOW, "outcome": "open"}],
        partners=[{"partner_id": "nw", "name": "Northwind", "partner_type": "si"}],
        conversations=[{"conversation_id": f"c{i}", "channel": "call", "started_at": NOW} for i in talks],
        utterances=[
            {"utterance_id": f"c{i}", "conversation_id": f"c{i}", "seq": 0, "speaker_org": "customer", "text": TEXT}
            for i in talks
        ],
        moments=[moment(i) for i in range(N)],
        reviews=[review(i) for i in range(0, N, 10)],
    )


def held_by(root: Path) -> dict[str, Any]:
    """What the database and the tables hold, but for what the audit says of the way there."""
    engine = open_engine(f"sqlite:///{root}/review.db")
    columns = [schema.moments.c[name] for name in SHOWN]
    with engine.connect() as connection:
        assert chain(connection).is_whole
        found = {
            "moments": [tuple(row) for row in connection.execute(sa.select(*columns).order_by("moment_id"))],
            "judgements": sorted(connection.scalars(sa.select(schema.judgements.c.review_id))),
            "conversations": sorted(connection.scalars(sa.select(schema.conversations.c.conversation_id))),
        }
    engine.dispose()
    tables = Workspace.open(root, threads=1)
    found["reviews"] = tables.read("reviews")["review_id"].tolist()
    return found


def finished(root: Path) -> dict[str, Any]:
    """The same after an exchange."""
    workspace = Workspace.open(root, threads=1)
    engine = open_engine(f"sqlite:///{root}/review.db")
    exchange(workspace, engine, Config(), NOW)
    engine.dispose()
    return held_by(root)


def test_an_exchange_killed_at_any_moment_is_finished_by_the_next(workspace: Workspace, tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(workspace.root, undisturbed)
    begin = time.monotonic()
    wanted = finished(undisturbed)
    whole = time.monotonic() - begin
    assert len(wanted["moments"]) == N
    partial = 0
    for share in (0.15, 0.3, 0.45, 0.6, 0.75):
        root = tmp_path / f"killed-{share}"
        shutil.copytree(workspace.root, root)
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(root)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(whole * share)
        child.kill()
        child.wait()
        child.stdout.close()
        partial += 0 < len(held_by(root)["judgements"]) + len(held_by(root)["moments"]) < N + N // 10
        assert finished(root) == wanted
    assert partial, "no kill came in the middle"
