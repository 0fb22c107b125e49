"""`kill -9` in the midst of scoring, then scoring again: the tables are those of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.tables import TABLES
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

N_DEALS = 90
N_KILLS = 30
SCRIPT = """
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from scipy.special import expit
from features.cutoff import Cutoff
from features.frame import FrameSpec
import pipelines.score
from pipelines.config import parse_config
from pipelines.workspace import Workspace

class Pushes:
    extra_columns = ("push_millionths",)
    version = "pushes"
    spec = FrameSpec(Cutoff(), ("meeting",), ("isv", "si"), ())

    def encode(self, members):
        push = members["partner_type"].map({"si": 0.3, "isv": -0.2}).to_numpy(dtype=float)
        return members.assign(push_millionths=np.rint(push * members["touches"] * 1e6).astype(np.int64))

    def predict(self, frame):
        return np.asarray(expit(self.contributions(frame).to_numpy().sum(axis=1)))

    def contributions(self, frame):
        push = frame[["push_millionths_sum"]].astype(float) / 1e6
        return push.assign(partners=0.5 * (frame["partners"] >= 2), bias=-0.3)

pipelines.score.champion = lambda workspace, config: Pushes()
config = parse_config({"credit": {"chunk_deals": 6}})
workspace = Workspace.open(Path(sys.argv[1]), threads=1)
moves, replace = [], Path.replace

def fatal(path, target):
    moves.append(path)
    if len(moves) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)

Path.replace = fatal if len(sys.argv) > 2 else replace
print("ready", flush=True)
if len(sys.argv) > 3:
    config = parse_config({"credit": {"chunk_deals": 6, "methods": ["first_touch", "last_touch", "linear"]}})
    # workspaces come on standard input, and each is scored in a fork that has all imports already
    for line in sys.stdin:
        if os.fork() == 0:
            workspace = Workspace.open(Path(line.strip()), threads=1)
            print(os.getpid(), flush=True)
            pipelines.score.score(workspace, config, now=datetime(2026, 1, 1, tzinfo=UTC))
            os._exit(0)
        _, status = os.wait()
        print(os.waitstatus_to_exitcode(status), flush=True)
    sys.exit()
pipelines.score.score(workspace, config, now=datetime(2026, 1, 1, tzinfo=UTC))
print("done", flush=True)
"""


def company(root: Path, n_deals: int = N_DEALS) -> None:
    """A workspace with the first of the deals, which have up to four partners each."""
    dice = np.random.default_rng(3)
    deal_ids = [f"d{i:03}" for i in range(N_DEALS)]
    closed = pd.Timestamp("2025-06-30", tz="UTC") - pd.to_timedelta(dice.integers(0, 300, N_DEALS), unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": deal_ids,
            "account_id": [f"a{i % 40}" for i in range(N_DEALS)],
            "deal_type": "new",
            "amount": dice.integers(0, 10**7, N_DEALS) / 100,
            "currency": "EUR",
            "created_at": closed - pd.Timedelta(days=90),
            "closed_at": closed,
            "outcome": dice.choice(["won", "lost"], N_DEALS),
        }
    )
    rows = [
        (f"{deal}-{partner}", deal, f"p{partner}", "meeting", at - pd.Timedelta(days=int(dice.integers(0, 60))))
        for deal, at in zip(deal_ids, closed, strict=True)
        for partner in dice.choice(5, size=dice.integers(0, 5), replace=False)
    ]
    touches = pd.DataFrame(rows, columns=["touchpoint_id", "deal_id", "partner_id", "kind", "occurred_at"])
    partners = pd.DataFrame(
        {"partner_id": [f"p{i}" for i in range(5)], "name": "x", "partner_type": ["si", "isv"] * 2 + ["si"]}
    )
    workspace = Workspace.open(root, create=True)
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in (("deals", deals.head(n_deals)), ("touchpoints", touches), ("partners", partners)):
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))


def started(root: Path, script: Path, *fatal_move: str) -> subprocess.Popen[str]:
    """A scoring process that has finished its imports; it kills itself at that move of a file into place."""
    command = [sys.executable, str(script), str(root), *fatal_move]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finished(root: Path, script: Path) -> float:
    """Scores to the end; the seconds that it took."""
    process = started(root, script)
    begin = time.monotonic()
    out, _ = process.communicate(timeout=300)
    assert out == "done\n"
    return time.monotonic() - begin


def parts(root: Path) -> dict[str, pd.DataFrame]:
    """Everything that scoring has written, by file."""
    files = [*root.glob("tables/credits.parquet/*"), *root.glob("tables/partner_*.parquet"), *root.glob("results/*/*")]
    return {str(file.relative_to(root)): pd.read_parquet(file) for file in sorted(files)}


def summary(root: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((root / "results/score.json").read_text(encoding="utf-8"))
    return values


@dataclass(frozen=True)
class Scorer:
    """A process that scores one workspace after another, each in a child of its own that can be killed."""

    process: subprocess.Popen[str]

    def score(self, workspace: Path, kill_after: float | None = None) -> tuple[int, float]:
        """The child's exit code (negative: the signal that ended it), and the seconds that it ran."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{workspace}\n")
        stdin.flush()
        child, begin = int(stdout.readline()), time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(stdout.readline()), time.monotonic() - begin


