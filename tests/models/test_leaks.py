from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.leaks import suspected_leaks

RNG = np.random.default_rng(5)


def suspects(base: pd.DataFrame, won: pd.Series) -> set[tuple[str, str, str]]:
    return {(leak.column, leak.test, leak.remedy) for leak in suspected_leaks(base, won.to_numpy(dtype=float))}


@pytest.fixture(scope="module")
def deals(deals_of: Callable[..., Any]) -> Any:
    return deals_of(800, seed=11)


def test_honest_columns_are_not_suspected(deals: Any) -> None:
    assert suspects(deals.base, deals.won) == set()


def test_a_value_that_only_won_deals_have_is_dropped(deals: Any) -> None:
    base = deals.base.assign(x_close_value=np.where(deals.won == 1, deals.base["amount"], 0.0))
    found = suspects(base, deals.won)
    assert ("x_close_value", "one_outcome_only", "drop") in found
    assert ("x_close_value", "single_column_auc", "drop") in found
    assert {column for column, _, _ in found} == {"x_close_value"}


def test_a_reason_that_only_lost_deals_have_is_dropped(deals: Any) -> None:
    lost = (deals.won == 0) & (RNG.random(800) < 0.5)
    base = deals.base.assign(x_loss_reason=pd.Series("price", index=lost.index).where(lost))
    assert {(c, r) for c, _, r in suspects(base, deals.won)} == {("x_loss_reason", "drop")}


def test_closed_by_partner_is_named_with_the_number_that_made_it_suspicious(deals: Any) -> None:
    by_partner = np.where(deals.won == 1, RNG.random(800) < 0.8, RNG.random(800) < 0.02)
    base = deals.base.assign(x_closed_by_partner=by_partner)
    (leak,) = suspected_leaks(base, deals.won.to_numpy(dtype=float))
    assert leak.column == "x_closed_by_partner"
    assert leak.value > leak.threshold
    assert f"{leak.value:.3f}" in leak.sentence


def test_a_column_far_above_all_others_together_is_suspected(deals: Any) -> None:
    rng = np.random.default_rng(9)
    noise, score = rng.normal(0, 1, 800), deals.won + rng.normal(0, 0.7, 800)
    base = deals.base.assign(x_size=noise, amount=np.exp(noise), x_score=score, segment="a")
    assert ("x_score", "far_above_others", "drop") in suspects(base, deals.won)


def test_an_amount_that_is_precise_in_won_deals_is_coarsened(deals: Any) -> None:
    precise = np.where(deals.won == 1, RNG.random(800) < 0.7, RNG.random(800) < 0.2)
    rounded = np.round(deals.base["amount"], -3).clip(lower=1000)
    base = deals.base.assign(amount=np.where(precise, rounded + 137.5, rounded))
    assert ("amount", "precision", "coarsen") in suspects(base, deals.won)


def test_dates_after_the_cutoff_are_dropped(deals: Any) -> None:
    later = (deals.base["cutoff_at"] + pd.Timedelta(days=3)).dt.strftime("%Y-%m-%d")
    earlier = (deals.base["cutoff_at"] - pd.Timedelta(days=300)).dt.strftime("%Y-%m-%d")
    found = suspects(deals.base.assign(x_signed_on=later, x_met_on=earlier), deals.won)
    assert found == {("x_signed_on", "late_date", "drop")}


def test_the_order_of_rows_changes_nothing(deals: Any) -> None:
    base = deals.base.assign(x_close_value=np.where(deals.won == 1, 5.0, 0.0), won=deals.won)
    shuffled = base.sample(frac=1, random_state=1)
    first = suspected_leaks(base.drop(columns="won"), base["won"].to_numpy(dtype=float))
    assert suspected_leaks(shuffled.drop(columns="won"), shuffled["won"].to_numpy(dtype=float)) == first


def test_too_few_deals_of_one_outcome_raise_no_suspicion(deals: Any) -> None:
    few = deals.base.head(40).assign(x_close_value=1.0)
    assert suspected_leaks(few, np.r_[np.ones(5), np.zeros(35)]) == []


def test_the_deals_of_one_account_raise_no_suspicion(deals: Any) -> None:
    assert suspects(deals.base.assign(account_id="A"), deals.won) == set()


def test_amounts_that_only_won_deals_have_are_suspected_however_precise(deals: Any) -> None:
    amount = pd.Series(np.where(RNG.random(800) < 0.5, 12_000.0, 12_345.0), index=deals.base.index)
    found = suspects(deals.base.assign(amount=amount.where(deals.won == 1)), deals.won)
    assert ("amount", "one_outcome_only", "drop") in found
