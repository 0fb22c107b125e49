"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.tables import TABLES, Kind
from pipelines.workspace import Workspace, write_frame

ROOT = Path(__file__).resolve().parents[1]
POSTGRES = Path("/usr/lib/postgresql/15/bin")
CHROMIUM = os.environ.get("PARTNERLIFT_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps the tests of a file that shares a costly fixture on one worker, so that it is made once; others spread."""
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def shares(file: str) -> bool:
        text = (ROOT / file).read_text(encoding="utf-8")
        return 'scope="module"' in text or "pytest.mark.browser" in text

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, or a skip that says so; a test opens contexts of its own in it."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"Chromium is not at {CHROMIUM} (set PARTNERLIFT_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


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


def server_binary(name: str) -> list[str]:
    """The command, as a user under whom PostgreSQL agrees to run."""
    drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return [*drop, str(POSTGRES / name)]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of one's own, on a Unix socket."""
    if not (POSTGRES / "initdb").exists() or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip(f"PostgreSQL 15 is not installed in {POSTGRES}, or setpriv is missing to run it as another user")
    folder = Path(tempfile.mkdtemp(prefix="pl-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    data = folder / "data"
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    quiet: dict[str, Any] = {"check": True, "capture_output": True, "cwd": "/"}
    try:
        subprocess.run(
            [*server_binary("initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8"], **quiet
        )
        start = [*server_binary("pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        yield f"postgresql://tester@/postgres?host={folder}"
    finally:
        subprocess.run(
            [*server_binary("pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], capture_output=True, cwd="/"
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[str]:
    """URLs of empty databases on it, one after the other."""

    def fresh() -> Iterator[str]:
        for number in count():
            subprocess.run(
                [str(POSTGRES / "psql"), postgres_server, "-qc", f"CREATE DATABASE fresh_{number}"], check=True
            )
            yield postgres_server.replace("/postgres?", f"/fresh_{number}?")

    return fresh()


@pytest.fixture
def postgres_url(postgres_databases: Iterator[str]) -> str:
    """The URL of an empty PostgreSQL database."""
    return next(postgres_databases)
