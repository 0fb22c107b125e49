"""Credit that people stand behind: of a won deal the model's share of each partner whose help somebody confirmed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.tables import DIRECT
from models.ledger import SMALLEST_TOTAL, sum_by_deal, to_shares

__all__ = ["verified_credit"]

_PLAYER = ["deal_id", "partner_id"]


def verified_credit(wins: pd.DataFrame, deals: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    """Of won deals the model's shares of the partners that people stand behind; the rest goes to ``__direct__``.

    Parameters
    ----------
    wins : what ``models.credit.model_credit`` gives for the deals.
    deals : ``deal_id``, ``outcome``.
    claims : ``deal_id``, ``partner_id``, ``is_backed``: whether a reviewer or the deal's owner confirmed a moment in
        which the partner helped on the deal.

    Returns
    -------
    The columns of ``wins``; ``total`` is 1 for every deal. A negative share that people stand behind stays negative.
    Bounds are those of the model's credit as parts of its total, null where the share does not stay.
    """
    won = deals.loc[deals["outcome"] == "won", "deal_id"]
    rows = wins[wins["deal_id"].isin(won)].reset_index(drop=True)
    total = rows["total"].to_numpy(dtype=np.float64)
    is_own = rows["partner_id"].eq(DIRECT).to_numpy()
    backed = pd.MultiIndex.from_frame(claims.loc[claims["is_backed"].astype(bool), _PLAYER])
    stays = pd.MultiIndex.from_frame(rows[_PLAYER]).isin(backed) & ~is_own & (np.abs(total) >= SMALLEST_TOTAL)
    share = np.where(stays, to_shares(rows["credit"].to_numpy(), total, is_own), 0.0)
    codes, _ = pd.factorize(rows["deal_id"])
    kept = sum_by_deal(codes.astype(np.int64), share, len(won))
    scale = np.divide(1.0, total, out=np.full(len(rows), np.nan), where=stays)
    bounds = {name: rows[name].to_numpy(dtype=np.float64) * scale for name in ("credit_lo", "credit_hi")}
    return rows.assign(credit=np.where(is_own, 1.0 - kept[codes], share), total=1.0, **bounds)
