"""Touches as arrays: what the numbers stand for, ties, and deals without touches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from features.tables import DIRECT
from models.journeys import NEVER, Journeys

CLOSE = datetime(2025, 3, 31, tzinfo=UTC)


def journeys_of(rows: list[tuple[str, str, float]], *names: str) -> Journeys:
    """Rows of deal, player, days before the close."""
    touches = pd.DataFrame(rows, columns=["deal_id", "partner_id", "days"]).astype({"days": float})
    touches["occurred_at"] = pd.Timestamp(CLOSE) - pd.to_timedelta(touches["days"], unit="D")
    return Journeys.of(touches, pd.DataFrame({"deal_id": list(names), "closed_at": pd.Timestamp(CLOSE)}))


ROWS = [("d2", "B", 1.0), ("d1", "A", 3.0), ("d1", DIRECT, 9.0), ("d1", "A", 3.0), ("d1", "B", 3.0), ("gone", "C", 1.0)]


def test_touches_stand_in_the_order_of_deals_and_time_with_the_own_team_as_player_0() -> None:
    journeys = journeys_of(ROWS, "d2", "d1")
    assert list(journeys.deal_ids) == ["d1", "d2"]
    assert list(journeys.players) == [DIRECT, "A", "B"]
    assert journeys.deal.tolist() == [0, 0, 0, 0, 1]
    assert journeys.player.tolist()[0] == 0
    assert sorted(journeys.player.tolist()[1:4]) == [1, 1, 2]


def test_touches_of_one_moment_share_its_number() -> None:
    journeys = journeys_of(ROWS, "d1", "d2")
    assert journeys.moment.tolist() == [0, 1, 1, 1, 2]
    assert journeys.first_moments().tolist() == [0, 2]
    assert journeys.last_moments().tolist() == [1, 2]


def test_each_player_of_a_deal_is_one_pair() -> None:
    pairs = journeys_of(ROWS, "d1", "d2").pairs
    assert list(zip(pairs.deal, pairs.player, strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 2)]
    assert pairs.sizes.tolist() == [3, 1]
    assert sorted(pairs.of_touch.tolist()) == [0, 1, 1, 2, 3]


def test_deal_without_touches_has_one_of_the_own_team_at_its_close() -> None:
    journeys = journeys_of([], "d1")
    assert journeys.player.tolist() == [0]
    assert journeys.time.tolist() == [int(CLOSE.timestamp() * 1e6)]


def test_no_deals_make_no_journeys() -> None:
    journeys = journeys_of(ROWS)
    assert journeys.n_deals == 0
    assert len(journeys.pairs.deal) == 0
    assert journeys.by_pair(np.zeros(0)).empty


def test_last_moment_before_a_time_includes_that_time_and_is_missing_before_the_first_touch() -> None:
    journeys = journeys_of(ROWS, "d1", "d2")
    at = [int((CLOSE - timedelta(days=days)).timestamp() * 1e6) for days in (9, 2)]
    assert journeys.moments_before(np.array(at)).tolist() == [0, -1]
    assert journeys.moments_before(np.array([NEVER, NEVER])).tolist() == [-1, -1]


def test_numbers_per_pair_come_back_under_their_names() -> None:
    shares = journeys_of(ROWS, "d1", "d2").by_pair(np.array([0.5, 0.25, 0.25, 1.0]))
    assert shares.to_numpy().tolist() == [
        ["d1", DIRECT, 0.5],
        ["d1", "A", 0.25],
        ["d1", "B", 0.25],
        ["d2", "B", 1.0],
    ]
