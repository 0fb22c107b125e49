"""Pools on arrays against the same pools as Ibis expressions on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import numpy as np
import pandas as pd
import pytest

from features.coalitions import coalition_members
from features.frame import join_base, pooled
from models.pooling import deal_frame
from models.pools import member_pools

EXTRA = ("push_millionths",)


@pytest.fixture(scope="module")
def engine() -> Iterator[ibis.BaseBackend]:
    backend = ibis.duckdb.connect()
    yield backend
    backend.disconnect()


def members(n_deals: int = 40, seed: int = 0) -> pd.DataFrame:
    """Sorted members of deals with 0 to 4 partners; lengths of touches and past win rates are missing for some."""
    dice = np.random.default_rng(seed)
    rows = [(f"d{deal:02}", f"p{p}") for deal in range(n_deals) for p in range(dice.integers(0, 5))]
    n = len(rows)
    return pd.DataFrame(rows, columns=["deal_id", "partner_id"]).assign(
        account_id="a",
        touches=dice.integers(1, 9, n),
        touch_seconds=np.where(dice.random(n) < 0.6, np.nan, dice.integers(0, 10**6, n)),
        past_win_rate=np.where(dice.random(n) < 0.5, np.nan, dice.random(n)),
        push_millionths=dice.integers(-(10**7), 10**7, n),
    )


def of_all_subsets(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a deal and coalition but the empty one, by doubling, sorted by both."""
    sizes, parts = frame.groupby("deal_id").size(), []
    pools = member_pools(frame, EXTRA)
    for deal, n in sizes.items():
        rows = np.flatnonzero(frame["deal_id"] == deal)[None, :]
        made = {pool.name: pool.of_subsets(rows)[0, 1:] for pool in pools}
        parts.append(pd.DataFrame({"deal_id": deal, "coalition": np.arange(1, 1 << int(n)), **made}))
    return pd.concat(parts, ignore_index=True)


def test_pools_of_all_coalitions_are_those_of_the_features(engine: ibis.BaseBackend) -> None:
    frame = members()
    listed = coalition_members(ibis.memtable(frame), 4)
    expected = engine.execute(pooled(listed, by=("deal_id", "coalition"), extra=EXTRA))
    expected = expected.sort_values(["deal_id", "coalition"], ignore_index=True)
    made = of_all_subsets(frame)
    assert {"touches_sum", "touches_max", "touch_seconds_sum", "past_win_rate_min", "partners"} < set(made)
    pd.testing.assert_frame_equal(made, expected[made.columns], check_dtype=False, check_exact=True)


def test_pools_of_listed_coalitions_are_those_among_all() -> None:
    frame = members()
    full = frame.groupby("deal_id").filter(lambda rows: len(rows) == 3)
    rows = full.index.to_numpy().reshape(-1, 3)
    dice = np.random.default_rng(1)
    owners = dice.integers(0, len(rows), 50)
    is_in = dice.random((50, 3)) < 0.5
    for pool in member_pools(frame, EXTRA):
        every = pool.of_subsets(rows)[owners, is_in @ np.array([1, 2, 4])]
        np.testing.assert_array_equal(pool.of_memberships(rows, owners, is_in), every)


def test_pools_of_deals_are_those_of_the_features(engine: ibis.BaseBackend) -> None:
    frame = members()
    base = pd.DataFrame({"deal_id": [f"d{deal:02}" for deal in reversed(range(40))]}, index=range(100, 140))
    joined = join_base(ibis.memtable(base), pooled(ibis.memtable(frame), extra=EXTRA))
    expected = engine.execute(joined).set_index("deal_id").loc[base["deal_id"]]
    made = deal_frame(base, frame.sample(frac=1, random_state=0), EXTRA)
    assert made.index.equals(base.index)
    pd.testing.assert_frame_equal(
        made.set_index("deal_id"), expected[made.columns[1:]], check_dtype=False, check_exact=True
    )


def test_a_pool_that_the_members_do_not_give_is_named() -> None:
    with pytest.raises(ValueError, match="give no dose_sum, which the model was trained on"):
        member_pools(members(), EXTRA, ("touches_sum", "dose_sum"))
