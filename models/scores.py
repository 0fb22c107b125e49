"""What the credits of many deals add up to: by player and period, and by player alone.

Everything here is an Ibis expression, so that it runs where the credits lie. Sums are of decimal numbers, not of
floats: they are the same whatever the order of the rows and the number of threads.
"""

from __future__ import annotations

from typing import Final, Literal

import ibis
import ibis.expr.types as ir

from features.money import reported
from features.tables import DIRECT, NO_CURRENCY, PARTNER_EFFECTS

Period = Literal["month", "quarter", "year"]

WINS: Final = "decimal(38, 12)"
"""Shares and probabilities are added up in billionths of a thousandth."""
MONEY: Final = "decimal(38, 6)"
"""Money is added up in millionths of the currency's unit, so that converted cents lose nothing that shows."""

GROUP: Final = ["partner_id", "period", "currency"]


def partner_scores(
    credits: ir.Table,  # noqa: A002 - the table's name
    deals: ir.Table,
    players: ir.Table,
    period: Period = "quarter",
    report_currency: str | None = None,
) -> ir.Table:
    """Rows of ``partner_scores``, all columns but ``run_id``.

    Parameters
    ----------
    credits : the table ``credits``; only its ``split`` rows count.
    deals : the table ``deals``; open ones are left out.
    players : ``deal_id``, ``partner_id``: the partners of each closed deal (``__direct__`` is added to every deal).
    period : the part of the calendar in UTC into which a deal's ``closed_at`` falls.
    report_currency : ISO code; amounts of deals with an ``fx_rate`` are converted to it, others stay in their own.

    Returns
    -------
    A row for each player, period, currency and method. ``credited_wins`` is the sum of the player's shares of won
    deals, ``credited_amount`` that of its amounts. Bounds add up alike, since what is uncertain is a partner's effect,
    the same on all its deals; they are null where no credit of the group has any.
    """
    closed = _closed(deals, period, report_currency)
    touched = _touched(closed, players)
    methods = credits.select("method").distinct()
    sums = _sums(closed, credits.filter(credits.kind == "split"))
    joined = touched.cross_join(methods)
    keys = [joined[name].identical_to(sums[name]) for name in (*GROUP, "method")]
    rows = joined.left_join(sums, keys)
    return rows.select(
        partner_id=joined.partner_id,
        period=joined.period,
        method=joined.method,
        deals_touched=joined.deals_touched,
        deals_won=joined.deals_won,
        credited_wins=sums.credited_wins.fill_null(0.0),
        credited_wins_lo=sums.credited_wins_lo,
        credited_wins_hi=sums.credited_wins_hi,
        credited_amount=sums.credited_amount.fill_null(0.0),
        credited_amount_lo=sums.credited_amount_lo,
        credited_amount_hi=sums.credited_amount_hi,
        currency=joined.currency,
    ).order_by(["partner_id", "period", "method", "currency"])


def partner_totals(credits: ir.Table) -> ir.Table:  # noqa: A002 - the table's name
    """Rows of ``partner_effects`` with the quantity ``total_credit`` for the target ``win``, without ``run_id``.

    The value is the sum of the player's credits over all deals that the method credits: for a model that is every
    closed deal, lost ones too, and so the number of wins expected to be the player's; for a rule it is won deals.
    """
    wins = credits.filter(credits.kind == "split", credits.target == "win")
    totals = wins.group_by(["partner_id", "method"]).aggregate(
        value=_total(wins.credit, WINS), n=wins.count(), **_bounds("", wins, wins.credit, 1.0, WINS)
    )
    typed = totals.mutate(target=ibis.literal("win"), quantity=ibis.literal("total_credit"))
    typed = typed.rename(lo="_lo", hi="_hi")
    names = [name for name in PARTNER_EFFECTS.column_names if name != "run_id"]
    return typed.select(*names).order_by(["partner_id", "method"])


def period_label(closed_at: ir.TimestampValue, period: Period) -> ir.StringValue:
    """``2025``, ``2025-Q1`` or ``2025-01``."""
    year = closed_at.year().cast("string")
    if period == "year":
        return year
    if period == "quarter":
        return year.concat("-Q", closed_at.quarter().cast("string"))
    return year.concat("-", closed_at.month().cast("string").lpad(2, "0"))


def _closed(deals: ir.Table, period: Period, report_currency: str | None) -> ir.Table:
    """Closed deals with their period, the currency in which they are reported, and the rate into it.

    A deal without an amount counts under the report currency, where there is one.
    """
    closed = deals.filter(deals.outcome != "open", deals.closed_at.notnull())
    joined = closed.select("deal_id", "outcome", "closed_at", "amount").inner_join(
        reported(closed, report_currency), "deal_id"
    )
    is_bare = joined.amount.isnull() & ibis.literal(report_currency is not None)
    return joined.select(
        deal_id=joined.deal_id,
        is_won=joined.outcome == "won",
        period=period_label(joined.closed_at, period),
        currency=is_bare.ifelse(ibis.literal(report_currency, "string"), joined.currency).fill_null(NO_CURRENCY),
        rate=joined.rate,
    )


def _touched(closed: ir.Table, players: ir.Table) -> ir.Table:
    partners = players.filter(players.partner_id != DIRECT).select("deal_id", "partner_id").distinct()
    with_partners = closed.inner_join(partners, "deal_id").select("partner_id", "period", "currency", "is_won")
    own = closed.mutate(partner_id=ibis.literal(DIRECT)).select("partner_id", "period", "currency", "is_won")
    both = with_partners.union(own)
    won = both.is_won.ifelse(1, 0).sum().cast("int64")
    return both.group_by(GROUP).aggregate(deals_touched=both.count(), deals_won=won)


def _sums(closed: ir.Table, split: ir.Table) -> ir.Table:
    dated = split.inner_join(closed.filter(closed.is_won), "deal_id")
    is_win, is_money = dated.target == "win", dated.target == "amount"
    share = is_win.ifelse(dated.share, ibis.null("float64"))
    money = is_money.ifelse(dated.credit * dated.rate, ibis.null("float64"))
    return dated.group_by([*GROUP, "method"]).aggregate(
        credited_wins=_total(share, WINS),
        credited_amount=_total(money, MONEY),
        **_bounds("credited_wins", dated, share, share / dated.credit.nullif(0.0), WINS),
        **_bounds("credited_amount", dated, money, is_money.ifelse(dated.rate, ibis.null("float64")), MONEY),
    )


def _bounds(
    name: str, rows: ir.Table, value: ir.FloatingColumn, factor: ir.FloatingColumn | float, unit: str
) -> dict[str, ir.FloatingScalar]:
    """Sums of the bounds in the unit of ``value``, which is ``factor`` times ``credit``; null when no row has any."""
    bounds = {"lo": rows.credit_lo, "hi": rows.credit_hi}
    scaled = {side: bound * factor for side, bound in bounds.items()}
    return {
        f"{name}_{side}": bounds[side]
        .notnull()
        .any()
        .ifelse(_total(ibis.coalesce(scaled[side], value), unit), ibis.null("float64"))
        for side in bounds
    }


def _total(value: ir.FloatingColumn, unit: str) -> ir.FloatingScalar:
    return value.cast(unit).sum().cast("float64")
