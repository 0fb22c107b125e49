"""Renders the report and puts it in place."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pipelines.config import Config
from pipelines.report.data import read
from pipelines.report.page import render
from pipelines.reviewing.before import exchanged
from pipelines.workspace import Workspace, WorkspaceError


def report(
    workspace: Workspace, config: Config, *, out: Path | None = None, deals: int = 100, now: datetime | None = None
) -> Path:
    """Writes the report as one HTML file and returns its path.

    Parameters
    ----------
    workspace : where the tables and results are; parts that it lacks are named in the report.
    config : gives the report currency and the period of the series.
    out : the file to write, by default ``report.html`` in the workspace; an existing one is replaced in one step.
    deals : how many deals get a page of their own, >= 0.
    now : the moment printed on the report, UTC; by default the clock's.

    Raises ``ValueError`` for a negative ``deals`` and ``WorkspaceError`` when ``out`` cannot be written.
    """
    if deals < 0:
        raise ValueError(f"`deals` is how many deals get a page and must be 0 or more, but is {deals}.")
    exchanged(workspace, config)
    target = out or workspace.root / "report.html"
    made_at = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    _replace(target, render(read(workspace, config, deals=deals, made_at=made_at)))
    return target


def _replace(target: Path, html: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".report-", suffix=".html")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(html)
            Path(draft).chmod(0o644)
            Path(draft).replace(target)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise WorkspaceError(f"Cannot write the report to {target}: {error.strerror}. Give another --out.") from error
