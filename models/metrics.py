"""How good predicted probabilities are, with bootstrap intervals over whole accounts.

Every metric takes weights, so that a bootstrap sample is a row of counts and many samples are computed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from scipy.stats import t as student_t

Floats = npt.NDArray[np.float64]

EPSILON: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 in a log-loss."""
ECE_BINS: Final = 10
METRICS: Final = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")
_CHUNK_CELLS: Final = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval (95 %, percentiles of the bootstrap)."""

    value: float
    lo: float
    hi: float


def log_losses(won: Floats, probability: Floats) -> Floats:
    """Log-loss of each deal, in nats, >= 0."""
    clipped = np.clip(probability, EPSILON, 1 - EPSILON)
    losses: Floats = -(won * np.log(clipped) + (1 - won) * np.log1p(-clipped))
    return losses


def weighted_metrics(won: Floats, probability: Floats, weights: Floats) -> dict[str, Floats]:
    """Each of ``METRICS`` for each row of weights.

    Parameters
    ----------
    won : (n,) of 0 and 1.
    probability : (n,) in [0, 1].
    weights : (samples, n), >= 0.

    Returns
    -------
    Metric name to (samples,). ``roc_auc`` counts ties as one half; ``pr_auc`` is average precision; ``ece`` the mean
    absolute gap between predicted and observed share over ten bins of equally many deals. NaN where a sample holds
    only one outcome (``roc_auc``, ``pr_auc``).
    """
    total = weights.sum(axis=1)
    return {
        **_ranking(won, probability, weights),
        "log_loss": weights @ log_losses(won, probability) / total,
        "brier": weights @ (probability - won) ** 2 / total,
        "ece": _calibration_error(won, probability, weights),
    }


def roc_auc(won: Floats, score: Floats) -> float:
    """Area under the ROC curve, ties as one half; NaN when there is only one outcome."""
    return float(_ranking(won, score, np.ones((1, len(won))))["roc_auc"][0]) if len(won) else float("nan")


def evaluate(
    won: Floats, probability: Floats, groups: npt.NDArray[np.int64], samples: int, seed: int
) -> dict[str, Estimate]:
    """Each metric with its interval; ``groups`` (n,) are the accounts that are drawn whole."""
    point = weighted_metrics(won, probability, np.ones((1, len(won))))
    parts = [weighted_metrics(won, probability, weights) for weights in _draws(groups, samples, seed)]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in METRICS}
    n_groups = len(np.unique(groups))
    return {name: _estimate(float(point[name][0]), drawn[name], n_groups) for name in METRICS}


def paired_difference(
    losses: Floats, other_losses: Floats, groups: npt.NDArray[np.int64], samples: int, seed: int
) -> Estimate:
    """Mean of ``losses - other_losses`` over the same deals, with its interval over accounts."""
    difference = losses - other_losses
    drawn = [weights @ difference / weights.sum(axis=1) for weights in _draws(groups, samples, seed)]
    return _estimate(float(difference.mean()), np.concatenate(drawn), len(np.unique(groups)))


def paired_metrics(
    won: Floats, probability: Floats, other: Floats, groups: npt.NDArray[np.int64], samples: int, seed: int
) -> dict[str, Estimate]:
    """Each metric of ``probability`` less that of ``other`` on the same deals, with its interval over accounts."""
    draws = [np.ones((1, len(won))), *_draws(groups, samples, seed)]
    parts = [(weighted_metrics(won, probability, w), weighted_metrics(won, other, w)) for w in draws]
    gaps = {name: np.concatenate([ours[name] - theirs[name] for ours, theirs in parts]) for name in METRICS}
    n_groups = len(np.unique(groups))
    return {name: _estimate(float(gap[0]), gap[1:], n_groups) for name, gap in gaps.items()}


def _estimate(value: float, drawn: Floats, n_groups: int) -> Estimate:
    """Percentile interval, widened for few accounts as Student's t widens that of a mean."""
    usable = drawn[~np.isnan(drawn)]
    if not len(usable):
        return Estimate(value, float("nan"), float("nan"))
    widening = student_t.ppf(0.975, max(n_groups - 1, 1)) / norm.ppf(0.975)
    lo, hi = value + widening * (np.quantile(usable, [0.025, 0.975]) - value)
    return Estimate(value, float(lo), float(hi))


def _draws(groups: npt.NDArray[np.int64], samples: int, seed: int) -> list[Floats]:
    """Counts of how often each row is drawn when whole groups are drawn with replacement, in bounded chunks."""
    codes = np.unique(groups, return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK_CELLS // max(len(codes), n_groups))
    return [
        _counts(rng, min(step, samples - start), n_groups)[:, codes].astype(np.float64)
        for start in range(0, samples, step)
    ]


def _counts(rng: np.random.Generator, samples: int, n_groups: int) -> npt.NDArray[np.int64]:
    drawn = rng.integers(0, n_groups, size=(samples, n_groups)) + np.arange(samples)[:, None] * n_groups
    counts: npt.NDArray[np.int64] = np.bincount(drawn.ravel(), minlength=samples * n_groups)
    return counts.reshape(samples, n_groups)


def _ranking(won: Floats, probability: Floats, weights: Floats) -> dict[str, Floats]:
    order = np.argsort(-probability, kind="stable")
    ordered, score = weights[:, order], probability[order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    positive = np.cumsum(ordered * won[order], axis=1)[:, ends]
    negative = np.cumsum(ordered * (1 - won[order]), axis=1)[:, ends]
    before = np.pad(positive, ((0, 0), (1, 0)))[:, :-1]
    n_positive, n_negative = positive[:, -1], negative[:, -1]
    steps = np.diff(np.pad(negative, ((0, 0), (1, 0))), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = ((before + positive) / 2 * steps).sum(axis=1) / (n_positive * n_negative)
        precision = np.nan_to_num(positive / (positive + negative))
        average = ((positive - before) * precision).sum(axis=1) / n_positive
    one_sided = (n_positive == 0) | (n_negative == 0)
    return {"roc_auc": np.where(one_sided, np.nan, auc), "pr_auc": np.where(one_sided, np.nan, average)}


def _calibration_error(won: Floats, probability: Floats, weights: Floats) -> Floats:
    bins = equal_count_bins(probability, ECE_BINS)
    gap = np.stack([weights[:, bins == b] @ (probability - won)[bins == b] for b in range(ECE_BINS)])
    error: Floats = np.abs(gap).sum(axis=0) / weights.sum(axis=1)
    return error


def equal_count_bins(probability: Floats, n_bins: int) -> npt.NDArray[np.int64]:
    """Bin of each prediction, 0 <= bin < ``n_bins``; bins hold about equally many, equal predictions share one."""
    edges = np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.searchsorted(edges, probability, side="right").astype(np.int64)
