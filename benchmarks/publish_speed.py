"""Time and memory of keeping a million credits equal in a database: the first time, and when nothing has changed.

``python benchmarks/publish_speed.py`` measures SQLite and DuckDB; with URLs as arguments, those databases.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from features.tables import CREDITS
from pipelines.publish import publish
from pipelines.workspace import Workspace, write_frame

ROWS = 1_000_000
MIB = 2**20


def fill(root: Path) -> None:
    """A workspace whose ``credits`` have a million rows."""
    i = np.arange(ROWS)
    rows = pd.DataFrame({"deal_id": [f"d{n // 4}" for n in i], "partner_id": [f"p{n % 4}" for n in i]})
    rows = rows.assign(run_id="r", method="model", target="win", kind="split", credit=i / ROWS, share=i / ROWS)
    workspace = Workspace.open(root, create=True)
    workspace.tables.mkdir()
    scored = rows.assign(model_version="m", scored_at=pd.Timestamp("2026-01-01", tz="UTC"))
    write_frame(scored, CREDITS, workspace.path("credits"))


def measure(root: Path, url: str) -> None:
    """Publishes in this process and prints what it took."""
    before, begun = psutil.Process().cpu_times().user, time.perf_counter()
    (done,) = publish(Workspace.open(root, memory="500MB", threads=2), url).tables
    wall, user = time.perf_counter() - begun, psutil.Process().cpu_times().user - before
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    kind = url.split(":")[0]
    print(
        f"{kind:<12}{done.inserted:>10,} inserted  {wall:6.1f} s wall  {user:6.1f} s user  {peak / MIB:6.0f} MiB peak"
    )


def main() -> None:
    """Measures each database twice, in a process of its own."""
    if len(sys.argv) == 4 and sys.argv[1] == "--child":
        measure(Path(sys.argv[2]), sys.argv[3])
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        fill(root)
        urls = sys.argv[1:] or [f"{kind}:///{folder}/out.{kind}" for kind in ("sqlite", "duckdb")]
        for url in (url for url in urls for _ in range(2)):
            subprocess.run([sys.executable, __file__, "--child", str(root), url], check=True)


if __name__ == "__main__":
    main()
