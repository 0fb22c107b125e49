"""Shares into money, to the cent: nothing lost, nothing invented, negative shares kept.

Source of the method: largest remainder (Hamilton's apportionment), carried out in whole cents.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CENTS: Final = 100
SMALLEST_TOTAL: Final = 1e-9
"""Totals closer to 0 than this cannot be shared in proportion."""
LARGEST_AMOUNT: Final = 2**53 / CENTS
"""From here on a float no longer tells neighbouring cents apart (90 trillion)."""


def to_cents(amounts: Floats) -> Integers:
    """Money in whole cents, rounded to the nearest (a half to the even one).

    Raises
    ------
    ValueError
        When an amount is missing, infinite, or so large that a float does not hold its cents.
    """
    bad = amounts[~(np.abs(amounts) < LARGEST_AMOUNT)]
    if bad.size:
        raise ValueError(
            f"{bad.size} amount(s) cannot be split to the cent, e.g. {bad[0]}. "
            f"Leave missing amounts out, and give amounts beyond {LARGEST_AMOUNT:.3g} in a larger unit."
        )
    return np.rint(amounts * CENTS).astype(np.int64)


def to_shares(credit: Floats, totals: Floats, is_residual: npt.NDArray[np.bool_]) -> Floats:
    """Each credit as a fraction of its deal's total.

    Parameters
    ----------
    credit, totals : shape (rows,), in one unit; ``totals`` is what a deal's credits add up to, repeated on its rows.
    is_residual : shape (rows,); the one row of each deal that takes everything where the total is 0 within
        ``SMALLEST_TOTAL``, because 0 cannot be shared in proportion.

    Returns
    -------
    Shape (rows,). Adds up to 1 within a deal; a negative credit of a positive total has a negative share.
    """
    shareable = np.abs(totals) >= SMALLEST_TOTAL
    shares = np.divide(credit, totals, out=np.zeros_like(credit), where=shareable)
    return np.where(shareable, shares, is_residual.astype(np.float64))


def split_cents(deals: Integers, shares: Floats, cents: Integers, ranks: Integers) -> Integers:
    """Each player's whole cents of its deal by largest remainder.

    Every player gets the cents below its exact part; the cents left over go, one each, to the largest remainders.
    Of equal remainders the larger share comes first, then the smaller rank: names and the order of rows play no part.

    Parameters
    ----------
    deals : shape (rows,), the deal of each row as a number from 0.
    shares : shape (rows,), adding up to 1 within a deal; may be negative or above 1.
    cents : shape (rows,), the deal's amount, repeated on its rows.
    ranks : shape (rows,), distinct within a deal.

    Returns
    -------
    Shape (rows,); adds up to the deal's amount exactly.
    """
    exact = shares * cents
    parts = np.floor(exact).astype(np.int64)
    order = np.lexsort((ranks, -shares, parts - exact, deals))
    sizes = np.bincount(deals)
    paid = np.zeros(len(sizes), dtype=np.int64)
    np.add.at(paid, deals, parts)
    total = np.zeros(len(sizes), dtype=np.int64)
    total[deals] = cents
    for_all, for_some = np.divmod(total - paid, np.maximum(sizes, 1))
    place = np.empty(len(deals), dtype=np.int64)
    place[order] = np.arange(len(deals)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return parts + for_all[deals] + (place < for_some[deals])


def from_cents(cents: Integers) -> Floats:
    """Whole cents as money: the float nearest to the decimal number."""
    return cents / CENTS


def sum_by_deal(deals: Integers, values: Floats, n_deals: int) -> Floats:
    """Sum of ``values`` for each deal, shape (n_deals,), the same to the bit in whatever order the rows come."""
    order = np.lexsort((values, deals))
    totals = np.zeros(n_deals)
    np.add.at(totals, deals[order], values[order])
    return totals
