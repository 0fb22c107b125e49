"""Rules against plain Python and by example."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import DIRECT
from models.rules import RULES, countable_touches, rule_shares

CLOSE = datetime(2025, 3, 31, tzinfo=UTC)


def days_before(days: float) -> datetime:
    return CLOSE - timedelta(days=days)


def touch_frame(rows: list[tuple[str, str | None, float, float | None]]) -> pd.DataFrame:
    """Rows of deal, partner, days before close at which it occurred, and at which it was recorded."""
    frame = pd.DataFrame(rows, columns=["deal_id", "partner_id", "occurred", "recorded"]).astype(
        {"deal_id": "str", "occurred": float, "recorded": float}
    )
    return frame.assign(
        partner_id=frame["partner_id"].astype("str"),
        occurred_at=pd.Timestamp(CLOSE) - pd.to_timedelta(frame["occurred"], unit="D"),
        recorded_at=pd.Timestamp(CLOSE) - pd.to_timedelta(frame["recorded"], unit="D"),
    )


def deals(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"deal_id": pd.Series(names, dtype="str"), "closed_at": pd.Timestamp(CLOSE)})


def shares(rule: str, rows: list[Any], *names: str, late: Any = "count") -> dict[tuple[str, str], float]:
    closed = deals(*(names or ("d1",)))
    result = rule_shares(rule, countable_touches(touch_frame(rows), closed, late), closed["deal_id"])
    return {(row.deal_id, row.partner_id): row.share for row in result.itertuples()}  # type: ignore[misc]


JOURNEY: list[Any] = [("d1", "A", 30, None), ("d1", None, 20, None), ("d1", "B", 10, None), ("d1", "B", 5, None)]


def test_first_touch_gives_all_to_who_came_first() -> None:
    assert shares("first_touch", JOURNEY) == {("d1", "A"): 1.0}


def test_last_touch_gives_all_to_who_came_last() -> None:
    assert shares("last_touch", JOURNEY) == {("d1", "B"): 1.0}


def test_linear_gives_every_touch_the_same() -> None:
    assert shares("linear", JOURNEY) == {("d1", "A"): 0.25, ("d1", "B"): 0.5, ("d1", DIRECT): 0.25}


def test_players_at_the_same_moment_share_equally_however_many_touches_each_has() -> None:
    rows = [("d1", "A", 5, None), ("d1", "A", 5, None), ("d1", "B", 5, None), ("d1", None, 9, None)]
    assert shares("last_touch", rows) == {("d1", "A"): 0.5, ("d1", "B"): 0.5}


def test_touch_at_the_very_close_counts_and_one_after_it_does_not() -> None:
    rows = [("d1", "A", 3, None), ("d1", "B", 0, None), ("d1", "C", -0.001, None)]
    assert shares("last_touch", rows) == {("d1", "B"): 1.0}


def test_deal_without_touches_belongs_to_the_own_team() -> None:
    for rule in RULES:
        assert shares(rule, JOURNEY, "d2") == {("d2", DIRECT): 1.0}


def test_touch_recorded_after_the_close_counts_or_not_as_asked() -> None:
    rows = [("d1", "A", 3, 3), ("d1", "B", 1, -2)]
    assert shares("last_touch", rows) == {("d1", "B"): 1.0}
    assert shares("last_touch", rows, late="drop") == {("d1", "A"): 1.0}
    assert shares("last_touch", rows[1:], late="drop") == {("d1", DIRECT): 1.0}


def test_touches_without_recording_time_are_kept_when_late_ones_are_dropped() -> None:
    assert shares("last_touch", JOURNEY, late="drop") == shares("last_touch", JOURNEY)


def test_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no rule 'middle'; there are first_touch"):
        shares("middle", JOURNEY)


def by_hand(rule: str, rows: list[Any], names: tuple[str, ...]) -> dict[tuple[str, str], float]:
    result: dict[tuple[str, str], float] = defaultdict(float)
    for name in names:
        mine = [(partner or DIRECT, days) for deal, partner, days, _ in rows if deal == name and days >= 0]
        if not mine:
            result[name, DIRECT] = 1.0
        elif rule == "linear":
            for player, _ in mine:
                result[name, player] += 1 / len(mine)
        else:
            days = [day for _, day in mine]
            moment = max(days) if rule == "first_touch" else min(days)
            winners = {player for player, day in mine if day == moment}
            for player in winners:
                result[name, player] = 1 / len(winners)
    return dict(result)


TOUCH = st.tuples(
    st.sampled_from(["d1", "d2", "d3"]), st.sampled_from([None, "A", "B", "C"]), st.integers(-2, 6), st.none()
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(RULES)), st.lists(TOUCH, max_size=14), st.randoms(use_true_random=False))
def test_rules_equal_plain_python_in_any_row_order(rule: str, rows: list[Any], random: Any) -> None:
    names = ("d1", "d2", "d3")
    expected = by_hand(rule, rows, names)
    result = shares(rule, rows, *names)
    assert result == pytest.approx(expected)
    for name in names:
        assert abs(sum(share for (deal, _), share in result.items() if deal == name) - 1) < 1e-12
    shuffled = random.sample(rows, len(rows))
    assert shares(rule, shuffled, *names) == result
