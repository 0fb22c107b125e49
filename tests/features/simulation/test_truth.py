from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.simulation.partners import Partners
from features.simulation.truth import credits_of, full_log_odds, intercept, shapley, sigmoid


def cast(effects: list[float], synergy: np.ndarray | None = None) -> Partners:
    n = len(effects)
    matrix = np.zeros((n, n)) if synergy is None else synergy
    return Partners(pd.DataFrame(index=range(n)), np.array(effects)[:, None], matrix, np.empty((0, 2), dtype=int))


def doses(*rows: tuple[int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["deal", "partner", "dose"])


def by_orders(value: np.ndarray, n: int) -> np.ndarray:
    """Shapley values as the mean over all orders of arrival: slow, and nothing shared with the fast form."""
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        mask = 0
        for player in order:
            total[player] += value[mask | 1 << player] - value[mask]
            mask |= 1 << player
    return total / len(orders)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_shapley_is_the_mean_over_all_orders(n: int, seed: int) -> None:
    value = np.random.default_rng(seed).random((3, 2**n))
    result = shapley(value)
    np.testing.assert_allclose(result, [by_orders(row, n) for row in value], atol=1e-12)
    np.testing.assert_allclose(result.sum(axis=1), value[:, -1] - value[:, 0], atol=1e-12)


def test_a_lone_partner_gets_what_it_adds_to_the_own_team() -> None:
    credit = credits_of(doses((0, 0, 0.5)), np.array([-1.0]), np.array([0]), cast([2.0]))
    assert credit["partner"].tolist() == [-1, 0]
    own, all_in = 1 / (1 + np.exp(1.0)), 0.5
    np.testing.assert_allclose(credit["credit"], [own, all_in - own])


def test_a_deal_without_partners_is_the_own_teams() -> None:
    credit = credits_of(doses((1, 0, 1.0)), np.array([0.0, 0.0]), np.array([0, 0]), cast([1.0]))
    assert credit.loc[credit["deal"] == 0, "credit"].tolist() == [0.5]


def test_a_partner_without_effect_gets_nothing_and_a_harmful_one_less() -> None:
    credit = credits_of(doses((0, 0, 1.0), (0, 1, 1.0)), np.array([0.0]), np.array([0]), cast([0.0, -1.0]))
    assert credit["credit"][1] == 0.0
    assert credit["credit"][2] < 0


def test_a_pair_that_only_works_together_shares_equally_and_is_worth_nothing_apart() -> None:
    together = np.array([[0.0, 1.5], [1.5, 0.0]])
    rows = doses((0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0))
    credit = credits_of(rows, np.zeros(2), np.zeros(2, dtype=int), cast([0.0, 0.0], together))
    expected = (sigmoid(np.array([1.5]))[0] - 0.5) / 2
    assert credit["credit"].tolist() == pytest.approx([0.5, expected, expected, 0.5, 0.0])


def test_credits_add_up_to_the_win_probability() -> None:
    rng = np.random.default_rng(0)
    rows = doses(*[(d, p, float(rng.random())) for d in range(20) for p in range(d % 6)])
    players = cast(list(rng.normal(size=6)), np.zeros((6, 6)))
    base, segment = rng.normal(size=20), np.zeros(20, dtype=int)
    total = credits_of(rows, base, segment, players).groupby("deal")["credit"].sum()
    np.testing.assert_allclose(total, sigmoid(full_log_odds(rows, base, segment, players)), atol=1e-12)


def test_intercept_gives_the_wanted_mean() -> None:
    log_odds = np.array([-1.0, 0.0, 3.0])
    assert sigmoid(log_odds + intercept(log_odds, 0.3)).mean() == pytest.approx(0.3, abs=1e-9)
