"""Members' features pooled in memory: for all coalitions of a deal, for listed ones, and for whole deals.

These are the pools of ``features.frame.pooled``, on arrays. Pools of all coalitions are made by doubling: the
coalitions with player j are those without it, each joined by j's value, so a coalition costs one operation a pool.
Sums are of whole numbers below 2**53, which floats add exactly, so that no order of the rows changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.registry import COUNT, pools

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Joined = Callable[[Floats], Floats]
"""Members' values to the pools of some groups of them."""

_JOIN: Final = {"sum": np.add, "min": np.fmin, "max": np.fmax}


@dataclass(frozen=True)
class MemberPool:
    """One pooled feature: its name, how members' values are joined, and the values (members,), NaN where missing.

    Missing values are passed over. A group without members has the sum 0 and no least or greatest value (NaN); one
    whose members' values are all missing has NaN.
    """

    name: str
    join: Literal["sum", "min", "max"]
    values: Floats

    def of_none(self) -> float:
        """The pool of no members."""
        return 0.0 if self.join == "sum" else np.nan

    def of_subsets(self, rows: Integers) -> Floats:
        """Pools of all 2**n subsets of each row of member positions (deals, n): shape (deals, 2**n), bit j for j."""
        return self._known(self._doubled, self.values[rows])

    def of_memberships(self, rows: Integers, owners: Integers, is_in: Bools) -> Floats:
        """Pools of coalitions (coalitions, n), whose members are those of the row ``owners`` says: (coalitions,)."""

        def joined(values: Floats) -> Floats:
            chosen = np.where(is_in, values[owners], self.of_none())
            return np.asarray(_JOIN[self.join].reduce(chosen, axis=1))

        return self._known(joined, self.values[rows])

    def of_groups(self, starts: Integers, sizes: Integers) -> Floats:
        """Pools of groups of consecutive members, given where each begins and how many it has: shape (groups,)."""

        def joined(values: Floats) -> Floats:
            pooled = np.full(len(sizes), self.of_none())
            pooled[sizes > 0] = _JOIN[self.join].reduceat(values, starts[sizes > 0])
            return pooled

        return self._known(joined, self.values) if len(self.values) else np.full(len(sizes), self.of_none())

    def _known(self, joined: Joined, values: Floats) -> Floats:
        """Pools of the values that are there; a sum of which none is there, although there are members, is NaN."""
        if self.join != "sum":
            return joined(values)
        is_missing = np.isnan(values)
        if not is_missing.any():
            return joined(values)
        made, n_known = joined(np.where(is_missing, 0.0, values)), joined((~is_missing).astype(np.float64))
        n_members = joined(np.ones_like(values))
        return np.where((n_known == 0) & (n_members > 0), np.nan, made)

    def _doubled(self, values: Floats) -> Floats:
        n = values.shape[1]
        made = np.empty((len(values), 1 << n))
        made[:, 0] = self.of_none()
        for player in range(n):
            size = 1 << player
            _JOIN[self.join](made[:, :size], values[:, player, None], out=made[:, size : 2 * size])
        return made


def member_pools(
    members: pd.DataFrame, extra: tuple[str, ...] = (), wanted: tuple[str, ...] | None = None
) -> list[MemberPool]:
    """The pools that the columns of ``members`` give: all, or the ``wanted`` ones among them.

    ``extra`` are a model's own whole-number columns, pooled by sum. Raises ``ValueError`` naming the wanted pools that
    the members do not give.
    """
    made = pools(name for name in members.columns if name not in extra)
    made |= {f"{name}_sum": (name, "sum") for name in extra}
    names = (COUNT, *made) if wanted is None else wanted
    unknown = [name for name in names if name not in made and name != COUNT]
    if unknown:
        raise ValueError(
            f"The members give no {', '.join(unknown)}, which the model was trained on. "
            "Build them from the model's own `spec` with `features.frame`."
        )
    return [_pool(members, name, *made.get(name, (None, "sum"))) for name in names]


def _pool(members: pd.DataFrame, name: str, column: str | None, join: Literal["sum", "min", "max"]) -> MemberPool:
    if column is None:
        return MemberPool(name, join, np.ones(len(members)))
    return MemberPool(name, join, members[column].to_numpy(dtype=np.float64, na_value=np.nan))
