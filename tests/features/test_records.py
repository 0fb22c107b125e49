"""Features of some deals, made from their own rows and past records, are those made from all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from features.cutoff import Cutoff
from features.frame import FrameSpec, base, members
from features.history import participations
from features.inputs import Inputs
from features.records import past_records

pytestmark = pytest.mark.slow

Tables = dict[str, list[dict[str, Any]]]
Build = Callable[[Tables], Inputs]
CUTOFFS = {"at_close": Cutoff(), "age": Cutoff("age_days", days=10)}


def of_deals(frame: pd.DataFrame, deals: list[str]) -> pd.DataFrame:
    keys = [name for name in ("deal_id", "partner_id") if name in frame]
    return frame[frame["deal_id"].isin(deals)].sort_values(keys, ignore_index=True)


CASES = [(cutoff, which) for cutoff in CUTOFFS for which in ("latest", "every third", "all")]
FAST = ("at_close", "every third")


@pytest.mark.parametrize(
    ("cutoff", "which"), [FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES if case != FAST)]
)
def test_features_of_some_deals_are_those_among_all(
    inputs: Build, company: Callable[[int], Tables], cutoff: str, which: str
) -> None:
    tables = company(7)
    made = inputs(tables)
    closed = sorted((d for d in tables["deals"] if d["closed_at"] is not None), key=lambda deal: deal["closed_at"])
    chosen = {"latest": closed[-3:], "every third": closed[::3], "all": closed}[which]
    deals = [deal["deal_id"] for deal in chosen]
    spec = FrameSpec(CUTOFFS[cutoff], ("Call", "call!", "Demo"), ("isv", "si", "msp"), ("segment", "x_score"))
    wanted = made.deals.filter(made.deals.deal_id.isin(deals)).select("deal_id")
    joined = participations(made.deals, made.touchpoints)
    records, some = past_records(made, joined, spec.cutoff, wanted), made.of_deals(wanted)
    for frame in (base, members):
        expected = of_deals(frame(made, spec).execute(), deals)
        found = of_deals(frame(some, spec, records).execute(), deals)
        pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)
        assert len(found) or cutoff == "age"
