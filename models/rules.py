"""Rules of thumb that divide a won deal by its touches: first touch, last touch, linear.

The vendor's own team is one more player (``__direct__``). A rule gives each player of a deal a weight; the weights
are made to add up to 1 here, once, so that a further rule is one function and one entry in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import pandas as pd

from features.tables import DIRECT

Rule = Callable[[pd.DataFrame], pd.DataFrame]
"""Touches as ``countable_touches`` gives them to ``deal_id``, ``partner_id``, ``weight`` >= 0."""

RULES_VERSION: Final = "rules-1"
"""Changes when a rule's result changes, so that deals are scored anew."""

PLAYER: Final = ["deal_id", "partner_id"]


def first_touch(touches: pd.DataFrame) -> pd.DataFrame:
    """Everything to the player who came first; players with a touch at that same moment share equally."""
    return _at_moment(touches, "min")


def last_touch(touches: pd.DataFrame) -> pd.DataFrame:
    """Everything to the player who came last; players with a touch at that same moment share equally."""
    return _at_moment(touches, "max")


def linear(touches: pd.DataFrame) -> pd.DataFrame:
    """The same part for every touch."""
    return touches.groupby(PLAYER, sort=True).size().rename("weight").reset_index()


RULES: Final[dict[str, Rule]] = {"first_touch": first_touch, "last_touch": last_touch, "linear": linear}


def countable_touches(
    touches: pd.DataFrame, deals: pd.DataFrame, late_entries: Literal["count", "drop"] = "count"
) -> pd.DataFrame:
    """The touches that rules may count, with the deal's ``closed_at`` and own-team touches under ``__direct__``.

    Parameters
    ----------
    touches : ``deal_id``, ``partner_id`` (null for the vendor's own team), ``occurred_at``, ``recorded_at`` (UTC).
    deals : ``deal_id``, ``closed_at`` (UTC); touches of other deals are left out.
    late_entries : ``drop`` leaves out what was entered into the system after the deal had closed.

    Returns
    -------
    Touches at or before the deal's close (inclusive).
    """
    joined = touches.merge(deals[["deal_id", "closed_at"]], on="deal_id", how="inner")
    is_counted = joined["occurred_at"] <= joined["closed_at"]
    if late_entries == "drop":
        is_counted &= ~(joined["recorded_at"] > joined["closed_at"])
    counted = joined[is_counted]
    return counted.assign(partner_id=counted["partner_id"].fillna(DIRECT))


def rule_shares(name: str, touches: pd.DataFrame, deal_ids: pd.Series) -> pd.DataFrame:
    """Shares of won deals by one rule.

    Parameters
    ----------
    name : a key of ``RULES``.
    touches : as ``countable_touches`` gives them.
    deal_ids : the won deals; one without a touch belongs to ``__direct__``.

    Returns
    -------
    ``deal_id``, ``partner_id``, ``share`` > 0, adding up to 1 within each deal; sorted by deal and player.

    Raises
    ------
    ValueError
        When there is no such rule.
    """
    if name not in RULES:
        raise ValueError(f"There is no rule {name!r}; there are {', '.join(RULES)}.")
    weights = RULES[name](touches[touches["deal_id"].isin(deal_ids)])
    weights = weights[weights["weight"] > 0]
    untouched = pd.DataFrame({"deal_id": deal_ids[~deal_ids.isin(weights["deal_id"])]})
    weights = pd.concat([weights, untouched.assign(partner_id=DIRECT, weight=1)], ignore_index=True)
    totals = weights.groupby("deal_id")["weight"].transform("sum")
    shares = weights.assign(share=np.asarray(weights["weight"] / totals, dtype=np.float64))
    return shares[[*PLAYER, "share"]].sort_values(PLAYER, ignore_index=True)


def _at_moment(touches: pd.DataFrame, which: Literal["min", "max"]) -> pd.DataFrame:
    moment = touches.groupby("deal_id")["occurred_at"].transform(which)
    players = touches.loc[touches["occurred_at"] == moment, PLAYER].drop_duplicates()
    return players.assign(weight=1).sort_values(PLAYER, ignore_index=True)
