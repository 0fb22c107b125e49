"""Backups of the review database: whole, also under load, and put back without losing what was there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipelines.reviewing.backup import backed_up, held, restored
from pipelines.workspace import WorkspaceError
from review.store import schema
from review.store.engine import open_engine, writing
from review.store.events import Event, chain, record

pytestmark = pytest.mark.slow
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A review database."""
    made = open_engine(f"sqlite:///{tmp_path}/review.db")
    yield made
    made.dispose()


def say(engine: Engine, review_id: str) -> None:
    """A judgement with its row of audit."""
    row = {"review_id": review_id, "moment_id": "m1", "reviewer": "ann", "role": "reviewer", "verdict": "confirmed"}
    with writing(engine) as connection:
        row |= {"model_version": "1", "source": "page"}
        connection.execute(schema.judgements.insert().values(**row, reviewed_at=NOW))
        record(connection, Event("ann", "reviewer", "judged", "moment", "m1", after={"review_ids": [review_id]}), NOW)


def said(engine: Engine) -> list[str]:
    """The ids of all judgements."""
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(schema.judgements.c.review_id).order_by("seq")))


def test_a_backup_is_put_back_and_what_was_there_is_kept(engine: Engine, tmp_path: Path) -> None:
    say(engine, "r1")
    copied = backed_up(engine.url, tmp_path / "copy.db")
    assert (copied.judgements, copied.events) == (1, 1)
    say(engine, "r2")
    engine.dispose()
    with pytest.raises(WorkspaceError, match="Give --force"):
        restored(engine.url, tmp_path / "copy.db", NOW)
    done = restored(engine.url, tmp_path / "copy.db", NOW, force=True)
    assert done.before is not None
    assert said(engine) == ["r1"]
    kept = open_engine(f"sqlite:///{done.before}")
    assert said(kept) == ["r1", "r2"]
    kept.dispose()
    with engine.connect() as connection:
        assert chain(connection).is_whole
        assert connection.scalar(sa.select(schema.events.c.action).order_by(schema.events.c.seq.desc())) == "restored"


def test_a_backup_under_load_has_every_judgement_with_its_audit(engine: Engine, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        n = 0
        while not ended.is_set():
            say(engine, f"r{n}")
            n += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        copies = [backed_up(engine.url, tmp_path / f"copy{i}.db") for i in range(5)]
    finally:
        ended.set()
        thread.join()
    assert [copy.judgements for copy in copies] == [copy.events for copy in copies]
    assert copies[-1].judgements > copies[0].judgements
    assert not list(tmp_path.glob(".copy*"))


def test_a_damaged_or_changed_backup_is_refused(engine: Engine, tmp_path: Path) -> None:
    say(engine, "r1")
    say(engine, "r2")
    backed_up(engine.url, tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as there:
        there.execute("DROP TRIGGER events_never_change")
        there.execute("UPDATE events SET who = 'zoe' WHERE seq = 1")
    there.close()
    with pytest.raises(WorkspaceError, match="broken at row 1"):
        restored(engine.url, tmp_path / "copy.db", NOW, force=True)
    (tmp_path / "other.db").write_text("no database at all, but a text", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"other\.db cannot be read as a review database"):
        restored(engine.url, tmp_path / "other.db", NOW, force=True)
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(WorkspaceError, match="no review database"):
        restored(engine.url, tmp_path / "empty.db", NOW, force=True)
    assert said(engine) == ["r1", "r2"]


def test_nothing_is_restored_while_the_page_is_served(engine: Engine, tmp_path: Path) -> None:
    backed_up(engine.url, tmp_path / "copy.db")
    with held(tmp_path / "review.db"), pytest.raises(WorkspaceError, match="being served"):
        restored(engine.url, tmp_path / "copy.db", NOW, force=True)


def test_of_postgresql_its_own_tools_make_backups(tmp_path: Path) -> None:
    url = sa.make_url("postgresql://ann:secret@db/review")
    with pytest.raises(WorkspaceError, match="pg_dump") as told:
        backed_up(url, tmp_path / "copy.db")
    assert "secret" not in str(told.value)
    with pytest.raises(WorkspaceError, match="pg_restore"):
        restored(url, tmp_path / "copy.db", NOW)
