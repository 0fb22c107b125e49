"""Cutoffs: which deals have one, where it lies, and what was known then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.cutoff import Cutoff, cutoffs, known_at
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 1, 12, tzinfo=UTC)


def day(n: float) -> datetime:
    return DAY0 + timedelta(days=n)


def deal(deal_id: str, closed: float | None, outcome: str = "won", created: float = 0) -> dict[str, Any]:
    closed_at = None if closed is None else day(closed)
    keys = {"deal_id": deal_id, "account_id": "a", "deal_type": "new", "outcome": outcome}
    return {**keys, "created_at": day(created), "closed_at": closed_at}


def touch(touchpoint_id: str, occurred: float, recorded: float | None) -> dict[str, Any]:
    recorded_at = None if recorded is None else day(recorded)
    keys = {"touchpoint_id": touchpoint_id, "deal_id": "d", "kind": "call"}
    return {**keys, "occurred_at": day(occurred), "recorded_at": recorded_at}


def found(made: Inputs, cutoff: Cutoff) -> dict[str, float]:
    frame = cutoffs(made.deals, made.stage_history, cutoff).execute()
    return {row.deal_id: (row.cutoff_at - DAY0) / timedelta(days=1) for row in frame.itertuples()}


def test_open_deals_have_no_cutoff(inputs: Build) -> None:
    made = inputs({"deals": [deal("won", 10), deal("lost", 4, "lost"), deal("open", None, "open")]})
    assert found(made, Cutoff()) == {"won": 10, "lost": 4}


def test_days_before_close_leaves_out_deals_that_did_not_exist_yet(inputs: Build) -> None:
    made = inputs({"deals": [deal("long", 10), deal("exact", 4.5), deal("short", 4.4)]})
    assert found(made, Cutoff("days_before_close", days=4.5)) == {"long": 5.5, "exact": 0}


def test_a_landmark_age_leaves_out_deals_that_did_not_reach_it(inputs: Build) -> None:
    made = inputs({"deals": [deal("long", 10, created=1), deal("exact", 5), deal("short", 4.9)]})
    assert found(made, Cutoff("age_days", days=5)) == {"long": 6, "exact": 5}


def test_stage_entry_is_the_first_entry_and_never_after_close(inputs: Build) -> None:
    entries = [("d1", "Demo", 6), ("d1", "Demo", 3), ("d1", "Offer", 1), ("d2", "Demo", 9), ("d3", "Offer", 1)]
    history = [{"deal_id": d, "stage": stage, "entered_at": day(n)} for d, stage, n in entries]
    made = inputs({"deals": [deal("d1", 10), deal("d2", 8), deal("d3", 8)], "stage_history": history})
    assert found(made, Cutoff("stage_entry", stage="Demo")) == {"d1": 3}


def test_what_happened_or_was_recorded_after_the_cutoff_was_not_known(inputs: Build) -> None:
    touches = [
        touch("at the cutoff", 5, None),
        touch("recorded at the cutoff", 2, 5),
        touch("recorded late", 2, 5.001),
        touch("after", 5.001, None),
        touch("recorded ahead", 6, 4),
    ]
    made = inputs({"deals": [deal("d", 5)], "touchpoints": touches})
    known = known_at(made.touchpoints, cutoffs(made.deals, made.stage_history, Cutoff())).execute()
    assert set(known["touchpoint_id"]) == {"at the cutoff", "recorded at the cutoff"}


def test_a_cutoff_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="'at_open'; it must be one of at_close"):
        Cutoff("at_open")
    with pytest.raises(ValueError, match="age_days needs days, a number from 0 to a million, but days is None"):
        Cutoff("age_days")
    with pytest.raises(ValueError, match="days is -1"):
        Cutoff("days_before_close", days=-1)
    with pytest.raises(ValueError, match="days is nan"):
        Cutoff("age_days", days=float("nan"))
    with pytest.raises(ValueError, match="stage_entry needs stage"):
        Cutoff("stage_entry")


def test_a_cutoff_survives_json_and_knows_whether_it_is_a_landmark() -> None:
    cutoff = Cutoff("age_days", days=30)
    assert Cutoff.from_dict(cutoff.to_dict()) == cutoff
    assert cutoff.is_landmark
    assert not Cutoff().is_landmark
