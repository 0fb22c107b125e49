"""What was on record at a deal's cutoff about its partners, its account and its owner: earlier deals and their ends.

An earlier deal counts only when it had closed, and the partner's part in it was recorded, strictly before the cutoff.
So a deal never counts for itself, and nothing that happens later changes a value.
"""

from __future__ import annotations

from typing import Any, Final

import ibis
import ibis.expr.types as ir

from features.cutoff import closed_deals
from features.portable import day, whole_sum

PRIOR_DEALS: Final = 10
"""Deals' worth of weight that the overall win rate has in a shrunk win rate."""


def participations(deals: ir.Table, touchpoints: ir.Table) -> ir.Table:
    """The partners of every closed deal: those with a touch at or before its close, recorded whenever.

    Columns: ``deal_id``, ``partner_id``, ``account_id``, ``won`` (0 or 1) and ``at``, from when on that was known: the
    close, or the recording of the partner's first recorded touch where that came later.
    """
    closed = closed_deals(deals).select("deal_id", "account_id", "outcome", "closed_at")
    touched = touchpoints.filter(touchpoints.partner_id.notnull()).select(
        "deal_id", "partner_id", "occurred_at", "recorded_at"
    )
    dated = touched.inner_join(closed, "deal_id")
    dated = dated.filter(dated.occurred_at <= dated.closed_at)
    seen = ibis.coalesce(dated.recorded_at, dated.occurred_at)
    grouped = dated.mutate(at=ibis.greatest(dated.closed_at, dated.occurred_at, seen)).group_by("deal_id", "partner_id")
    return grouped.aggregate(
        account_id=lambda t: t.account_id.max(),
        won=lambda t: (t.outcome == "won").ifelse(1, 0).max().cast("int64"),
        at=lambda t: t["at"].min(),
    )


def closings(deals: ir.Table) -> ir.Table:
    """Every closed deal as an event: ``account_id``, ``owner_id``, ``won`` (0 or 1), ``at`` (its close)."""
    closed = closed_deals(deals)
    return closed.select(
        "account_id", "owner_id", won=(closed.outcome == "won").ifelse(1, 0).cast("int64"), at=closed.closed_at
    )


def past_record(events: ir.Table, queries: ir.Table, keys: tuple[str, ...], *, by_day: bool = True) -> ir.Table:
    """How many events each query finds in its past, and how many of them were won.

    ``events`` has ``keys``, ``at`` and ``won``; ``queries`` has ``keys``, ``cutoff_at``, ``deal_id`` and
    ``partner_id``. An event counts when its keys are the query's and its ``at`` lies strictly before ``cutoff_at``.
    Returns a row per query: ``deal_id``, ``partner_id``, ``past_deals``, ``past_wins``.

    Events and queries stand together in the order of time, and each query reads the running totals. With ``by_day``
    these run within each day, and the totals of the days before are added: then keys that hold a large part of all
    rows, or no keys at all, are no single task of one worker. The numbers are the same.
    """
    both = _timeline(events, queries, keys)
    part = (*keys, "day") if by_day else keys
    # At the same moment queries (0) come before events (1): strictly before.
    window = _running(both, part, ("at", "is_event"))
    totals = both.select(
        *part,
        "deal",
        "who",
        "is_event",
        deals=whole_sum(both.is_event).over(window),
        wins=whole_sum(both.won).over(window),
    )
    asked = totals.filter(totals.is_event == 0)
    if by_day:
        found = asked.left_join(_before_day(both, keys), list(part))
        asked = found.mutate(deals=found.deals + found.deals_before, wins=found.wins + found.wins_before)
    return asked.select(deal_id="deal", partner_id="who", past_deals="deals", past_wins="wins")


