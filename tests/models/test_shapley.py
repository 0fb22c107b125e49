"""Shapley values against the definition, and the axioms."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.shapley import (
    Floats,
    Sampled,
    coalition_weights,
    equal_for_twins,
    exact_shapley,
    sampled_orders,
    sampled_shapley,
)

PROBABILITY = st.floats(0, 1, allow_subnormal=False)


def games(n: int, n_games: int = 3) -> st.SearchStrategy[Floats]:
    return hnp.arrays(np.float64, (n_games, 2**n), elements=PROBABILITY)


def by_definition(values: Floats) -> Floats:
    """The mean gain over all orders in which the players may come."""
    n = int(np.log2(values.shape[1]))
    credit = np.zeros((len(values), n))
    orders = list(permutations(range(n)))
    for order in orders:
        present = 0
        for player in order:
            credit[:, player] += values[:, present | 1 << player] - values[:, present]
            present |= 1 << player
    return credit / len(orders)


def renamed(values: Floats, order: list[int]) -> Floats:
    """The same games with new player k standing for old player order[k]."""
    columns = [sum(1 << order[k] for k in range(len(order)) if s >> k & 1) for s in range(values.shape[1])]
    return values[:, columns]


def along_orders(values: Floats, orders: np.ndarray) -> Floats:
    present = np.concatenate([np.zeros((*orders.shape[:2], 1), int), np.cumsum(1 << orders, axis=2)], axis=2)
    return np.asarray(values[np.arange(len(values))[:, None, None], present])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_exact_value_equals_the_mean_over_all_orders(n: int) -> None:
    values = np.random.default_rng(n).random((4, 2**n))
    np.testing.assert_allclose(exact_shapley(values), by_definition(values), atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(games(4))
def test_credits_add_up_to_what_all_gain_together(values: Floats) -> None:
    np.testing.assert_allclose(exact_shapley(values).sum(axis=1), values[:, -1] - values[:, 0], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(games(3), games(3), st.floats(-5, 5))
def test_credit_of_a_mixture_is_the_mixture_of_credits(one: Floats, other: Floats, weight: float) -> None:
    mixed = exact_shapley(one + weight * other)
    np.testing.assert_allclose(mixed, exact_shapley(one) + weight * exact_shapley(other), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(games(3))
def test_player_who_changes_nothing_gets_exactly_nothing(values: Floats) -> None:
    with_dummy = np.concatenate([values, values], axis=1)
    credit = exact_shapley(with_dummy)
    assert (credit[:, 3] == 0).all()
    np.testing.assert_allclose(credit[:, :3], exact_shapley(values), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(games(4), st.permutations(range(4)))
def test_renaming_players_changes_no_bit(values: Floats, order: list[int]) -> None:
    assert (exact_shapley(renamed(values, order)) == exact_shapley(values)[:, order]).all()


def test_equal_players_get_equal_credit() -> None:
    sizes = np.array([s.bit_count() for s in range(16)])
    credit = exact_shapley((sizes**2 / 16)[None, :])
    assert (credit == credit[0, 0]).all()
    assert credit[0, 0] == pytest.approx(0.25)


def test_harmful_player_gets_negative_credit() -> None:
    credit = exact_shapley(np.array([[0.5, 0.9, 0.2, 0.6]]))
    np.testing.assert_allclose(credit, [[0.4, -0.3]])


def test_a_game_is_the_same_to_the_bit_alone_and_in_a_batch() -> None:
    values = np.random.default_rng(0).random((257, 2**8))
    batch = exact_shapley(values)
    for size in (1, 2, 100):
        parts = [exact_shapley(values[at : at + size]) for at in range(0, len(values), size)]
        assert (batch == np.concatenate(parts)).all()


def test_game_without_players_has_no_credit() -> None:
    assert exact_shapley(np.ones((3, 1))).shape == (3, 0)


def test_values_that_are_no_power_of_two_are_refused() -> None:
    with pytest.raises(ValueError, match="have 6 columns"):
        exact_shapley(np.ones((1, 6)))


def test_weights_of_the_coalitions_without_a_player_add_up_to_one() -> None:
    without_first = np.arange(2**10)[::2]
    assert coalition_weights(10)[without_first].sum() == pytest.approx(1, abs=1e-12)


def test_sampled_orders_hang_on_content_and_seed_but_not_on_position() -> None:
    hashes = np.array([11, 12, 13], dtype=np.uint64)
    orders = sampled_orders(hashes, 6, 40, seed=3)
    assert (orders[::-1] == sampled_orders(hashes[::-1], 6, 40, seed=3)).all()
    assert not (orders == sampled_orders(hashes, 6, 40, seed=4)).all()
    assert (orders[:, 20:] == orders[:, :20, ::-1]).all()
    assert (np.sort(orders, axis=2) == np.arange(6)).all()


def test_sampled_orders_favour_nobody() -> None:
    first = sampled_orders(np.arange(2000, dtype=np.uint64), 5, 2, seed=0)[:, 0, 0]
    counts = np.bincount(first, minlength=5)
    assert (np.abs(counts - 400) < 4 * np.sqrt(400 * 0.8)).all()


def test_sampled_credit_adds_up_exactly_and_its_bound_holds() -> None:
    values = np.random.default_rng(5).random((200, 2**7))
    orders = sampled_orders(np.arange(200, dtype=np.uint64), 7, 512, seed=1)
    sampled = sampled_shapley(along_orders(values, orders), orders)
    np.testing.assert_allclose(sampled.credit.sum(axis=1), values[:, -1] - values[:, 0], atol=1e-12)
    is_inside = np.abs(sampled.credit - exact_shapley(values)) <= sampled.error
    assert 0.975 < is_inside.mean() <= 1


def test_more_samples_bring_a_smaller_bound() -> None:
    values = np.random.default_rng(5).random((50, 2**6))
    hashes = np.arange(50, dtype=np.uint64)
    few, many = (sampled_orders(hashes, 6, m, seed=1) for m in (32, 1024))
    ratio = (
        sampled_shapley(along_orders(values, few), few).error / sampled_shapley(along_orders(values, many), many).error
    )
    assert 4 < np.median(ratio) < 8


def test_a_single_pair_of_orders_has_no_finite_bound() -> None:
    orders = sampled_orders(np.array([1], dtype=np.uint64), 3, 2, seed=0)
    assert np.isinf(sampled_shapley(np.zeros((1, 2, 4)), orders).error).all()


def test_players_of_equal_content_get_their_mean() -> None:
    sampled = Sampled(np.array([[0.1, 0.4, 0.3]]), np.array([[0.01, 0.01, 0.03]]))
    equal = equal_for_twins(sampled, np.array([[7, 9, 7]], dtype=np.uint64))
    np.testing.assert_allclose(equal.credit, [[0.2, 0.4, 0.2]])
    np.testing.assert_allclose(equal.error, [[0.02, 0.01, 0.02]])
