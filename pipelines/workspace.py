"""A workspace: one folder with one company's tables and results, written only in whole steps.

A write goes to a staging folder first and is then moved into place under a journal, so that a run that is killed at
any moment leaves either the old files, or a journal from which the next run finishes the move.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.sqltext import literal
from features.tables import TABLES, Table
from pipelines.stored import WorkspaceError, schema_of, stored

__all__ = ["Transaction", "Workspace", "WorkspaceError", "write_frame"]

JOURNAL: Final = ".commit.json"
LOCK: Final = ".lock"
STAGING: Final = ".staging"
SCRATCH: Final = ".scratch"
COMMIT_SECONDS: Final = 10.0
"""How long opening waits for another run that is just moving its files into place."""


@dataclass
class Transaction:
    """Files to be put in place together. Ask ``file`` where to write; nothing is visible before the commit."""

    staging: Path
    removals: list[str] = field(default_factory=list)

    def file(self, relative: str) -> Path:
        """Where to write the file that will stand at ``relative`` in the workspace."""
        path = self.staging / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def remove(self, relative: str) -> None:
        """Take the file or folder at ``relative`` away with the commit (a staged file of that name still arrives)."""
        self.removals.append(relative)


@dataclass(frozen=True)
class Workspace:
    """The folder and how its tables are read and written.

    ``memory`` and ``threads`` bound every query engine opened from it; ``threads=None`` means all cores.
    """

    root: Path
    memory: str = "2GB"
    threads: int | None = None

    @classmethod
    def open(
        cls, root: Path | str, *, create: bool = False, memory: str = "2GB", threads: int | None = None
    ) -> Workspace:
        """The workspace at ``root``, with a commit that was cut short finished.

        Raises ``WorkspaceError`` when the folder is not there (and ``create`` is false) or cannot be written.
        """
        workspace = cls(Path(root), memory, threads)
        if not workspace.root.is_dir():
            if not create:
                raise WorkspaceError(
                    f"There is no workspace at {root}. Fill one with `partnerlift ingest --workspace {root} ...`."
                )
            try:
                workspace.root.mkdir(parents=True)
            except OSError as error:
                raise WorkspaceError(f"Cannot create the workspace {root}: {error.strerror}.") from error
        if workspace._journal.exists():
            with workspace.lock("finishing an interrupted write", wait=COMMIT_SECONDS):
                pass
        return workspace

    @property
    def tables(self) -> Path:
        """Folder of the contract's tables."""
        return self.root / "tables"

    @property
    def rejects(self) -> Path:
        """Folder of the rejected rows, one file for each table."""
        return self.root / "rejects"

    @property
    def results(self) -> Path:
        """Folder of what the verbs keep beside the contract's tables: evaluations, drivers, ingest summaries."""
        return self.root / "results"

    @property
    def _journal(self) -> Path:
        return self.root / JOURNAL

    def path(self, name: str) -> Path:
        """Where table ``name`` stands, a file or a folder of part files."""
        return self.tables / f"{name}.parquet"

    def has(self, name: str) -> bool:
        """Whether table ``name`` is there with at least one file."""
        return bool(self.files(name))

    def select(self, name: str) -> str:
        """SQL that reads table ``name``, as ``pipelines.stored.stored`` does; empty when the table is not there.

        Raises ``WorkspaceError`` when a file is not Parquet, or lacks a column that must not be null.
        """
        return stored(TABLES[name], self.files(name))

    def columns(self, name: str) -> list[str]:
        """Names of the columns that the files of table ``name`` have, in order; none when it is not there."""
        names: dict[str, None] = {}
        for file in self.files(name):
            names |= dict.fromkeys(schema_of(file).names)
        return list(names)

    def files(self, name: str) -> list[Path]:
        """The Parquet files of table ``name``, sorted; raises ``WorkspaceError`` when they lie in deeper folders."""
        path = self.path(name)
        if path.is_file():
            return [path]
        parts = sorted(path.glob("*.parquet")) if path.is_dir() else []
        if not parts and next(path.glob("*/**/*.parquet"), None) is not None:
            raise WorkspaceError(f"{path} is divided into folders, which are not read. Write its part files into it.")
        return parts

    def read(self, name: str) -> pd.DataFrame:
        """Table ``name`` as a frame with the declared columns and types; empty when it is not there."""
        with self.connect() as connection:
            return connection.execute(self.select(name)).df()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection in UTC, within the workspace's limits, spilling to the workspace's own disk.

        Every table of the contract is a view in it, empty where the workspace has none.
        """
        with ExitStack() as stack:
            try:
                spill = str(stack.enter_context(self.scratch()))
            except OSError:
                spill = ""  # A workspace that may only be read: queries that do not fit into memory fail there.
            connection = duckdb.connect()
            stack.callback(connection.close)
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET memory_limit = {literal(self.memory)}")
            connection.execute(f"SET temp_directory = {literal(spill)}")
            # In a notebook without ipywidgets it is off already, and DuckDB refuses any change of it.
            if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
                connection.execute("SET enable_progress_bar = false")
            if self.threads is not None:
                connection.execute(f"SET threads = {int(self.threads)}")
            for name in TABLES:
                connection.execute(f'CREATE VIEW "{name}" AS {self.select(name)}')
            try:
                yield connection
            except duckdb.ConversionException as error:
                raise WorkspaceError(
                    f"A table of {self.tables} holds what its column cannot be ({str(error).splitlines()[0]}). "
                    "Repair it, or take it away and ingest it again."
                ) from error

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for intermediate files, gone after the block; after a kill the next writer clears it away."""
        root = self.root / SCRATCH
        root.mkdir(exist_ok=True)
        folder = root / uuid.uuid4().hex
        guard = filelock.FileLock(folder.with_suffix(".lock"))
        with guard:
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)

    @contextmanager
    def lock(self, purpose: str, *, wait: float = 0.0) -> Iterator[None]:
        """Holds the workspace for one writer, after finishing or clearing what an interrupted one left.

        Raises ``WorkspaceError`` when another run holds it, still after ``wait`` seconds, or it cannot be written.
        """
        holder = self.root / f"{LOCK}-holder"
        guard = filelock.FileLock(self.root / LOCK)
        try:
            guard.acquire(timeout=wait)
        except filelock.Timeout as error:
            raise WorkspaceError(
                f"{self.root} is in use by {_holder(holder)}. Wait until it has ended, then run this again."
            ) from error
        except OSError as error:
            raise WorkspaceError(f"Cannot write to {self.root}: {error.strerror}. Check its permissions.") from error
        try:
            holder.write_text(f"process {os.getpid()} ({purpose})", encoding="utf-8")
            self._recover()
            yield
        finally:
            holder.unlink(missing_ok=True)
            guard.release()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Collects files and puts them in place together when the block ends without an error. Needs the lock."""
        staging_root = self.root / STAGING
        staging_root.mkdir(parents=True, exist_ok=True)
        transaction = Transaction(Path(tempfile.mkdtemp(dir=staging_root)))
        try:
            yield transaction
            self._commit(transaction)
        finally:
            if not self._journal.exists():  # else the next writer finishes the move from what is staged
                shutil.rmtree(transaction.staging, ignore_errors=True)

    def _commit(self, transaction: Transaction) -> None:
        staged = sorted(str(p.relative_to(transaction.staging)) for p in transaction.staging.rglob("*") if p.is_file())
        for relative in staged:
            _sync(transaction.staging / relative)
        plan: dict[str, object] = {
            "staging": str(transaction.staging.relative_to(self.root)),
            "files": staged,
            "removals": transaction.removals,
        }
        self._write_journal(plan)
        self._apply(plan)

    def _apply(self, plan: dict[str, object]) -> None:
        staging = self.root / str(plan["staging"])
        files, removals = plan["files"], plan["removals"]
        assert isinstance(files, list)
        assert isinstance(removals, list)
        while removals:
            _remove(self.root / removals.pop())
            self._write_journal(plan)
        for relative in files:
            source, target = staging / relative, self.root / relative
            if source.exists():
                _make_room(target)
                source.replace(target)
        self._journal.unlink()

    def _write_journal(self, plan: dict[str, object]) -> None:
        draft = self._journal.with_suffix(".draft")
        draft.write_text(json.dumps(plan), encoding="utf-8")
        _sync(draft)
        draft.replace(self._journal)

    def _planned(self) -> dict[str, object]:
        try:
            plan: dict[str, object] = json.loads(self._journal.read_text(encoding="utf-8"))
        except ValueError as error:
            raise WorkspaceError(
                f"{self._journal}, from which an interrupted write is finished, is damaged ({error}). Take it away and "
                "run the last ingest or score again."
            ) from error
        return plan

    def _recover(self) -> None:
        if self._journal.exists():
            self._apply(self._planned())
        shutil.rmtree(self.root / STAGING, ignore_errors=True)
        for folder in (self.root / SCRATCH).glob("*"):
            _clear_scratch(folder)


def write_frame(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Writes a frame as the declared table's Parquet file; nullable columns that it lacks become null.

    Raises ``ValueError`` when another column is missing or has a null, and Arrow's error when one is mistyped.
    """
    missing = [c.name for c in table.columns if c.name not in frame.columns and not c.nullable]
    if missing:
        raise ValueError(f"Table {table.name} lacks the column(s) {', '.join(missing)}.")
    schema = table.arrow_schema()
    columns = [
        pa.array(frame[field.name], type=field.type, from_pandas=True)
        if field.name in frame.columns
        else pa.nulls(len(frame), field.type)
        for field in schema
    ]
    for column, values in zip(schema, columns, strict=True):
        if values.null_count and not column.nullable:
            raise ValueError(f"Column {column.name} of table {table.name} has {values.null_count} missing value(s).")
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return "another run"


def _clear_scratch(path: Path) -> None:
    """Removes a scratch folder and its lock file, unless the run that made it still lives."""
    guard = filelock.FileLock(path.with_suffix(".lock"))
    try:
        guard.acquire(timeout=0)
    except filelock.Timeout:
        return
    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    guard.release()
    path.with_suffix(".lock").unlink(missing_ok=True)


def _make_room(target: Path) -> None:
    """Lets a file arrive where a folder of that name stands, or in a folder where a file of that name stands."""
    if target.is_dir():
        shutil.rmtree(target)
    if target.parent.is_file():
        target.parent.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.parent.is_dir():
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