@pytest.fixture
def scorer(tmp_path: Path, root: Path) -> Iterator[Scorer]:
    """It has finished its imports, so that every moment of a child is one of scoring."""
    script = tmp_path / "score.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(root)!r})\n{SCRIPT}", encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path), "-1", "forking"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield Scorer(process)
    process.communicate(timeout=60)


def test_scoring_killed_at_thirty_random_moments_ends_in_the_same_tables(tmp_path: Path, scorer: Scorer) -> None:
    company(tmp_path / "undisturbed")
    shutil.copytree(tmp_path / "undisturbed", tmp_path / "raw")
    scorer.score(shutil.copytree(tmp_path / "raw", tmp_path / "first"))  # pays for what is done only once
    code, duration = scorer.score(tmp_path / "undisturbed")
    assert code == 0
    expected, run_id = parts(tmp_path / "undisturbed"), summary(tmp_path / "undisturbed")["run_id"]
    dice, kills, in_midst, attempts = random.Random(11), 0, 0, 0
    while kills < N_KILLS:
        attempts += 1
        workspace = shutil.copytree(tmp_path / "raw", tmp_path / f"killed{attempts}")
        for _ in range(dice.randint(3, 6)):
            code, _ = scorer.score(workspace, dice.uniform(0, duration))
            kills += code == -signal.SIGKILL
            in_midst += (workspace / "results/run.json").exists()
            assert code in {0, -signal.SIGKILL}
        assert scorer.score(workspace)[0] == 0
        made = parts(workspace)
        assert made.keys() == expected.keys()
        for name, frame in expected.items():
            pd.testing.assert_frame_equal(made[name], frame, check_exact=True)
        assert summary(workspace)["run_id"] == run_id
        assert not list(workspace.glob("results/run.json"))
        assert not [*workspace.glob(".staging/*"), *workspace.glob(".scratch/*"), *workspace.glob(".commit.json")]
    assert in_midst >= N_KILLS / 3, "too few kills fell into the writing of buckets to prove anything"


def test_deals_being_divided_into_more_buckets_survive_a_kill_at_any_move(tmp_path: Path, root: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(root)!r})\n{SCRIPT}", encoding="utf-8")
    company(tmp_path / "small", 6)
    finished(tmp_path / "small", script)
    assert summary(tmp_path / "small")["buckets"] == 1
    company(tmp_path / "small")
    shutil.copytree(tmp_path / "small", tmp_path / "undisturbed")
    finished(tmp_path / "undisturbed", script)
    assert summary(tmp_path / "undisturbed")["buckets"] == N_DEALS / 6
    expected = parts(tmp_path / "undisturbed")
    for fatal_move in (2, 8, 17):
        workspace = tmp_path / f"killed{fatal_move}"
        shutil.copytree(tmp_path / "small", workspace)
        process = started(workspace, script, str(fatal_move))
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert (workspace / ".commit.json").exists()
        finished(workspace, script)
        made = parts(workspace)
        assert made.keys() == expected.keys()
        for name, frame in expected.items():
            pd.testing.assert_frame_equal(made[name], frame, check_exact=True)
