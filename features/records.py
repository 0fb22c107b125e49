"""Past records of some deals, worked out from all deals, so that features of a few need no second look at the many."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from features import history
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs
from features.portable import whole_sum


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

    ``inputs`` hold all deals; ``joined`` comes from ``history.participations``. What happened before the earliest
    cutoff is only counted; the order of time is looked at from there on. So records of late deals cost little.
    """
    dated = cutoffs(inputs.deals, inputs.stage_history, cutoff).semi_join(wanted, "deal_id")
    asked = inputs.deals.select("deal_id", "account_id", "owner_id").inner_join(dated, "deal_id")
    members = joined.select("deal_id", "partner_id").inner_join(
        asked.select("deal_id", "account_id", "cutoff_at"), "deal_id"
    )
    earliest = dated.aggregate(earliest=dated.cutoff_at.min())
    closed, old_closed = _divided(history.closings(inputs.deals), earliest)
    joined, old_joined = _divided(joined, earliest)
    deals = history.deal_history(closed, asked).inner_join(asked.select("deal_id", "account_id", "owner_id"), "deal_id")
    partners = history.partner_history(joined, members).inner_join(
        members.select("deal_id", "partner_id", "account_id"), ["deal_id", "partner_id"]
    )
    return Records(_with_old_deals(deals, old_closed), _with_old_partners(partners, old_joined))


def _divided(events: ir.Table, earliest: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Events from the earliest moment on, and those before it. With no earliest moment both are empty."""
    dated = events.cross_join(earliest)
    recent, old = dated.filter(dated["at"] >= dated.earliest), dated.filter(dated["at"] < dated.earliest)
    return recent.drop("earliest"), old.drop("earliest")


def _with_old_deals(records: ir.Table, old: ir.Table) -> ir.Table:
    """The records of deals with the old closings added."""
    for whose, keys in (("account", ("account_id",)), ("owner", ("owner_id",)), ("overall", ())):
        columns = (f"{whose}_past_deals", f"{whose}_past_wins")
        records = _with_old(records, old, keys, dict(zip(columns, ("deals", "wins"), strict=True)))
    return records.drop("account_id", "owner_id")


def _with_old_partners(records: ir.Table, old: ir.Table) -> ir.Table:
    """The records of partners with the old participations added."""
    anywhere = _with_old(records, old, ("partner_id",), {"past_deals": "deals", "past_wins": "wins"})
    here = _with_old(anywhere, old, ("partner_id", "account_id"), {"past_deals_at_account": "deals"})
    return here.drop("account_id")


def _with_old(records: ir.Table, old: ir.Table, keys: tuple[str, ...], columns: dict[str, str]) -> ir.Table:
    """Adds to columns of the records the number of old events (``deals``) of their keys, or of those won (``wins``)."""
    counts = {"old_deals": old.count(), "old_wins": whole_sum(old.won)}
    if keys:
        counted = old.group_by(*keys).aggregate(**counts)
        found = records.left_join(counted, list(keys)).drop(*(f"{key}_right" for key in keys))
    else:
        found = records.cross_join(old.aggregate(**counts))
    added = {name: found[name] + found[f"old_{which}"].fill_null(0) for name, which in columns.items()}
    return found.mutate(**added).drop("old_deals", "old_wins")
