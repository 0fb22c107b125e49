"""Forgetting in workspace and review database at once: nothing of a conversation stays, but for ids in the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

import pipelines.reviewing.before
from pipelines.config import Config
from pipelines.forget import forget
from pipelines.reviewing.exchange import exchange
from pipelines.workspace import Workspace, WorkspaceError
from review.roles import Viewer
from review.store import forgetting, schema
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.judgements import add_note, judge

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN = Viewer("ann", "reviewer")
SECRET = "Northwind ran the proof of concept for us in the vault"


def moment(moment_id: str, conversation_id: str) -> dict[str, Any]:
    """A row of ``moments``."""
    row: dict[str, Any] = {
        "moment_id": moment_id,
        "conversation_id": conversation_id,
        "deal_id": "d1",
        "partner_id": "nw",
    }
    row |= {"assist_type": "technical_validation", "journey_stage": "pre_sale", "utterance_ids": [conversation_id]}
    row |= {"quote": SECRET, "char_start": 0, "char_end": len(SECRET), "confidence": 0.75}
    return {**row, "type_confidence": 0.9, "model_version": "m1", "detected_at": NOW}


@pytest.fixture
def workspace(workspace_of: Callable[..., Workspace]) -> Workspace:
    """Two conversations with a moment each."""
    names = ("c1", "c2")
    return workspace_of(
        deals=[
            {"deal_id": "d1", "account_id": "a1", "deal_type": "new", "created_at": NOW, "outcome": "open"},
        ],
        partners=[{"partner_id": "nw", "name": "Northwind", "partner_type": "si"}],
        conversations=[{"conversation_id": name, "channel": "call", "started_at": NOW} for name in names],
        utterances=[
            {"utterance_id": name, "conversation_id": name, "seq": 0, "speaker_org": "customer", "text": SECRET}
            for name in names
        ],
        moments=[moment("m1", "c1"), moment("m2", "c2")],
    )


@pytest.fixture
def engine(workspace: Workspace) -> Iterator[Engine]:
    """The review database, with a judgement, a note and a question about each moment."""
    made = open_engine(f"sqlite:///{workspace.root}/review.db")
    exchange(workspace, made, Config(), NOW)
    with writing(made) as connection:
        for name in ("m1", "m2"):
            judge(connection, name, ANN, verdict="confirmed", at=NOW, note="as the CIO said")
            add_note(connection, name, ANN, "ask Ana", NOW)
            row: dict[str, Any] = {"verification_id": f"v-{name}", "moment_id": name, "recipient": "ana@example.com"}
            row |= {"asked_by": "ann", "asked_at": NOW, "expires_at": NOW + timedelta(days=9), "state": "sent"}
            connection.execute(schema.verifications.insert().values(row))
        days = {"v-m1": NOW.date() - timedelta(days=2), "v-m2": NOW.date() - timedelta(days=1)}
        for name, day in days.items():
            row = {"recipient": "ana@example.com", "day": day, "channel": "file", "verification_ids": [name]}
            connection.execute(schema.messages.insert().values(row))
    yield made
    made.dispose()


def left(engine: Engine) -> dict[str, list[str]]:
    """Ids of what is left in each table of what rests on conversations."""
    columns = (
        schema.conversations.c.conversation_id,
        *(schema.moments.c.moment_id, schema.judgements.c.moment_id, schema.notes.c.moment_id),
        *(schema.verifications.c.moment_id, schema.messages.c.verification_ids),
    )
    with engine.connect() as connection:
        return {str(c): [str(value) for value in connection.scalars(sa.select(c))] for c in columns}


ONLY_THE_SECOND = {
    "conversations.conversation_id": ["c2"],
    "moments.moment_id": ["m2"],
    "judgements.moment_id": ["m2"],
    "notes.moment_id": ["m2"],
    "verifications.moment_id": ["m2"],
    "messages.verification_ids": ["['v-m2']"],
}


def test_all_that_rests_on_a_conversation_goes_and_the_audit_stays_whole(workspace: Workspace, engine: Engine) -> None:
    exchange(workspace, engine, Config(), NOW)
    assert len(workspace.read("reviews")) == 2
    forget(workspace, ["c1"], now=NOW)
    assert left(engine) == ONLY_THE_SECOND
    with engine.connect() as connection:
        last = connection.execute(sa.select(schema.events).order_by(schema.events.c.seq.desc())).mappings().first()
        assert chain(connection).is_whole
    assert last is not None
    assert (last["action"], last["subject_id"], last["after"]) == ("source deleted", "c1", {"moments": ["m1"]})
    exchange(workspace, engine, Config(), NOW)
    assert workspace.read("reviews")["moment_id"].tolist() == ["m2"]
    assert left(engine) == ONLY_THE_SECOND


def test_its_words_are_gone_from_the_file_itself(workspace: Workspace, engine: Engine) -> None:
    forget(workspace, ["c1", "c2"], now=NOW)
    files = list(Path(workspace.root).glob("review.db*"))
    assert files
    assert [
        file.name for file in files if b"in the vault" in file.read_bytes() or b"the CIO" in file.read_bytes()
    ] == []


@pytest.mark.parametrize("finish", ["forget", "exchange"])
def test_one_that_was_cut_short_between_the_two_is_finished(
    workspace: Workspace, engine: Engine, monkeypatch: pytest.MonkeyPatch, finish: str
) -> None:
    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "forget_conversations", killed)
        with pytest.raises(KeyboardInterrupt):
            forget(workspace, ["c1"], now=NOW)
    assert "c1" in left(engine)["conversations.conversation_id"]
    if finish == "forget":
        assert forget(workspace, ["c1"], now=NOW).already == ("c1",)
    else:
        exchange(workspace, engine, Config(), NOW)
    assert left(engine) == ONLY_THE_SECOND
    exchange(workspace, engine, Config(), NOW)
    assert workspace.read("reviews")["moment_id"].tolist() == ["m2"]


def test_nothing_is_deleted_when_the_review_database_cannot_be_used(workspace: Workspace) -> None:
    config = Config.model_validate({"review": {"url": "postgresql://ann@127.0.0.1:1/review"}})
    with pytest.raises(WorkspaceError, match="Cannot use the review database"):
        forget(workspace, ["c1"], config=config, now=NOW)
    assert len(workspace.read("conversations")) == 2


def test_a_workspace_without_review_database_forgets_as_before(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.reviewing.before, "opened_database", None)
    assert forget(workspace, ["c1"], now=NOW).deleted == ("c1",)
