"""A review database of SQLite copied while it is in use, and put back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import filelock
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from pipelines.reviewing.place import database_file
from pipelines.workspace import WorkspaceError
from review.store.engine import open_engine, writing
from review.store.events import Event, chain, record

__all__ = ["Copied", "backed_up", "held", "restored"]

SERVED: Final = ".served"
"""Ends the name of the file that a serving page locks."""


@dataclass(frozen=True)
class Copied:
    """A database file that was copied and found whole: how much it holds, and the last hash of its audit.

    ``before`` is where the file went whose place it took.
    """

    file: str
    judgements: int
    events: int
    head: str
    before: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def text(self) -> str:
        """The report in plain lines."""
        lines = [f"{self.file} holds {self.judgements:,} judgements and {self.events:,} rows of audit, and is whole."]
        lines += [f"The audit's last hash is {self.head}."] if self.events else []
        lines += [f"What was there before is {self.before} now."] if self.before else []
        return "\n".join(lines)


def backed_up(url: sa.URL, target: Path) -> Copied:
    """Copies the database to a file, as it is at one moment, while people may be judging; then examines the copy.

    Raises ``WorkspaceError`` for PostgreSQL, a database that is not there, a copy that is not whole and a path that
    cannot be written.
    """
    source = _file_of(url, "pg_dump --format=custom --file=FILE DATABASE")
    if not source.exists():
        raise WorkspaceError(f"There is no review database at {source} yet. `partnerlift review` makes it.")
    with _placed(target) as draft:
        _copy(source, draft)
        return _examined(draft, target)


def restored(url: sa.URL, source: Path, now: datetime, *, force: bool = False) -> Copied:
    """Puts a backup in the database's place, after examining it, and notes it in the audit.

    Raises ``WorkspaceError`` for PostgreSQL, a file that is no whole review database, while the page is served, and,
    without ``force``, where a database is there already; with it, that one is kept under another name.
    """
    target = _file_of(url, "pg_restore --clean --dbname=DATABASE FILE")
    if not source.is_file():
        raise WorkspaceError(f"There is no file {source}. Name a backup that `partnerlift review backup` has made.")
    with held(target):
        if target.exists() and not force:
            raise WorkspaceError(f"{target} is there already. Give --force to put the backup in its place; it is kept.")
        with _placed(target) as draft:
            _copy(source, draft)
            found = _examined(draft, target)
            before = _set_aside(target, now) if target.exists() else None
        engine = open_engine(url)
        with writing(engine) as connection:
            after = {"head": found.head, "events": found.events}
            record(connection, Event("command line", "admin", "restored", "database", "review", after=after), now)
        engine.dispose()
    return Copied(found.file, found.judgements, found.events, found.head, before)


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Keeps a database file to one serving page, or one restoring; raises ``WorkspaceError`` when another has it."""
    guard = filelock.FileLock(file.with_name(f".{file.name}{SERVED}"))
    try:
        guard.acquire(timeout=0)
    except filelock.Timeout as error:
        raise WorkspaceError(
            f"{file} is being served by another `partnerlift review`. End that one first, or use its page."
        ) from error
    try:
        yield
    finally:
        guard.release()


def _file_of(url: sa.URL, instead: str) -> Path:
    file = database_file(url)
    if file is None:
        raise WorkspaceError(f"This is for SQLite. Of a PostgreSQL database, make and restore backups by `{instead}`.")
    return file


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """A draft in the target's folder that takes its place when the block ends well."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    except OSError as error:
        raise WorkspaceError(f"Cannot write {target}: {error.strerror}. Give another path.") from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        _sync(draft)
        draft.replace(target)
        _sync(target.parent)
    finally:
        for path in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm"), Path(f"{draft}-journal")):
            path.unlink(missing_ok=True)


def _copy(source: Path, draft: Path) -> None:
    """The file at one moment, in one piece, without a log beside it."""
    try:
        reading = sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True)
        with closing(reading) as there, closing(sqlite3.connect(draft)) as here:
            there.backup(here)
            here.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise WorkspaceError(f"{source} cannot be read as a review database: {error}.") from error


def _examined(draft: Path, target: Path) -> Copied:
    """What the draft holds; raises ``WorkspaceError`` when it is not a whole review database."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(draft)))
    try:
        with engine.connect() as connection:
            fault = connection.scalar(sa.text("PRAGMA integrity_check"))
            if fault != "ok":
                raise WorkspaceError(f"The copy is damaged ({fault}). Nothing was changed; use another backup.")
            followed = chain(connection)
            if not followed.is_whole:
                raise WorkspaceError(
                    f"The audit is broken at row {followed.first_break}. Nothing was changed; use another backup."
                )
            n = connection.scalar(sa.text("SELECT count(*) FROM judgements")) or 0
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise WorkspaceError(
            f"This is no review database ({cause}). Nothing was changed; name another file."
        ) from error
    finally:
        engine.dispose()
    return Copied(str(target), n, followed.rows, followed.head)


def _set_aside(target: Path, now: datetime) -> str:
    """Moves the database to another name, with what its log holds; that name."""
    kept = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%S%f}")
    try:
        with closing(sqlite3.connect(target)) as there:
            there.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError:
        pass  # a damaged file is kept as it is, with its log
    for end in ("", "-wal", "-shm"):
        path = Path(f"{target}{end}")
        if path.exists():
            shutil.copy2(path, f"{kept}{end}")
            if end:
                path.unlink()
    return str(kept)


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
