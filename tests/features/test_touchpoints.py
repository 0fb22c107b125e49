"""Features of touches, on rows that one can count by hand. The oracle checks them all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from features import touchpoints
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs
from features.registry import features

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 1, tzinfo=UTC)
DEAL = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "won", "created_at": DAY0}
CLOSED = DEAL | {"closed_at": DAY0 + timedelta(days=20)}


def touches(*rows: tuple[str | None, float, dict[str, Any]]) -> list[dict[str, Any]]:
    plain = {"deal_id": "d", "kind": "call"}
    return [
        {**plain, "touchpoint_id": str(i), "partner_id": who, "occurred_at": DAY0 + timedelta(days=at), **more}
        for i, (who, at, more) in enumerate(rows)
    ]


def of_actor(made: Inputs, who: str | None = "p") -> dict[str, Any]:
    """The plain features of the touches of partner ``p``, or of another actor."""
    dated = cutoffs(made.deals, made.stage_history, Cutoff())
    known = touchpoints.with_nearness(touchpoints.known_touches(made.touchpoints, dated, made.deals))
    rows = touchpoints.with_gaps(known.filter(known.partner_id.isnull() if who is None else known.partner_id == who))
    plain = [feature for feature in features("member", "touches") if feature.each is None]
    found: dict[str, Any] = rows.aggregate(**{f.name: f.value(rows) for f in plain}).execute().iloc[0].to_dict()
    return found


def test_recency_span_and_gaps_of_four_touches(inputs: Build) -> None:
    rows = touches(("p", 5, {}), ("p", 15, {}), ("p", 7, {}), ("p", 8, {}))
    found = of_actor(inputs({"deals": [CLOSED], "touchpoints": rows}))
    assert found["touches"] == 4
    assert found["days_since_last_touch"] == 5
    assert found["days_to_first_touch"] == 5
    assert found["first_touch_position"] == 0.25
    assert found["span_days"] == 10
    assert found["longest_gap_days"] == 7
    assert found["touches_per_30_days"] == 6_000_000
    assert found["dose"] == 736_403


def test_a_touch_before_the_deal_stands_at_position_zero(inputs: Build) -> None:
    found = of_actor(inputs({"deals": [CLOSED], "touchpoints": touches(("p", -3, {}))}))
    assert found["first_touch_position"] == 0
    assert found["days_to_first_touch"] == -3
    assert pd.isna(found["longest_gap_days"])


def test_a_touch_seven_days_from_the_own_team_is_near_and_one_second_more_is_not(inputs: Build) -> None:
    second = 1 / 86400
    rows = touches((None, 10, {}), ("p", 3, {}), ("p", 17, {}), ("p", 3 - second, {}), ("p", 17 + second, {}))
    found = of_actor(inputs({"deals": [CLOSED], "touchpoints": rows}))
    assert found["touches_near_own_team"] == 2
    assert found["share_near_own_team"] == 0.5


def test_another_partners_touch_is_not_the_own_teams(inputs: Build) -> None:
    rows = touches(("p", 3, {}), ("q", 3, {}))
    assert of_actor(inputs({"deals": [CLOSED], "touchpoints": rows}))["touches_near_own_team"] == 0


def test_length_is_missing_only_when_no_touch_tells_it(inputs: Build) -> None:
    known = touches(("p", 3, {"minutes": 1.5}), ("p", 4, {}), (None, 4, {}))
    made = inputs({"deals": [CLOSED], "touchpoints": known})
    assert of_actor(made)["touch_seconds"] == 90
    assert pd.isna(of_actor(made, None)["touch_seconds"])


def test_contacts_are_counted_once(inputs: Build) -> None:
    rows = touches(("p", 3, {"contact_id": "c"}), ("p", 4, {"contact_id": "c"}), ("p", 5, {}))
    assert of_actor(inputs({"deals": [CLOSED], "touchpoints": rows}))["contacts"] == 1


def test_a_deal_closed_when_created_has_no_position_and_counts_as_a_day(inputs: Build) -> None:
    rows = touches(("p", 0, {}))
    found = of_actor(inputs({"deals": [DEAL | {"closed_at": DAY0}], "touchpoints": rows}))
    assert pd.isna(found["first_touch_position"])
    assert found["touches_per_30_days"] == 30_000_000


@pytest.mark.parametrize(("at", "early"), [(30, 1), (30 + 1 / 86400, 0), (-100, 1)])
def test_a_touch_is_early_up_to_day_thirty(at: float, early: int, inputs: Build) -> None:
    closed = DEAL | {"closed_at": DAY0 + timedelta(days=90)}
    assert of_actor(inputs({"deals": [closed], "touchpoints": touches(("p", at, {}))}))["early_touches"] == early
