"""How numbers, money, dates and text from outside are written for people."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup, escape

SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
MOST_CURRENCIES: Final = 3
MINUS: Final = "\u2212"
_BIDIRECTIONAL: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Money:
    """Sums of money by currency, in hundredths of the unit; different currencies are never added.

    A currency of ``""`` means that the data names none.
    """

    parts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[str, int]]) -> Money:
        """Sums the hundredths of each currency; the largest sum comes first."""
        sums: dict[str, int] = {}
        for unit, cents in parts:
            sums[unit] = sums.get(unit, 0) + cents
        return cls(tuple(sorted(sums.items(), key=lambda part: (-abs(part[1]), part[0]))))

    @property
    def is_single(self) -> bool:
        """Whether all of it is in one currency, so that it can be drawn as one bar."""
        return len(self.parts) == 1

    def cents(self, unit: str) -> int:
        """Hundredths in that currency; 0 when there are none."""
        return dict(self.parts).get(unit, 0)

    def minus(self, other: Money) -> Money:
        """What is left of each currency."""
        return Money.of([*self.parts, *((unit, -cents) for unit, cents in other.parts)])

    def __bool__(self) -> bool:
        return any(cents for _, cents in self.parts)


NOTHING: Final = Money()


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % interval; what is uncertain is the sampling of deals."""

    lo: float
    hi: float


@dataclass(frozen=True)
class MoneyInterval:
    """The same of money, in one currency."""

    lo: Money
    hi: Money


def clean(text: str) -> str:
    """Text from outside without control characters and without marks that reorder what stands beside it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if _is_control(character) else character for character in text if not _reorders(character))


def slug(kind: str, identifier: str) -> str:
    """An anchor for the thing of that id: letters, digits and hyphens only, different for different ids."""
    readable = re.sub(r"[^a-z0-9]+", "-", identifier.lower())[:32].strip("-")
    digest = hashlib.sha256(identifier.encode()).hexdigest()[:8]
    return "-".join(part for part in (kind, readable, digest) if part)


def whole(value: float) -> str:
    """A number without decimals and with thousands, e.g. ``12,345``."""
    return _signed(f"{value:,.0f}")


def decimal(value: float, places: int = 1) -> str:
    """A number with that many decimals and with thousands, e.g. ``1,234.5``."""
    return _signed(f"{value:,.{places}f}")


def percent(fraction: float, places: int = 0) -> str:
    """A fraction as a percentage, e.g. 0.123 as ``12%``; less than half of the last place is said to be so."""
    smallest = 0.5 * 10 ** (-places - 2)
    if 0 < fraction < smallest:
        return f"<{10**-places:g}%" if places else "<1%"
    return _signed(f"{fraction * 100:,.{places}f}") + "%"


def money(value: Money, *, exact: bool = False) -> str:
    """Money for reading: ``$1.2M``, or ``$1,234,567`` when ``exact``; several currencies side by side."""
    if not value.parts:
        return "–"
    nameless = "" if value.is_single else " (no currency)"
    shown = [
        _amount(cents / 100, unit, exact=exact) + ("" if unit else nameless)
        for unit, cents in value.parts[:MOST_CURRENCIES]
    ]
    rest = len(value.parts) - MOST_CURRENCIES
    joined = " + ".join([*shown, count(rest, "more currency", "more currencies")] if rest > 0 else shown)
    return joined.replace(f" + {MINUS}", f" {MINUS} ")


def between(interval: Interval, places: int = 1) -> str:
    """The ends of an interval of numbers, e.g. ``8.1 to 16.4``."""
    return f"{decimal(interval.lo, places)} to {decimal(interval.hi, places)}"


def money_between(interval: MoneyInterval) -> str:
    """The ends of an interval of money, e.g. ``$81k to $164k``."""
    return f"{money(interval.lo)} to {money(interval.hi)}"


def day(moment: datetime | None) -> str:
    """A date as ``3 Feb 2025``; a dash when there is none."""
    return "–" if moment is None else f"{moment.day} {moment:%b %Y}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun, e.g. ``1 deal`` or ``2,000 deals``."""
    return f"{whole(number)} {singular if number == 1 else plural or singular + 's'}"


def listing(names: Sequence[str]) -> str:
    """Names as a list in prose: ``A, B and C``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def coded(text: str) -> Markup:
    """Text with what stands between backticks set as code."""
    parts = clean(text).split("`")
    if len(parts) % 2 == 0:
        return escape(clean(text))
    wrapped = (Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))
    return Markup("").join(wrapped)


def rounded_parts(values: Sequence[float], places: int = 0) -> list[float]:
    """Values rounded so that they add up to their rounded sum: the largest remainders are rounded up."""
    scale = 10**places
    scaled = [value * scale for value in values]
    floors = [int(value // 1) for value in scaled]
    missing = max(0, round(round(sum(values), places) * scale) - sum(floors))
    order = sorted(range(len(values)), key=lambda i: (floors[i] - scaled[i], i))
    raised = set(order[:missing])
    return [(floor + (i in raised)) / scale for i, floor in enumerate(floors)]


def _amount(value: float, unit: str, *, exact: bool) -> str:
    sign, size = (MINUS if value < 0 else ""), abs(value)
    prefix = SYMBOLS.get(unit, f"{unit}\u00a0" if unit else "")
    if exact:
        cents = size < 100 and size != round(size)
        return f"{sign}{prefix}{size:,.2f}" if cents else f"{sign}{prefix}{size:,.0f}"
    for limit, divisor, suffix in ((999.5e6, 1e9, "B"), (999.5e3, 1e6, "M"), (9_999.5, 1e3, "k")):
        if size >= limit:
            scaled = size / divisor
            places = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{sign}{prefix}{scaled:,.{places}f}{suffix}"
    return f"{sign}{prefix}{size:,.0f}"


def _signed(text: str) -> str:
    bare = text.lstrip("-")
    is_zero = not any(character in "123456789" for character in bare)
    return MINUS + bare if text.startswith("-") and not is_zero else bare


def _reorders(character: str) -> bool:
    return character in _BIDIRECTIONAL


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}
