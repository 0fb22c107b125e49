from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from models.baselines import logistic, prior, ridge_log_amount
from models.columns import feature_names
from models.metrics import roc_auc


def test_the_prior_is_the_training_win_rate() -> None:
    assert prior(np.array([1.0, 0, 0, 0, 0, 0, 0, 0]), 2).tolist() == pytest.approx([0.2, 0.2])


def test_the_logistic_regression_finds_what_is_linear(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(600, seed=8)
    base = deals.base.assign(x_gap=deals.base["x_size"].where(deals.base.index % 3 > 0), x_none=np.nan)
    won = deals.won.to_numpy(dtype=float)
    probability = logistic(base[:400], won[:400], base[400:], feature_names(base), coarsen=("amount",))
    assert roc_auc(won[400:], probability) > 0.6
    assert ((probability > 0) & (probability < 1)).all()


def test_a_level_that_was_not_seen_is_no_fault(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(200)
    later = deals.base.head(3).assign(segment="huge")
    assert len(logistic(deals.base, deals.won.to_numpy(dtype=float), later, ("segment", "x_size"))) == 3


def test_the_ridge_regression_predicts_log_amounts(deals_of: Callable[..., Any]) -> None:
    base = deals_of(300).base
    target = np.log1p(base["amount"].to_numpy())
    predicted = ridge_log_amount(base[:200], target[:200], base[200:], ("segment", "x_size"))
    assert np.corrcoef(predicted, target[200:])[0, 1] > 0.9
