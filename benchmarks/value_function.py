"""How near the model's credit is to the known truth, beside the best simple methods on the same deals, with bars.

    python benchmarks/value_function.py --seeds 0 1 2 3 4 5 6 7 8 9 --early-loss 0.6 --jobs 2 --out rows.csv
    python benchmarks/value_function.py --seeds 20 21 --structures all --bias moderate strong

A simulated company is ingested and its frames are built once. On them the same closed deals are credited by the
product's model, by the methods of ``credit_peers.py``, and by three rules through the product's ``score``. A company of
6,000 deals takes some 20 seconds of one core. Printed are the means over seeds and, from them, whether each bar is
met:

- The model's rank correlation and share error per deal x partner beat the best of ``RIVALS``, by these numbers in the
  same run: at least 0.010 and 0.003.
- Its total of incremental wins is within 10 % of the truth at no and moderate selection bias, 15 % at strong.
- With ``--early-loss`` the companies are made again with that share of lost deals dying early, which hides the touches
  that they would have had. The model's rank correlation loses at most 0.08 against 0.2, the usual share.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import platform
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from credit_peers import Credited, Deals, credit_by_peers
from threadpoolctl import threadpool_limits
from value_verdicts import FIGURES, GROUP, LABELS, MODEL, RIVALS, USUAL_LOSS, verdicts

from features.simulation.settings import BIASES, Settings, Structure
from models.credit import model_credit
from models.ledger import to_shares
from models.recovery import recovery
from models.value import DealBatch, Values
from pipelines.config import Config
from pipelines.frames import Frames, read_frames
from pipelines.ingest import ingest
from pipelines.score import score
from pipelines.simulate import Written, simulate_to
from pipelines.train import checked_outcomes, new_model
from pipelines.visible import Plan, what_to_see
from pipelines.workspace import Workspace

PACKAGES: Final = ("partnerlift", "lightgbm", "scikit-learn", "duckdb", "numpy", "pandas")
RULES: Final = ("first_touch", "last_touch", "linear")
STANDARD: Final = "standard"
STRUCTURES: Final = {
    STANDARD: Structure(),
    "linear_dose": Structure(dose="linear"),
    "no_interactions": Structure(synergy=False, segment_effects=False),
    "little_hidden": Structure(quality=0.3),
    "much_hidden": Structure(quality=1.0),
    "small_effects": Structure(effect_scale=0.7),
    "observed_selection": Structure(promise="observed"),
    "hidden_selection": Structure(promise="hidden"),
}
"""Forms of the truth; the model was designed with an eye on the first."""


@dataclass(frozen=True)
class Company:
    """A company to make: the form of its truth by name, and its settings."""

    structure: str
    settings: Settings
    seed: int

    @property
    def text(self) -> str:
        """What tells it from the others."""
        made = self.settings
        return f"{self.structure}, {made.bias}, {made.early_loss:g} die early, seed {self.seed}"


def main() -> None:
    """Measure the companies asked for and print means and verdicts."""
    options = _options()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    print(
        f"{options.deals:,} deals, {options.partners} partners, seeds {' '.join(map(str, options.seeds))}", flush=True
    )
    table = pd.DataFrame()
    for part in _measured(_companies(options), options.jobs):
        table = pd.concat([table, part], ignore_index=True)
        if options.out:
            table.to_csv(options.out, index=False)
    table = table.sort_values(LABELS, key=_in_order, ignore_index=True)
    if options.verbose:
        _print("Each company", table, LABELS)
    means = table.groupby([*GROUP, "method"], sort=False)[FIGURES].mean().reset_index()
    _print("Means over seeds", means, [*GROUP, "method"])
    print("\n" + "\n".join(verdicts(table)))


def measured(company: Company) -> tuple[pd.DataFrame, float]:
    """``models.recovery`` of each method on a company, and the CPU seconds that all took."""
    logging.disable(logging.WARNING)
    begin, seed = time.process_time(), company.seed
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        written = simulate_to(Path(folder) / "company", company.settings, seed=seed)
        workspace = Workspace.open(Path(folder) / "workspace", create=True, threads=1)
        config = Config.model_validate({"seed": seed, "engine": {"threads": 1}})
        ingest(workspace, "salesforce", written.crm)
        ingest(workspace, "tables", written.prm)
        score(workspace, config, methods=RULES)
        credited = [workspace.read("credits"), *_credited(read_frames(workspace, config.cutoff.to_cutoff()), config)]
        table = _judged(pd.concat(credited, ignore_index=True), written)
    made = company.settings
    table = table.assign(structure=company.structure, early_loss=made.early_loss, bias=made.bias, seed=seed)
    return table[[*LABELS, *FIGURES, "total", "true_total"]], time.process_time() - begin


def _credited(frames: Frames, config: Config) -> Iterator[pd.DataFrame]:
    """Rows of ``credits`` of the model and of each peer, as far as ``recovery`` reads them."""
    won = checked_outcomes(frames)
    plan = what_to_see(frames, won, config)
    yield _by_model(frames, won, plan, config)
    deals = Deals.of(frames.base, frames.members, won, plan.leave_out, plan.coarsen)
    for name, credited in credit_by_peers(deals).items():
        yield _rows(name, frames.members, credited, deals)


def _by_model(frames: Frames, won: np.ndarray, plan: Plan, config: Config) -> pd.DataFrame:
    model = new_model(frames.spec, plan, config).fit(frames.base, frames.members, pd.Series(won))
    wins = model_credit(Values(model, DealBatch.of(model, frames.base, frames.members)), seed=config.seed)
    is_own = ~wins["partner_id"].isin(frames.members["partner_id"]).to_numpy()
    return _as_credits(MODEL, wins, wins["total"].to_numpy(), is_own)


def _rows(name: str, members: pd.DataFrame, credited: Credited, deals: Deals) -> pd.DataFrame:
    wins = members[["deal_id", "partner_id"]].assign(credit=credited.credit)
    return _as_credits(name, wins, credited.total[deals.row], np.zeros(len(wins), dtype=np.bool_))


def _as_credits(name: str, wins: pd.DataFrame, total: np.ndarray, is_own: np.ndarray) -> pd.DataFrame:
    share = to_shares(wins["credit"].to_numpy(), total, is_own)
    return wins[["deal_id", "partner_id", "credit"]].assign(share=share, method=name, target="win", kind="split")


def _judged(credited: pd.DataFrame, written: Written) -> pd.DataFrame:
    deals, credits_ = (pd.read_parquet(written.answers / f"{name}.parquet") for name in ("deals", "credits"))
    return recovery(credited, credits_, set(deals.loc[deals["outcome"] == "won", "deal_id"]))


def _measured(companies: list[Company], jobs: int) -> Iterator[pd.DataFrame]:
    """The companies' tables as they come, a line printed for each."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(measured, company): company for company in companies}
        for done in as_completed(waiting):
            table, seconds = done.result()
            print(f"{waiting[done].text}: {seconds:.0f} CPU s", flush=True)
            yield table


