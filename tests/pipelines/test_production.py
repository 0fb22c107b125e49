"""`partnerlift score` as cron and containers run it: stopped, out of disk, locked, read-only, watched by machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.tables import TABLES
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

N_DEALS = 200
SLOW = """
import time
import pipelines.score
write = pipelines.score.write_parts
def slowly(*arguments):
    time.sleep(0.2)
    write(*arguments)
pipelines.score.write_parts = slowly
"""
MAIN = "from pipelines.cli import main; main()"
PRIVATE = ("Zebulon", "secret@partner.example", "Project Quicksilver")


def company(root: Path, n_deals: int = N_DEALS) -> Workspace:
    """Deals with up to three partners each; names and addresses that no log may show."""
    dice = np.random.default_rng(5)
    ids = [f"Quicksilver-{i:04}" for i in range(n_deals)]
    closed = pd.Timestamp("2025-06-30", tz="UTC") - pd.to_timedelta(dice.integers(0, 300, n_deals), unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": ids,
            "account_id": [f"a{i % 40}" for i in range(n_deals)],
            "name": PRIVATE[2],
            "deal_type": "new",
            "amount": dice.integers(0, 10**7, n_deals) / 100,
            "currency": "EUR",
            "created_at": closed - pd.Timedelta(days=90),
            "closed_at": closed,
            "outcome": dice.choice(["won", "lost"], n_deals),
        }
    )
    rows = [
        (f"{deal}-{partner}", deal, f"p{partner}", "meeting", at - pd.Timedelta(days=int(dice.integers(0, 60))))
        for deal, at in zip(ids, closed, strict=True)
        for partner in dice.choice(4, size=dice.integers(0, 4), replace=False)
    ]
    touches = pd.DataFrame(rows, columns=["touchpoint_id", "deal_id", "partner_id", "kind", "occurred_at"])
    partners = pd.DataFrame({"partner_id": [f"p{i}" for i in range(4)], "name": PRIVATE[0], "partner_type": "si"})
    contacts = pd.DataFrame({"contact_id": ["c"], "email": PRIVATE[1], "organisation": "partner"})
    workspace = Workspace.open(root, create=True)
    with workspace.lock("test"), workspace.transaction() as transaction:
        tables = {"deals": deals, "touchpoints": touches, "partners": partners, "contacts": contacts}
        for name, frame in tables.items():
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company that has not been scored; to be copied."""
    return company(tmp_path_factory.mktemp("raw") / "w").root


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration by rules alone, in many small buckets."""
    file = tmp_path_factory.mktemp("settings") / "acme.yaml"
    credit = {"methods": ["first_touch", "last_touch", "linear"], "chunk_deals": 20}
    file.write_text(yaml.safe_dump({"credit": credit, "engine": {"threads": 1}}), encoding="utf-8")
    return file


Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def command(root: Path, settings: Path) -> Command:
    """A factory of command lines: ``command(workspace, *options, before="code run first")``."""

    def make(workspace: Path, *options: str | Path, before: str = "") -> list[str]:
        code = f"import sys; sys.path.insert(0, {str(root)!r})\n{before}\n{MAIN}"
        now = ["--now", "2026-01-01T00:00:00Z"]
        fixed = ["--workspace", str(workspace), "--config", str(settings), *([] if "--dry-run" in options else now)]
        return [sys.executable, "-c", code, "score", *fixed, *map(str, options)]

    return make


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture(scope="module")
def expected(raw: Path, command: Command, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of an undisturbed run."""
    workspace = shutil.copytree(raw, tmp_path_factory.mktemp("undisturbed") / "w")
    done = run(command(workspace))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{N_DEALS} closed deals: {N_DEALS} scored, 0 unchanged.")
    return tables(workspace)


def tables(root: Path) -> dict[str, pd.DataFrame]:
    """Everything that scoring has written, by file."""
    files = [*root.glob("tables/credits.parquet/*"), *root.glob("tables/partner_*.parquet"), *root.glob("results/*/*")]
    return {str(file.relative_to(root)): pd.read_parquet(file) for file in sorted(files)}


