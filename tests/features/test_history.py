"""Records at the cutoff: strictly earlier, never the deal itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from features import history
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 1, tzinfo=UTC)


def deal(deal_id: str, closed: int, outcome: str, account: str = "a", owner: str | None = "o") -> dict[str, Any]:
    keys = {"deal_id": deal_id, "account_id": account, "owner_id": owner, "deal_type": "new", "outcome": outcome}
    return {**keys, "created_at": DAY0, "closed_at": DAY0 + timedelta(days=closed)}


def touch(deal_id: str, recorded: int | None = None, at: int = 1) -> dict[str, Any]:
    keys = {"touchpoint_id": f"t {deal_id} {at}", "deal_id": deal_id, "partner_id": "p", "kind": "call"}
    recorded_at = None if recorded is None else DAY0 + timedelta(days=recorded)
    return {**keys, "occurred_at": DAY0 + timedelta(days=at), "recorded_at": recorded_at}


def partner_record(made: Inputs, deal_id: str) -> dict[str, Any]:
    """The record of partner ``p`` at the close of a deal."""
    deals = made.deals.mutate(cutoff_at=made.deals.closed_at)
    asked = deals.select("deal_id", "account_id", "cutoff_at", partner_id=ibis.literal("p"))
    record = history.partner_history(history.participations(made.deals, made.touchpoints), asked)
    row = record.inner_join(history.overall_history(history.closings(made.deals), deals), "deal_id")
    return one(row.mutate(past_win_rate=history.past_win_rate(row)), deal_id)


def deal_record(made: Inputs, deal_id: str) -> dict[str, Any]:
    """The records of account and owner at the close of a deal."""
    row = history.deal_history(history.closings(made.deals), made.deals.mutate(cutoff_at=made.deals.closed_at))
    made_of = (history.overall_win_rate, history.account_past_win_rate, history.owner_past_win_rate)
    return one(row.mutate(**{function.__name__: function(row) for function in made_of}), deal_id)


def one(rows: ir.Table, deal_id: str) -> dict[str, Any]:
    found: dict[str, Any] = rows.filter(rows.deal_id == deal_id).execute().iloc[0].to_dict()
    return found


def test_only_deals_closed_strictly_before_count(inputs: Build) -> None:
    deals = [deal("before", 9, "won"), deal("same day", 10, "won"), deal("now", 10, "lost"), deal("later", 11, "won")]
    made = inputs({"deals": deals, "touchpoints": [touch(row["deal_id"]) for row in deals]})
    found = partner_record(made, "now")
    assert (found["past_deals"], found["past_deals_at_account"]) == (1, 1)
    assert deal_record(made, "now")["account_past_deals"] == 1


def test_the_win_rate_is_shrunk_towards_the_overall_one(inputs: Build) -> None:
    deals = [deal("w", 1, "won"), deal("x", 2, "won", account="b"), deal("l", 3, "lost"), deal("now", 10, "lost")]
    made = inputs({"deals": deals, "touchpoints": [touch("w"), touch("now")]})
    overall = 2 / 3
    assert partner_record(made, "now")["past_win_rate"] == pytest.approx((1 + 10 * overall) / 11)
    found = deal_record(made, "now")
    assert found["overall_win_rate"] == overall
    assert found["account_past_win_rate"] == pytest.approx((1 + 10 * overall) / 12)


def test_a_part_in_a_deal_that_was_recorded_later_is_not_on_record(inputs: Build) -> None:
    deals = [deal("early", 5, "won"), deal("now", 10, "lost")]
    late = inputs({"deals": deals, "touchpoints": [touch("early", recorded=10), touch("now")]})
    assert partner_record(late, "now")["past_deals"] == 0
    also_timely = [touch("early", recorded=10), touch("early", recorded=9, at=2), touch("now")]
    assert partner_record(inputs({"deals": deals, "touchpoints": also_timely}), "now")["past_deals"] == 1


def test_a_touch_after_close_is_no_part_in_the_deal(inputs: Build) -> None:
    deals = [deal("early", 5, "won"), deal("now", 10, "lost")]
    made = inputs({"deals": deals, "touchpoints": [touch("early", at=6), touch("now")]})
    assert partner_record(made, "now")["past_deals"] == 0


def test_deals_without_an_owner_share_no_record(inputs: Build) -> None:
    deals = [deal("first", 5, "won", owner=None), deal("now", 10, "lost", owner=None)]
    found = deal_record(inputs({"deals": deals}), "now")
    assert pd.isna(found["owner_past_deals"])
    assert pd.isna(found["owner_past_win_rate"])


def test_the_first_deal_has_no_win_rate(inputs: Build) -> None:
    found = deal_record(inputs({"deals": [deal("now", 10, "lost")]}), "now")
    assert found["account_past_deals"] == 0
    assert pd.isna(found["overall_win_rate"])
    assert pd.isna(found["account_past_win_rate"])


def test_running_totals_by_day_are_those_in_one_go(inputs: Build, company: Callable[[int], dict[str, Any]]) -> None:
    made = inputs(company(3))
    closed = history.closings(made.deals)
    asked = made.deals.filter(made.deals.closed_at.notnull()).mutate(
        cutoff_at=made.deals.closed_at, partner_id=ibis.null("string")
    )
    for keys in ((), ("account_id",), ("owner_id",)):
        in_one_go, by_day = (
            history.past_record(closed, asked.filter(asked.owner_id.notnull()), keys, by_day=choice)
            .execute()
            .sort_values("deal_id", ignore_index=True)
            for choice in (False, True)
        )
        assert in_one_go["past_deals"].max() > 1
        pd.testing.assert_frame_equal(by_day, in_one_go, check_exact=True)
