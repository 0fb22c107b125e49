"""Outcome models on real deals, from raw exports through ingest and train.

Usage: python benchmarks/outcome_real.py [DATA_FOLDER] [SET ...]

DATA_FOLDER (default: the environment variable PARTNERLIFT_SHARED_DATA, else ../shared/data) holds the folders
ibm_win_loss, maven_crm and salvirt_b2b; one that is not there is skipped. Prints one line a set: test ROC-AUC of the
model and of the logistic regression, the model's log-loss gain over the overall win rate, suspected leaks and CPU
seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from pipelines.config import Config
from pipelines.ingest import ingest
from pipelines.train import train
from pipelines.train_report import TrainReport
from pipelines.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SETS = ("ibm_win_loss", "maven_crm", "salvirt_b2b")


def trained(data: Path, name: str, threads: int = 1) -> TrainReport:
    """The report of training on the set ``name`` with the shipped mapping and the default configuration."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Path(folder) / "workspace", create=True, threads=threads)
        ingest(workspace, "mapped", data / name, mapping=ROOT / "configs" / "mappings" / f"{name}.yaml")
        return train(workspace, Config.model_validate({"engine": {"threads": threads}}))


def main() -> None:
    """Prints the table."""
    given = sys.argv[1:]
    default = os.environ.get("PARTNERLIFT_SHARED_DATA", ROOT.parent / "shared" / "data")
    data = Path(given[0]) if given else Path(default)
    for name in given[1:] or SETS:
        if not (data / name).is_dir():
            print(f"== {name}: skipped: no data at {data / name}")
            continue
        begin = time.process_time()
        report = trained(data, name)
        print(f"== {name}: {report.n_deals:,} closed deals, {time.process_time() - begin:.0f} CPU s")
        print(report.text(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
