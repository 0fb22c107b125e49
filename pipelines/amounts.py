"""The amount model's part of a training run: what won deals are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.amount import AmountModel
from models.crossfit import TrainingDataError
from models.evaluation import Evaluation, evaluate_amount
from models.splits import split_by_time
from pipelines.challenge import Challenge, challenge_amount
from pipelines.config import Config
from pipelines.frames import Frames
from pipelines.tracking import model_threads
from pipelines.workspace import Workspace

MIN_WON: Final = 100


@dataclass(frozen=True)
class AmountResult:
    """A fitted amount model with its evaluation, or why there is none."""

    sentence: str
    model: AmountModel | None = None
    evaluation: Evaluation | None = None
    challenge: Challenge | None = None


def train_amount(workspace: Workspace, config: Config, frames: Frames, leave_out: tuple[str, ...]) -> AmountResult:
    """Evaluates and fits the amount model on the won deals that have a positive amount; needs 100 of them."""
    amounts = frames.base["amount"].astype("float64")
    used = ((frames.base["outcome"] == "won") & (amounts > 0)).to_numpy(dtype=bool)
    if used.sum() < MIN_WON:
        return AmountResult(f"No amount model: {int(used.sum())} won deals have an amount, and it needs {MIN_WON}.")
    base, amount = frames.base[used].reset_index(drop=True), amounts[used].reset_index(drop=True)
    members = frames.members[frames.members["deal_id"].isin(base["deal_id"])]
    split = split_by_time(base["closed_at"], base["account_id"], config.outcome.test_share)
    settings = {"samples": config.outcome.bootstrap, "seed": config.seed}
    try:
        made = _new(frames, config, leave_out)
        evaluation = evaluate_amount(base, members, np.asarray(amount, dtype=np.float64), split, made, **settings)
        model = _new(frames, config, leave_out).fit(base, members, amount)
    except TrainingDataError as error:
        return AmountResult(f"No amount model: {error}")
    sentence = f"Amounts of {len(base):,} won deals, in {frames.spec.unit.words}. {split.sentence}"
    versus = challenge_amount(workspace, config, frames, model, evaluation.test, leave_out)
    return AmountResult(sentence, model, evaluation, versus)


def _new(frames: Frames, config: Config, leave_out: tuple[str, ...]) -> AmountModel:
    params = {name: value for name, value in config.outcome.params.items() if name != "objective"}
    return AmountModel(
        folds=config.outcome.folds,
        seed=config.seed,
        threads=model_threads(config),
        params=params,
        leave_out=leave_out,
        spec=frames.spec,
    )
