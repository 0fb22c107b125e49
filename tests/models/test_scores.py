"""Partner scores add up from credits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features.tables import DIRECT
from models.scores import partner_scores, partner_totals, period_label

DEALS: list[tuple[Any, ...]] = [
    ("d1", "won", 300.0, "EUR", 1.1, datetime(2025, 1, 31, 23, 59, tzinfo=UTC)),
    ("d2", "won", 100.0, "USD", None, datetime(2025, 3, 1, tzinfo=UTC)),
    ("d3", "lost", None, None, None, datetime(2025, 2, 1, tzinfo=UTC)),
    ("d4", "won", 50.0, "GBP", None, datetime(2025, 4, 1, tzinfo=UTC)),
    ("d5", "open", 70.0, "USD", None, None),
]
PLAYERS = [("d1", "A"), ("d1", "B"), ("d2", "A"), ("d3", "B"), ("d4", "A"), ("d5", "A")]
CREDITS: list[tuple[Any, ...]] = [
    ("d1", "A", "model", "win", "split", 0.40, 0.5, 0.20, 0.60),
    ("d1", "B", "model", "win", "split", -0.08, -0.1),
    ("d1", DIRECT, "model", "win", "split", 0.48, 0.6),
    ("d1", "A", "model", "amount", "split", 150.0, 0.5, 75.0, 225.0),
    ("d1", "B", "model", "amount", "split", -30.0, -0.1),
    ("d1", DIRECT, "model", "amount", "split", 180.0, 0.6),
    ("d2", "A", "model", "win", "split", 0.2, 0.25, 0.1, 0.4),
    ("d2", "A", "model", "amount", "split", 25.0, 0.25),
    ("d3", "B", "model", "win", "split", 0.1, 0.5),
    ("d4", "A", "model", "win", "split", 0.3, 1.0),
    ("d4", "A", "model", "amount", "split", 50.0, 1.0),
    ("d1", "B", "library", "amount", "overlay", 999.0, 1.0),
    ("d1", "A", "linear", "win", "split", 1.0, 1.0),
]


def tables(deals: list[Any], players: list[Any], credits: list[Any]) -> tuple[ibis.Table, ibis.Table, ibis.Table]:  # noqa: A002
    deal_columns = ["deal_id", "outcome", "amount", "currency", "fx_rate", "closed_at"]
    credit_columns = ["deal_id", "partner_id", "method", "target", "kind", "credit", "share", "credit_lo", "credit_hi"]
    return (
        memory_table([(*row, None, None)[:9] for row in credits], credit_columns),
        memory_table(deals, deal_columns),
        memory_table(players, ["deal_id", "partner_id"]),
    )


def memory_table(rows: list[Any], names: list[str]) -> ibis.Table:
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])
    bounds = {name: i for i, name in enumerate(names) if name in {"credit_lo", "credit_hi"}}
    for name, at in bounds.items():
        table = table.set_column(at, name, table[name].cast(pa.float64()))
    return ibis.memtable(table)


def fetched(table: ibis.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame


def scored(**options: Any) -> pd.DataFrame:
    return fetched(partner_scores(*tables(DEALS, PLAYERS, CREDITS), **options))


def one(frame: pd.DataFrame, **where: str) -> Any:
    mask = pd.Series(data=True, index=frame.index)
    for name, value in where.items():
        mask &= frame[name] == value
    (row,) = frame[mask].itertuples()
    return row


def test_a_player_gets_the_sum_of_its_shares_of_won_deals_and_of_its_amounts() -> None:
    row = one(scored(period="year"), partner_id="A", method="model", currency="EUR")
    assert (row.credited_wins, row.credited_amount) == (0.5, 150.0)
    assert (row.deals_touched, row.deals_won, row.period) == (1, 1, "2025")


def test_bounds_add_up_as_credit_does_and_are_null_where_there_are_none() -> None:
    frame = scored(period="year", report_currency=None)
    euros = one(frame, partner_id="A", method="model", currency="EUR")
    assert (euros.credited_wins_lo, euros.credited_wins_hi) == (0.25, 0.75)
    assert (euros.credited_amount_lo, euros.credited_amount_hi) == (75.0, 225.0)
    assert pd.isna(one(frame, partner_id="A", method="linear", currency="EUR").credited_wins_lo)
    total = one(fetched(partner_totals(tables(DEALS, PLAYERS, CREDITS)[0])), partner_id="A", method="model")
    assert total.value == pytest.approx(0.9)
    assert (total.lo, total.hi) == (pytest.approx(0.2 + 0.1 + 0.3), pytest.approx(0.6 + 0.4 + 0.3))


def test_negative_credit_is_kept() -> None:
    row = one(scored(), partner_id="B", method="model", currency="EUR")
    assert (row.credited_wins, row.credited_amount) == (-0.1, -30.0)


def test_lost_deals_count_as_touched_but_bring_no_win() -> None:
    frame = scored(report_currency="USD")
    row = one(frame, partner_id="B", method="model", period="2025-Q1")
    assert (row.deals_touched, row.deals_won, row.credited_wins) == (2, 1, -0.1)


def test_own_team_is_a_player_of_every_closed_deal() -> None:
    own = scored().query("partner_id == @DIRECT and method == 'model'")
    assert own["deals_touched"].sum() == 4
    assert own["deals_won"].sum() == 3


def test_amounts_with_a_rate_are_converted_and_others_stay_in_their_own_currency() -> None:
    frame = scored(report_currency="USD", period="year")
    row = one(frame, partner_id="A", method="model", currency="USD")
    assert row.credited_amount == pytest.approx(150 * 1.1 + 25, abs=1e-9)
    assert row.credited_wins == 0.75
    assert one(frame, partner_id="A", method="model", currency="GBP").credited_amount == 50.0


def test_deals_without_currency_have_a_row_of_no_currency() -> None:
    frame = scored()
    assert frame[frame["currency"] == "XXX"]["deals_touched"].tolist() == [1] * 6
    assert frame["currency"].notna().all()


def test_every_method_has_a_row_for_every_player_and_overlays_do_not_count() -> None:
    frame = scored()
    assert set(frame["method"]) == {"model", "linear", "library"}
    assert one(frame, partner_id="B", method="library", currency="EUR").credited_amount == 0.0


def test_row_order_changes_no_bit() -> None:
    many = [("d1", "A", "model", "win", "split", 0.0, 1 / (3 + i)) for i in range(500)]
    forward, backward = (fetched(partner_scores(*tables(DEALS, PLAYERS, rows))) for rows in (many, many[::-1]))
    pd.testing.assert_frame_equal(forward, backward, check_exact=True)


@pytest.mark.parametrize(("period", "label"), [("month", "2025-01"), ("quarter", "2025-Q1"), ("year", "2025")])
def test_periods_are_labelled_in_utc(period: Any, label: str) -> None:
    closed = ibis.literal(datetime(2025, 1, 31, 23, 59, tzinfo=UTC))
    assert period_label(closed, period).to_pyarrow().as_py() == label


def test_total_credit_is_the_sum_over_all_credited_deals() -> None:
    totals = fetched(partner_totals(tables(DEALS, PLAYERS, CREDITS)[0]))
    row = one(totals, partner_id="B", method="model")
    assert (row.value, row.n, row.target, row.quantity) == (0.02, 2, "win", "total_credit")


def test_a_credit_of_0_keeps_its_bounds_in_money_and_in_the_total() -> None:
    unsure: list[tuple[Any, ...]] = [
        ("d1", "A", "model", "win", "split", 0.0, 0.0, -0.2, 0.2),
        ("d1", "A", "model", "amount", "split", 0.0, 0.0, -75.0, 75.0),
    ]
    given = tables(DEALS, PLAYERS, unsure)
    euros = one(fetched(partner_scores(*given)), partner_id="A", currency="EUR")
    total = one(fetched(partner_totals(given[0])), partner_id="A")
    assert (euros.credited_amount_lo, euros.credited_amount_hi) == (-75.0, 75.0)
    assert (total.lo, total.hi) == (-0.2, 0.2)