def assert_equal(made: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    assert made.keys() == expected.keys()
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(made[name], frame, check_exact=True)


def assert_nothing_doubled(root: Path) -> None:
    """Finished buckets are whole and no row is there twice, also while a run is unfinished."""
    files = sorted(root.glob("tables/credits.parquet/*"))
    if files:
        rows = pd.concat([pd.read_parquet(file) for file in files])
        assert not rows.duplicated(["deal_id", "partner_id", "method", "target"]).any()
        np.testing.assert_allclose(rows.groupby(["deal_id", "method", "target"])["share"].sum(), 1, atol=1e-9)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A factory: mounts on a new folder with these arguments of ``mount``, or skips where that is not permitted."""
    places: list[Path] = []

    def mount(*arguments: str | Path) -> Path:
        place = tmp_path / f"mount{len(places)}"
        place.mkdir()
        done = run(["mount", *map(str, arguments), str(place)])
        if done.returncode:
            pytest.skip(f"may not mount here: {done.stderr.strip()}")
        places.append(place)
        return place

    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    yield mount
    for place in places:
        run(["umount", "-l", str(place)])


def test_sigterm_stops_in_order_and_the_next_run_goes_on(
    raw: Path, command: Command, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    workspace, metrics = shutil.copytree(raw, tmp_path / "w"), tmp_path / "score.prom"
    line = command(workspace, "--log-format", "json", "--metrics", metrics, before=SLOW)
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(list(workspace.glob("tables/credits.parquet/*"))) < 3:
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    last = json.loads(err.splitlines()[-1])
    assert last["message"].startswith("Stopped. The workspace is as it was, or resumable")
    assert 'partnerlift_exit_code{verb="score"} 143\n' in metrics.read_text(encoding="utf-8")
    assert not (workspace / ".lock-holder").exists()
    assert not list((workspace / ".scratch").glob("*"))
    assert_nothing_doubled(workspace)
    done = run(command(workspace, "--metrics", metrics))
    assert done.returncode == 0, done.stderr
    assert "buckets are done" in done.stderr
    assert_equal(tables(workspace), expected)
    assert "partnerlift_last_success" in metrics.read_text(encoding="utf-8")


def test_a_full_disk_is_told_in_a_line_and_the_next_run_ends_as_if_it_had_never_been_full(
    raw: Path, command: Command, expected: dict[str, pd.DataFrame], mounted: Callable[..., Path]
) -> None:
    used = sum(-(-file.stat().st_size // 4096) * 4 for file in raw.rglob("*") if file.is_file())
    failed = 0
    for spare in (16, 90, 240):
        disk = mounted("-t", "tmpfs", "-o", f"size={used + spare}k", "tmpfs")
        workspace = shutil.copytree(raw, disk / "w")
        done = run(command(workspace))
        assert_nothing_doubled(workspace)
        if done.returncode:
            failed += 1
            assert done.returncode == 1
            assert done.stderr.splitlines()[-1].startswith("partnerlift score: The disk is full")
            assert "Traceback" not in done.stderr
        assert run(["mount", "-o", "remount,size=64m", str(disk)]).returncode == 0
        again = run(command(workspace))
        assert again.returncode == 0, again.stderr
        assert_equal(tables(workspace), expected)
        assert not list((workspace / ".staging").glob("*"))
    assert failed >= 2


def test_a_read_only_folder_is_refused_in_a_line_but_may_be_looked_at(
    raw: Path, command: Command, mounted: Callable[..., Path]
) -> None:
    place = mounted("--bind", raw)
    assert run(["mount", "-o", "remount,ro,bind", str(place)]).returncode == 0
    done = run(command(place))
    assert done.returncode == 1
    assert done.stderr == f"partnerlift score: Cannot write to {place}: Read-only file system. Check its permissions.\n"
    seen = run(command(place, "--dry-run"))
    assert seen.returncode == 0, seen.stderr
    assert f"{N_DEALS} closed deals: {N_DEALS} would be scored" in seen.stdout


def test_a_second_writer_is_refused_at_once_or_waits(
    raw: Path, command: Command, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    workspace = shutil.copytree(raw, tmp_path / "w")
    with Workspace.open(workspace).lock("ingest"):
        done = run(command(workspace))
        assert done.returncode == 1
        assert f"{workspace} is in use by process {os.getpid()} (ingest)" in done.stderr
        impatient = run(command(workspace, "--wait", "0.5"))
        assert "still in use after" in impatient.stderr
        patient = subprocess.Popen(command(workspace, "--wait", "100"), stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        assert patient.poll() is None
    out, _ = patient.communicate(timeout=60)
    assert (patient.returncode, out.splitlines()[0]) == (0, f"{N_DEALS} closed deals: {N_DEALS} scored, 0 unchanged.")
    assert_equal(tables(workspace), expected)


def test_writers_that_start_together_take_turns(
    raw: Path, command: Command, expected: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    workspace = shutil.copytree(raw, tmp_path / "w")
    line = command(workspace, "--wait", "100", "--json")
    writers = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    reports = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sorted(report["scored"] for report in reports) == [0, 0, N_DEALS]
    assert_equal(tables(workspace), expected)


def test_the_log_is_json_throughout_and_names_no_one(raw: Path, command: Command, tmp_path: Path) -> None:
    workspace = shutil.copytree(raw, tmp_path / "w")
    done = run(command(workspace, "--log-format", "json", "--debug"))
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["verb"] for line in lines} == {"score"}
    buckets = [line for line in lines if "bucket" in line]
    assert sum(line["deals"] for line in buckets) == N_DEALS
    assert all(line["run_id"] and line["seconds"] >= 0 for line in buckets)
    assert {"deals", "credit", "totals"} <= lines[-1]["phases"].keys()
    assert not [name for name in (*PRIVATE, "Quicksilver") if name in done.stderr]
    failed = run(command(tmp_path / "nowhere", "--log-format", "json"))
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()[-1:]
    assert json.loads(line)["exit_code"] == 1
    quiet = run(command(workspace, "--log-file", tmp_path / "run.log"))
    assert quiet.stderr == ""
    assert "0 scored" in (tmp_path / "run.log").read_text(encoding="utf-8")


def test_results_go_to_a_database_with_the_run_and_again_when_it_was_away(
    raw: Path, command: Command, tmp_path: Path
) -> None:
    workspace, metrics = shutil.copytree(raw, tmp_path / "w"), tmp_path / "score.json"
    away = command(workspace, "--publish", f"sqlite:///{tmp_path / 'db' / 'out.db'}", "--metrics", metrics)
    done = run(away)
    assert done.returncode == 1
    assert "Cannot publish to sqlite:" in done.stderr.splitlines()[-1]
    assert json.loads(metrics.read_text(encoding="utf-8"))["exit_code"] == 1
    (tmp_path / "db").mkdir()
    done = run(away)
    assert done.returncode == 0, done.stderr
    assert f"{N_DEALS} closed deals: 0 scored, {N_DEALS} unchanged." in done.stdout
    told = json.loads(metrics.read_text(encoding="utf-8"))
    with sqlite3.connect(tmp_path / "db" / "out.db") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM credits").fetchone()
    connection.close()
    assert rows == told["published_rows"]["credits"]["inserted"] == len(Workspace(workspace).read("credits"))
    assert (told["deals"]["in"], told["exit_code"]) == (N_DEALS, 0)


def test_deals_that_cannot_be_credited_end_in_exit_code_3(command: Command, tmp_path: Path, raw: Path) -> None:
    workspace = Workspace.open(shutil.copytree(raw, tmp_path / "w"))
    deals = workspace.read("deals")
    first = deals.index[deals["outcome"] == "won"][0]
    with workspace.lock("test"), workspace.transaction() as transaction:
        huge = deals.assign(amount=deals["amount"].where(deals.index != first, 1e17))
        write_frame(huge, TABLES["deals"], transaction.file("tables/deals.parquet"))
    done = run(command(workspace.root, "--metrics", tmp_path / "score.prom"))
    assert done.returncode == 3, done.stderr
    assert "Not credited: 1 deals: their amount is too large" in done.stdout
    assert 'state="rejected"} 1\n' in (tmp_path / "score.prom").read_text(encoding="utf-8")
