"""`kill -9` at each move of a file while conversations are read: the next run ends in the same tables."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.workspace import Workspace

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import pandas as pd
import pipelines.detect
from features.assist.taxonomy import taxonomy
from pipelines.config import parse_config
from pipelines.workspace import Workspace

class Warned:
    version = "warned"

    def predict(self, utterances, mentions, pairs):
        said = pd.DataFrame(0.0, index=pairs.index, columns=list(taxonomy().ids)).assign(risk_save=0.9)
        return said.assign(label="risk_save", p_assist=0.9)

    def why(self, utterances, mentions, pairs, labels):
        return [[] for _ in labels]

pipelines.detect.assist_model = lambda workspace, config: Warned()
moves, replace = [], Path.replace
NOW = datetime(2026, 1, 1, tzinfo=UTC)

def detect(root, fatal=0, late=0):
    def counted(path, target):
        moves.append(path)
        if len(moves) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(path, target)
    Path.replace = counted
    config = parse_config({"assist": {"chunk_utterances": 2}})
    workspace = Workspace.open(Path(root), threads=1)
    pipelines.detect.detect(workspace, config, now=NOW + timedelta(late))
    return len(moves)

# Each line is a workspace and at which move to die; it is served by a fork that has all imports already.
for line in sys.stdin:
    root, fatal, late = line.split("\\t")
    if os.fork() == 0:
        n = detect(root, int(fatal), int(late))
        print(n, flush=True)
        os._exit(0)
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
TABLES = ("moments", "signals")
STARTED = (".commit.json", "results/detect_run.json", "results/detect.json")


def written(root: Path) -> dict[str, bytes]:
    return {name: (root / "tables" / f"{name}.parquet").read_bytes() for name in TABLES}


def test_killed_at_any_move_it_goes_on_to_the_same_tables(
    workspace_of: Callable[..., Workspace], tmp_path: Path
) -> None:
    ids = [f"c{n}" for n in range(5)]
    fresh = workspace_of(
        partners=[{"partner_id": "p", "name": "Rook Security", "partner_type": "msp"}],
        conversations=[{"conversation_id": c, "channel": "call", "started_at": "2025-03-01"} for c in ids],
        utterances=[
            {"utterance_id": c, "conversation_id": c, "seq": 0, "speaker_org": "customer", "text": f"Rook warned {c}."}
            for c in ids
        ],
    ).root
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def detected(root: Path, fatal: int, late: int) -> list[int]:
            assert process.stdin is not None
            assert process.stdout is not None
            print(root, fatal, late, sep="\t", file=process.stdin, flush=True)
            said = [int(process.stdout.readline())]
            return [*said, int(process.stdout.readline())] if said[0] >= 0 and fatal == 0 else said

        whole = tmp_path / "whole"
        shutil.copytree(fresh, whole)
        n_moves, code = detected(whole, 0, 0)
        assert code == 0
        assert n_moves > 15
        for fatal in range(1, n_moves + 1):
            root = tmp_path / f"killed-{fatal}"
            shutil.copytree(fresh, root)
            assert detected(root, fatal, 0) == [-signal.SIGKILL]
            began = any((root / name).exists() for name in STARTED)
            assert detected(root, 0, 1 if began else 0)[1] == 0
            assert written(root) == written(whole), fatal
            shutil.rmtree(root)
        process.stdin.close()
