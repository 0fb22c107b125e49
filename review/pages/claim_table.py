"""The players of a deal with what each method gives them, rounded so that every column adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from features.shown import Money, money, percent, rounded_parts
from features.tables import DIRECT
from features.titles import METHOD_TEXTS, method_name, method_short

__all__ = ["OWN_TEAM", "Cell", "ClaimTable", "Column", "Line", "claim_table", "method_order", "rank"]

OWN_TEAM: Final = "Own team and everything else"
Credit = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A method; the credits of one that is an overlay need not add up."""

    method: str
    name: str
    short: str
    is_overlay: bool


@dataclass(frozen=True)
class Cell:
    """What one method gives one player: its share, money and range as they are shown; empty where it has none."""

    share: str = ""
    amount: str = ""
    between: str = ""


@dataclass(frozen=True)
class Line:
    """One player of the deal with a cell for each column."""

    partner_id: str
    name: str
    is_own: bool
    grade: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ClaimTable:
    """Columns, players with the own team last, and what each column adds up to."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    totals: tuple[Cell, ...]


def method_order(methods: set[str]) -> list[str]:
    """Methods as they stand beside each other, the model first."""
    known = list(METHOD_TEXTS)
    return sorted(methods, key=lambda name: (known.index(name) if name in known else len(known), name))


def claim_table(claims: Sequence[Mapping[Any, Any]], names: Mapping[str, str], currency: str | None) -> ClaimTable:
    """The table of one deal's claims.

    Parameters
    ----------
    claims : rows of ``claims``, all of one deal.
    names : of partners, by id.
    currency : the deal's.
    """
    players = sorted(claims, key=rank)
    methods = method_order({method for claim in players for method in claim["credits"]})
    made = [_column(method, [claim["credits"].get(method, {}) for claim in players], currency) for method in methods]
    lines = tuple(
        Line(
            claim["partner_id"],
            OWN_TEAM if claim["partner_id"] == DIRECT else names.get(claim["partner_id"], claim["partner_id"]),
            claim["partner_id"] == DIRECT,
            None if claim["partner_id"] == DIRECT else claim["grade"] or "D",
            tuple(cells[at] for _, cells, _ in made),
        )
        for at, claim in enumerate(players)
    )
    return ClaimTable(tuple(column for column, _, _ in made), lines, tuple(total for _, _, total in made))


def rank(claim: Mapping[Any, Any]) -> tuple[bool, float, str]:
    """The order of a deal's players: those with most credit first, the own team last."""
    return claim["partner_id"] == DIRECT, -(claim["share"] or 0.0), claim["partner_id"]


def _column(method: str, found: Sequence[Credit], currency: str | None) -> tuple[Column, list[Cell], Cell]:
    wins = [credit.get("win") for credit in found]
    sums = [credit.get("amount") for credit in found]
    is_overlay = any(part and part.get("kind") == "overlay" for part in (*wins, *sums))
    shares, whole = _rounded([part and part["share"] * 100 for part in wins], 1)
    amounts, total = _rounded([part and part["credit"] for part in sums], 0)
    cells = [
        Cell(
            "" if share is None else percent(share / 100, 1),
            "" if amount is None else _money(amount, currency),
            _between(win, wins) if win else "",
        )
        for share, amount, win in zip(shares, amounts, wins, strict=True)
    ]
    adds_up = Cell("" if whole is None else percent(whole / 100, 1), "" if total is None else _money(total, currency))
    column = Column(method, method_name(method), method_short(method), is_overlay)
    return column, cells, Cell() if is_overlay else adds_up


def _rounded(values: Sequence[float | None], places: int) -> tuple[list[float | None], float | None]:
    """Values rounded so that they add up to their rounded sum, and this sum; None stays."""
    there = [value for value in values if value is not None]
    if not there:
        return list(values), None
    parts = iter(rounded_parts(there, places))
    return [None if value is None else next(parts) for value in values], round(sum(there), places)


def _between(win: Credit, wins: Sequence[Credit | None]) -> str:
    """The range of a share: that of the credit, as part of the deal's total."""
    total = sum(part["credit"] for part in wins if part)
    lo, hi = win.get("lo"), win.get("hi")
    if lo is None or hi is None or total <= 0:
        return ""
    return f"{percent(lo / total)} to {percent(hi / total)}"


def _money(amount: float, currency: str | None) -> str:
    return money(Money.of([(currency or "", round(amount * 100))]), exact=True)
