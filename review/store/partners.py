"""Partners: all of them in a list, and one with its claims and moments of a period."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.shown import NOTHING, Interval, Money
from features.tables import DIRECT, METHODS
from review.store.corrected import WHOSE
from review.store.periods import Period
from review.store.schema import OPEN_DISPUTES, claims, deals, disputes, moments, partner_scores, partners

__all__ = [
    "Claim",
    "PartnerRow",
    "claims_of",
    "disputes_of",
    "main_method",
    "methods_of",
    "partner_named",
    "partner_rows",
    "range_of",
]

RANGE_PLACES: Final = 9
"""Decimals that do not depend on the order in which a database adds up."""
SAMPLE: Final = 50
"""Claims that are looked at to see which methods there are where no scores of partners say so."""


@dataclass(frozen=True)
class PartnerRow:
    """A partner of the list with its credit by the main method and its claims by grade."""

    partner: RowMapping
    n_deals: int = 0
    n_won: int = 0
    wins: float = 0.0
    money: Money = NOTHING
    grades: Counter[str] = field(default_factory=Counter)
    n_waiting: int = 0


@dataclass(frozen=True)
class Claim:
    """A partner's claim on a closed deal by one method; ``share`` of the deal, ``money`` only of a won one.

    ``cents`` are hundredths of ``currency``: the report's where the deal has a rate, else the deal's own.
    """

    deal_id: str
    deal_name: str | None
    outcome: str
    closed_at: datetime | None
    grade: str
    n_moments: int
    n_confirmed: int
    n_verified: int
    share: float | None
    cents: int | None
    currency: str

    @property
    def money(self) -> Money:
        """What is credited, as money."""
        return NOTHING if self.cents is None else Money.of([(self.currency, self.cents)])


def partner_named(connection: Connection, partner_id: str) -> RowMapping | None:
    """The partner of that id; None where there is none."""
    return connection.execute(sa.select(partners).where(partners.c.partner_id == partner_id)).mappings().one_or_none()


def main_method(connection: Connection) -> str:
    """The method of ``claims.share`` and ``claims.amount``: the model where it has scored, else the first rule."""
    found = set(connection.scalars(sa.select(partner_scores.c.method).distinct()))
    return min(found or _sampled(connection, claims.c.partner_id != DIRECT), default=METHODS[0], key=_place)


def methods_of(connection: Connection, partner_id: str) -> list[str]:
    """Methods that credit a partner, the main one first."""
    by_scores = sa.select(partner_scores.c.method).where(partner_scores.c.partner_id == partner_id).distinct()
    found = set(connection.scalars(by_scores)) or _sampled(connection, claims.c.partner_id == partner_id)
    return sorted(found, key=_place)


def partner_rows(connection: Connection, report_currency: str) -> list[PartnerRow]:
    """All partners, those with most credited wins first; credit by the main method."""
    n = sa.func.count()
    sums: dict[str, list[RowMapping]] = defaultdict(list)
    reported = claims.c.amount_in_report if report_currency else sa.null()
    columns = (claims.c.partner_id, claims.c.outcome, claims.c.grade, claims.c.currency)
    summed = sa.select(
        *columns,
        n.label("n"),
        sa.func.sum(claims.c.share).label("wins"),
        _cents(reported).label("in_report"),
        _cents(sa.case((reported.is_(None), claims.c.amount))).label("in_own"),
    ).where(claims.c.partner_id != DIRECT, claims.c.outcome != "open")
    for row in connection.execute(summed.group_by(*columns)).mappings():
        sums[row["partner_id"]].append(row)
    waiting = sa.select(WHOSE, n).where(moments.c.state == "waiting", moments.c.is_assist, WHOSE.is_not(None))
    waits: dict[str, int] = dict(connection.execute(waiting.group_by(WHOSE)).all())
    found = connection.execute(sa.select(partners)).mappings()
    made = [
        _partner_row(row, sums[row["partner_id"]], waits.get(row["partner_id"], 0), report_currency) for row in found
    ]
    return sorted(made, key=lambda row: (-row.wins, row.partner["name"].casefold(), row.partner["partner_id"]))


def claims_of(
    connection: Connection, partner_id: str, period: Period, method: str, *, is_main: bool, report_currency: str
) -> list[Claim]:
    """A partner's claims on deals that closed in the period, those with most money (at its rate) first.

    Parameters
    ----------
    is_main : whether ``method`` is the main one, whose credit need not be looked up among all methods.
    """
    share, amount = claims.c.share, claims.c.amount
    if not is_main:
        share = claims.c.credits[(method, "win", "share")].as_float()
        amount = claims.c.credits[(method, "amount", "credit")].as_float()
    own = (claims.c.deal_id, claims.c.outcome, claims.c.closed_at, claims.c.grade, claims.c.currency)
    counts = (claims.c.n_moments, claims.c.n_confirmed, claims.c.n_verified)
    whole = sa.func.nullif(deals.c.amount, 0.0)
    rates = ((deals.c.amount_in_report / whole).label("rate"), (amount * deals.c.worth / whole).label("worth"))
    select = (
        sa.select(*own, *counts, share.label("share"), amount.label("amount"), *rates, deals.c.name.label("deal_name"))
        .join(deals, deals.c.deal_id == claims.c.deal_id)
        .where(claims.c.partner_id == partner_id, claims.c.outcome != "open", *period.holds(claims.c.closed_at))
    )
    rows = connection.execute(select).mappings().all()
    ordered = sorted(rows, key=lambda row: (-(row["worth"] or 0.0), -(row["share"] or 0.0), row["deal_id"]))
    return [_claim(row, report_currency) for row in ordered]


def range_of(connection: Connection, partner_id: str, period: Period, method: str) -> Interval | None:
    """The 95 % range of a partner's credited wins in the period; None where the method gives none.

    The ends of one partner's credits add up, because what is uncertain is its effect, the same on all its deals.
    """
    share, credit, lo, hi = (
        claims.c.credits[(method, "win", name)].as_float() for name in ("share", "credit", "lo", "hi")
    )
    ends = [sa.func.sum(end * share / sa.func.nullif(credit, 0.0)) for end in (lo, hi)]
    without = sa.func.count(share) - sa.func.count(lo)
    select = sa.select(ends[0].label("lo"), ends[1].label("hi"), without.label("n_without")).where(
        claims.c.partner_id == partner_id, claims.c.outcome == "won", *period.holds(claims.c.closed_at)
    )
    found = connection.execute(select).mappings().one()
    if found["lo"] is None or found["hi"] is None or found["n_without"]:
        return None
    return Interval(round(found["lo"], RANGE_PLACES), round(found["hi"], RANGE_PLACES))


def disputes_of(connection: Connection, partner_id: str) -> Sequence[RowMapping]:
    """Disputes about a partner's claims, open ones first, the latest first, with the deal's name."""
    select = (
        sa.select(disputes, deals.c.name.label("deal_name"))
        .outerjoin(deals, deals.c.deal_id == disputes.c.deal_id)
        .where(disputes.c.partner_id == partner_id)
        .order_by(disputes.c.state.in_(OPEN_DISPUTES).desc(), disputes.c.dispute_id.desc())
    )
    return connection.execute(select).mappings().all()


def _partner_row(partner: RowMapping, sums: Iterable[RowMapping], n_waiting: int, report: str) -> PartnerRow:
    rows = list(sums)
    won = [row for row in rows if row["outcome"] == "won"]
    grades: Counter[str] = Counter()
    for row in rows:
        grades[row["grade"] or "D"] += row["n"]
    return PartnerRow(
        partner,
        sum(row["n"] for row in rows),
        sum(row["n"] for row in won),
        sum(row["wins"] or 0.0 for row in won),
        Money.of(_parts(won, report)),
        grades,
        n_waiting,
    )


def _parts(won: Iterable[RowMapping], report: str) -> Iterable[tuple[str, int]]:
    for row in won:
        for unit, amount in ((report, row["in_report"]), (row["currency"] or "", row["in_own"])):
            if amount is not None:
                yield unit, int(amount)


def _cents(amount: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The sum of amounts in hundredths, each rounded by itself, as those of single claims are."""
    return sa.func.sum(sa.func.round(sa.cast(amount * 100, sa.Float)))


def _claim(row: RowMapping, report_currency: str) -> Claim:
    amount, rate = (row["amount"] if row["outcome"] == "won" else None), row["rate"]
    is_in_report = bool(report_currency) and rate is not None
    return Claim(
        row["deal_id"],
        row["deal_name"],
        row["outcome"],
        row["closed_at"],
        row["grade"] or "D",
        row["n_moments"],
        row["n_confirmed"],
        row["n_verified"],
        row["share"],
        None if amount is None else round(amount * (rate if is_in_report else 1.0) * 100),
        report_currency if is_in_report else row["currency"] or "",
    )


def _sampled(connection: Connection, is_one: sa.ColumnElement[bool]) -> set[str]:
    found = connection.scalars(sa.select(claims.c.credits).where(is_one).limit(SAMPLE))
    return {method for by_method in found for method in by_method}


def _place(method: str) -> tuple[int, str]:
    return METHODS.index(method) if method in METHODS else len(METHODS), method
