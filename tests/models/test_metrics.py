from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from models.metrics import METRICS, evaluate, log_losses, paired_difference, roc_auc, weighted_metrics

WON = np.array([1.0, 0.0, 1.0, 0.0, 0.0])
PROBABILITY = np.array([0.9, 0.4, 0.4, 0.1, 0.2])


def test_metrics_of_a_small_example() -> None:
    found = weighted_metrics(WON, PROBABILITY, np.ones((1, 5)))
    assert found["roc_auc"][0] == pytest.approx(5.5 / 6)
    assert found["brier"][0] == pytest.approx((0.01 + 0.16 + 0.36 + 0.01 + 0.04) / 5)
    assert set(found) == set(METRICS)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(1, 4)), min_size=2, max_size=40))
def test_weighted_metrics_agree_with_scikit_learn_on_repeated_rows(rows: list[tuple[bool, int, int]]) -> None:
    won = np.array([float(w) for w, _, _ in rows])
    probability = np.array([(p + 0.5) / 22 for _, p, _ in rows])
    weights = np.array([n for _, _, n in rows])
    if len(set(won)) < 2:
        return
    found = weighted_metrics(won, probability, weights[None, :].astype(float))
    y, p = np.repeat(won, weights), np.repeat(probability, weights)
    assert found["roc_auc"][0] == pytest.approx(roc_auc_score(y, p))
    assert found["pr_auc"][0] == pytest.approx(average_precision_score(y, p))
    assert found["log_loss"][0] == pytest.approx(log_loss(y, p))
    assert found["brier"][0] == pytest.approx(brier_score_loss(y, p))


def test_perfectly_calibrated_bins_have_no_calibration_error() -> None:
    probability = np.repeat([0.25, 0.75], 100)
    won = np.tile([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0], 25)
    won = np.concatenate([np.tile([1.0, 0, 0, 0], 25), np.tile([1.0, 1, 1, 0], 25)])
    assert weighted_metrics(won, probability, np.ones((1, 200)))["ece"][0] == pytest.approx(0)


def test_ranking_of_one_outcome_is_not_a_number() -> None:
    assert np.isnan(roc_auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_certain_and_wrong_is_a_finite_loss() -> None:
    assert np.isfinite(log_losses(np.array([1.0, 0.0]), np.array([0.0, 1.0]))).all()


def test_intervals_hold_the_value_and_depend_on_the_seed_alone() -> None:
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.05, 0.95, 300)
    won = (rng.random(300) < probability).astype(float)
    groups = np.arange(300) // 2
    first, again = (evaluate(won, probability, groups, 200, 7) for _ in range(2))
    assert first == again
    assert all(first[name].lo <= first[name].value <= first[name].hi for name in ("roc_auc", "log_loss", "brier"))


def test_drawing_whole_accounts_widens_the_interval_of_repeated_deals() -> None:
    rng = np.random.default_rng(2)
    losses = np.repeat(rng.normal(0, 1, 50), 8)
    zero = np.zeros(400)
    alone = paired_difference(losses, zero, np.arange(400), 400, 0)
    whole = paired_difference(losses, zero, np.repeat(np.arange(50), 8), 400, 0)
    assert whole.hi - whole.lo > 2 * (alone.hi - alone.lo)


def test_a_clear_difference_excludes_zero_and_none_includes_it() -> None:
    rng = np.random.default_rng(3)
    losses = rng.normal(1, 0.1, 200)
    groups = np.arange(200)
    assert paired_difference(losses, losses - 0.5, groups, 200, 0).lo > 0
    same = paired_difference(losses, losses + rng.normal(0, 0.1, 200), groups, 200, 0)
    assert same.lo < 0 < same.hi
