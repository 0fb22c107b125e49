"""The one rule for money in several currencies: what is converted, by which rate, and what can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import ibis
import ibis.expr.types as ir

from features.tables import NO_CURRENCY


def reported(deals: ir.Table, report_currency: str | None) -> ir.Table:
    """``deal_id``, ``currency`` and ``rate``: the currency in which each deal's amount is reported, and the rate to it.

    A deal in the report currency has rate 1. Any other is converted by its ``fx_rate``; without one, or without a
    report currency, its amount stays in its own currency (null where the deal names none), at rate 1.
    """
    named = deals.currency.nullif(NO_CURRENCY)
    currency, rate = named, ibis.literal(1.0)
    if report_currency is not None:
        is_foreign = named.isnull() | (named != report_currency)
        is_converted = is_foreign & deals.fx_rate.notnull()
        rate = is_converted.ifelse(deals.fx_rate, 1.0)
        currency = is_converted.ifelse(report_currency, named)
    return deals.select(deal_id=deals.deal_id, currency=currency, rate=rate)


@dataclass(frozen=True)
class Unit:
    """The currency in which amounts are compared, null where the deals name none, and the report currency behind it."""

    currency: str | None = None
    report_currency: str | None = None

    @property
    def words(self) -> str:
        """The currency in words."""
        return self.currency or "the deals' currency"

    @classmethod
    def of(cls, deals: ir.Table, report_currency: str | None) -> Self:
        """The currency in which most deals with an amount are reported (ties by name). This reads the data."""
        units = (
            deals.filter(deals.amount.notnull())
            .select("deal_id")
            .inner_join(reported(deals, report_currency), "deal_id")
        )
        counted = units.group_by("currency").aggregate(n=units.count())
        first = counted.order_by(counted.n.desc(), counted.currency).limit(1).execute()["currency"].tolist()
        return cls(first[0] if first and isinstance(first[0], str) else None, report_currency)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"currency": self.currency, "report_currency": self.report_currency}


AS_NAMED: Final = Unit()
"""Amounts whose deals name no currency."""


def comparable(deals: ir.Table, unit: Unit) -> ir.Table:
    """``deal_id`` and ``comparable_amount``: the amount in the unit's currency, null for one that is in another."""
    units = reported(deals, unit.report_currency)
    joined = deals.select("deal_id", "amount").inner_join(units, "deal_id")
    wanted = ibis.null("string") if unit.currency is None else ibis.literal(unit.currency)
    amount = joined.currency.identical_to(wanted).ifelse(joined.amount * joined.rate, ibis.null("float64"))
    return joined.select(deal_id=joined.deal_id, comparable_amount=amount)
