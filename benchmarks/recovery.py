"""How far each method's credit is from the known truth of simulated companies, at three levels of selection bias.

    python benchmarks/recovery.py --seeds 0 1 --bias none moderate strong

Each company goes through the product itself: its raw exports are ingested, the model is trained, all methods score.
Takes about a minute for each company of 6,000 deals on one core. One row for each method, bias and seed; then means.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import platform
import tempfile
import time
from pathlib import Path

import pandas as pd

from features.simulation.settings import BIASES, Bias, Settings
from models.recovery import beats_every_rule
from pipelines.config import Config
from pipelines.demo import recovered_by
from pipelines.ingest import ingest
from pipelines.score import score
from pipelines.simulate import simulate_to
from pipelines.train import train
from pipelines.workspace import Workspace

PACKAGES = ("partnerlift", "lightgbm", "duckdb", "numpy", "pandas")
FIGURES = [
    "spearman",
    "share_error",
    "partner_spearman",
    "partner_error",
    "total",
    "true_total",
    "total_bias",
    "covered",
]
LABELS = ["bias", "seed", "method"]


def main() -> None:
    """Measure the companies asked for and print the tables."""
    options = _options()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    print(f"{options.deals:,} deals, {options.partners} partners, early_loss {options.early_loss}")
    parts = []
    for bias in options.bias:
        for seed in options.seeds:
            settings = Settings(options.deals, options.partners, bias, early_loss=options.early_loss)
            begin = time.perf_counter()
            parts.append(measured(settings, seed, options.threads))
            print(f"{bias}, seed {seed}: {time.perf_counter() - begin:.0f} s", flush=True)
    table = pd.concat(parts, ignore_index=True)
    _print(table, LABELS)
    if len(options.seeds) > 1:
        print("\nMeans over seeds")
        _print(table.groupby(["bias", "method"], sort=False)[FIGURES].mean().reset_index(), ["bias", "method"])
    for (bias, seed), rows in table.groupby(["bias", "seed"], sort=False):
        verdict = "better than every rule" if beats_every_rule(rows) else "NOT better than every rule"
        print(f"{bias}, seed {seed}: model is {verdict}")
    if options.out:
        table.to_csv(options.out, index=False)


def measured(settings: Settings, seed: int, threads: int) -> pd.DataFrame:
    """One company through the product: a row per method with its recovery of the truth."""
    with tempfile.TemporaryDirectory() as folder:
        written = simulate_to(Path(folder) / "company", settings, seed=seed)
        workspace = Workspace.open(Path(folder) / "workspace", create=True, threads=threads)
        config = Config.model_validate({"seed": seed, "engine": {"threads": threads}})
        ingest(workspace, "salesforce", written.crm)
        ingest(workspace, "tables", written.prm)
        train(workspace, config)
        score(workspace, config)
        return recovered_by(workspace, written.answers).assign(bias=settings.bias, seed=seed)


def _print(table: pd.DataFrame, labels: list[str]) -> None:
    print(table[[*labels, *FIGURES]].round(3).to_string(index=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=6000, help="deals of each company")
    parser.add_argument("--partners", type=int, default=50, help="partners of each company")
    parser.add_argument(
        "--bias", nargs="+", choices=BIASES, default=list[Bias](BIASES), help="levels of selection bias"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds, one company each")
    parser.add_argument("--early-loss", type=float, default=0.2, help="share of lost deals that die early")
    parser.add_argument("--threads", type=int, default=1, help="threads of the query engine and the model")
    parser.add_argument("--out", type=Path, help="CSV to write the rows to")
    return parser.parse_args()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main()