def _companies(options: argparse.Namespace) -> list[Company]:
    structures = STRUCTURES if "all" in options.structures else options.structures
    losses = dict.fromkeys([USUAL_LOSS, *options.early_loss])
    return [
        Company(
            name, Settings(options.deals, options.partners, bias, early_loss=loss, structure=STRUCTURES[name]), seed
        )
        for seed in options.seeds
        for name in structures
        for loss in losses
        for bias in options.bias
    ]


def _in_order(column: pd.Series) -> pd.Series:
    """Sorts structures, levels of bias and methods in their own order instead of by name."""
    known = {"structure": tuple(STRUCTURES), "bias": BIASES, "method": (MODEL, *RIVALS)}.get(str(column.name))
    return column if known is None else column.map({name: i for i, name in enumerate(known)}).fillna(len(known))


def _print(title: str, table: pd.DataFrame, labels: list[str]) -> None:
    print(f"\n{title}\n{table[[*labels, *FIGURES]].round(3).to_string(index=False)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=6000, help="deals of each company")
    parser.add_argument("--partners", type=int, default=50, help="partners of each company")
    parser.add_argument("--bias", nargs="+", choices=BIASES, default=list(BIASES), help="levels of selection bias")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds, a company each")
    parser.add_argument(
        "--early-loss", type=float, nargs="+", default=[], help="shares of lost deals that die early, beside 0.2"
    )
    parser.add_argument(
        "--structures", nargs="+", choices=[*STRUCTURES, "all"], default=[STANDARD], help="forms of the truth"
    )
    parser.add_argument("--jobs", type=int, default=1, help="companies at a time, each in a process of its own")
    parser.add_argument("--verbose", action="store_true", help="print each company's figures as well")
    parser.add_argument("--out", type=Path, help="CSV for each company's figures, written as they come")
    return parser.parse_args()


if __name__ == "__main__":
    main()
