from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recovery import beats_every_rule, recovery, recovery_text, spearman

pytestmark = pytest.mark.slow

WON = ["d1", "d2"]
TRUTH = pd.DataFrame(
    [
        ("d1", "__direct__", 0.4, 0.5),
        ("d1", "a", 0.3, 0.375),
        ("d1", "b", 0.1, 0.125),
        ("d2", "__direct__", 0.3, 0.75),
        ("d2", "a", 0.1, 0.25),
        ("d3", "__direct__", 0.2, 1.0),
        ("d3", "b", 0.0, 0.0),
    ],
    columns=["deal_id", "partner_id", "credit", "share"],
)


def credited(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    return rows.assign(method=method, target="win", kind="split")


def test_the_truth_itself_scores_one_and_zero() -> None:
    row = recovery(credited(TRUTH, "model"), TRUTH, WON).iloc[0]
    assert row["pairs"] == 3
    assert row["spearman"] == pytest.approx(1.0)
    assert row["partner_spearman"] == pytest.approx(1.0)
    assert row["share_error"] == row["partner_error"] == row["total_bias"] == 0.0


def test_bounds_are_judged_by_how_many_true_credits_they_hold() -> None:
    bounded = credited(TRUTH, "model").assign(credit_lo=TRUTH["credit"] - 0.2, credit_hi=TRUTH["credit"] - 0.05)
    bounded.loc[bounded["deal_id"] == "d1", "credit_hi"] += 0.1
    assert recovery(bounded, TRUTH, WON).iloc[0]["covered"] == 0.5
    assert np.isnan(recovery(credited(TRUTH, "model"), TRUTH, WON).iloc[0]["covered"])


def test_a_rule_that_names_one_partner_is_judged_on_all_of_them() -> None:
    last = pd.DataFrame(
        [("d1", "b", 1.0, 1.0), ("d2", "a", 1.0, 1.0)], columns=["deal_id", "partner_id", "credit", "share"]
    )
    row = recovery(credited(last, "last_touch"), TRUTH, WON).iloc[0]
    assert row["share_error"] == pytest.approx((0.375 + 0.875 + 0.75) / 3)
    assert row["partner_error"] == pytest.approx((abs(1 - 0.625) + abs(1 - 0.125)) / 2)
    assert row["total"] == 2.0
    assert row["total_bias"] == pytest.approx(2.0 / 0.5 - 1)


def test_a_partner_the_truth_does_not_know_counts_as_an_error_for_every_method() -> None:
    guest = pd.DataFrame([("d2", "z", 0.4, 0.4)], columns=["deal_id", "partner_id", "credit", "share"])
    table = recovery(pd.concat([credited(TRUTH, "model"), credited(guest, "linear")]), TRUTH, WON).set_index("method")
    assert table["pairs"].tolist() == [4, 4]
    assert table.loc["model", "share_error"] == 0.0
    assert table.loc["linear", "share_error"] == pytest.approx((0.375 + 0.125 + 0.25 + 0.4) / 4)


def test_credit_of_lost_deals_counts_in_totals_but_not_in_ranks() -> None:
    raised = TRUTH.assign(credit=TRUTH["credit"].mask((TRUTH["deal_id"] == "d3") & (TRUTH["partner_id"] == "b"), 0.5))
    row = recovery(credited(raised, "model"), TRUTH, WON).iloc[0]
    assert row["spearman"] == pytest.approx(1.0)
    assert row["total"] == pytest.approx(1.0)


def test_amounts_and_overlays_are_left_out() -> None:
    money = credited(TRUTH.assign(share=9.0), "model").assign(target="amount")
    overlay = credited(TRUTH.assign(share=9.0), "model").assign(kind="overlay")
    rows = pd.concat([credited(TRUTH, "model"), money, overlay])
    assert recovery(rows, TRUTH, WON)["share_error"].tolist() == [0.0]


def test_credits_of_another_company_are_refused() -> None:
    with pytest.raises(ValueError, match="None of the credited deals is in the truth"):
        recovery(credited(TRUTH.assign(deal_id="other"), "model"), TRUTH, WON)


def test_spearman_averages_ties_and_is_missing_for_a_constant() -> None:
    assert spearman(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.5, 2.5, 9.0])) == pytest.approx(1.0)
    assert math.isnan(spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])))
    assert math.isnan(spearman(np.array([1.0]), np.array([1.0])))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(len(TRUTH))), st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_row_order_changes_nothing(order: list[int], shares: list[float]) -> None:
    rows = credited(TRUTH.assign(share=shares), "model")
    pd.testing.assert_frame_equal(recovery(rows, TRUTH, WON), recovery(rows.iloc[order], TRUTH.iloc[order], WON))


def test_the_text_lists_methods_best_first_and_the_truth_last() -> None:
    worse = TRUTH.assign(share=1 - TRUTH["share"])
    text = recovery_text(recovery(pd.concat([credited(worse, "linear"), credited(TRUTH, "model")]), TRUTH, WON))
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["model", "linear", "truth"]


def test_a_method_beats_the_rules_only_on_both_counts() -> None:
    table = pd.DataFrame(
        {"method": ["model", "linear", "shap"], "spearman": [0.8, 0.3, 0.9], "share_error": [0.1, 0.2, 0.3]}
    )
    assert beats_every_rule(table)
    assert not beats_every_rule(table, "shap")
    assert not beats_every_rule(table.assign(spearman=[math.nan, 0.3, 0.9]))
