"""The value function of credit: what a model predicts for a deal with only some of its partners.

The deal is re-featurised for each coalition: the same pooled features, over the members in it alone. Rows are sorted
before they are pooled and predicted, and pooled sums are whole numbers, so that a value does not depend on which other
deals are in the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from models.pools import Pools, is_time
from models.shapley import Floats, Hashes, Integers

MAX_ROWS: Final = 100_000
"""Most coalitions that are featurised and predicted at once."""
MAX_CELLS: Final = 20_000_000
"""Most cells of the membership matrix of sampled coalitions at once, in bytes."""


class ValueModel(Protocol):
    """What credit needs of an outcome model."""

    extra_columns: tuple[str, ...]

    @property
    def version(self) -> str:
        """Hash of the model's content."""
        ...

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        """``members`` with the model's own columns added."""
        ...

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Win probability of each row of base and pooled features."""
        ...

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Log-odds by feature, and ``bias``, that add up to the prediction's log-odds."""
        ...


@dataclass(frozen=True)
class DealBatch:
    """Deals and their encoded members, both sorted by id, index from 0.

    ``codes``: the row in ``base`` of each member row. ``sizes``: partners of each deal. ``starts``: each deal's first
    member row.
    """

    base: pd.DataFrame
    members: pd.DataFrame
    codes: Integers
    sizes: Integers
    starts: Integers

    @classmethod
    def of(cls, model: ValueModel, base: pd.DataFrame, members: pd.DataFrame) -> DealBatch:
        """The deals of ``base`` with their members, encoded by the model."""
        base = base.sort_values("deal_id", ignore_index=True)
        ours = members[members["deal_id"].isin(base["deal_id"])]
        ours = model.encode(ours.sort_values(["deal_id", "partner_id"], ignore_index=True))
        codes = pd.Index(base["deal_id"]).get_indexer(pd.Index(ours["deal_id"])).astype(np.int64)
        sizes = np.bincount(codes, minlength=len(base)).astype(np.int64)
        return cls(base, ours, codes, sizes, np.cumsum(sizes) - sizes)

    def of_size(self, n: int, at_once: int) -> Iterator[Integers]:
        """Rows of the deals with ``n`` partners, at most ``at_once`` (at least one) at a time."""
        rows = np.flatnonzero(self.sizes == n)
        step = max(1, at_once)
        for start in range(0, len(rows), step):
            yield rows[start : start + step]

    def member_rows(self, deals: Integers) -> Integers:
        """Member rows of deals that have equally many partners, shape (deals, n)."""
        n = int(self.sizes[deals[0]])
        rows: Integers = self.starts[deals][:, None] + np.arange(n)[None, :]
        return rows


class Values:
    """Predictions for coalitions of the deals of a batch."""

    def __init__(self, model: ValueModel, batch: DealBatch, pools: Pools) -> None:
        self._model, self._batch, self._pools = model, batch, pools

    def without_partners(self) -> Floats:
        """v(∅) of every deal, shape (deals,)."""
        pools = self._pools.of_deals(self._batch.base, self._batch.members.iloc[:0])
        return np.asarray(self._model.predict(self._beside(self._batch.base, pools)))

    def with_all(self) -> pd.DataFrame:
        """The frame of every deal with all its partners, in the order of ``base``."""
        return self._beside(self._batch.base, self._pools.of_deals(self._batch.base, self._batch.members))

    def of_all_coalitions(self, deals: Integers) -> Floats:
        """Values of all coalitions but the empty one, of deals with n partners: shape (deals, 2**n - 1)."""
        rows = self._batch.member_rows(deals)
        n_coalitions = (1 << rows.shape[1]) - 1
        pools = self._pools.of_coalitions(self._batch.members.iloc[rows.ravel()])
        return self._predicted(pools, np.repeat(deals, n_coalitions)).reshape(len(deals), n_coalitions)

    def of_memberships(self, deals: Integers, owners: Integers, is_in: npt.NDArray[np.bool_]) -> Floats:
        """Values of coalitions, none of them empty, given as a membership matrix.

        ``deals`` have n partners each; ``owners`` (coalitions,) says whose each coalition is, as a position in
        ``deals``, ascending; ``is_in`` is (coalitions, n). Returns shape (coalitions,).
        """
        coalition, player = np.nonzero(is_in)
        rows = self._batch.member_rows(deals)
        index = pa.table({"coalition": coalition, "row": rows[owners[coalition], player]})
        members = self._batch.members.iloc[rows.ravel()].assign(row=rows.ravel())
        return self._predicted(self._pools.of_listed(members, index), deals[owners])

    def _predicted(self, pools: pd.DataFrame, deals: Integers) -> Floats:
        base = self._batch.base.iloc[deals].reset_index(drop=True)
        return np.asarray(self._model.predict(self._beside(base, pools)))

    def _beside(self, base: pd.DataFrame, pools: pd.DataFrame) -> pd.DataFrame:
        assert (base["deal_id"] == pools["deal_id"]).all()
        fresh = [name for name in pools.columns if name not in base.columns]
        return pd.concat([base, pools[fresh]], axis=1)


def content_hashes(members: pd.DataFrame) -> Hashes:
    """A number for what each member row says of its partner, whoever it is: shape (members,).

    Two partners of one deal with the same features have the same number; ids play no part.
    """
    content = members.drop(columns=["deal_id", "account_id", "partner_id"], errors="ignore")
    content = content[[name for name in sorted(content.columns) if not is_time(content[name])]]
    return np.asarray(pd.util.hash_pandas_object(content, index=False, categorize=False), dtype=np.uint64)
