"""What each part of the value function is worth: the model with one part changed, on the same simulated companies.

    python benchmarks/value_parts.py --seeds 30 31 32 --bias none moderate strong --early-loss 0.2 0.6

Variants: effects that are not told apart by segment; touches that all weigh alike; no comparable lives, so that lost
deals that died early count like any other (immortal time); residual trees added; all credit left to partners
(nothing taken off for selection); and landmarks, the usual cure for immortal time: a model that sees only what was
known when a stage was entered. A landmark credits only the deals that reached it and only what came before, so it is
judged twice: on all won deals, where what it does not see counts as no credit, and on the won deals that it credits.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.cutoff import Cutoff
from features.simulation.settings import BIASES, Bias, Settings
from models.credit import model_credit
from models.outcome import OutcomeModel
from models.recovery import recovery
from models.value import DealBatch, Values
from pipelines.config import Config
from pipelines.frames import Frames, read_frames
from pipelines.ingest import ingest
from pipelines.simulate import simulate_to
from pipelines.train import checked_outcomes, new_model
from pipelines.visible import what_to_see
from pipelines.workspace import Workspace

LANDMARKS = ("Qualification", "Proposal", "Negotiation")
FIGURES = ["spearman", "share_error", "total_bias", "won", "spearman_credited"]


def main() -> None:
    """Measure the companies asked for and print the means over seeds."""
    options = _options()
    tables = []
    for seed in options.seeds:
        for bias in options.bias:
            for loss in options.early_loss:
                begin = time.process_time()
                table = measured(Settings(options.deals, bias=bias, early_loss=loss), seed)
                tables.append(table.assign(bias=bias, early_loss=loss, seed=seed))
                print(f"{bias}, {loss:g} die early, seed {seed}: {time.process_time() - begin:.0f} CPU s", flush=True)
    means = pd.concat(tables).groupby(["bias", "early_loss", "variant"], sort=False)[FIGURES].mean()
    print(f"\n{options.deals:,} deals, means over seeds\n{means.round(3).reset_index().to_string(index=False)}")


def measured(settings: Settings, seed: int) -> pd.DataFrame:
    """``models.recovery`` of each variant on one company."""
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        written = simulate_to(Path(folder) / "company", settings, seed=seed)
        workspace = Workspace.open(Path(folder) / "workspace", create=True, threads=1)
        ingest(workspace, "salesforce", written.crm)
        ingest(workspace, "tables", written.prm)
        deals, truth = (pd.read_parquet(written.answers / f"{name}.parquet") for name in ("deals", "credits"))
        won = set(deals.loc[deals["outcome"] == "won", "deal_id"])
        rows = [{"variant": name, **_judged(wins, truth, won)} for name, wins in _variants(workspace)]
    return pd.DataFrame(rows)


def _variants(workspace: Workspace) -> Iterator[tuple[str, pd.DataFrame]]:
    frames = read_frames(workspace, Cutoff())
    yield "as it is", _credited(frames)
    yield "no segments", _credited(_without_segments(frames))
    with mock.patch("models.effect_fit._TURNS", 0):
        yield "all touches alike", _credited(frames)
    with mock.patch("models.parts.life_weights", lambda _margin, _life, won: np.ones(len(won))):
        yield "lives not compared", _credited(frames)
    yield "with residual trees", _credited(frames, residual_rounds=60)
    yield "nothing hidden", _credited(frames, hidden_selection=0.0)
    yield "equal selection", _credited(frames, hidden_selection=1.0)
    with mock.patch("models.outcome.OutcomeModel.partners_part", 1.0):
        yield "nothing taken off", _credited(frames)
    for stage in LANDMARKS:
        yield f"landmark {stage}", _credited(read_frames(workspace, Cutoff("stage_entry", stage=stage)))


def _credited(frames: Frames, **settings: Any) -> pd.DataFrame:
    """Credit of the model with other ``settings``: ``deal_id``, ``partner_id``, ``credit``, ``total``."""
    cutoff = {name: value for name, value in frames.spec.cutoff.to_dict().items() if value is not None}
    config = Config.model_validate({"engine": {"threads": 1}, "cutoff": cutoff})
    won = checked_outcomes(frames)
    model: OutcomeModel = new_model(frames.spec, what_to_see(frames, won, config), config).set_params(**settings)
    model.fit(frames.base, frames.members, pd.Series(won))
    return model_credit(Values(model, DealBatch.of(model, frames.base, frames.members)))


def _without_segments(frames: Frames) -> Frames:
    return Frames(**{**vars(frames), "members": frames.members.assign(deal_segment=None)})


def _judged(wins: pd.DataFrame, truth: pd.DataFrame, won: set[str]) -> dict[str, float]:
    rows = wins.assign(share=wins["credit"] / wins["total"], method="m", target="win", kind="split")
    credited = won & set(rows["deal_id"])
    everywhere, there = (recovery(rows, truth, deals).iloc[0] for deals in (won, credited))
    figures = {name: float(everywhere[name]) for name in ("spearman", "share_error", "total_bias")}
    return {**figures, "won": len(credited), "spearman_credited": float(there["spearman"])}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=6000, help="deals of each company")
    parser.add_argument("--seeds", type=int, nargs="+", default=[30], help="seeds, a company each")
    parser.add_argument("--bias", nargs="+", choices=BIASES, default=list[Bias](BIASES), help="levels of selection")
    parser.add_argument("--early-loss", type=float, nargs="+", default=[0.2, 0.6], help="shares that die early")
    return parser.parse_args()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
