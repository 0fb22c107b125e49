from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.amount import AmountModel
from models.crossfit import TrainingDataError
from models.evaluation import evaluate_amount, evaluate_outcome, in_words
from models.metrics import Estimate
from models.outcome import OutcomeModel
from models.splits import split_by_time

SETTINGS = {"samples": 50, "seed": 0}


def test_a_gain_says_smaller_and_a_loss_says_larger() -> None:
    assert in_words(Estimate(0.02, -0.01, 0.05), "log-loss") == (
        "log-loss smaller by 0.0200, 95 % interval -0.0100 to 0.0500"
    )
    assert in_words(Estimate(-0.0117, -0.03, 0.01), "log-loss") == (
        "log-loss larger by 0.0117, 95 % interval -0.0100 to 0.0300"
    )


def test_deals_of_one_account_leave_nothing_to_test_on(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(100)
    base, won = deals.base.assign(account_id="A"), deals.won.to_numpy(dtype=np.float64)
    split = split_by_time(base["closed_at"], base["account_id"], 0.2)
    with pytest.raises(TrainingDataError, match=r"100 deals belong to too few accounts.*rule methods"):
        evaluate_outcome(base, deals.members, won, split, OutcomeModel(folds=3), **SETTINGS)
    with pytest.raises(TrainingDataError, match="belong to too few accounts"):
        evaluate_amount(base, deals.members, base["amount"].to_numpy(), split, AmountModel(folds=3), **SETTINGS)


def test_later_deals_of_one_outcome_are_named(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(100)
    base = deals.base.assign(account_id=[f"A{i}" for i in range(100)])
    won = np.where(np.arange(100) < 70, pd.Series(deals.won).to_numpy(), 1).astype(np.float64)
    split = split_by_time(base["closed_at"], base["account_id"], 0.2)
    with pytest.raises(
        TrainingDataError, match="The 20 later deals, on which the model is tested, all have one outcome"
    ):
        evaluate_outcome(base, deals.members, won, split, OutcomeModel(folds=3), **SETTINGS)
