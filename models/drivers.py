"""What drove a prediction: TreeSHAP of the features, handed to the players whose doing each feature is.

This explains; it is no ledger. TreeSHAP knows features, not partners: a pooled feature's contribution is handed to the
members in proportion to their part of the pool, which is exact only where the model is linear in the pool. ``credits``
of the method ``model`` do not rest on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit

from features.registry import COUNT, pools
from features.tables import DIRECT
from models.ledger import sum_by_deal
from models.ordering import text_order
from models.pools import Bools
from models.shapley import Floats, Integers

BIAS: Final = "bias"
LARGEST_PART: Final = 4.0
"""Parts of a pool of mixed signs that nearly cancel would grow without bound; beyond this they go by magnitude."""
OTHERS: Final = "others"
"""Stands for the contributions of a player that are not among a deal's largest."""
DRIVER_COLUMNS: Final = ("deal_id", "partner_id", "feature", "contribution", "value")


class Drivers:
    """Contributions in log-odds of each deal's features, by player.

    Parameters
    ----------
    frame : a row a deal, index from 0, with ``deal_id`` and all features.
    contributions : the same rows; a column a feature, and ``bias``, adding up to the prediction's log-odds.
    members : a row a deal × partner with the member features, the model's own columns included.
    codes : the row in ``frame`` of each member row.
    extra : the model's own member columns, pooled by sum.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        contributions: pd.DataFrame,
        members: pd.DataFrame,
        codes: Integers,
        extra: tuple[str, ...] = (),
    ) -> None:
        self._frame, self._members, self._codes = frame, members, codes
        reducers = pools(members.columns) | {f"{name}_sum": (name, "sum") for name in extra} | {COUNT: (COUNT, "count")}
        self._pooled = {name: reducers[name] for name in contributions.columns if name in reducers}
        self._own = [name for name in contributions.columns if name not in reducers]
        self._names = [str(name) for name in contributions.columns]
        self._contributions = contributions.to_numpy(dtype=np.float64)
        self._partner = self._handed_out()

    def credit(self, predicted: Floats) -> pd.DataFrame:
        """The drivers in probability: ``deal_id``, ``partner_id``, ``credit``, ``total``.

        The way from the bias to the prediction is walked on a straight line: each log-odd is worth the same
        probability. ``__direct__`` has the bias and whatever is not a partner's, so that a deal adds up to its
        prediction (shape (deals,)).
        """
        n_deals = len(self._frame)
        start = self._contributions[:, self._names.index(BIAS)]
        end = np.ascontiguousarray(self._contributions).sum(axis=1)
        way = end - start
        is_short = np.abs(way) < 1e-6
        slope = np.where(
            is_short, predicted * (1 - predicted), (expit(end) - expit(start)) / np.where(is_short, 1, way)
        )
        partner = np.ascontiguousarray(self._partner).sum(axis=1) * slope[self._codes]
        own = predicted - sum_by_deal(self._codes, partner, n_deals)
        rows = self._members[["deal_id", "partner_id"]].assign(credit=partner, total=predicted[self._codes])
        direct = self._frame[["deal_id"]].assign(partner_id=DIRECT, credit=own, total=predicted)
        return pd.concat([rows, direct], ignore_index=True)

    def rows(self, most: int | None = None) -> pd.DataFrame:
        """Contributions but zeros: ``deal_id``, ``partner_id``, ``feature``, ``contribution``, ``value``.

        ``contribution`` is in log-odds; a deal's rows add up to its prediction's log-odds. ``value`` is the feature's
        value as text: a partner's own one for a partner, the deal's for ``__direct__``; null where it is missing. With
        ``most`` (> 0) a deal has its bias, its largest contributions, that many or more where some are equal, and one
        row ``others`` for the rest of each player.
        """
        own = self._own_matrix()
        keeps = (own != 0, self._partner != 0) if most is None else self._largest(own, most)
        columns = [column for column, _ in self._pooled.values()]
        by_deal = _listed(own, keeps[0], self._frame, self._names, self._names).assign(partner_id=DIRECT)
        by_member = _listed(self._partner, keeps[1], self._members, list(self._pooled), columns)
        rows = pd.concat([by_deal, by_member], ignore_index=True)
        ordered: pd.DataFrame = rows.iloc[text_order(rows, ("deal_id", "partner_id", "feature"))]
        return ordered[list(DRIVER_COLUMNS)].reset_index(drop=True)

    def _own_matrix(self) -> Floats:
        """What is not handed out to members, shape (deals, features): pools of deals without members are their own."""
        own, alone = self._contributions.copy(), np.bincount(self._codes, minlength=len(self._frame)) == 0
        for name in self._pooled:
            own[~alone, self._names.index(name)] = 0.0
        return own

    def _largest(self, own: Floats, most: int) -> tuple[Bools, Bools]:
        """Which contributions of deals and of members are the bias or among the ``most`` largest of their deal."""
        bias, n_deals = self._names.index(BIAS), len(own)
        sizes = [np.abs(np.delete(own, bias, axis=1)), np.abs(self._partner)]
        tops = [np.partition(s, -most, axis=1)[:, -most:] if s.shape[1] > most else s for s in sizes]
        owners = [np.repeat(np.arange(n_deals), tops[0].shape[1]), np.repeat(self._codes, tops[1].shape[1])]
        deals, values = np.concatenate(owners), np.concatenate([top.ravel() for top in tops])
        counts = np.bincount(deals, minlength=n_deals)
        last = np.cumsum(counts) - counts + np.minimum(most, counts) - 1
        least = values[np.lexsort((-values, deals))][last] if len(values) else np.zeros(n_deals)
        keeps_own = (np.abs(own) >= least[:, None]) & (own != 0)
        keeps_own[:, bias] = own[:, bias] != 0
        return keeps_own, (sizes[1] >= least[self._codes, None]) & (sizes[1] != 0)

    def _handed_out(self) -> Floats:
        """Contribution of each pooled feature to each member row, shape (members, pooled features)."""
        handed = np.zeros((len(self._members), len(self._pooled)))
        for at, (name, (column, reducer)) in enumerate(self._pooled.items()):
            part = self._parts(column, reducer)
            handed[:, at] = self._contributions[self._codes, self._names.index(name)] * part
        return handed

    def _parts(self, column: str, reducer: str) -> Floats:
        """Each member's part of its deal's pool, adding up to 1 within a deal."""
        n_deals, codes = len(self._frame), self._codes
        equal = 1 / np.bincount(codes, minlength=n_deals)[codes]
        if reducer == "count":
            return equal
        values = self._members[column].to_numpy(dtype=np.float64, na_value=np.nan)
        weights = (
            _sum_weights(values, codes, n_deals) if reducer == "sum" else _extreme(values, codes, n_deals, reducer)
        )
        totals = sum_by_deal(codes, weights, n_deals)[codes]
        return np.where(totals == 0, equal, np.divide(weights, totals, out=np.zeros_like(weights), where=totals != 0))


def _sum_weights(values: Floats, codes: Integers, n_deals: int) -> Floats:
    """What a member brought to a sum; by magnitude in deals whose members nearly cancel."""
    signed = np.nan_to_num(values)
    sums = sum_by_deal(codes, signed, n_deals)
    sizes = sum_by_deal(codes, np.abs(signed), n_deals)
    is_cancelling = np.abs(sums) * LARGEST_PART < sizes
    return np.where(is_cancelling[codes], np.abs(signed), signed)


def _extreme(values: Floats, codes: Integers, n_deals: int, reducer: str) -> Floats:
    """1 for the members that hold the least or greatest value of their deal, else 0."""
    signed = values if reducer == "max" else -values
    best = np.full(n_deals, -np.inf)
    np.fmax.at(best, codes, signed)
    return np.asarray(signed == best[codes], dtype=np.float64)


def _listed(
    contributions: Floats, keeps: Bools, frame: pd.DataFrame, features: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Rows of the contributions to keep, and for each row of ``frame`` one, ``OTHERS``, of the rest.

    ``features`` name the columns of ``contributions``, and ``columns`` those of ``frame`` that hold their values.
    """
    at, row = np.nonzero(keeps.T)
    values = np.full(len(row), None, dtype=object)
    ends = np.searchsorted(at, np.arange(len(features) + 1))
    for begin, end, column in zip(ends, ends[1:], columns, strict=False):
        if column in frame and begin < end:
            values[begin:end] = _as_text(frame[column].iloc[row[begin:end]])
    rest = np.where(keeps, 0.0, contributions).sum(axis=1)
    others = np.flatnonzero(rest)
    ids = frame[[name for name in ("deal_id", "partner_id") if name in frame]]
    listed: pd.DataFrame = ids.iloc[np.concatenate([row, others])].assign(
        feature=np.array([*features, OTHERS], dtype=object)[np.concatenate([at, np.full(len(others), len(features))])],
        contribution=np.concatenate([contributions[row, at], rest[others]]),
        value=np.concatenate([values, np.full(len(others), None, dtype=object)]),
    )
    return listed


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    return values.astype("float64").map("{:.10g}".format, na_action="ignore").astype("str")
