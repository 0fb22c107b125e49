"""What the page of one partner shows of a period, by one method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import RowMapping

from features.grades import GRADE_TEXTS, GRADES
from features.shown import Money
from review.pages.moment_lines import state_of
from review.rendering import type_name
from review.store.partners import Claim
from review.store.periods import quarter

__all__ = ["GradeRow", "Kind", "Quarter", "Total", "by_grade", "by_quarter", "kinds", "totals"]

OPEN_CLOSE: Final = "no close date"


@dataclass(frozen=True)
class GradeRow:
    """The claims of one grade on won deals: how many, their credited wins, and money by currency.

    ``width`` of its bar is in per cent of the longest one's, for the currency in which there is most; it is drawn for
    that currency only, since lengths of different ones would compare what cannot be compared.
    """

    grade: str
    meaning: str
    n_won: int
    wins: float
    money: Money
    width: float
    is_negative: bool


@dataclass(frozen=True)
class Quarter:
    """Deals that closed in a quarter, and the credit on the won ones."""

    name: str
    n_closed: int
    n_won: int
    wins: float
    money: Money


@dataclass(frozen=True)
class Kind:
    """How often a type of help was heard, and where that stands."""

    name: str
    n: int
    n_confirmed: int
    n_rejected: int
    n_open: int


@dataclass(frozen=True)
class Total:
    """What a partner's claims add up to; ``n_backed`` are won ones with grade A or B."""

    n_closed: int
    n_won: int
    wins: float
    money: Money
    n_backed: int


def totals(claims: Sequence[Claim]) -> Total:
    """The sum of claims; credit counts on won deals only."""
    won = [claim for claim in claims if claim.outcome == "won"]
    wins = sum(claim.share or 0.0 for claim in won)
    return Total(len(claims), len(won), wins, Money.of(_parts(won)), sum(claim.grade in ("A", "B") for claim in won))


def by_grade(claims: Iterable[Claim]) -> list[GradeRow]:
    """Won claims by grade, A to D, each grade there."""
    won = [claim for claim in claims if claim.outcome == "won"]
    sums = {letter: Money.of(_parts([c for c in won if c.grade == letter])) for letter in GRADES}
    unit = Money.of(_parts(won)).parts[0][0] if any(money.parts for money in sums.values()) else ""
    longest = max(abs(money.cents(unit)) for money in sums.values()) or 1
    return [
        GradeRow(
            letter,
            GRADE_TEXTS[letter],
            sum(claim.grade == letter for claim in won),
            sum(claim.share or 0.0 for claim in won if claim.grade == letter),
            money,
            round(100 * abs(money.cents(unit)) / longest, 2),
            money.cents(unit) < 0,
        )
        for letter, money in sums.items()
    ]


def by_quarter(claims: Sequence[Claim]) -> list[Quarter]:
    """Claims by the quarter in which their deal closed, the latest first."""
    grouped: dict[str, list[Claim]] = {}
    for claim in claims:
        grouped.setdefault(quarter(claim.closed_at) if claim.closed_at else OPEN_CLOSE, []).append(claim)
    made = []
    for name, rows in sorted(grouped.items(), reverse=True):
        won = [claim for claim in rows if claim.outcome == "won"]
        wins = sum(claim.share or 0.0 for claim in won)
        made.append(Quarter(name, len(rows), len(won), wins, Money.of(_parts(won))))
    return made


def kinds(moments: Iterable[RowMapping]) -> list[Kind]:
    """Moments by type, the most frequent first, from rows of ``review.store.partner_moments.moments_counted``."""
    counted: dict[str, Counter[str]] = {}
    for row in moments:
        counted.setdefault(row["told_type"] or row["assist_type"], Counter())[state_of(row)[1]] += row["n"]
    made = [
        Kind(type_name(kind), found.total(), found["good"], found["bad"], found[""] + found["warn"])
        for kind, found in counted.items()
    ]
    return sorted(made, key=lambda kind: (-kind.n, kind.name))


def _parts(claims: Iterable[Claim]) -> list[tuple[str, int]]:
    return [(claim.currency, claim.cents) for claim in claims if claim.cents is not None]
