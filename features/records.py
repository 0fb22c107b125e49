"""Past records of some deals, worked out from all deals, so that features of a few need no second look at the many."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from features import history
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs


@dataclass(frozen=True)
class Records:
    """What was on record at the deals' cutoffs.

    ``deals``: as ``history.deal_history`` gives it. ``partners``: as ``history.partner_history`` does, a row for every
    partner of the deal, also for one whose touches were not known yet at the cutoff.
    """

    deals: ir.Table
    partners: ir.Table


def past_records(inputs: Inputs, joined: ir.Table, cutoff: Cutoff, wanted: ir.Table) -> Records:
    """The records of the ``wanted`` deals (``deal_id``, distinct) that reached their cutoff.

    ``inputs`` hold all deals; ``joined`` comes from ``history.participations``.
    """
    dated = cutoffs(inputs.deals, inputs.stage_history, cutoff).semi_join(wanted, "deal_id")
    asked = inputs.deals.select("deal_id", "account_id", "owner_id").inner_join(dated, "deal_id")
    members = joined.select("deal_id", "partner_id").inner_join(
        asked.select("deal_id", "account_id", "cutoff_at"), "deal_id"
    )
    return Records(
        history.deal_history(history.closings(inputs.deals), asked), history.partner_history(joined, members)
    )
