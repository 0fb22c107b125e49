"""Which workspace a review database belongs to, so that one is never overwritten with what another holds."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from pipelines.reviewing.place import FILE, database_file
from pipelines.workspace import Workspace, WorkspaceError
from review.store.engine import writing
from review.store.settings import keep, kept

__all__ = ["MARK", "belong"]

MARK: Final = "results/review.json"
"""Where a workspace keeps the name by which its database knows it."""
SETTING: Final = "workspace"


def belong(workspace: Workspace, engine: Engine, *, adopt: bool = False) -> None:
    """Binds workspace and database to each other at their first exchange; the caller holds the workspace's lock.

    A database in the workspace's own file is always its own; any other is taken over with ``adopt``. Raises
    ``WorkspaceError`` for one that another workspace has filled.
    """
    path = workspace.root / MARK
    mine = str(json.loads(path.read_text(encoding="utf-8"))["workspace"]) if path.exists() else None
    with engine.connect() as reader:
        theirs = kept(reader, SETTING)
    if theirs is not None and theirs != mine and not (adopt or _is_inside(workspace, engine)):
        raise WorkspaceError(
            f"The review database was filled from another workspace than {workspace.root}. Give this one a database of "
            "its own with review.url; or, if it has taken the other's place, run `partnerlift review sync --adopt`."
        )
    name = mine or theirs or uuid.uuid4().hex
    if name != mine:
        with workspace.transaction() as transaction:
            transaction.file(MARK).write_text(json.dumps({"workspace": name}), encoding="utf-8")
    if name != theirs:
        with writing(engine) as writer:
            keep(writer, SETTING, name)


def _is_inside(workspace: Workspace, engine: Engine) -> bool:
    file = database_file(engine.url)
    return file is not None and _same(file, workspace.root / FILE)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
