"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.tables import TABLES, Kind
from pipelines.workspace import Workspace, write_frame

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file that shares a costly fixture on one worker, so that it is made once; others spread."""
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def shares(file: str) -> bool:
        return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")

    class SharedOnce(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return file if shares(file) else nodeid

    return SharedOnce(config, log)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets, or a skip that says so."""
    folder = Path(os.environ.get("PARTNERLIFT_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data sets are not at {folder} (set PARTNERLIFT_SHARED_DATA)")
    return folder


@pytest.fixture
def workspace_of(tmp_path: Path) -> Callable[..., Workspace]:
    """A factory: ``workspace_of(deals=[{...}, ...])`` makes a workspace that has these rows as its tables."""

    def make(**tables: list[dict[str, Any]]) -> Workspace:
        workspace = Workspace.open(tmp_path / "workspace", create=True, threads=1)
        workspace.tables.mkdir(exist_ok=True)
        for name, rows in tables.items():
            frame = pd.DataFrame(rows)
            for column in TABLES[name].columns:
                if column.kind is Kind.TIMESTAMP and column.name in frame:
                    frame[column.name] = pd.to_datetime(frame[column.name], utc=True)
            write_frame(frame, TABLES[name], workspace.path(name))
        return workspace

    return make
