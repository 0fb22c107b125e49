"""Money to the cent."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ledger import from_cents, split_cents, sum_by_deal, to_cents, to_shares


def split(shares: list[float], amount: float, ranks: list[int] | None = None) -> list[float]:
    n = len(shares)
    cents = np.repeat(to_cents(np.array([amount])), n)
    parts = split_cents(np.zeros(n, dtype=np.int64), np.array(shares), cents, np.array(ranks or range(n)))
    return [float(part) for part in from_cents(parts)]


def decimal_sum(parts: list[float]) -> Decimal:
    return sum((Decimal(str(part)) for part in parts), Decimal(0))


def test_thirds_of_a_hundred_add_up_to_a_hundred() -> None:
    assert split([1 / 3, 1 / 3, 1 / 3], 100.0) == [33.34, 33.33, 33.33]


def test_the_largest_remainder_gets_the_cent() -> None:
    assert split([0.334, 0.338, 0.328], 0.10) == [0.03, 0.04, 0.03]


def test_of_equal_remainders_the_larger_share_comes_first_then_the_smaller_rank() -> None:
    assert split([0.25, 0.75], 0.02) == [0.0, 0.02]
    assert split([0.5, 0.5], 0.01, ranks=[2, 1]) == [0.0, 0.01]


def test_negative_shares_are_kept() -> None:
    assert split([1.25, -0.25], 1000.0) == [1250.0, -250.0]


def test_amount_of_zero_gives_zeros() -> None:
    assert split([0.3, 0.7], 0.0) == [0.0, 0.0]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=12),
    st.integers(0, 10**13),
    st.randoms(use_true_random=False),
)
def test_parts_always_add_up_to_the_cent_in_any_row_order(raw: list[float], cents: int, random: object) -> None:
    shares = [*raw, 1 - sum(raw)]
    amount = cents / 100
    parts = split(shares, amount)
    assert decimal_sum(parts) == Decimal(cents) / 100
    order = list(range(len(shares)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert split([shares[i] for i in order], amount, ranks=order) == [parts[i] for i in order]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda s: sum(s) > 0.1), st.integers(0, 10**9))
def test_no_part_is_a_cent_or_more_away_from_its_share(raw: list[float], cents: int) -> None:
    shares = [value / sum(raw) for value in raw]
    for share, part in zip(shares, split(shares, cents / 100), strict=True):
        assert abs(part * 100 - share * cents) < 1 + 1e-4


def test_many_deals_are_split_at_once() -> None:
    deals = np.array([1, 0, 1, 0, 0])
    cents = np.array([1000, 100, 1000, 100, 100])
    parts = split_cents(deals, np.array([0.5, 1 / 3, 0.5, 1 / 3, 1 / 3]), cents, np.array([0, 2, 1, 1, 0]))
    assert parts.tolist() == [500, 33, 500, 33, 34]


def test_amount_beyond_whole_cents_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be split to the cent"):
        to_cents(np.array([1e18]))
    with pytest.raises(ValueError, match="Leave missing amounts out"):
        to_cents(np.array([np.nan]))


def test_shares_are_credits_over_the_total_and_add_up_to_one() -> None:
    credit = np.array([0.5, -0.1, 0.4])
    shares = to_shares(credit, np.full(3, 0.8), np.array([True, False, False]))
    np.testing.assert_allclose(shares, [0.625, -0.125, 0.5])
    assert abs(shares.sum() - 1) < 1e-12


def test_total_of_zero_belongs_to_the_residual_player() -> None:
    shares = to_shares(np.array([0.3, -0.3]), np.zeros(2), np.array([True, False]))
    assert shares.tolist() == [1.0, 0.0]


def test_sum_by_deal_does_not_hang_on_row_order() -> None:
    random = np.random.default_rng(0)
    deals, values = random.integers(0, 5, 1000), random.normal(size=1000)
    order = random.permutation(1000)
    assert (sum_by_deal(deals, values, 5) == sum_by_deal(deals[order], values[order], 5)).all()
    assert sum_by_deal(deals, values, 7)[5:].tolist() == [0.0, 0.0]
