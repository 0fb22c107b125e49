"""An honest comparison: the model and its baselines, trained on the same deals, judged on the same later ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from models.amount import LEAVE_OUT, AmountModel
from models.baselines import logistic, prior, ridge_log_amount
from models.columns import feature_names
from models.crossfit import TrainingDataError
from models.metrics import Estimate, Floats, evaluate, log_losses, paired_difference
from models.outcome import OutcomeModel
from models.pooling import deal_frame
from models.splits import Split

MODEL: Final = "model"
PRIOR: Final = "prior"
WITHOUT: Final = "logistic_without_partners"
WITH: Final = "logistic_with_partners"
MEDIAN: Final = "median"
LABELS: Final = {
    PRIOR: "the overall win rate",
    WITHOUT: "a logistic regression without partner features",
    WITH: "a logistic regression with partner features",
    MEDIAN: "the median amount",
    "ridge_without_partners": "a ridge regression without partner features",
    "ridge_with_partners": "a ridge regression with partner features",
}


_USE: Final = {"later": "tested", "earlier": "trained"}
MIN_GAIN: Final = 0.01
"""A model whose loss is smaller than a constant guess's by less than this share has found no usable signal."""


@dataclass(frozen=True)
class Evaluation:
    """How the model and its baselines did on the test deals.

    Attributes
    ----------
    metrics : model name to metric name to estimate.
    gain : baseline to how much smaller the model's mean loss is (positive: the model is better).
    verdict : sentences for people.
    test : a row a test deal: ``deal_id``, ``account_id``, the outcome, and each model's prediction.
    """

    metrics: dict[str, dict[str, Estimate]]
    gain: dict[str, Estimate]
    verdict: tuple[str, ...]
    test: pd.DataFrame


def evaluate_outcome(
    base: pd.DataFrame,
    members: pd.DataFrame,
    won: Floats,
    split: Split,
    model: OutcomeModel,
    *,
    samples: int,
    seed: int,
) -> Evaluation:
    """Fits ``model`` and the baselines on the training deals and judges them on the test deals.

    ``base`` is sorted by ``deal_id`` and ``won`` (n,) and the masks of ``split`` are in its order. Intervals come from
    ``samples`` bootstrap draws of whole accounts. Raises ``TrainingDataError`` when either part has one outcome only.
    """
    train, test = base[split.train], base[split.test]
    _check(split)
    for part, mask in (("later", split.test), ("earlier", split.train)):
        if len(np.unique(won[mask])) < 2:
            raise TrainingDataError(
                f"The {int(mask.sum()):,} {part} deals, on which the model is {_USE[part]}, all have one outcome. "
                "Bring in more deals, or set `outcome.test_share` otherwise. "
                "The rule methods (first_touch, last_touch, linear) still work."
            )
    model.fit(train, members, pd.Series(won[split.train]))
    frame = deal_frame(base, members)
    known, later = frame[split.train], frame[split.test]
    alone, all_names = feature_names(base, model.leave_out), feature_names(frame, model.leave_out)
    predictions = {
        MODEL: model.predict(deal_frame(test, model.encode(_of(members, test)), model.extra_columns)),
        PRIOR: prior(won[split.train], len(test)),
        WITHOUT: logistic(known, won[split.train], later, alone, model.coarsen),
        WITH: logistic(known, won[split.train], later, all_names, model.coarsen),
    }
    actual, groups = won[split.test], pd.factorize(test["account_id"])[0].astype(np.int64)
    metrics = {name: evaluate(actual, p, groups, samples, seed) for name, p in predictions.items()}
    losses = {name: log_losses(actual, p) for name, p in predictions.items()}
    gain = _gains(losses, groups, samples, seed)
    table = test[["deal_id", "account_id"]].assign(won=actual, **predictions).reset_index(drop=True)
    usable = gain[PRIOR].value > MIN_GAIN * float(losses[PRIOR].mean())
    return Evaluation(metrics, gain, _verdict(gain, "log-loss", usable=usable), table)


