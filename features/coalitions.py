"""Coalitions: a deal with only some of its partners, as rows of members."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.history import participations
from features.inputs import Inputs

COALITION: Final = "coalition"
"""Whole number whose bit ``i`` says whether the deal's member ``i`` (from 0, in the order of ``partner_id``) is in."""


def coalition_members(members: ir.Table, max_players: int) -> ir.Table:
    """The members of every coalition of every deal: ``coalition`` and the columns of ``members``.

    One row per deal, coalition and partner in it, so the empty coalition (0) has none. Deals with more than
    ``max_players`` (1..20) members are left out. Raises ``ValueError`` for another ``max_players``.
    """
    if not 1 <= max_players <= 20:
        raise ValueError(f"max_players is {max_players}; all coalitions can be listed for 1 to 20 partners.")
    by_deal = ibis.window(group_by=[members.deal_id])
    numbered = members.mutate(
        _place=ibis.row_number().over(ibis.window(group_by=[members.deal_id], order_by=[members.partner_id])),
        _size=members.count().over(by_deal),
    )
    within = numbered.filter(numbered["_size"] <= max_players)
    one = ibis.literal(1, "int64")
    listed = within.mutate(**{COALITION: ibis.range(one, one << within["_size"]).unnest()})
    inside = ((listed[COALITION] >> listed["_place"]) & one) == 1
    return listed.filter(inside).select("deal_id", COALITION, *(c for c in members.columns if c != "deal_id"))


def players(inputs: Inputs) -> ir.Table:
    """The partners that have part in each closed deal: ``deal_id``, ``partner_id``.

    Those with a touch at or before the close (inclusive), recorded whenever.
    """
    return participations(inputs.deals, inputs.touchpoints).select("deal_id", "partner_id")
