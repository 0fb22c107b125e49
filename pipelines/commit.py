"""Files put in place together: all of them or, wherever a run ends, none that the next run does not complete.

They are written to a staging folder first and then moved under a journal, so that a run that is killed at any moment,
or a machine that loses power, leaves either the old files or a journal from which the next run finishes the move.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from pipelines.stored import WorkspaceError

__all__ = ["Journal", "Transaction"]

JOURNAL: Final = ".commit.json"
STAGING: Final = ".staging"


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
class _Plan:
    """What is left to do: all paths are relative to the root, those of ``files`` to the staging folder as well."""

    staging: str
    files: list[str]
    removals: list[str]


@dataclass(frozen=True)
class Journal:
    """The moves of one workspace, at ``root``. Whoever moves files holds the workspace's lock."""

    root: Path

    @property
    def path(self) -> Path:
        """Where the plan of a move stands while it is under way."""
        return self.root / JOURNAL

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Collects files and puts them in place together when the block ends without an error."""
        staging_root = self.root / STAGING
        staging_root.mkdir(parents=True, exist_ok=True)
        transaction = Transaction(Path(tempfile.mkdtemp(dir=staging_root)))
        try:
            yield transaction
            self._commit(transaction)
        finally:
            if not self.path.exists():  # else the next writer finishes the move from what is staged
                shutil.rmtree(transaction.staging, ignore_errors=True)

    def finish(self) -> None:
        """Completes a move that was cut short, and clears away what was staged but never to be moved.

        Raises ``WorkspaceError`` when the journal is damaged.
        """
        if self.path.exists():
            self._apply(self._read())
        shutil.rmtree(self.root / STAGING, ignore_errors=True)

    def _commit(self, transaction: Transaction) -> None:
        staged = sorted(transaction.staging.rglob("*"))
        _sync(*staged, transaction.staging, transaction.staging.parent)
        files = [str(path.relative_to(transaction.staging)) for path in staged if path.is_file()]
        plan = _Plan(str(transaction.staging.relative_to(self.root)), files, transaction.removals)
        self._write(plan)
        self._apply(plan)

    def _apply(self, plan: _Plan) -> None:
        while plan.removals:
            _remove(self.root / plan.removals.pop())
            self._write(plan)
        for relative in plan.files:
            source, target = self.root / plan.staging / relative, self.root / relative
            if source.exists():
                _make_room(target)
                source.replace(target)
        self._sync_folders(plan.files)
        self.path.unlink()

    def _sync_folders(self, files: Iterable[str]) -> None:
        """Brings the moves to the disk, and the folders that were made for them."""
        folders = {folder for relative in files for folder in Path(relative).parents}
        _sync(*sorted(self.root / folder for folder in folders))

    def _write(self, plan: _Plan) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(plan)), encoding="utf-8")
        _sync(draft)
        draft.replace(self.path)
        _sync(self.root)

    def _read(self) -> _Plan:
        try:
            return _Plan(**json.loads(self.path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise WorkspaceError(
                f"{self.path}, from which an interrupted write is finished, is damaged ({error}). Take it away and "
                "run the last ingest or score again."
            ) from error


def _make_room(target: Path) -> None:
    """Lets a file arrive where a folder of that name stands, or in a folder where a file of that name stands."""
    if target.is_dir():
        shutil.rmtree(target)
    if target.parent.is_file():
        target.parent.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)


def _remove(path: Path) -> None:
    """Takes a file or folder away, for good even if power is lost next."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.parent.is_dir():
        path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync(path.parent)


def _sync(*paths: Path) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