def _timeline(events: ir.Table, queries: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    """Events (``is_event`` 1) and queries (0) together: ``keys``, ``at``, ``day``, ``won``, ``deal``, ``who``."""
    nobody = ibis.null("string")
    no, yes = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    happened = events.select(*keys, at=events["at"], is_event=yes, won=events.won, deal=nobody, who=nobody)
    asked = queries.select(
        *keys, at=queries.cutoff_at, is_event=no, won=no, deal=queries.deal_id, who=queries.partner_id
    )
    both = happened.union(asked)
    return both.mutate(day=day(both["at"]))


def _before_day(both: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    """Totals of all days before each day of the timeline: ``keys``, ``day``, ``deals_before``, ``wins_before``."""
    daily = both.group_by(*keys, "day").aggregate(deals=whole_sum(both.is_event), wins=whole_sum(both.won))
    window = _running(daily, keys, ("day",))
    return daily.select(
        *keys,
        "day",
        deals_before=whole_sum(daily.deals).over(window) - daily.deals,
        wins_before=whole_sum(daily.wins).over(window) - daily.wins,
    )


def _running(table: ir.Table, keys: tuple[str, ...], order: tuple[str, ...]) -> Any:
    return ibis.window(
        group_by=[table[key] for key in keys], order_by=[table[name] for name in order], preceding=None, following=0
    )


def partner_history(joined: ir.Table, members: ir.Table) -> ir.Table:
    """The partners' records: ``deal_id``, ``partner_id``, ``past_deals``, ``past_wins``, ``past_deals_at_account``.

    ``joined`` comes from ``participations``; ``members`` has ``deal_id``, ``partner_id``, ``account_id``,
    ``cutoff_at``. A row per member.
    """
    anywhere = past_record(joined, members, ("partner_id",))
    here = past_record(joined, members, ("partner_id", "account_id"), by_day=False)
    at_account = here.select("deal_id", "partner_id", past_deals_at_account="past_deals")
    return anywhere.inner_join(at_account, ["deal_id", "partner_id"])


def deal_history(closed: ir.Table, deals: ir.Table) -> ir.Table:
    """The records that every deal has, partners or none; a row per deal.

    ``closed`` comes from ``closings``; ``deals`` has ``deal_id``, ``account_id``, ``owner_id``, ``cutoff_at``.
    Columns: ``deal_id`` and past deals and wins, ``account_...``, ``owner_...`` (null without an owner) and
    ``overall_...``.
    """
    queries = deals.mutate(partner_id=ibis.null("string"))
    owned = queries.filter(queries.owner_id.notnull())
    by_account = _named(past_record(closed, queries, ("account_id",)), "account")
    by_owner = _named(past_record(closed, owned, ("owner_id",)), "owner")
    records = overall_history(closed, deals).inner_join(by_account, "deal_id")
    return records.left_join(by_owner, "deal_id").drop("deal_id_right")


def overall_history(closed: ir.Table, deals: ir.Table) -> ir.Table:
    """The record of all deals: ``deal_id``, ``overall_past_deals``, ``overall_past_wins``; a row per deal."""
    return _named(past_record(closed, deals.mutate(partner_id=ibis.null("string")), ()), "overall")


def overall_win_rate(row: ir.Table) -> ir.FloatingColumn:
    """Share won of all deals closed before the cutoff; null for the first."""
    return row.overall_past_wins.cast("float64") / row.overall_past_deals.nullif(0)


def past_deals(row: ir.Table) -> ir.IntegerColumn:
    """Earlier closed deals with the partner."""
    return row.past_deals


def past_deals_at_account(row: ir.Table) -> ir.IntegerColumn:
    """Earlier closed deals of the same account with the partner."""
    return row.past_deals_at_account


def account_past_deals(row: ir.Table) -> ir.IntegerColumn:
    """Earlier closed deals of the account."""
    return row.account_past_deals


def account_past_wins(row: ir.Table) -> ir.IntegerColumn:
    """Earlier won deals of the account."""
    return row.account_past_wins


def owner_past_deals(row: ir.Table) -> ir.IntegerColumn:
    """Earlier closed deals of the owner; null without an owner."""
    return row.owner_past_deals


def past_win_rate(row: ir.Table) -> ir.FloatingColumn:
    """The partner's past win rate, shrunk towards the overall one."""
    return shrunk_rate(row.past_wins, row.past_deals, overall_win_rate(row))


def account_past_win_rate(row: ir.Table) -> ir.FloatingColumn:
    """The account's past win rate, shrunk towards the overall one."""
    return shrunk_rate(row.account_past_wins, row.account_past_deals, overall_win_rate(row))


def owner_past_win_rate(row: ir.Table) -> ir.FloatingColumn:
    """The owner's past win rate, shrunk towards the overall one; null without an owner."""
    return shrunk_rate(row.owner_past_wins, row.owner_past_deals, overall_win_rate(row))


def shrunk_rate(wins: ir.IntegerValue, deals: ir.IntegerValue, prior: ir.FloatingValue) -> ir.FloatingValue:
    """``(wins + PRIOR_DEALS * prior) / (deals + PRIOR_DEALS)``, 0..1."""
    return (wins.cast("float64") + prior * PRIOR_DEALS) / (deals.cast("float64") + PRIOR_DEALS)


def _named(record: ir.Table, whose: str) -> ir.Table:
    return record.select(
        "deal_id", **{f"{whose}_past_deals": record.past_deals, f"{whose}_past_wins": record.past_wins}
    )
