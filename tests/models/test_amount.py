from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from models.amount import AmountModel
from models.pooling import deal_frame


@pytest.fixture(scope="module")
def deals(deals_of: Callable[..., Any]) -> Any:
    return deals_of(400, seed=6)


@pytest.fixture(scope="module")
def fitted(deals: Any) -> AmountModel:
    return AmountModel(folds=3, max_rounds=60).fit(deals.base, deals.members, deals.base["amount"])


def test_held_out_amounts_follow_the_size(fitted: AmountModel, deals: Any) -> None:
    actual = np.log1p(deals.base["amount"].to_numpy())
    predicted = fitted.fitted_log_amount_.reindex(deals.base["deal_id"]).to_numpy()
    assert 1 - np.mean((predicted - actual) ** 2) / np.var(actual) > 0.7


def test_the_amount_itself_is_no_feature(fitted: AmountModel) -> None:
    assert "amount" not in fitted.coder_.names


def test_the_mean_prediction_is_about_the_mean_amount(fitted: AmountModel, deals: Any) -> None:
    predicted = fitted.predict(deal_frame(deals.base, deals.members))
    assert predicted.mean() == pytest.approx(deals.base["amount"].mean(), rel=0.15)


def test_a_saved_model_predicts_the_same(fitted: AmountModel, deals: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    loaded = AmountModel.load(tmp_path)
    frame = deal_frame(deals.base, deals.members)
    np.testing.assert_array_equal(loaded.predict(frame), fitted.predict(frame))
    assert loaded.version == fitted.version


def test_it_clones_and_says_when_it_is_not_fitted(fitted: AmountModel, deals: Any) -> None:
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError, match="Call `fit`"):
        twin.predict(deals.base)
