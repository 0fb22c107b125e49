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

__all__ = ["GradeBar", "GradeRow", "Kind", "Quarter", "by_grade", "by_quarter", "kinds"]

OPEN_CLOSE: Final = "no close date"


@dataclass(frozen=True)
class GradeBar:
    """One currency's part of a grade; ``width`` in per cent of that currency's longest bar."""

    currency: str
    cents: int
    width: float


@dataclass(frozen=True)
class GradeRow:
    """The claims of one grade on won deals: how many, their credited wins, and money by currency."""

    grade: str
    meaning: str
    n_won: int
    wins: float
    money: Money
    bars: tuple[GradeBar, ...]


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


def by_grade(claims: Iterable[Claim]) -> list[GradeRow]:
    """Won claims by grade, A to D, each grade there."""
    won = [claim for claim in claims if claim.outcome == "won"]
    sums = {letter: Money.of(_parts([c for c in won if c.grade == letter])) for letter in GRADES}
    longest: dict[str, int] = {}
    for unit, cents in (part for money in sums.values() for part in money.parts):
        longest[unit] = max(longest.get(unit, 1), abs(cents))
    return [
        GradeRow(
            letter,
            GRADE_TEXTS[letter],
            sum(claim.grade == letter for claim in won),
            sum(claim.share or 0.0 for claim in won if claim.grade == letter),
            money,
            tuple(GradeBar(unit, cents, round(100 * abs(cents) / longest[unit], 2)) for unit, cents in money.parts),
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
    """Moments by type, the most frequent first."""
    counted: dict[str, Counter[str]] = {}
    for row in moments:
        counted.setdefault(row["told_type"] or row["assist_type"], Counter())[state_of(row)[1]] += 1
    made = [
        Kind(type_name(kind), found.total(), found["good"], found["bad"], found[""] + found["warn"])
        for kind, found in counted.items()
    ]
    return sorted(made, key=lambda kind: (-kind.n, kind.name))


def _parts(claims: Iterable[Claim]) -> list[tuple[str, int]]:
    return [(claim.currency, claim.cents) for claim in claims if claim.cents is not None]
