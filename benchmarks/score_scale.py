"""The whole verb `score` on companies of many sizes: time, CPU and memory by phase, and what a few new deals cost.

    python benchmarks/score_scale.py --deals 10000 100000 1000000 --new 1000

Each size is made in a temporary folder (28 touches a deal, 6 % of the deals with more than 4 partners) and scored by
all default methods in a process of its own; then deals are added that close after all others, and `score` runs again.
The model is fitted on --train-deals of them and told that it saw all accounts, so that one fold's models judge a deal,
as after training on all. CPU seconds are user and system, of all threads; the peak is the process's resident memory.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from company import TOUCHES_PER_DEAL, make, n_accounts

PACKAGES: Final = ("partnerlift", "duckdb", "ibis-framework", "lightgbm", "numpy", "pandas", "pyarrow")
TABLES: Final = ("deals", "touchpoints", "stage_history", "partners")


def main() -> None:
    """Measure the sizes asked for and print them."""
    options = _options()
    if options.child:
        print(json.dumps(_child(options.child, Path(options.folder), options)))
        return
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    print(f"{options.partners} partners, engine.memory {options.memory}, {options.threads} threads")
    for deals in options.deals:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measured(deals, Path(folder), options)


def measured(deals: int, folder: Path, options: argparse.Namespace) -> None:
    """Makes a company of that size, scores it and prints what it took."""
    make(folder / "workspace", deals, options.partners, of=deals)
    read = sum(
        file.stat().st_size for name in TABLES for file in (folder / f"workspace/tables/{name}.parquet").iterdir()
    )
    print(f"\n{deals:,} deals, {deals * TOUCHES_PER_DEAL:,} touches, {read / 2**20:,.0f} MiB of Parquet", flush=True)
    _run("fit", deals, folder, options)
    whole = _run("score", deals, folder, options)
    _print(f"score of {whole['scored']:,} deals", whole)
    if options.new:
        make(folder / "workspace", options.new, options.partners, of=deals, first=deals)
        few = _run("score", deals, folder, options)
        _print(f"score again, after {options.new:,} new deals: {few['scored']:,} scored", few)


def _print(title: str, told: dict[str, Any]) -> None:
    print(f"{title}: {told['wall']:.1f} s wall, {told['cpu']:.1f} s CPU, peak {told['peak_mib']:,.0f} MiB")
    print(f"  {'phase':28} {'wall s':>8} {'CPU s':>8}")
    for name, (wall, cpu) in told["phases"].items():
        print(f"  {name:28} {wall:8.1f} {cpu:8.1f}")
    if told["predicted"]:
        seconds = told["phases"]["- coalition prediction"][1]
        rate = told["predicted"] / seconds if seconds else float("inf")
        print(f"  {told['predicted']:,} coalitions predicted, {rate:,.0f} a CPU second", flush=True)


def _run(what: str, deals: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", what, "--folder", str(folder), "--deals", str(deals)]
    command += ["--threads", str(options.threads), "--memory", options.memory, "--partners", str(options.partners)]
    command += ["--train-deals", str(options.train_deals)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**told, "wall": time.perf_counter() - started}


def _child(what: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    if what == "fit":
        return _fitted(folder, options)
    meter = Meter()
    told = _scored(folder, options, meter)
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / 1024
    return {**told, "cpu": used.ru_utime + used.ru_stime, "peak_mib": peak, "phases": meter.seconds}


def _fitted(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Registers a model, fitted on the first deals, as the workspace's champion."""
    import numpy as np
    import pandas as pd

    from models.outcome import OutcomeModel
    from models.splits import account_hashes
    from pipelines.frames import read_frames
    from pipelines.tracking import OUTCOME, model_threads, promote, tracked_run
    from pipelines.workspace import Workspace

    deals, config = options.deals[0], _config(options)
    make(folder / "sample", min(deals, options.train_deals), options.partners, of=deals)
    sample = Workspace.open(folder / "sample", threads=options.threads)
    frames = read_frames(sample, config.cutoff.to_cutoff())
    won = pd.Series(np.where(frames.base["outcome"] == "won", 1.0, 0.0))
    model = OutcomeModel(threads=model_threads(config), leave_out=("amount",), spec=frames.spec)
    model.fit(frames.base, frames.members, won)
    model.accounts_ = np.unique(account_hashes(pd.Series([f"a{i}" for i in range(n_accounts(deals))])))
    workspace = Workspace.open(folder / "workspace", threads=options.threads)
    with workspace.lock("benchmark"), tracked_run(workspace, config, {}) as run:
        promote(workspace, config, OUTCOME, run.model(model, OUTCOME, frames.base[["account_id"]].head(1)))
    return {}


def _scored(folder: Path, options: argparse.Namespace, meter: Meter) -> dict[str, Any]:
    from pipelines.score import score
    from pipelines.workspace import Workspace

    meter.watch()
    workspace = Workspace.open(folder / "workspace", memory=options.memory, threads=options.threads)
    report = score(workspace, _config(options))
    assert not list((workspace.root / ".scratch").iterdir()), "intermediate files were left"
    return {"scored": report.scored, "predicted": meter.predicted}


def _config(options: argparse.Namespace) -> Any:
    from pipelines.config import parse_config

    return parse_config({"engine": {"memory": options.memory, "threads": options.threads}})


class Meter:
    """Wall and CPU seconds by phase. Names that begin with ``-`` are parts of the phase ``credit``."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.predicted = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the block's seconds to the phase."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[name][0] += time.perf_counter() - wall
            self.seconds[name][1] += time.process_time() - cpu

    def watch(self) -> None:
        """Measures the product's phases and the steps of credit from now on."""
        import pipelines.score
        from models import credit, drivers, outcome, pools, prepared, value
        from pipelines.scoring import bucket

        pipelines.score.phase = self.phase  # type: ignore[assignment]
        self._watch(bucket.Bucket, "read", "- rows from the engine")
        self._watch(value.Values, "__init__", "- deals prepared")
        for name in ("of_subsets", "of_memberships"):
            self._watch(pools.MemberPool, name, "- coalition features")
        self._watch(prepared.PreparedOutcome, "predict", "- coalition prediction", count=True)
        self._watch(outcome.OutcomeModel, "contributions", "- TreeSHAP")
        self._watch(drivers.Drivers, "rows", "- drivers")
        self._watch(bucket, "path_split", "- rules")
        self._watch(bucket, "credit_rows", "- ledger")
        self._watch(credit, "exact_shapley", "- Shapley values")
        self._watch(pipelines.score, "kept", "- writing")
        self._watch(pipelines.score, "write_parts", "- writing")

    def _watch(self, owner: Any, name: str, phase: str, *, count: bool = False) -> None:
        work: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            with self.phase(phase):
                if count:
                    self.predicted += len(arguments[1])
                return work(*arguments, **options)

        is_bound = hasattr(work, "__self__")
        setattr(owner, name, staticmethod(timed) if is_bound else timed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the companies")
    parser.add_argument("--new", type=int, default=1000, help="deals that come later; 0 for none")
    parser.add_argument("--partners", type=int, default=200, help="partners of each company")
    parser.add_argument("--train-deals", type=int, default=20_000, help="deals that the model is fitted on")
    parser.add_argument("--threads", type=int, default=2, help="threads of the query engine and of the model")
    parser.add_argument("--memory", default="2GB", help="limit of the query engine (engine.memory)")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    parser.add_argument("--child", choices=("fit", "score"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
