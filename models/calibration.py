"""From a model's log-odds to probabilities that mean what they say: Platt's method on out-of-fold predictions.

A line on the log-odds is smooth and monotone, so calibrated coalition values keep the order of the raw ones, and
TreeSHAP contributions stay additive after it. Source: Platt (1999), with his smoothed targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from models.metrics import Floats, equal_count_bins

_MIN_SLOPE: Final = 0.05
_RIDGE: Final = 1e-3


@dataclass(frozen=True)
class PlattCalibrator:
    """``probability = expit(slope * logit + intercept)``, slope > 0."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, logit: Floats, won: Floats) -> PlattCalibrator:
        """The line that fits honest log-odds (n,) to outcomes (n,) of 0 and 1; slope at least 0.05.

        A weak ridge toward slope 1 keeps it finite when the log-odds separate the outcomes.
        """
        n_won = won.sum()
        target = np.where(won > 0, (n_won + 1) / (n_won + 2), 1 / (len(won) - n_won + 2))

        def loss(line: Floats) -> tuple[float, Floats]:
            margin = line[0] * logit + line[1]
            slack = expit(margin) - target
            value = float(np.mean(np.logaddexp(0, margin) - target * margin) + _RIDGE * (line[0] - 1) ** 2)
            slope_gradient = np.mean(slack * logit) + 2 * _RIDGE * (line[0] - 1)
            return value, np.array([slope_gradient, np.mean(slack)])

        found = minimize(
            loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(_MIN_SLOPE, None), (None, None)]
        )
        return cls(float(round(found.x[0], 6)), float(round(found.x[1], 6)))

    def margin(self, logit: Floats) -> Floats:
        """Calibrated log-odds."""
        return self.slope * logit + self.intercept

    def probability(self, logit: Floats) -> Floats:
        """Calibrated probability, within (0, 1)."""
        probability: Floats = expit(self.margin(logit))
        return probability


def calibration_points(won: Floats, probability: Floats, n_bins: int = 10) -> pd.DataFrame:
    """Predicted against observed share of won deals, a row a bin of about equally many deals.

    Returns
    -------
    Frame with ``bin``, ``n``, ``predicted`` and ``observed`` (means, in [0, 1]), ``observed_lo`` and ``observed_hi``
    (95 % Wilson interval); empty bins are left out.
    """
    bins = equal_count_bins(probability, n_bins)
    frame = pd.DataFrame({"bin": bins, "predicted": probability, "observed": won, "n": 1})
    points = frame.groupby("bin", as_index=False).agg({"n": "sum", "predicted": "mean", "observed": "mean"})
    observed = points["observed"].to_numpy(float)
    lo, hi = _wilson(observed, points["n"].to_numpy(float))
    # At a share of 0 or 1 rounding may put the bound a hair on the wrong side of it.
    return points.assign(observed_lo=np.minimum(lo, observed), observed_hi=np.maximum(hi, observed))


def _wilson(share: Floats, n: Floats, z: float = 1.96) -> tuple[Floats, Floats]:
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
