"""One rule for money: what is converted, by which rate, and what stays apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ibis.expr.types as ir
import pytest

from features.inputs import Inputs
from features.money import Unit, comparable, reported

DEALS = [
    ("in it", "EUR", None, 10.0),
    ("in it, with a rate", "EUR", 9.0, 20.0),
    ("with a rate", "USD", 0.5, 30.0),
    ("without a rate", "USD", None, 40.0),
    ("without an amount", "USD", 0.5, None),
    ("named by the code for none", "XXX", None, 50.0),
    ("nameless", None, 2.0, 60.0),
    ("also without a rate", "USD", None, 70.0),
]


@pytest.fixture
def deals(inputs: Callable[[dict[str, list[dict[str, Any]]]], Inputs]) -> ir.Table:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    fixed = {"account_id": "a", "deal_type": "new", "created_at": at, "closed_at": at, "outcome": "won"}
    rows = [{"deal_id": d, "currency": c, "fx_rate": rate, "amount": a, **fixed} for d, c, rate, a in DEALS]
    return inputs({"deals": rows}).deals


def by_deal(table: ir.Table) -> dict[str, Any]:
    rows = table.to_pyarrow().to_pylist()
    return {row.pop("deal_id"): next(iter(row.values())) if len(row) == 1 else tuple(row.values()) for row in rows}


def test_a_deal_is_converted_when_it_is_foreign_and_has_a_rate(deals: ir.Table) -> None:
    assert by_deal(reported(deals, "EUR")) == {
        "in it": ("EUR", 1.0),
        "in it, with a rate": ("EUR", 1.0),
        "with a rate": ("EUR", 0.5),
        "without a rate": ("USD", 1.0),
        "without an amount": ("EUR", 0.5),
        "named by the code for none": (None, 1.0),
        "nameless": ("EUR", 2.0),
        "also without a rate": ("USD", 1.0),
    }


def test_without_a_report_currency_no_rate_is_used(deals: ir.Table) -> None:
    assert {rate for _, rate in by_deal(reported(deals, None)).values()} == {1.0}
    assert Unit.of(deals, None) == Unit("USD", None)


def test_amounts_are_compared_in_the_currency_of_most(deals: ir.Table) -> None:
    unit = Unit.of(deals, "EUR")
    assert unit == Unit("EUR", "EUR")
    found = {name: amount for name, amount in by_deal(comparable(deals, unit)).items() if amount is not None}
    assert found == {"in it": 10.0, "in it, with a rate": 20.0, "with a rate": 15.0, "nameless": 120.0}


def test_deals_that_name_no_currency_are_compared_with_each_other(deals: ir.Table) -> None:
    nameless = deals.filter(deals.deal_id.isin(["nameless", "named by the code for none"]))
    unit = Unit.of(nameless, None)
    assert (unit.currency, unit.words) == (None, "the deals' currency")
    assert by_deal(comparable(nameless, unit)) == {"nameless": 60.0, "named by the code for none": 50.0}
