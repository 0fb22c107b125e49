"""The outcome model with deals at hand says what it says of their frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.boosting import Booster, BoosterSpec, Rows, fit_booster
from models.columns import ColumnCoder
from models.outcome import OutcomeModel
from models.pooling import deal_frame
from models.prepared import PreparedResiduals
from models.value import DealBatch, Values


@pytest.mark.slow
def test_prepared_model_predicts_what_the_model_predicts(deals_of: Callable[..., Any]) -> None:
    data = deals_of(300, 6)
    model = OutcomeModel(folds=3, max_rounds=20, residual_rounds=20).fit(data.base, data.members, data.won)
    strangers = data.base.assign(account_id="new " + data.base["account_id"].astype(str))
    for base in (data.base, strangers):
        members = data.members.merge(base[["deal_id", "account_id"]], on="deal_id", suffixes=("_before", ""))
        values = Values(model, DealBatch.of(model, base, members))
        expected = model.predict(values.with_all())
        np.testing.assert_allclose(values.of_all_partners(), expected, rtol=0, atol=1e-12)


def boosters(frame: pd.DataFrame, target: np.ndarray) -> tuple[ColumnCoder, list[Booster]]:
    """A coder of the frame's features, and two boosters of which the second is of other deals."""
    coder = ColumnCoder.fit(frame, ("size", "kind", "touches_sum", "unused"))
    spec = BoosterSpec({"min_data_in_leaf": 5}, {}, 0, 1)
    halves = (np.arange(len(frame)) % 2 == 0, np.arange(len(frame)) % 2 == 1)
    return coder, [fit_booster(coder, Rows(coder.matrix(frame)[h], target[h]), spec, 5) for h in halves]


def test_residuals_fill_only_what_trees_split_on_and_average_the_judges() -> None:
    dice = np.random.default_rng(0)
    base = pd.DataFrame({"deal_id": [f"d{i}" for i in range(80)], "size": dice.random(80), "kind": list("abcd") * 20})
    base = base.assign(unused=np.arange(80) // 79)
    members = base[["deal_id"]].assign(partner_id="p", touches=dice.integers(1, 9, 80))
    frame = deal_frame(base, members)
    coder, (one, two) = boosters(
        frame, (base["size"].to_numpy() + frame["touches_sum"].to_numpy() / 9 > 1).astype(float)
    )
    first = np.arange(80) < 50
    prepared = PreparedResiduals(coder, base, [([one, None], first), ([one, two], ~first)], threads=1)
    assert prepared.pools == ("touches_sum",)
    made = prepared.raw(np.arange(80), {"touches_sum": frame["touches_sum"].to_numpy(dtype=float)})
    raw = [booster.raw(coder.matrix(frame)) for booster in (one, two)]
    np.testing.assert_array_equal(made, np.where(first, raw[0] / 2, (raw[0] + raw[1]) / 2))
