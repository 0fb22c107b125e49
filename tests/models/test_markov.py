"""Removal effects against an independent dense solution, by example, and in what must always hold."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models.markov
from features.tables import DIRECT
from models.journeys import Flags, Floats, Journeys
from models.markov import NO_EFFECT, REMOVALS, Removals, markov_split, removals

Path_ = tuple[int, ...]


def journeys_of(paths: Sequence[Path_], n_players: int = 4) -> Journeys:
    """One touch after the other; player 0 is the own team."""
    sizes = np.array([len(path) for path in paths])
    return Journeys.from_codes(
        np.repeat(np.arange(len(paths)), sizes),
        np.array([player for path in paths for player in path], dtype=np.int64),
        np.arange(sizes.sum()),
        np.full(len(paths), 10**9),
        np.array([f"d{i:06}" for i in range(len(paths))], dtype=object),
        np.array([DIRECT, *(f"p{i}" for i in range(1, n_players))], dtype=object),
    )


def effects(paths: Sequence[Path_], won: list[bool], **options: Any) -> list[float]:
    return [float(effect) for effect in removals(journeys_of(paths), np.array(won), **options).effect]


def oracle(paths: list[Path_], weights: list[tuple[float, float]], order: int, removal: str, n_players: int) -> Floats:
    """Effects by dense matrices over named states, each chain built and solved anew without the player."""
    counts: dict[Path_, dict[Any, float]] = defaultdict(lambda: defaultdict(float))
    for path, (won, lost) in zip(paths, weights, strict=True):
        for place, player in enumerate(path):
            counts[path[max(0, place - order) : place]][path[max(0, place + 1 - order) : place + 1]] += won + lost
            del player
        counts[path[-order:]]["won"] += won
        counts[path[-order:]]["lost"] += lost
    base = chance_of_winning(counts)
    found = []
    for player in range(n_players):
        without = {state: dict(row) for state, row in counts.items() if not state or state[-1] != player}
        for row in without.values():
            gone = sum(
                row.pop(target) for target in list(row) if target not in {"won", "lost"} and target[-1] == player
            )
            if removal == "to_null" or not any(row.values()):
                row["lost"] = row.get("lost", 0.0) + gone
        found.append(1 - chance_of_winning(without) / base)
    return np.array(found)


def chance_of_winning(counts: dict[Path_, Any]) -> float:
    ends = {state for state, row in counts.items() if row.get("won", 0) + row.get("lost", 0) > 0}
    while grown := {state for state, row in counts.items() if state not in ends and ends & set(row)}:
        ends |= grown
    states = [state for state in counts if state in ends]
    if () not in ends:
        return 0.0
    chances = np.zeros((len(states), len(states)))
    win = np.zeros(len(states))
    for i, row in enumerate(counts[state] for state in states):
        for target, count in row.items():
            if target == "won":
                win[i] = count / sum(row.values())
            elif target in ends:
                chances[i, states.index(target)] = count / sum(row.values())
    return float(np.linalg.solve(np.eye(len(states)) - chances, win)[states.index(())])


def test_removing_a_player_loses_the_journeys_that_come_to_it() -> None:
    paths, won = [(1, 2), (1,), (2,), (3,)], [True, True, False, True]
    # From the start 1 and 3 and 2: 2/4, 1/4, 1/4; from 1: 1/2 to 2, 1/2 won; from 2: 1/2 won. P(won) is 3/4.
    assert effects(paths, won) == pytest.approx([0, (3 / 4 - 3 / 8) / (3 / 4), (3 / 4 - 1 / 2) / (3 / 4), 1 / 3])


def test_failing_loses_every_won_journey_that_has_the_player() -> None:
    paths, won = [(1, 2), (1,), (2,), (3,)], [True, True, False, True]
    assert effects(paths, won, removal="fail") == pytest.approx([0, 2 / 3, 1 / 3, 1 / 3])


def test_renormalising_lets_journeys_go_elsewhere_and_effects_may_be_negative() -> None:
    paths, won = [(1,), (2,)], [True, False]
    assert effects(paths, won, removal="renormalise") == pytest.approx([0, 1, -1, 0])


def test_renormalised_journeys_that_can_only_go_in_circles_are_lost() -> None:
    paths, won = [(1, 1, 2), (3,)], [True, True]
    assert effects(paths, won, removal="renormalise") == pytest.approx([0, 0, 0.5, 0])


@pytest.mark.parametrize("removal", REMOVALS)
def test_a_company_with_one_player_owes_it_everything(removal: Any) -> None:
    found = removals(journeys_of([(0,), (0, 0), (0,)]), np.array([True, True, False]), removal=removal)
    assert found.effect.tolist() == [1, 0, 0, 0]
    assert found.total_credit.tolist() == [2, 0, 0, 0]
    assert found.journeys.tolist() == [3, 0, 0, 0]


def test_without_lost_deals_an_effect_is_the_share_of_journeys_through_the_player() -> None:
    assert effects([(1,), (2,), (1, 3)], [True, True, True]) == pytest.approx([0, 2 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("removal", REMOVALS)
def test_without_won_deals_nobody_has_an_effect(removal: Any) -> None:
    found = removals(journeys_of([(1,), (2,)]), np.array([False, False]), removal=removal)
    assert found.effect.tolist() == found.total_credit.tolist() == [0, 0, 0, 0]


def test_repeated_touches_change_no_effect_at_order_1() -> None:
    paths, won = [(1, 2), (2, 1), (3,), (2,)], [True, False, True, False]
    repeated = [tuple(np.repeat(path, 3).tolist()) for path in paths]
    assert effects(repeated, won) == pytest.approx(effects(paths, won), abs=1e-11)


def test_a_long_memory_brings_the_effect_to_the_share_of_wins_that_have_the_player() -> None:
    paths, won = [(1, 2), (2, 3), (3, 1)], [True, True, False]
    assert effects(paths, won, order=4) == pytest.approx(effects(paths, won, removal="fail"))


def test_totals_of_removal_effects_add_up_to_the_won_deals_and_count_negative_ones_as_none() -> None:
    found = Removals(np.array([0.5, 0.25, -0.2]), np.ones(3, dtype=np.int64), 6)
    assert found.total_credit.tolist() == [4, 2, 0]


def test_each_deal_is_spread_over_its_own_players_by_their_effects() -> None:
    split = markov_split(journeys_of([(1, 2), (2, 3), (3,)]), np.array([0.0, 0.3, 0.1, -0.5]))
    assert split.share.tolist() == pytest.approx([0.75, 0.25, 1, 0, 1])
    assert split.rule_ids is not None
    assert split.rule_ids.tolist() == [None, None, NO_EFFECT]


def test_what_is_not_known_or_too_large_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no removal 'skip'; choose among to_null, fail, renormalise"):
        effects([(1,)], [True], removal="skip")
    monkeypatch.setattr(models.markov, "MOST_STATES", 2)
    with pytest.raises(ValueError, match=r"has 3 states, more than 2\. Choose a smaller order"):
        effects([(1, 2)], [True])


JOURNEYS = st.lists(
    st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple), st.booleans()), min_size=1, max_size=8
).filter(lambda rows: any(is_won for _, is_won in rows))


@settings(max_examples=40, deadline=None)
@given(JOURNEYS, st.integers(1, 3), st.sampled_from(["to_null", "renormalise"]), st.sampled_from([0, 4000]))
def test_effects_equal_a_dense_solution_of_each_chain(rows: Any, order: int, removal: Any, dense: int) -> None:
    paths, won = [path for path, _ in rows], [is_won for _, is_won in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.markov, "DENSE_STATES", dense)
        found = effects(paths, won, order=order, removal=removal)
    weights = [(float(is_won), float(not is_won)) for is_won in won]
    np.testing.assert_allclose(found, oracle(paths, weights, order, removal, 4), atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(JOURNEYS, st.sampled_from(REMOVALS), st.permutations([1, 2, 3]), st.randoms(use_true_random=False))
def test_neither_names_nor_row_order_nor_unrelated_players_change_an_effect(
    rows: Any, removal: Any, names: list[int], random: Any
) -> None:
    found = effects(*map(list, zip(*rows, strict=True)), removal=removal)
    new = [0, *names]
    renamed = [(tuple(new[player] for player in path), is_won) for path, is_won in random.sample(rows, len(rows))]
    other = effects(*map(list, zip(*renamed, strict=True)), removal=removal)
    assert [other[new[player]] for player in range(4)] == pytest.approx(found, abs=2e-12)
    touched = {player for path, _ in rows for player in path}
    assert all(found[player] == 0 for player in range(4) if player not in touched)
    assert max(found) <= 1


@settings(max_examples=30, deadline=None)
@given(JOURNEYS)
def test_players_who_always_stand_in_for_each_other_have_equal_effects_and_wins_add_up(rows: Any) -> None:
    swapped = [(tuple({1: 2, 2: 1}.get(player, player) for player in path), is_won) for path, is_won in rows]
    paths, won = map(list, zip(*rows, *swapped, strict=True))
    found = removals(journeys_of(paths), np.array(won))
    assert found.effect[1] == pytest.approx(found.effect[2], abs=2e-12)
    assert found.total_credit.sum() == pytest.approx(sum(won), rel=1e-12)
    split = markov_split(journeys_of(paths).only(np.array(won)), found.effect)
    assert split.share.sum() == pytest.approx(sum(won), rel=1e-12)
    assert split.rule_ids is not None
    assert all(name is None for name in split.rule_ids), "each player of a won deal has an effect"


def pathdata(folder: Path) -> tuple[list[str], list[Path_], list[tuple[int, int]]]:
    with (folder / "pathdata" / "Data.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    channels = sorted({channel for row in rows for channel in row["path"].split(" > ")})
    paths = [tuple(channels.index(channel) + 1 for channel in row["path"].split(" > ")) for row in rows]
    return channels, paths, [(int(row["total_conversions"]), int(row["total_null"])) for row in rows]


def expanded(paths: list[Path_], weights: list[tuple[int, int]]) -> tuple[list[Path_], Flags]:
    """One path a journey, and which were won."""
    journeys = [path for path, counts in zip(paths, weights, strict=True) for _ in range(sum(counts))]
    ends = [end for won, lost in weights for end in [True] * won + [False] * lost]
    return journeys, np.array(ends)


@pytest.mark.slow
def test_effects_on_real_paths_equal_a_dense_solution_and_another_library(shared_data: Path) -> None:
    channels, paths, weights = pathdata(shared_data)
    journeys, won = expanded(paths, weights)
    found = removals(journeys_of(journeys, len(channels) + 1), won)
    assert (len(journeys), found.n_won) == (88_387, 19_785)
    ends = [(float(won_), float(lost)) for won_, lost in weights]
    for order in (1, 2):
        effect = removals(journeys_of(journeys, len(channels) + 1), won, order).effect
        expected = oracle(paths, ends, order, "to_null", len(channels) + 1)
        np.testing.assert_allclose(effect, expected, rtol=0, atol=1e-10)
    do_attribution = pytest.importorskip("do_attribution", reason="pip install do-attribution to compare with it")
    names = [" > ".join(channels[player - 1] for player in path) for path in journeys]
    model = do_attribution.MarkovAttribution(order=1, removal_strategy="redirect_to_null")
    fitted = model.fit(names, won.astype(int).tolist())
    theirs = [fitted["removal_effects"][channel] for channel in channels]
    np.testing.assert_allclose(found.effect[1:], theirs, rtol=0, atol=1e-10)
    assert "do_attribution" in sys.modules
