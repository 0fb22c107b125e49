"""Transitions of journeys, simultaneous touches in every order, against plain Python."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.transitions
from features.tables import DIRECT
from models.journeys import Journeys
from models.transitions import transitions

Moments = list[tuple[int, ...]]
"""A journey as its moments in order, each with the players (0 is the own team) that touched it."""


def journeys_of(deals: list[Moments], n_players: int = 4) -> Journeys:
    rows = [(d, p, t) for d, moments in enumerate(deals) for t, players in enumerate(moments) for p in players]
    codes = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Journeys.from_codes(
        codes[:, 0],
        codes[:, 1],
        codes[:, 2],
        np.full(len(deals), 99),
        np.array([f"d{i:02}" for i in range(len(deals))], dtype=object),
        np.array([DIRECT, *"ABCDEFG"[: n_players - 1]], dtype=object),
    )


def counted(deals: list[Moments], won: list[bool], order: int) -> dict[tuple[Any, Any], float]:
    """Every transition by its latest players, with ``won`` or ``lost`` as an end, as ``transitions`` counts it."""
    seen = transitions(journeys_of(deals), np.array(won), order)
    found: dict[tuple[Any, Any], float] = defaultdict(float)
    for source, target, count in zip(seen.source, seen.target, seen.count, strict=True):
        found[int(seen.player[source]), int(seen.player[target])] += count
    for end, ends in (("won", seen.won), ("lost", seen.lost)):
        for state in np.flatnonzero(ends):
            found[int(seen.player[state]), end] += ends[state]
    return dict(found)


def by_hand(deals: list[Moments], won: list[bool], order: int) -> dict[tuple[Any, ...], float]:
    """(state, what follows) to its count, where a state is the latest players, over all orders of each moment."""
    found: dict[tuple[Any, ...], float] = defaultdict(float)
    for moments, is_won in zip(deals, won, strict=True):
        ways = list(product(*(list(permutations(players)) for players in moments or [(0,)])))
        for way in ways:
            path = [player for players in way for player in players]
            for place, following in enumerate([*path, "won" if is_won else "lost"]):
                found[tuple(path[max(0, place - order) : place]), following] += 1 / len(ways)
    return dict(found)


def test_touches_follow_one_another_from_the_start_to_the_end() -> None:
    assert counted([[(1,), (2,), (2,)], [(1,)]], [True, False], 1) == {
        (-1, 1): 2,
        (1, 2): 1,
        (2, 2): 1,
        (2, "won"): 1,
        (1, "lost"): 1,
    }


def test_simultaneous_touches_count_half_in_each_order() -> None:
    assert counted([[(1, 2), (3,)]], [True], 1) == {
        (-1, 1): 0.5,
        (-1, 2): 0.5,
        (1, 2): 0.5,
        (2, 1): 0.5,
        (1, 3): 0.5,
        (2, 3): 0.5,
        (3, "won"): 1,
    }


def test_simultaneous_touches_of_one_player_are_like_touches_in_a_row() -> None:
    assert counted([[(1, 1, 1)]], [True], 1) == {(-1, 1): 1, (1, 1): 2, (1, "won"): 1}


def test_states_of_order_2_remember_two_touches_and_only_those_that_occur_are_kept() -> None:
    seen = transitions(journeys_of([[(1,), (2,), (1,)]]), np.array([True]), 2)
    assert seen.player.tolist() == [-1, 1, 2, 1]
    assert seen.leaving.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("order", [0, 40])
def test_an_order_that_cannot_be_counted_is_refused(order: int) -> None:
    with pytest.raises(ValueError, match=f"Markov order of {order} cannot be counted with 4 players"):
        transitions(journeys_of([[(1,)]]), np.array([True]), order)


MOMENTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(MOMENTS, st.booleans()), min_size=1, max_size=4), st.integers(1, 3), st.sampled_from([0, 2**22])
)
def test_transitions_equal_plain_python_over_all_orders_of_each_moment(deals: Any, order: int, dense: int) -> None:
    moments, won = [list(m) for m, _ in deals], [w for _, w in deals]
    expected = by_hand(moments, won, order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.transitions, "DENSE_KEYS", dense)
        patch.setattr(models.transitions, "MOST_ROWS", 5)
        seen = transitions(journeys_of(moments), np.array(won), order)
    states = sorted(
        {state for state, _ in expected}, key=lambda state: sum((p + 1) * 5**i for i, p in enumerate(state[::-1]))
    )
    assert seen.player.tolist() == [state[-1] if state else -1 for state in states]
    for source, target, count in zip(seen.source, seen.target, seen.count, strict=True):
        following = states[target][-1]
        assert (*states[source], following)[-order:] == states[target]
        assert count == pytest.approx(expected.pop((states[source], following)))
    for end, ends in (("won", seen.won), ("lost", seen.lost)):
        for state in np.flatnonzero(ends):
            assert ends[state] == pytest.approx(expected.pop((states[state], end)))
    assert expected == {}
