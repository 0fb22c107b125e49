"""One row a deal: base features with the members' features pooled beside them, as data frames."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.pools import Integers, MemberPool, member_pools


def deal_frame(base: pd.DataFrame, members: pd.DataFrame, extra: tuple[str, ...] = ()) -> pd.DataFrame:
    """``base`` with the pooled features of its ``members`` and the sums of the ``extra`` member columns.

    Same rows, order and index as ``base``, whose ``deal_id`` must be unique; a deal without members has the features'
    declared empty values, and 0 in the extra columns. Members of other deals are left out.
    """
    codes = pd.Index(base["deal_id"]).get_indexer(pd.Index(members["deal_id"])).astype(np.int64)
    order = np.argsort(codes, kind="stable")[int((codes < 0).sum()) :]
    sizes = np.bincount(codes[order], minlength=len(base)).astype(np.int64)
    pooled = pooled_frame(member_pools(members.iloc[order], extra), np.cumsum(sizes) - sizes, sizes)
    fresh = [name for name in pooled.columns if name not in base.columns]
    return pd.concat([base, pooled[fresh].set_index(base.index)], axis=1)


def pooled_frame(pools: list[MemberPool], starts: Integers, sizes: Integers) -> pd.DataFrame:
    """A row a group of consecutive members, a column a pool; sums without a missing value are whole numbers."""
    made = {pool.name: pool.of_groups(starts, sizes) for pool in pools}
    whole = {pool.name for pool in pools if pool.join == "sum" and not np.isnan(made[pool.name]).any()}
    return pd.DataFrame({name: v.astype(np.int64) if name in whole else v for name, v in made.items()})
