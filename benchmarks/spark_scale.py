"""What `score --engine spark` costs by the number of touches, in CPU seconds of all processes, and on paper beyond.

    python benchmarks/spark_scale.py --deals 5000 20000 60000 --threads 2

Makes companies of 28 touches a deal (``benchmarks/company.py``), trains one model on the smallest, and scores each with
the methods ``model`` and ``linear`` on a local Spark session in a process of its own. The CPU time of Python, of the
JVM and of Spark's Python workers is read at the end of each phase. Lines are fitted through the sizes: an intercept,
which is Spark's compiling and starting, and a slope. From the slopes comes a table on paper up to a billion touches.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from company import TOUCHES_PER_DEAL, make

PHASES: Final = ("deals", "features", "changes", "credit", "totals")
PAPER: Final = (10**6, 10**7, 10**8, 10**9)
CORES: Final = (16, 64, 256)
BUSY: Final = 0.7
"""Share of the time in which a cluster's cores are assumed to work; what is fixed is assumed to run on one core."""

Lines = dict[str, tuple[float, float]]
"""Fixed CPU seconds of each phase, and those per million of what it grows with."""


def main() -> None:
    """Score each company in a process of its own, then print what it took, the slopes and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, nargs="+", default=[5_000, 20_000, 60_000], help="deals of the companies")
    parser.add_argument("--threads", type=int, default=2, help="threads of the local Spark session, or of DuckDB")
    parser.add_argument("--engine", choices=("spark", "duckdb"), default="spark", help="what to measure")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(score(options.job, options.engine, options.threads)))
        return
    versions = {package: importlib.metadata.version(package) for package in ("pyspark", "duckdb", "lightgbm")}
    print(f"Python {platform.python_version()}, {versions}, {options.engine}, {options.threads} threads")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = [measured(Path(folder), deals, options.engine, options.threads) for deals in sorted(options.deals)]
    fitted_lines = show(found)
    if options.engine == "spark":
        show_paper(*fitted_lines)


def measured(folder: Path, deals: int, engine: str, threads: int) -> dict[str, float]:
    """Make a company, give it the model of the first, and score it in a process of its own."""
    workspace, first = folder / f"{deals}", folder / "model"
    make(workspace, deals)
    if not first.exists():
        train(workspace)
        shutil.copytree(workspace, first, ignore=shutil.ignore_patterns("tables"))
    else:
        shutil.copytree(first, workspace, dirs_exist_ok=True)
    command = [sys.executable, "-W", "ignore", __file__, "--job", str(workspace), "--engine", engine]
    done = subprocess.run([*command, "--threads", str(threads)], check=True, stdout=subprocess.PIPE, text=True)
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    took = ", ".join(f"{name} {facts[name]:.1f}" for name in PHASES)
    print(
        f"{deals:,} deals, {facts['touches']:,} touches, {facts['coalitions']:,} coalitions: {took} CPU s; "
        f"{facts['wall']:.0f} s wall, {facts['bytes'] / facts['touches']:.0f} bytes staged a touch",
        flush=True,
    )
    return facts


def train(workspace: Path) -> None:
    """Train the outcome model of a workspace."""
    from pipelines.config import parse_config
    from pipelines.train import train as run
    from pipelines.workspace import Workspace

    run(Workspace.open(workspace, threads=1), parse_config({"engine": {"threads": 1}, "outcome": {"bootstrap": 50}}))


class _Meter(logging.Handler):
    """Notes the CPU seconds of this process and all its descendants at the end of each phase."""

    def __init__(self, staged: Path) -> None:
        super().__init__(logging.DEBUG)
        self.taken: dict[str, float] = {}
        self.staged, self.bytes, self._last = staged, 0, cpu_seconds()

    def emit(self, record: logging.LogRecord) -> None:
        """Books what was spent since the last phase ended under the phase that ends now."""
        now, name = cpu_seconds(), str(getattr(record, "phase", "model"))
        self.taken[name] = self.taken.get(name, 0.0) + now - self._last
        self._last = now
        if name == "features":
            self.bytes = sum(path.stat().st_size for path in self.staged.rglob("*.parquet"))


def score(folder: Path, engine: str, threads: int) -> dict[str, float]:
    """Score a workspace; CPU seconds by phase, and the sizes they hang on."""
    from pipelines.config import parse_config
    from pipelines.score import score as run
    from pipelines.workspace import SCRATCH, Workspace

    meter, phases = _Meter(folder / SCRATCH), logging.getLogger("pipelines.phases")
    phases.addHandler(meter)
    phases.setLevel(logging.DEBUG)
    workspace, begun = Workspace.open(folder), time.perf_counter()
    config = parse_config({"engine": {"kind": engine, "threads": threads, "memory": "3GB"}})
    report = run(workspace, config, methods=["model", "linear"])
    wall = time.perf_counter() - begun
    with workspace.connect() as connection:
        counted = "SELECT count(*) - 1 AS n FROM credits WHERE method = 'model' AND target = 'win' GROUP BY deal_id"
        query = f"SELECT sum(least(2::BIGINT ** n, {config.credit.samples} * n)) FROM ({counted})"
        coalitions = int(connection.execute(query).fetchall()[0][0])
        touches = int(connection.execute("SELECT count(*) FROM touchpoints").fetchall()[0][0])
    assert report.scored == report.deals_in
    return {"touches": touches, "coalitions": coalitions, "bytes": meter.bytes, "wall": wall, **meter.taken}


def cpu_seconds() -> float:
    """CPU seconds of this process and all its living descendants, with those of their children that have ended."""
    total = 0.0
    for process in (own := psutil.Process(), *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def show(found: list[dict[str, float]]) -> tuple[Lines, float, float]:
    """Print the fitted lines; gives them, coalitions a touch and bytes staged a touch."""
    millions = np.array([facts["touches"] for facts in found]) / 1e6
    coalitions = np.array([facts["coalitions"] for facts in found]) / 1e6
    lines = {name: fitted(coalitions if name == "credit" else millions, found, name) for name in PHASES}
    print("\nphase     fixed CPU s   CPU s per million")
    for name, (fixed, slope) in lines.items():
        print(f"{name:9} {fixed:11.1f}   {slope:8.1f} {'coalitions' if name == 'credit' else 'touches'}")
    each, size = float(coalitions[-1] / millions[-1]), found[-1]["bytes"] / found[-1]["touches"]
    print(f"\n{each:.2f} coalitions a touch")
    return lines, each, size


def show_paper(lines: Lines, each: float, size: float) -> None:
    """Print the costs on paper, from the lines, coalitions a touch and bytes staged a touch."""
    names = ["touches", "deals", "features, core h", "credit, core h", "all, core h", "staged, GB"]
    names += [f"{cores} cores, min" for cores in CORES]
    print(f"\n| {' | '.join(names)} |\n| {' | '.join('---:' for _ in names)} |")
    fixed = sum(line[0] for line in lines.values())
    for touches in PAPER:
        grown = {n: s * touches / 1e6 * (each if n == "credit" else 1) for n, (_, s) in lines.items()}
        hours = [(lines[n][0] + grown[n]) / 3600 for n in ("features", "credit")]
        row = [f"{touches:,}", f"{touches // TOUCHES_PER_DEAL:,}", *(f"{hour:,.2f}" for hour in hours)]
        row += [f"{(fixed + sum(grown.values())) / 3600:,.2f}", f"{touches * size / 1e9:,.1f}"]
        row += [f"{(fixed + sum(grown.values()) / cores / BUSY) / 60:,.0f}" for cores in CORES]
        print(f"| {' | '.join(row)} |")


def fitted(sizes: np.ndarray, found: list[dict[str, float]], name: str) -> tuple[float, float]:
    """Intercept, at least 0, and slope of a phase's CPU seconds over the sizes, weighted by 1 / size."""
    seconds = np.array([facts[name] for facts in found])
    slope, fixed = np.polyfit(sizes, seconds, 1, w=1 / np.sqrt(sizes))
    return (float(fixed), float(slope)) if fixed >= 0 else (0.0, float((seconds * sizes).sum() / (sizes**2).sum()))


if __name__ == "__main__":
    main()
