"""A workspace: one folder with one company's tables and results, written only in whole steps.

``pipelines.commit`` has how a step stays whole when a run is killed in the middle.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.sqltext import literal
from features.tables import TABLES, Table
from pipelines.commit import Journal, Transaction
from pipelines.stored import WorkspaceError, schema_of, stored

__all__ = ["Transaction", "Workspace", "WorkspaceError", "write_frame"]

LOCK: Final = ".lock"
SCRATCH: Final = ".scratch"
BRIEF: Final = "exchange of judgements"
"""A purpose for which a workspace is held for so short a time that others always wait."""
BRIEF_SECONDS: Final = 120.0
COMMIT_SECONDS: Final = 10.0
"""How long opening waits for another run that is just moving its files into place."""


@dataclass(frozen=True)
class Workspace:
    """The folder and how its tables are read and written.

    ``memory`` and ``threads`` bound every query engine opened from it; ``threads=None`` means all cores.
    ``spill`` is the folder for what does not fit into memory; ``None`` means one of the workspace's own.
    """

    root: Path
    memory: str = "2GB"
    threads: int | None = None
    spill: Path | None = None

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
        if workspace.is_unfinished:
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
    def is_unfinished(self) -> bool:
        """Whether a write was cut short while its files were moved into place, which the next writer finishes."""
        return self._journal.path.exists()

    @property
    def _journal(self) -> Journal:
        return Journal(self.root)

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
        """A DuckDB connection in UTC, within the workspace's limits, spilling to the workspace's own disk or ``spill``.

        Every table of the contract is a view in it, empty where the workspace has none.
        """
        with ExitStack() as stack:
            try:
                spill = str(self.spill or stack.enter_context(self.scratch()))
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
            _acquire(guard, holder, wait)
        except filelock.Timeout as error:
            still = f"still in use after {wait:g} s" if wait else "in use"
            raise WorkspaceError(
                f"{self.root} is {still} by {_holder(holder)}. Wait until it has ended, then run this again."
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

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Collects files and puts them in place together when the block ends without an error. Needs the lock."""
        return self._journal.transaction()

    def _recover(self) -> None:
        self._journal.finish()
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


def _acquire(guard: filelock.BaseFileLock, holder: Path, wait: float) -> None:
    try:
        guard.acquire(timeout=wait)
    except filelock.Timeout:
        if BRIEF not in _holder(holder):
            raise
        guard.acquire(timeout=max(wait, BRIEF_SECONDS))


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
