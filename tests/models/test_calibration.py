from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from models.calibration import PlattCalibrator, calibration_points


def test_overconfident_log_odds_are_halved() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 1.5, 20_000)
    won = (rng.random(20_000) < expit(logit)).astype(float)
    line = PlattCalibrator.fit(2 * logit + 1, won)
    assert line.slope == pytest.approx(0.5, abs=0.03)
    assert line.intercept == pytest.approx(-0.5, abs=0.05)


def test_calibration_never_turns_the_order_round() -> None:
    logit = np.linspace(-2, 2, 100)
    line = PlattCalibrator.fit(logit, (logit < 0).astype(float))
    assert line.slope > 0
    assert (np.diff(line.probability(logit)) > 0).all()


def test_separated_outcomes_give_finite_numbers() -> None:
    logit = np.array([-3.0, -2.0, 2.0, 3.0])
    line = PlattCalibrator.fit(logit, np.array([0.0, 0, 1, 1]))
    assert np.isfinite([line.slope, line.intercept]).all()


def test_points_give_observed_shares_with_their_intervals() -> None:
    points = calibration_points(np.array([0.0, 1, 1, 1]), np.array([0.2, 0.2, 0.8, 0.8]), n_bins=2)
    assert points["n"].tolist() == [2, 2]
    assert points["predicted"].tolist() == pytest.approx([0.2, 0.8])
    assert points["observed"].tolist() == [0.5, 1.0]
    assert (points["observed_lo"] <= points["observed"]).all()
    assert (points["observed"] <= points["observed_hi"]).all()
