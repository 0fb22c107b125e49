"""The leaderboard as it is printed: rounded so that the lines add up to the totals beneath them."""

from __future__ import annotations

from dataclasses import dataclass

from features.shown import Money, money, rounded_parts
from pipelines.report.views import Report, Standing


@dataclass(frozen=True)
class Line:
    """A row with its money as printed."""

    standing: Standing
    amount: str


@dataclass(frozen=True)
class Board:
    """The rows of partners, the own team's, and the sums by method and of money."""

    lines: tuple[Line, ...]
    own: Line | None
    partner_wins: dict[str, float]
    partner_amount: str
    all_wins: dict[str, float]
    all_amount: str


def board(report: Report) -> Board:
    """Rows whose printed wins and amounts add up exactly to the printed sums."""
    standings = [*report.standings, *([report.rest] if report.rest else [])]
    totals, own = report.totals, report.own
    sums = {m: round(sum(row.shown.get(m, 0.0) for row in standings), report.places) for m in report.methods}
    amounts, partner_amount = _amounts([row.money for row in standings], totals.partner_money)
    own_amount = money(_whole(totals.credited_money).minus(_whole(totals.partner_money)), exact=True)
    return Board(
        lines=tuple(Line(*row) for row in zip(standings, amounts, strict=True)),
        own=Line(own, own_amount) if own else None,
        partner_wins=sums,
        partner_amount=partner_amount,
        all_wins={m: round(wins + (own.shown.get(m, 0.0) if own else 0.0), report.places) for m, wins in sums.items()},
        all_amount=money(_whole(totals.credited_money), exact=True),
    )


def _amounts(parts: list[Money], total: Money) -> tuple[list[str], str]:
    if not total.is_single:
        return [money(part, exact=True) if part.is_single else money(part) for part in parts], money(total)
    unit = total.parts[0][0]
    rounded = rounded_parts([part.cents(unit) / 100 for part in parts])
    shown = [
        money(Money(((unit, round(value * 100)),)), exact=True) if part.parts else "–"
        for value, part in zip(rounded, parts, strict=True)
    ]
    return shown, money(Money(((unit, round(sum(rounded) * 100)),)), exact=True)


def _whole(value: Money) -> Money:
    return Money(tuple((unit, round(cents / 100) * 100) for unit, cents in value.parts))