def evaluate_amount(
    base: pd.DataFrame,
    members: pd.DataFrame,
    amount: Floats,
    split: Split,
    model: AmountModel,
    *,
    samples: int,
    seed: int,
) -> Evaluation:
    """The same for the amounts of won deals: squared and absolute errors of log(1 + amount), and R squared."""
    _check(split)
    train, test, target = base[split.train], base[split.test], np.log1p(amount)
    model.fit(train, members, pd.Series(amount[split.train]))
    frame = deal_frame(base, members)
    known, later = frame[split.train], frame[split.test]
    leave_out = (*LEAVE_OUT, *model.leave_out)
    alone, all_names = feature_names(base, leave_out), feature_names(frame, leave_out)
    predictions = {
        MODEL: model.predict_log(later),
        MEDIAN: np.full(len(test), np.median(target[split.train])),
        "ridge_without_partners": ridge_log_amount(known, target[split.train], later, alone),
        "ridge_with_partners": ridge_log_amount(known, target[split.train], later, all_names),
    }
    actual, groups = target[split.test], pd.factorize(test["account_id"])[0].astype(np.int64)
    losses = {name: (p - actual) ** 2 for name, p in predictions.items()}
    metrics = {name: _amount_metrics(actual, p, groups, samples, seed) for name, p in predictions.items()}
    gain = _gains(losses, groups, samples, seed)
    table = test[["deal_id", "account_id"]].assign(log_amount=actual, **predictions).reset_index(drop=True)
    usable = gain[MEDIAN].value > MIN_GAIN * float(losses[MEDIAN].mean())
    return Evaluation(metrics, gain, _verdict(gain, "squared log error", usable=usable), table)


def _check(split: Split) -> None:
    if split.train.any() and split.test.any():
        return
    raise TrainingDataError(
        f"The {len(split.test):,} deals belong to too few accounts: none are left to test the model on accounts that "
        "it has not seen. Check `account_id`. The rule methods (first_touch, last_touch, linear) still work."
    )


def _of(members: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    return members[members["deal_id"].isin(base["deal_id"])]


def _gains(losses: dict[str, Floats], groups: np.ndarray, samples: int, seed: int) -> dict[str, Estimate]:
    return {
        name: paired_difference(loss, losses[MODEL], groups, samples, seed)
        for name, loss in losses.items()
        if name != MODEL
    }


def _amount_metrics(
    actual: Floats, predicted: Floats, groups: np.ndarray, samples: int, seed: int
) -> dict[str, Estimate]:
    zero = np.zeros(len(actual))
    error: Callable[[Floats], Estimate] = lambda loss: paired_difference(loss, zero, groups, samples, seed)  # noqa: E731
    spread = float(np.var(actual)) or 1.0
    squared = error((predicted - actual) ** 2)
    return {
        "rmse_log": Estimate(squared.value**0.5, max(squared.lo, 0) ** 0.5, max(squared.hi, 0) ** 0.5),
        "mae_log": error(np.abs(predicted - actual)),
        "r2_log": Estimate(1 - squared.value / spread, 1 - squared.hi / spread, 1 - squared.lo / spread),
    }


def _verdict(gain: dict[str, Estimate], loss: str, *, usable: bool) -> tuple[str, ...]:
    sentences = [
        f"The model is {_compared(estimate)} {LABELS[name]} ({in_words(estimate, loss)})."
        for name, estimate in gain.items()
    ]
    constant = next(iter(gain.values()))
    if constant.lo <= 0 or not usable:
        small = "" if constant.lo <= 0 else f" by {MIN_GAIN:.0%} of its loss, the least that is of use"
        return (f"These data hold no usable signal: the model is no better than a constant guess{small}.", *sentences)
    if all(estimate.lo > 0 for estimate in gain.values()):
        return ("The model is better than every baseline by more than chance.", *sentences)
    return ("A simpler model does as well: the model is not better than every baseline.", *sentences)


def _compared(gain: Estimate) -> str:
    if gain.lo > 0:
        return "better than"
    return "worse than" if gain.hi < 0 else "no better than"


def in_words(gain: Estimate, loss: str) -> str:
    """A gain and its interval, e.g. ``log-loss smaller by 0.0463, 95 % interval 0.0019 to 0.0891``."""
    if gain.value < 0:
        return f"{loss} larger by {-gain.value:.4f}, 95 % interval {-gain.hi:.4f} to {-gain.lo:.4f}"
    return f"{loss} smaller by {gain.value:.4f}, 95 % interval {gain.lo:.4f} to {gain.hi:.4f}"
