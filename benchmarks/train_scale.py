"""The verb `train` on companies of several sizes: time, CPU and memory, and where they go.

    python benchmarks/train_scale.py --deals 10000 100000

Each size is made in a temporary folder (28 touches a deal) and trained on in a process of its own, the amount model
included. CPU seconds are user and system, of all threads; the peak is the process's resident memory.
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
from pathlib import Path
from typing import Any, Final

from company import TOUCHES_PER_DEAL, make

PACKAGES: Final = ("partnerlift", "lightgbm", "duckdb", "numpy", "pandas", "mlflow")
PHASES: Final = {
    "read_frames": "features",
    "what_to_see": "leak doctor",
    "_evaluated": "evaluation",
    "train_amount": "amount model",
    "_logged": "log and register",
    "_write_results": "results",
}
"""Steps of ``pipelines.train`` that are measured; what they leave of the whole is fitting on all deals."""


def main() -> None:
    """Measure the sizes asked for and print them."""
    options = _options()
    if options.child:
        print(json.dumps(trained(Path(options.folder), options)))
        return
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    print(f"{options.partners} partners, engine.memory {options.memory}, {options.threads} threads")
    for deals in options.deals:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make(Path(folder), deals, options.partners)
            begun = time.perf_counter()
            told = _run(folder, options)
        wall = time.perf_counter() - begun
        print(f"\n{deals:,} deals, {deals * TOUCHES_PER_DEAL:,} touches: {wall:.1f} s wall, ", end="")
        print(f"{told['cpu']:.1f} s CPU, peak {told['peak_mib']:,.0f} MiB; log-loss {told['log_loss']:.4f}")
        for name, seconds in told["phases"].items():
            print(f"  {name:20} {seconds:8.1f} CPU s", flush=True)


def _run(folder: str, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", "--folder", folder, "--threads", str(options.threads)]
    done = subprocess.run([*command, "--memory", options.memory], check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def trained(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Trains and tells what it took."""
    from models.evaluation import MODEL
    from pipelines import train
    from pipelines.config import parse_config
    from pipelines.workspace import Workspace

    seconds = _watched(train)
    engine = {"memory": options.memory, "threads": options.threads}
    workspace = Workspace.open(folder, **engine)
    begun = time.process_time()
    # The company's covariates tell much of the outcome, which is what the leak doctor suspects.
    report = train.train(workspace, parse_config({"engine": engine}), allow_leak=("x_fit", "x_need"))
    whole = time.process_time() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "log_loss": report.evaluation.metrics[MODEL]["log_loss"].value,
        "phases": {**seconds, "the rest, fitting": whole - sum(seconds.values())},
    }


def _watched(module: Any) -> dict[str, float]:
    """CPU seconds of the module's ``PHASES``, which are measured from now on."""
    seconds: dict[str, float] = defaultdict(float)

    def measured(name: str, work: Any) -> Any:
        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.process_time()
            try:
                return work(*arguments, **options)
            finally:
                seconds[PHASES[name]] += time.process_time() - begun

        return timed

    for name in PHASES:
        setattr(module, name, measured(name, getattr(module, name)))
    return seconds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, nargs="+", default=[10_000], help="sizes of the companies")
    parser.add_argument("--partners", type=int, default=200, help="partners of each company")
    parser.add_argument("--threads", type=int, default=2, help="threads of the query engine and of the model")
    parser.add_argument("--memory", default="2GB", help="limit of the query engine (engine.memory)")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
