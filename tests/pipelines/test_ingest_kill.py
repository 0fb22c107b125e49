"""An ingest killed at any moment leaves the old tables or the new ones, and run again ends as if undisturbed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.ingest import ingest
from pipelines.workspace import Workspace

CHILD = """
import sys
from pathlib import Path
from pipelines.ingest import ingest
from pipelines.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]), create=True, threads=1)
print("ready", flush=True)
ingest(workspace, sys.argv[3], Path(sys.argv[2]))
"""
KILLS, SEED = 10, 7
DEALS, TOUCHES = 3_000, 30_000


def export(folder: Path, *, later: bool) -> Path:
    """An export of canonical deals and touches; the later one has other amounts, and more deals."""
    folder.mkdir()
    chance = random.Random(later)
    deals = [
        f"D{n},A{n % 99},new,won,2024-01-01,2024-02-01,{chance.randrange(1000)}" for n in range(DEALS + 500 * later)
    ]
    touches = [f"T{n},D{chance.randrange(DEALS)},P{n % 9},demo,2024-01-02" for n in range(TOUCHES)]
    bad = ["T-bad,D1,P1,demo,Q3"]
    header = "deal_id,account_id,deal_type,outcome,created_at,closed_at,amount"
    (folder / "deals.csv").write_text("\n".join([header, *deals]))
    header = "touchpoint_id,deal_id,partner_id,kind,occurred_at"
    (folder / "touchpoints.csv").write_text("\n".join([header, *touches, *bad]))
    return folder


def salesforce_export(folder: Path, *, later: bool) -> Path:
    """The like of it from Salesforce, with partners, stages and people to look up."""
    folder.mkdir()
    chance = random.Random(later)
    deals = range(DEALS + 500 * later)
    files = {
        "Opportunity": ["Id,AccountId,StageName,Amount,CurrencyIsoCode,CreatedDate,CloseDate,IsClosed,IsWon"]
        + [f"006{n},001C,Closed Won,{chance.randrange(1000)},EUR,2024-01-01,2024-02-01,true,true" for n in deals],
        "OpportunityHistory": ["Id,OpportunityId,StageName,CreatedDate"]
        + [f"008{n},006{n},Demo,2024-01-01T10:00:00Z" for n in deals],
        "Account": ["Id,Name,Type", "001C,Acme,Customer", *(f"001P{n},Partner {n},Partner" for n in range(9))],
        "Contact": ["Id,AccountId", *(f"003P{n},001P{n}" for n in range(9))],
        "Task": ["Id,WhatId,WhoId,Type,Status,ActivityDate,CreatedDate"]
        + [
            f"00T{n},006{chance.randrange(DEALS)},003P{n % 9},Demo,Completed,2024-01-02,2024-01-03"
            for n in range(TOUCHES)
        ]
        + ["00T-bad,006-1,003P1,Demo,Completed,2024-01-02,Q3"],
    }
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def held(root: Path) -> dict[str, bytes]:
    """The workspace's lasting files."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for name in ("tables", "rejects", "results")
        for path in sorted((root / name).rglob("*"))
    }


def killed_after(seconds: float, root: Path, folder: Path, kind: str) -> bool:
    """Starts an ingest in another process and kills it that long after its start; whether it was still running."""
    command = [sys.executable, "-c", CHILD, str(root), str(folder), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        was_running = process.poll() is None
        process.send_signal(signal.SIGKILL)
    return was_running


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "made"), [("tables", export), ("salesforce", salesforce_export)])
def test_ten_kills_at_drawn_moments_end_in_the_tables_of_an_undisturbed_run(
    tmp_path: Path, kind: str, made: Callable[..., Path]
) -> None:
    older, newer = made(tmp_path / "older", later=False), made(tmp_path / "newer", later=True)
    moments = random.Random(SEED)
    calm = Workspace.open(tmp_path / "calm", create=True, threads=1)
    ingest(calm, kind, older)
    before = held(calm.root)
    start = time.perf_counter()
    ingest(calm, kind, newer)
    whole = time.perf_counter() - start
    after = held(calm.root)
    stormy = Workspace.open(tmp_path / "stormy", create=True, threads=1)
    ingest(stormy, kind, older)
    n_killed = 0
    for n in range(KILLS):
        n_killed += killed_after(whole * moments.random(), stormy.root, newer, kind)
        state = held(Workspace.open(stormy.root).root)
        assert state in (before, after), f"kill {n} left something between the old and the new tables"
        if state == after:
            ingest(stormy, kind, older, replace=True)
            before = held(stormy.root)
    assert n_killed >= KILLS // 2
    ingest(stormy, kind, newer)
    assert held(stormy.root) == after
    assert list((stormy.root / ".scratch").iterdir()) == []
    assert list((stormy.root / ".staging").iterdir()) == []
