"""Shapley values over paths against every order in which players can join."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.path_shapley
from features.tables import DIRECT
from models.journeys import Journeys
from models.path_shapley import Rates, equal_split, rate_split


def journeys_of(paths: Sequence[tuple[int, ...]], n_players: int) -> Journeys:
    sizes = np.array([len(path) for path in paths])
    return Journeys.from_codes(
        np.repeat(np.arange(len(paths)), sizes),
        np.array([player for path in paths for player in path], dtype=np.int64),
        np.arange(sizes.sum()),
        np.zeros(len(paths), dtype=np.int64),
        np.array([f"d{i}" for i in range(len(paths))], dtype=object),
        np.array([DIRECT, *(f"p{i}" for i in range(1, n_players))], dtype=object),
    )


def by_orders(players: list[int], value: Callable[[frozenset[int]], float]) -> dict[int, float]:
    """The mean gain of each player over all orders of joining."""
    orders = list(permutations(players))
    gains = dict.fromkeys(players, 0.0)
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            gains[player] += (value(before | {player}) - value(before)) / len(orders)
    return gains


def by_subsets(n: int, value: Callable[[frozenset[int]], float]) -> list[float]:
    """The Shapley value from all 2**n coalitions."""
    from math import factorial

    found = []
    for player in range(n):
        gain = 0.0
        for bits in range(1 << n):
            if not bits >> player & 1:
                inside = frozenset(other for other in range(n) if bits >> other & 1)
                weight = factorial(len(inside)) * factorial(n - len(inside) - 1) / factorial(n)
                gain += weight * (value(inside | {player}) - value(inside))
        found.append(gain)
    return found


PATH = st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple)


@settings(max_examples=25, deadline=None)
@given(st.lists(PATH, min_size=1, max_size=6))
def test_the_number_of_won_deals_inside_a_set_has_the_equal_split_as_its_shapley_value(paths: Any) -> None:
    journeys = journeys_of(paths, 5)
    totals = np.bincount(journeys.pairs.player, equal_split(journeys).share, minlength=5)
    sets = [set(path) for path in paths]
    np.testing.assert_allclose(totals, by_subsets(5, lambda s: sum(1.0 for path in sets if path <= s)), atol=1e-12)


def test_the_equal_split_equals_all_coalitions_of_eight_players() -> None:
    paths = [(0, 1, 2), (3,), (4, 5, 6, 7), (0, 7), (2, 2, 5), (1, 3, 5, 7, 0)]
    journeys = journeys_of(paths, 8)
    totals = np.bincount(journeys.pairs.player, equal_split(journeys).share, minlength=8)
    sets = [set(path) for path in paths]
    np.testing.assert_allclose(totals, by_subsets(8, lambda s: sum(1.0 for path in sets if path <= s)), atol=1e-12)


def test_the_equal_split_counts_a_player_once_however_often_it_touched() -> None:
    assert equal_split(journeys_of([(1, 1, 1, 2)], 3)).share.tolist() == [0.5, 0.5]


def rate_shares(rows: Sequence[tuple[tuple[int, ...], bool]], n_players: int = 5) -> list[dict[int, float]]:
    """Shares of the won ones by player."""
    journeys = journeys_of([path for path, _ in rows], n_players)
    won = np.array([is_won for _, is_won in rows])
    chosen = journeys.only(won)
    split = rate_split(chosen, Rates.of(journeys, won))
    found: list[dict[int, float]] = [{} for _ in range(chosen.n_deals)]
    for deal, player, share in zip(chosen.pairs.deal, chosen.pairs.player, split.share, strict=True):
        found[deal][int(player)] = float(share)
    return found


def test_a_rate_game_pays_who_raises_the_rate_and_may_pay_less_than_nothing() -> None:
    # v(A) = 1/2, v(B) = 0, v(AB) = 2/4: A adds 1/2 in both orders, B adds 0 after A and -0 before it.
    assert rate_shares([((1,), True), ((1,), False), ((2,), False), ((1, 2), True)])[1] == pytest.approx({1: 1, 2: 0})
    # v(A) = 1, v(B) = 0, v(AB) = 1/2 with an unwon B: B joins A and the rate falls.
    assert rate_shares([((1,), True), ((2,), False), ((2,), False), ((1, 2), True)])[1] == pytest.approx(
        {1: 1.5, 2: -0.5}
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(PATH, st.booleans()), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_a_rate_game_equals_all_orders_of_joining_and_hangs_on_no_name_and_no_row(rows: Any, random: Any) -> None:
    ends = [(frozenset(path), is_won) for path, is_won in rows]

    def rate(inside: frozenset[int]) -> float:
        closed = [is_won for path, is_won in ends if path <= inside]
        return sum(closed) / len(closed) if closed else 0.0

    found = rate_shares(rows)
    won = [sorted(set(path)) for path, is_won in rows if is_won]
    for players, shares in zip(won, found, strict=True):
        total = rate(frozenset(players))
        assert shares == pytest.approx({p: gain / total for p, gain in by_orders(players, rate).items()}, abs=1e-9)
        assert sum(shares.values()) == pytest.approx(1)
    new = [0, *random.sample([1, 2, 3, 4], 4)]
    renamed = [(tuple(new[player] for player in path), is_won) for path, is_won in rows]
    assert [{new[p]: share for p, share in shares.items()} for shares in found] == rate_shares(renamed)
    swapped = rate_shares(rows[::-1])[::-1]
    assert swapped == found


def test_many_players_in_all_do_not_matter_but_many_on_one_deal_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [((player, player + 1), player % 2 == 0) for player in range(1, 200)]
    assert all(sum(shares.values()) == pytest.approx(1) for shares in rate_shares(rows, 300))
    monkeypatch.setattr(models.path_shapley, "MOST_PLAYERS", 1)
    with pytest.raises(ValueError, match=r"99 won deals have more than 1 players, e\.g\. d1, .*shapley_value to conv"):
        rate_shares(rows, 300)


def test_a_batch_of_any_size_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [((1, 2, 3), True), ((1, 2), True), ((2, 3), False), ((1, 3), True), ((3,), True)]
    found = rate_shares(rows)
    monkeypatch.setattr(models.path_shapley, "MOST_CELLS", 1)
    assert rate_shares(rows) == found
