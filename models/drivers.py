"""What drove a prediction: TreeSHAP of the features, handed to the players whose doing each feature is.

This explains; it is no ledger. TreeSHAP knows features, not partners: a pooled feature's contribution is handed to the
members in proportion to their part of the pool, which is exact only where the model is linear in the pool. ``credits``
of the method ``model`` do not rest on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit

from features.registry import COUNT, pools
from features.tables import DIRECT
from models.ledger import sum_by_deal
from models.shapley import Floats, Integers

BIAS: Final = "bias"
LARGEST_PART: Final = 4.0
"""Parts of a pool of mixed signs that nearly cancel would grow without bound; beyond this they go by magnitude."""
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

    def rows(self) -> pd.DataFrame:
        """All contributions but zeros: ``deal_id``, ``partner_id``, ``feature``, ``contribution``, ``value``.

        ``contribution`` is in log-odds; a deal's rows add up to its prediction's log-odds. ``value`` is the feature's
        value as text: a partner's own one for a partner, the deal's for ``__direct__``; null where it is missing.
        """
        alone = np.bincount(self._codes, minlength=len(self._frame)) == 0
        parts = []
        for at, name in enumerate(self._names):
            contribution = self._contributions[:, at]
            if name in self._pooled:
                column = list(self._pooled).index(name)
                parts.append(self._member_part(name, self._partner[:, column]))
                contribution = np.where(alone, contribution, 0.0)
            values = self._frame[name] if name in self._frame.columns else None
            parts.append(_part(self._frame["deal_id"], DIRECT, name, contribution, values))
        rows = pd.concat(parts, ignore_index=True)
        return rows.sort_values(["deal_id", "partner_id", "feature"], ignore_index=True)[list(DRIVER_COLUMNS)]

    def _member_part(self, name: str, contribution: Floats) -> pd.DataFrame:
        column = self._pooled[name][0]
        values = self._members[column] if column in self._members.columns else None
        return _part(self._members["deal_id"], self._members["partner_id"], name, contribution, values)

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


def _part(
    deals: pd.Series, players: pd.Series | str, feature: str, contribution: Floats, values: pd.Series | None
) -> pd.DataFrame:
    frame = pd.DataFrame({"deal_id": deals, "partner_id": players, "feature": feature, "contribution": contribution})
    frame = frame.assign(value=None if values is None else _as_text(values))
    return frame[frame["contribution"] != 0]


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    return values.astype("float64").map("{:.10g}".format, na_action="ignore").astype("str")
