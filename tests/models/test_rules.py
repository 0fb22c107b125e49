"""Rules against plain Python and by example."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import DIRECT
from models.journeys import NEVER, Journeys
from models.rules import FULL_PATH, RULES, U_SHAPE, W_SHAPE, RuleSettings, countable_touches, rule_split

DAY = 86_400_000_000
TOLD = RuleSettings()


def journeys_of(
    rows: list[tuple[str, str | None, float]],
    *names: str,
    lead: float | None = None,
    opportunity: float | None = None,
) -> Journeys:
    """Rows of deal, partner (None: own team), days before the close; the milestones are those of every deal."""
    deals = list(names or ("d1",))
    mine = [(deal, partner or DIRECT, days) for deal, partner, days in rows if deal in deals]
    players = [DIRECT, *sorted({player for _, player, _ in mine} - {DIRECT})]
    at = {
        name: NEVER if days is None else int(-days * DAY)
        for name, days in (("lead", lead), ("opportunity", opportunity))
    }
    return Journeys.from_codes(
        np.array([deals.index(deal) for deal, _, _ in mine], dtype=np.int64),
        np.array([players.index(player) for _, player, _ in mine], dtype=np.int64),
        np.array([int(-days * DAY) for _, _, days in mine], dtype=np.int64),
        np.zeros(len(deals), dtype=np.int64),
        np.array(deals, dtype=object),
        np.array(players, dtype=object),
        {name: np.full(len(deals), moment) for name, moment in at.items()},
    )


Rows = list[tuple[str, str | None, float]]


def shares(rule: str, rows: Rows, *names: str, told: RuleSettings = TOLD, **milestones: float) -> dict[Any, float]:
    """Shares above 0 by deal and player, by player alone where there is one deal."""
    journeys = journeys_of(rows, *names, **milestones)
    split, pairs = rule_split(rule, journeys, told), journeys.pairs
    found = {
        (journeys.deal_ids[deal], journeys.players[player]): float(share)
        for deal, player, share in zip(pairs.deal, pairs.player, split.share, strict=True)
        if share > 0
    }
    return found if names else {player: share for (_, player), share in found.items()}


def parts(rule: str, rows: Rows, **milestones: float) -> str:
    ids = rule_split(rule, journeys_of(rows, **milestones)).rule_ids
    assert ids is not None
    return str(ids[0])


JOURNEY: Rows = [("d1", "A", 30), ("d1", None, 20), ("d1", "B", 10), ("d1", "B", 5)]


def test_first_touch_gives_all_to_who_came_first() -> None:
    assert shares("first_touch", JOURNEY) == {"A": 1.0}


def test_last_touch_gives_all_to_who_came_last() -> None:
    assert shares("last_touch", JOURNEY) == {"B": 1.0}


def test_linear_gives_every_touch_the_same() -> None:
    assert shares("linear", JOURNEY) == {"A": 0.25, "B": 0.5, DIRECT: 0.25}


def test_players_at_the_same_moment_share_equally_however_many_touches_each_has() -> None:
    rows: Rows = [("d1", "A", 5), ("d1", "A", 5), ("d1", "B", 5), ("d1", None, 9)]
    assert shares("last_touch", rows) == {"A": 0.5, "B": 0.5}


def test_touch_at_the_very_close_counts_and_one_after_it_does_not() -> None:
    close = pd.Timestamp("2025-03-31", tz="UTC")
    deals = pd.DataFrame({"deal_id": ["d1"], "closed_at": close})
    late = [close, close + pd.Timedelta(1, "us"), close]
    touches = pd.DataFrame({"deal_id": ["d1", "d1", "d2"], "partner_id": [None, "B", "C"], "occurred_at": late})
    assert countable_touches(touches, deals)["partner_id"].tolist() == [DIRECT]


@pytest.mark.parametrize("rule", RULES)
def test_deal_without_touches_belongs_to_the_own_team(rule: str) -> None:
    assert shares(rule, JOURNEY, "d2") == {("d2", DIRECT): 1.0}


@pytest.mark.parametrize("rule", RULES)
def test_one_touch_takes_everything(rule: str) -> None:
    assert shares(rule, [("d1", "A", 5)], lead=7, opportunity=3) == {"A": 1.0}


@pytest.mark.parametrize("rule", RULES)
def test_no_deals_have_no_shares(rule: str) -> None:
    nothing, nobody = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    journeys = Journeys.from_codes(nothing, nothing, nothing, nothing, nobody, np.array([DIRECT], dtype=object))
    assert len(rule_split(rule, journeys, RuleSettings(last_touch_scope="partner")).share) == 0


def test_last_non_direct_touch_passes_over_the_own_team() -> None:
    told = RuleSettings(last_touch_scope="partner")
    assert shares("last_touch", [*JOURNEY, ("d1", None, 1)], told=told) == {"B": 1.0}
    assert shares("last_touch", [*JOURNEY, ("d1", None, 5)], told=told) == {"B": 1.0}
    assert shares("last_touch", [("d1", None, 9), ("d1", None, 1)], told=told) == {DIRECT: 1.0}


def test_time_decay_halves_a_touch_for_every_half_life() -> None:
    rows: Rows = [("d1", "A", 25), ("d1", "B", 15), ("d1", None, 5)]
    found = shares("time_decay", rows, told=RuleSettings(half_life_days=10))
    assert found == pytest.approx({"A": 1 / 7, "B": 2 / 7, DIRECT: 4 / 7})


def test_time_decay_of_touches_a_thousand_half_lives_before_the_close_still_adds_up() -> None:
    rows: Rows = [("d1", "A", 5001), ("d1", "B", 5000)]
    assert shares("time_decay", rows, told=RuleSettings(half_life_days=1)) == pytest.approx({"A": 1 / 3, "B": 2 / 3})


def test_u_shape_gives_40_to_first_and_last_and_20_to_all_between() -> None:
    assert shares("u_shape", JOURNEY) == pytest.approx({"A": 0.4, DIRECT: 0.1, "B": 0.5})
    assert parts("u_shape", JOURNEY) == "first+last+middle"


def test_u_shape_of_two_touches_has_no_middle_and_says_so() -> None:
    rows: Rows = [("d1", "A", 9), ("d1", "B", 1)]
    assert shares("u_shape", rows) == {"A": 0.5, "B": 0.5}
    assert parts("u_shape", rows) == "first+last"


def test_w_shape_gives_30_to_the_touches_that_led_to_the_milestones() -> None:
    found = shares("w_shape", JOURNEY, lead=20, opportunity=8)
    assert found == pytest.approx({"A": 0.3, DIRECT: 0.3, "B": 0.3 + 0.1})
    assert parts("w_shape", JOURNEY, lead=20, opportunity=8) == "first+lead+opportunity+middle"


def test_w_shape_without_a_lead_divides_its_weight_in_proportion_and_says_so() -> None:
    found = shares("w_shape", JOURNEY, opportunity=20)
    assert found == pytest.approx({"A": 3 / 7, DIRECT: 3 / 7, "B": 1 / 7})
    assert parts("w_shape", JOURNEY, opportunity=20) == "first+opportunity+middle"


def test_w_shape_without_any_milestone_is_first_touch_and_the_rest_never_an_equal_split() -> None:
    assert shares("w_shape", JOURNEY) == pytest.approx({"A": 0.75, DIRECT: 0.25 / 3, "B": 0.5 / 3})
    assert parts("w_shape", JOURNEY) == "first+middle"


def test_milestone_that_precedes_every_touch_counts_as_missing() -> None:
    assert parts("w_shape", JOURNEY, lead=31, opportunity=30) == "first+opportunity+middle"


def test_milestones_on_one_moment_add_their_weights_up() -> None:
    found = shares("w_shape", JOURNEY, lead=25, opportunity=22)
    assert found == pytest.approx({"A": 0.9, DIRECT: 0.1 / 3, "B": 0.2 / 3})


def test_full_path_gives_22_and_a_half_to_each_of_four_and_10_to_all_others() -> None:
    found = shares("full_path", JOURNEY, lead=20, opportunity=15)
    assert found == pytest.approx({"A": 0.225, DIRECT: 0.45, "B": 0.225 + 0.1})
    assert parts("full_path", JOURNEY, lead=20, opportunity=15) == "first+lead+opportunity+last+middle"


def test_full_path_without_milestones_is_first_last_and_middle() -> None:
    assert shares("full_path", JOURNEY) == pytest.approx({"A": 22.5 / 55, "B": 27.5 / 55, DIRECT: 5 / 55})
    assert parts("full_path", JOURNEY) == "first+last+middle"


def test_players_who_share_a_milestones_moment_share_its_weight() -> None:
    rows: Rows = [("d1", "A", 9), ("d1", "B", 9), ("d1", "B", 9), ("d1", "C", 1)]
    assert shares("u_shape", rows) == pytest.approx({"A": 0.25, "B": 0.25, "C": 0.5})


def test_any_rule_can_be_told_weights_of_its_own_for_any_part() -> None:
    told = RuleSettings(u_shape={"first": 1, "lead": 3})
    assert shares("u_shape", JOURNEY, told=told, lead=12) == pytest.approx({"A": 0.25, DIRECT: 0.75})


def test_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no rule 'middle'; there are first_touch"):
        rule_split("middle", journeys_of(JOURNEY))


WEIGHTS = {"u_shape": U_SHAPE, "w_shape": W_SHAPE, "full_path": FULL_PATH}


def by_hand(rule: str, mine: list[tuple[str, float]], milestones: dict[str, float | None]) -> dict[str, float]:
    """One deal by loops over players and days before the close."""
    if not mine:
        return {DIRECT: 1.0}
    if rule in {"linear", "time_decay"}:
        weights: dict[str, float] = defaultdict(float)
        for player, day in mine:
            weights[player] += 1.0 if rule == "linear" else 2 ** (-(day - min(d for _, d in mine)) / 30)
        return {player: weight / sum(weights.values()) for player, weight in weights.items()}
    days = [day for _, day in mine]
    at: dict[str, float] = {"first": max(days), "last": min(days)}
    for name, moment in milestones.items():
        if moment is not None and any(day >= moment for day in days):
            at[name] = min(day for day in days if day >= moment)
    part_weights: Any = {"first_touch": {"first": 1}, "last_touch": {"last": 1}} | WEIGHTS
    asked = part_weights[rule]
    taken = {at[name] for name in asked if name in at}
    middle = [player for player, day in mine if day not in taken]
    given: dict[str, float] = defaultdict(float)
    for name, weight in asked.items():
        if name in at:
            players = {player for player, day in mine if day == at[name]}
            for player in players:
                given[player] += weight / len(players)
        for player in middle if name == "middle" else []:
            given[player] += weight / len(middle)
    return {player: weight / sum(given.values()) for player, weight in given.items()}


DEALS = ("d1", "d2", "d3")
TOUCH = st.tuples(st.sampled_from(DEALS), st.sampled_from([None, "A", "B", "C"]), st.integers(0, 6))
MOMENT = st.none() | st.integers(-1, 8)


@settings(max_examples=70, deadline=None)
@given(st.sampled_from(sorted(RULES)), st.lists(TOUCH, max_size=14), MOMENT, MOMENT, st.randoms(use_true_random=False))
def test_rules_equal_plain_python_in_any_row_order_and_under_any_names(
    rule: str, rows: Any, lead: Any, opportunity: Any, random: Any
) -> None:
    milestones = {"lead": lead, "opportunity": opportunity}
    result = shares(rule, rows, *DEALS, **milestones)
    for name in DEALS:
        mine = [(partner or DIRECT, day) for deal, partner, day in rows if deal == name]
        found = {player: share for (deal, player), share in result.items() if deal == name}
        assert found == pytest.approx(by_hand(rule, mine, milestones))
        assert abs(sum(found.values()) - 1) < 1e-12
    assert shares(rule, random.sample(rows, len(rows)), *DEALS, **milestones) == result
    names = {"A": "Z", "B": "A", "C": "M", None: None}
    renamed = [(deal, names[partner], day) for deal, partner, day in rows]
    expected = {(deal, names.get(player, player)): share for (deal, player), share in result.items()}
    assert shares(rule, renamed, *DEALS, **milestones) == expected
