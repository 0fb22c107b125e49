"""Coalitions: a deal with some of its partners is the deal whose other partners did nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd
import pytest

from features.coalitions import coalition_members, players
from features.cutoff import Cutoff
from features.frame import FrameSpec, members, pooled
from features.inputs import Inputs

Tables = dict[str, list[dict[str, Any]]]
Build = Callable[[Tables], Inputs]

SPEC = FrameSpec(Cutoff(), ("Call", "Demo"), ("isv", "si"), ())


def drawn(inputs: Build, tables: Tables) -> pd.DataFrame:
    """The members of a drawn company at close."""
    frame: pd.DataFrame = members(inputs(tables), SPEC).execute()
    return frame


def by_deal(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("deal_id", ignore_index=True)


@pytest.mark.slow
def test_every_coalition_is_listed_once_and_larger_deals_left_out(
    inputs: Build, company: Callable[[int], Tables]
) -> None:
    frame = drawn(inputs, company(8))
    sizes = frame.groupby("deal_id").size()
    listed = coalition_members(ibis.memtable(frame), 3).execute()
    assert set(listed["deal_id"]) == set(sizes.index[sizes <= 3])
    assert len(sizes) > len(set(listed["deal_id"])) > 2
    for deal_id, rows in listed.groupby("deal_id"):
        names = sorted(frame.loc[frame["deal_id"] == deal_id, "partner_id"])
        found = rows.groupby("coalition")["partner_id"].apply(lambda column: tuple(sorted(column))).to_dict()
        places = {mask: tuple(n for i, n in enumerate(names) if mask >> i & 1) for mask in range(1, 2 ** len(names))}
        assert found == places


def test_the_coalition_of_all_is_the_deal(inputs: Build, company: Callable[[int], Tables]) -> None:
    frame = ibis.memtable(drawn(inputs, company(6)))
    every = pooled(coalition_members(frame, 10), ("deal_id", "coalition")).execute()
    largest = every.loc[every.groupby("deal_id")["coalition"].idxmax()].drop(columns="coalition")
    pd.testing.assert_frame_equal(
        by_deal(largest), by_deal(pooled(frame).execute()), check_exact=True, check_dtype=False
    )


@pytest.mark.slow
def test_a_coalition_is_the_deal_with_the_other_partners_touches_removed(
    inputs: Build, company: Callable[[int], Tables]
) -> None:
    tables = company(8)
    listed = coalition_members(ibis.memtable(drawn(inputs, tables)), 10)
    pools = pooled(listed, ("deal_id", "coalition")).execute()
    deal_id, full = max(zip(pools["deal_id"], pools["coalition"], strict=True), key=lambda pair: pair[1])
    chosen = listed.filter(listed.deal_id == deal_id, listed.coalition == full - 1).execute()
    inside = set(chosen["partner_id"])
    assert 1 < len(inside) < len(set(drawn(inputs, tables).query("deal_id == @deal_id")["partner_id"]))
    kept = [t for t in tables["touchpoints"] if t["deal_id"] != deal_id or t["partner_id"] in {None, *inside}]
    alone = pooled(ibis.memtable(drawn(inputs, tables | {"touchpoints": kept}))).execute()
    found = pools[(pools["deal_id"] == deal_id) & (pools["coalition"] == full - 1)].drop(columns="coalition")
    expected = alone[alone["deal_id"] == deal_id]
    assert len(found) == len(expected) == 1
    assert found.iloc[0].dropna().to_dict() == expected.iloc[0].dropna().to_dict()


def test_deals_without_partners_have_no_rows(inputs: Build, company: Callable[[int], Tables]) -> None:
    nobody = company(6) | {"touchpoints": []}
    assert players(inputs(nobody)).count().execute() == 0
    empty = drawn(inputs, company(6)).iloc[:0]
    assert coalition_members(ibis.memtable(empty), 3).count().execute() == 0


def test_more_partners_than_can_be_listed_are_refused() -> None:
    table = ibis.table({"deal_id": "string", "partner_id": "string"}, name="members")
    with pytest.raises(ValueError, match="max_players is 21"):
        coalition_members(table, 21)
