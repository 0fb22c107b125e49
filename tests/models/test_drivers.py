"""Drivers: features' contributions by player."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from features.tables import DIRECT
from models.drivers import Drivers
from models.shapley import Floats
from models.value import DealBatch, Values

PUSH = "push_millionths"


class Logistic:
    """Log-odds = start + the pushes of the deal's partners + a bonus for two or more + own touches / 100."""

    extra_columns: tuple[str, ...] = (PUSH,)
    version = "logistic"

    def __init__(self, pushes: dict[str, float], together: float) -> None:
        self.pushes, self.together = pushes, together

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        push = members["partner_type"].map(self.pushes).to_numpy(dtype=float) * members["touches"].to_numpy()
        return members.assign(**{PUSH: np.rint(push * 1e6).astype(np.int64)})

    def predict(self, frame: pd.DataFrame) -> Floats:
        return np.asarray(expit(self.contributions(frame).to_numpy().sum(axis=1)))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "own_touches": 0.01 * frame["own_touches"].astype(float),
                f"{PUSH}_sum": frame[f"{PUSH}_sum"].astype(float) / 1e6,
                "partners": self.together * (frame["partners"] >= 2).astype(float),
                "bias": 0.2,
            }
        )


def base_frame(**own_touches: int) -> pd.DataFrame:
    names = pd.Series(list(own_touches), dtype="str")
    return pd.DataFrame({"deal_id": names, "account_id": names, "own_touches": list(own_touches.values())})


def member_frame(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["deal_id", "partner_id", "partner_type", "touches"])
    return frame.assign(account_id=frame["deal_id"])


BASE = base_frame(d1=5, d2=0)
MEMBERS = member_frame(("d1", "A", "si", 1), ("d1", "B", "isv", 3))
PUSHES = {"si": 0.8, "isv": -0.1}


def drivers(
    base: pd.DataFrame = BASE, members: pd.DataFrame = MEMBERS, together: float = 0.4
) -> tuple[Drivers, Floats]:
    model = Logistic(PUSHES, together=together)
    batch = DealBatch.of(model, base, members)
    frame = Values(model, batch).with_all()
    parts = model.contributions(frame)
    return Drivers(frame, parts, batch.members, batch.codes, model.extra_columns), model.predict(frame)


def test_drivers_of_a_deal_add_up_to_the_log_odds_of_its_prediction() -> None:
    made, predicted = drivers()
    sums = made.rows().groupby("deal_id")["contribution"].sum()
    np.testing.assert_allclose(sums, logit(predicted), atol=1e-12)


def test_pooled_feature_goes_to_the_members_by_their_part_and_its_count_equally() -> None:
    rows = drivers()[0].rows()
    found = rows[rows["deal_id"] == "d1"].set_index(["partner_id", "feature"])["contribution"]
    assert found["A", f"{PUSH}_sum"] == pytest.approx(0.8)
    assert found["B", f"{PUSH}_sum"] == pytest.approx(-0.3)
    assert found["A", "partners"] == found["B", "partners"] == pytest.approx(0.2)
    assert found[DIRECT, "own_touches"] == pytest.approx(0.05)


def test_values_are_the_partners_own_and_the_deals() -> None:
    rows = drivers()[0].rows().set_index(["deal_id", "partner_id", "feature"])["value"]
    assert rows["d1", "B", f"{PUSH}_sum"] == "-300000"
    assert rows["d1", DIRECT, "own_touches"] == "5"
    assert pd.isna(rows["d1", DIRECT, "bias"])


def test_credit_adds_up_to_the_prediction_and_deals_without_partners_are_the_own_teams() -> None:
    made, predicted = drivers()
    credit = made.credit(predicted).set_index(["deal_id", "partner_id"])["credit"]
    np.testing.assert_allclose(credit.groupby("deal_id").sum(), predicted, atol=1e-12)
    assert credit["d2", DIRECT] == pytest.approx(predicted[1])
    assert credit["d1", "A"] > 0 > credit["d1", "B"]


def test_names_and_row_order_change_no_bit() -> None:
    made, predicted = drivers()
    names = {"A": "Z", "B": "Y", DIRECT: DIRECT}
    swapped = MEMBERS.assign(partner_id=MEMBERS["partner_id"].map(names)).iloc[::-1]
    other, again = drivers(BASE.iloc[::-1], swapped)
    straight = made.credit(predicted).assign(partner_id=lambda f: f["partner_id"].map(names))
    keys = ["deal_id", "partner_id"]
    pd.testing.assert_frame_equal(
        straight.sort_values(keys, ignore_index=True),
        other.credit(again).sort_values(keys, ignore_index=True),
        check_exact=True,
    )


def test_extremes_go_to_who_holds_them_and_nothing_known_is_shared_equally() -> None:
    members = MEMBERS.assign(touches=[2, 2], past_win_rate=[np.nan, np.nan], span_days=[1.0, 4.0])
    frame = base_frame(d1=0).assign(touches_max=2, past_win_rate_min=np.nan, span_days_max=4.0)
    parts = pd.DataFrame({"touches_max": [0.6], "past_win_rate_min": [0.2], "span_days_max": [0.3], "bias": [0.0]})
    rows = Drivers(frame, parts, members, np.zeros(2, dtype=np.int64)).rows()
    found = rows.set_index(["feature", "partner_id"])["contribution"]
    assert found["touches_max", "A"] == found["touches_max", "B"] == pytest.approx(0.3)
    assert found["past_win_rate_min", "A"] == pytest.approx(0.1)
    assert found["span_days_max", "B"] == pytest.approx(0.3)
    assert ("span_days_max", "A") not in found.index


def test_parts_of_a_pool_that_cancels_stay_bounded() -> None:
    members = member_frame(("d1", "A", "si", 1), ("d1", "B", "isv", 8))
    rows = drivers(base_frame(d1=0), members.assign(touches=[1, 8]), together=0.0)[0].rows()
    assert rows["contribution"].abs().max() <= 0.8


def test_the_largest_are_kept_by_deal_and_the_rest_is_added_up_by_player() -> None:
    every, largest = drivers()[0].rows(), drivers()[0].rows(2)
    of_deal = every[(every["deal_id"] == "d1") & (every["feature"] != "bias")]
    top = set(of_deal.loc[of_deal["contribution"].abs().nlargest(2).index, "feature"])
    kept = largest[(largest["deal_id"] == "d1") & ~largest["feature"].isin(["bias", "others"])]
    assert set(kept["feature"]) == top
    assert "others" in set(largest["feature"])
    players = ["deal_id", "partner_id"]
    left, right = (rows.groupby(players)["contribution"].sum() for rows in (every, largest))
    pd.testing.assert_series_equal(left, right, rtol=1e-12)
    pd.testing.assert_frame_equal(drivers()[0].rows(100), every, check_exact=True)
