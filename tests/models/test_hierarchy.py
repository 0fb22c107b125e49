from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from models.hierarchy import LEAST_SPREAD, Logit, estimated, posterior, with_spreads


def rows_of(effects: np.ndarray, n: int, seed: int) -> Logit:
    """A row has one of the columns of ``effects``, each equally often."""
    rng = np.random.default_rng(seed)
    column = np.arange(n) % len(effects)
    design = sparse.csr_matrix((np.ones(n), (np.arange(n), column)), shape=(n, len(effects)))
    won = (rng.random(n) < expit(effects[column])).astype(float)
    return Logit(design, np.zeros(n), won, np.ones(n))


def test_the_mode_is_where_a_general_optimiser_finds_it() -> None:
    rows, deviations = rows_of(np.array([1.0, -1.0, 0.3]), 90, 0), np.array([0.5, 2.0, 1.0])

    def loss(weights: np.ndarray) -> float:
        margin = rows.design @ weights
        return float(np.sum(np.logaddexp(0, margin) - rows.target * margin) + np.sum((weights / deviations) ** 2) / 2)

    expected = minimize(loss, np.zeros(3), options={"gtol": 1e-8}).x
    np.testing.assert_allclose(posterior(rows, deviations).mean, expected, atol=1e-4)


def test_a_row_of_weight_two_is_two_rows() -> None:
    rows = rows_of(np.array([1.0, -1.0]), 40, 1)
    doubled = Logit(rows.design, rows.offset, rows.target, rows.weight * 2)
    twice = Logit(
        sparse.vstack([rows.design] * 2).tocsr(), np.tile(rows.offset, 2), np.tile(rows.target, 2), np.ones(80)
    )
    first, second = (posterior(each, np.ones(2)) for each in (doubled, twice))
    np.testing.assert_allclose(first.mean, second.mean, atol=1e-7)
    np.testing.assert_allclose(first.covariance, second.covariance, atol=1e-7)


def test_a_group_that_does_not_differ_shrinks_and_one_that_does_stays() -> None:
    rng = np.random.default_rng(2)
    alike, unlike = np.zeros(30), rng.normal(0, 1.2, 30)
    groups = {"all": slice(0, 30)}
    _, none = estimated(rows_of(alike, 3000, 3), np.ones(30), groups)
    _, much = estimated(rows_of(unlike, 3000, 3), np.ones(30), groups)
    assert none["all"] < 0.25
    assert much["all"] == pytest.approx(1.2, abs=0.35)


def test_the_posterior_deviation_is_as_wide_as_the_estimates_scatter() -> None:
    found = [posterior(rows_of(np.array([0.5]), 400, seed), np.array([9.0])) for seed in range(60)]
    scatter = np.std([each.mean[0] for each in found])
    assert np.sqrt(found[0].covariance[0, 0]) == pytest.approx(scatter, rel=0.3)


def test_an_empty_group_has_no_spread() -> None:
    rows = rows_of(np.array([0.5]), 40, 4)
    _, spreads = estimated(rows, np.ones(1), {"none": slice(1, 1)})
    assert spreads == {}
    assert with_spreads(np.ones(2), {"one": slice(1, 2)}, {"one": LEAST_SPREAD}).tolist() == [1.0, LEAST_SPREAD]
