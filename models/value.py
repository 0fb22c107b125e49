"""The value function of credit: what a model predicts for a deal with only some of its partners.

The deal is re-featurised for each coalition: the same pooled features, over the members in it alone. What no coalition
changes is worked out once for each deal, where the model can (``PreparedModel``). Pooled sums are whole numbers, so
that a value does not depend on which other deals are in the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.registry import MEMBER_KEYS
from models.adjustment import Adjustment
from models.pooling import pooled_frame
from models.pools import member_pools
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


class PreparedModel(Protocol):
    """A model with the base rows of some deals at hand: what no coalition changes has been worked out."""

    pools: tuple[str, ...] | None
    """Pooled columns that it reads, no others being made; None means all."""

    def predict(self, deals: Integers, pools: Mapping[str, Floats]) -> Floats:
        """Win probability (rows,) of the deals (positions in the base rows) with the pools (rows,) of a coalition."""
        ...


@runtime_checkable
class PreparableModel(Protocol):
    """A model that can be prepared for the deals of a base frame."""

    def prepared(self, base: pd.DataFrame) -> PreparedModel:
        """The model with the base rows at hand."""
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
    """Predictions for coalitions of the deals of a ``batch``."""

    def __init__(self, model: ValueModel, batch: DealBatch) -> None:
        self._model, self.batch = model, batch
        self._ready = model.prepared(batch.base) if isinstance(model, PreparableModel) else _ByFrame(model, batch.base)
        self._pools = member_pools(batch.members, model.extra_columns, self._ready.pools)
        self.adjustment = Adjustment.of(model, batch.members)

    def without_partners(self, deals: Integers) -> Floats:
        """v(∅) of deals, shape (deals,)."""
        return self._ready.predict(deals, {pool.name: np.full(len(deals), pool.of_none()) for pool in self._pools})

    def of_all_partners(self) -> Floats:
        """Predictions of all deals with all their partners, shape (deals,), in the order of ``base``."""
        pools = {pool.name: pool.of_groups(self.batch.starts, self.batch.sizes) for pool in self._pools}
        return self._ready.predict(np.arange(len(self.batch.base)), pools)

    def with_all(self) -> pd.DataFrame:
        """The frame of every deal with all its partners and all pools, in the order of ``base``."""
        batch = self.batch
        pools = member_pools(batch.members, self._model.extra_columns)
        return _beside(batch.base, pooled_frame(pools, batch.starts, batch.sizes))

    def of_all_coalitions(self, deals: Integers) -> Floats:
        """Values of all coalitions of deals with n partners: shape (deals, 2**n), bit j for member j."""
        rows = self.batch.member_rows(deals)
        shape = (len(deals), 1 << rows.shape[1])
        pools = {pool.name: pool.of_subsets(rows).ravel() for pool in self._pools}
        return self._ready.predict(np.repeat(deals, shape[1]), pools).reshape(shape)

    def of_memberships(self, deals: Integers, owners: Integers, is_in: npt.NDArray[np.bool_]) -> Floats:
        """Values of coalitions given as a membership matrix.

        ``deals`` have n partners each; ``owners`` (coalitions,) says whose each coalition is, as a position in
        ``deals``; ``is_in`` is (coalitions, n). Returns shape (coalitions,).
        """
        rows = self.batch.member_rows(deals)
        pools = {pool.name: pool.of_memberships(rows, owners, is_in) for pool in self._pools}
        return self._ready.predict(deals[owners], pools)


class _ByFrame:
    """Any model as a prepared one: it is asked with whole frames."""

    pools = None

    def __init__(self, model: ValueModel, base: pd.DataFrame) -> None:
        self._model, self._base = model, base

    def predict(self, deals: Integers, pools: Mapping[str, Floats]) -> Floats:
        frame = _beside(self._base.iloc[deals].reset_index(drop=True), pd.DataFrame(dict(pools)))
        return np.asarray(self._model.predict(frame))


def _beside(base: pd.DataFrame, pools: pd.DataFrame) -> pd.DataFrame:
    fresh = [name for name in pools.columns if name not in base.columns]
    return pd.concat([base, pools[fresh]], axis=1)


def content_hashes(members: pd.DataFrame) -> Hashes:
    """A number for what each member row says of its partner, whoever it is: shape (members,).

    Two partners of one deal with the same features have the same number; ids play no part.
    """
    named = [name for name in sorted(members.columns) if name not in MEMBER_KEYS]
    content = members[[name for name in named if not pd.api.types.is_datetime64_any_dtype(members[name])]]
    return np.asarray(pd.util.hash_pandas_object(content, index=False, categorize=False), dtype=np.uint64)
