from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.adjustment import INTERVAL_Z, Adjustment
from models.shapley import exact_shapley, mean_slopes


def test_a_model_that_knows_nothing_of_it_keeps_all_and_has_no_interval() -> None:
    adjustment = Adjustment.of(object(), pd.DataFrame(index=range(2)))
    assert adjustment.part == 1
    assert np.isnan(adjustment.margins(np.ones(2), np.ones(2), np.full(2, np.nan))).all()


def test_bounds_of_sampled_values_stand_alone_where_nothing_else_is_known() -> None:
    adjustment = Adjustment(1.0, 0.0, np.full(2, np.nan))
    np.testing.assert_array_equal(adjustment.margins(np.ones(2), np.ones(2), np.array([0.1, np.nan])), [0.1, np.nan])


def test_the_part_and_the_effect_are_both_uncertain() -> None:
    adjustment = Adjustment(0.5, 0.1, np.array([0.4]))
    margin = adjustment.margins(np.array([0.2]), np.array([0.25]), np.array([np.nan]))
    assert margin[0] == pytest.approx(INTERVAL_Z * np.hypot(0.5 * 0.4 * 0.25, 0.2 * 0.1))


def test_slopes_tell_how_credit_moves_with_a_players_own_log_odds() -> None:
    def values(added: float) -> np.ndarray:
        margins = -0.4 + np.array([0.0, 0.3 + added, 0.8, 1.1 + added])
        return (1 / (1 + np.exp(-margins)))[None, :]

    step = 1e-6
    moved = (exact_shapley(values(step)) - exact_shapley(values(-step))) / (2 * step)
    assert mean_slopes(values(0))[0, 0] == pytest.approx(moved[0, 0], abs=1e-8)
