"""Rank correlations between methods."""

from __future__ import annotations

import numpy as np
import pytest

from models.agreement import rank_correlations
from models.recovery import spearman


def test_every_two_columns_are_correlated_by_rank_with_ties_averaged() -> None:
    columns = np.random.default_rng(0).integers(0, 5, (40, 3)).astype(float)
    found = rank_correlations(columns)
    for i in range(3):
        for j in range(3):
            assert found[i, j] == pytest.approx(spearman(columns[:, i], columns[:, j]))
    assert np.diag(found).tolist() == [1, 1, 1]


def test_a_constant_column_agrees_with_nothing() -> None:
    found = rank_correlations(np.array([[1.0, 5.0, 3.0], [2.0, 5.0, 1.0]]))
    assert np.isnan(found[1]).all()
    assert found[0, 2] == pytest.approx(-1)
    assert np.isnan(rank_correlations(np.ones((1, 2)))).all()
