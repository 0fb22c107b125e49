"""Charts as inline SVG: positions in per cent of the width, so that they are sharp at any size and text stays text.

Colours come from classes of the style sheet, so that charts follow light and dark. Every function is pure: numbers in,
markup out. A chart inside a table row is hidden from screen readers, because its number stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from features.shown import clean

THIN: Final = 10
TALL: Final = 128
MOST_LABELS: Final = 6
MOST_TOTALS: Final = 16
HEAD: Final = 16
TOP_EDGE: Final = 10
SQUARE: Final = 300


@dataclass(frozen=True)
class Segment:
    """A part of a bar or column and the class that colours it."""

    value: float
    style: str


@dataclass(frozen=True)
class Mark:
    """A point on a line: where, its class, its symbol (an id on the page) and what it says when hovered."""

    at: float
    style: str
    symbol: str
    title: str = ""


def bar(value: float, most: float, least: float = 0.0, style: str = "accent") -> Markup:
    """One horizontal bar from zero to ``value`` on a scale from ``least`` (<= 0) to ``most`` (>= 0)."""
    return span(0.0, value, most, least, style if value >= 0 else "negative")


def span(start: float, end: float, most: float, least: float = 0.0, style: str = "accent") -> Markup:
    """One horizontal bar from ``start`` to ``end``, with a hairline at zero when the scale goes below it."""
    scale = _Scale(least, most)
    left, right = sorted((scale(start), scale(end)))
    zero = _rule(scale(0.0), "zero") if least < 0 else ""
    return _track(f"{_rect(left, max(right - left, 0.25 if start != end else 0.0), style)}{zero}", THIN)


def step(start: float, end: float, most: float, least: float, style: str, *, joins: bool) -> Markup:
    """One step of a waterfall: a bar and, when ``joins``, a hairline where the next step takes over."""
    scale = _Scale(least, most)
    left, right = sorted((scale(start), scale(end)))
    height = 18
    at = _n(scale(end))
    link = f'<line class="link" x1="{at}%" x2="{at}%" y1="3" y2="{height + 8}"/>' if joins else ""
    body = _rect(left, max(right - left, 0.3), style, y=3, height=height - 6)
    return _track(f"{_rule(scale(0.0), 'zero')}{link}{body}", height, "overflow")


def stacked(segments: Sequence[Segment], most: float, label: str = "", height: int = THIN) -> Markup:
    """Parts side by side on a scale from 0 to ``most``; with a ``label`` it is announced as an image."""
    scale, start, parts = _Scale(0.0, most), 0.0, []
    for segment in segments:
        if segment.value > 0:
            parts.append(_rect(scale(start), scale(start + segment.value) - scale(start), segment.style, height=height))
            start += segment.value
    return _track("".join(parts), height, label=label)


def columns(labels: Sequence[str], stacks: Sequence[Sequence[Segment]], label: str, height: int = TALL) -> Markup:
    """Upright columns over time; negative parts hang below the line.

    As many labels as there is room for; each column's total stands above it where there are few enough columns.
    """
    highest = max((_positive(stack) for stack in stacks), default=0.0)
    lowest = min((sum(min(s.value, 0.0) for s in stack) for stack in stacks), default=0.0)
    body = height - 20 - HEAD
    unit = body / ((highest - lowest) or 1.0)
    zero = HEAD + (body if not highest and not lowest else highest * unit)
    are_whole = all(_positive(stack) == round(_positive(stack)) for stack in stacks)
    width, places = 100 / max(len(labels), 1), 0 if highest >= 10 or are_whole else 1 if highest >= 1 else 2
    parts = []
    for index, (name, stack) in enumerate(zip(labels, stacks, strict=True)):
        parts.extend(_column(stack, (index + 0.14) * width, width * 0.72, zero, unit, name))
        if len(labels) <= MOST_TOTALS and _positive(stack):
            total, top = _positive(stack), zero - _positive(stack) * unit - 4
            parts.append(_text((index + 0.5) * width, top, f"{total:,.{places}f}", "middle"))
    parts.extend(_axis_labels(labels, width, height - 5))
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{_n(zero)}" y2="{_n(zero)}"/>')
    return _track("".join(parts), height, label=label)


def lane(marks: Sequence[Mark], close: float, height: int = 22) -> Markup:
    """Touches of one actor along a deal's time, from 0 to 1, with a rule at the close."""
    middle = height / 2
    base = f'<line class="axis" x1="1.5%" x2="98.5%" y1="{middle}" y2="{middle}"/>'
    rule = f'<line class="close" x1="{_inset(close)}%" x2="{_inset(close)}%" y1="0" y2="{height}"/>'
    return _track(base + rule + "".join(_use(mark, middle, _inset(mark.at)) for mark in marks), height)


def dots(marks: Sequence[Mark], most: float, least: float = 0.0, height: int = 22) -> Markup:
    """Several methods' values of one player on one line."""
    scale, middle = _Scale(least, most), height / 2
    places = [_n(2 + 0.96 * scale(mark.at)) for mark in marks]
    base = f'<line class="axis" x1="2%" x2="98%" y1="{middle}" y2="{middle}"/>'
    zero = _rule(2 + 0.96 * scale(0.0), "zero") if least < 0 else ""
    drawn = "".join(_use(mark, middle, place) for mark, place in zip(marks, places, strict=True))
    return _track(base + zero + drawn, height)


def interval(lo: float, value: float, hi: float, most: float, least: float) -> Markup:
    """A value with the ends of its interval on a line from ``least`` to ``most``."""
    scale = _Scale(least, most)
    places = [_n(3 + 0.94 * scale(x)) for x in (lo, value, hi)]
    whisker = f'<line class="whisker" x1="{places[0]}%" x2="{places[2]}%" y1="6" y2="6"/>'
    return _track(f'{whisker}<circle class="accent" cx="{places[1]}%" cy="6" r="3.5"/>', 12)


@dataclass(frozen=True)
class Dot:
    """A point of the calibration plot: where, how many deals, and the ends of its upright interval."""

    x: float
    y: float
    n: int
    lo: float | None = None
    hi: float | None = None


def calibration(points: Sequence[Dot], label: str) -> Markup:
    """Predicted chance (across) against the share that was won (up), a dot's area for the number of deals."""
    edge, size = 52, SQUARE - 74
    most = max((point.n for point in points), default=1)
    grid = "".join(_grid_line(tick, edge, size) for tick in (0.0, 0.25, 0.5, 0.75, 1.0))
    diagonal = f'<line class="ideal" x1="{edge}" y1="{TOP_EDGE + size}" x2="{edge + size}" y2="{TOP_EDGE}"/>'
    shown = "".join(_calibration_dot(point, edge, size, most) for point in points)
    names = (
        f'<text class="label" x="{edge + size / 2}" y="{SQUARE - 26}" text-anchor="middle">predicted chance</text>'
        f'<text class="label" x="11" y="{TOP_EDGE + size / 2}" text-anchor="middle" '
        f'transform="rotate(-90 11 {TOP_EDGE + size / 2})">share won</text>'
    )
    return _markup(
        f'<svg class="square" viewBox="0 0 {SQUARE} {SQUARE}" role="img" aria-label="{_words(label)}">'
        f"{grid}{diagonal}{shown}{names}</svg>"
    )


def symbol(method: str) -> Markup:
    """A method's mark by itself, for a legend."""
    return _markup(
        f'<svg class="key-symbol" width="14" height="14" aria-hidden="true">'
        f'<use class="mark-{method}" href="#mark-{method}" x="7" y="7"/></svg>'
    )


@dataclass(frozen=True)
class _Scale:
    """Values between two ends as per cent of the width."""

    least: float
    most: float

    def __call__(self, value: float) -> float:
        width = self.most - self.least
        return 0.0 if width <= 0 else min(100.0, max(0.0, (value - self.least) / width * 100))


def _column(stack: Sequence[Segment], left: float, width: float, zero: float, unit: float, name: str) -> list[str]:
    up = down = zero
    parts = []
    for segment in stack:
        size = abs(segment.value) * unit
        if segment.value > 0:
            up -= size
        top = up if segment.value > 0 else down
        if size:
            parts.append(_rect(left, width, segment.style, y=top, height=size, title=f"{name}: {segment.value:,.1f}"))
        if segment.value < 0:
            down += size
    return parts


def _positive(stack: Sequence[Segment]) -> float:
    return sum(max(segment.value, 0.0) for segment in stack)


def _axis_labels(labels: Sequence[str], width: float, y: float) -> list[str]:
    every = math.ceil(len(labels) / MOST_LABELS) if labels else 1
    shown = list(range(0, len(labels), every))
    return [
        _text(*((0.0, y, labels[i], "start") if i == 0 and len(labels) > 4 else _centred(labels, i, width, y)))
        for i in shown
    ]


def _centred(labels: Sequence[str], index: int, width: float, y: float) -> tuple[float, float, str, str]:
    is_last = index == len(labels) - 1 and len(labels) > 4
    return (100.0, y, labels[index], "end") if is_last else ((index + 0.5) * width, y, labels[index], "middle")


def _track(body: str, height: int, extra: str = "", label: str = "") -> Markup:
    spoken = f'role="img" aria-label="{_words(label)}"' if label else 'aria-hidden="true"'
    return _markup(f'<svg class="track {extra}" width="100%" height="{height}" {spoken}>{body}</svg>')


def _rect(left: float, width: float, style: str, *, y: float = 0.0, height: float = THIN, title: str = "") -> str:
    said = f"><title>{_words(title)}</title></rect>" if title else "/>"
    return f'<rect class="{style}" x="{_n(left)}%" width="{_n(width)}%" y="{_n(y)}" height="{_n(height)}"{said}'


def _rule(at: float, style: str) -> str:
    return f'<line class="{style}" x1="{_n(at)}%" x2="{_n(at)}%" y1="0" y2="100%"/>'


def _use(mark: Mark, y: float, x: str) -> str:
    said = f"><title>{_words(mark.title)}</title></use>" if mark.title else "/>"
    return f'<use class="{mark.style}" href="#{mark.symbol}" x="{x}%" y="{_n(y)}"{said}'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="label" x="{_n(x)}%" y="{_n(y)}" text-anchor="{anchor}">{_words(text)}</text>'


def _calibration_dot(point: Dot, edge: int, size: int, most: int) -> str:
    ends = (point.y if end is None else end for end in (point.y, point.lo, point.hi))
    y, lo, hi = (_n(TOP_EDGE + (1 - end) * size) for end in ends)
    x = _n(edge + point.x * size)
    return (
        f'<line class="whisker" x1="{x}" x2="{x}" y1="{lo}" y2="{hi}"/>'
        f'<circle class="accent point" cx="{x}" cy="{y}" r="{_n(2 + 3.5 * math.sqrt(point.n / most))}">'
        f"<title>predicted {point.x:.0%}, won {point.y:.0%}, {point.n:,} deals</title></circle>"
    )


def _grid_line(tick: float, edge: int, size: int) -> str:
    x, y = edge + tick * size, TOP_EDGE + (1 - tick) * size
    return (
        f'<line class="grid" x1="{_n(x)}" x2="{_n(x)}" y1="{TOP_EDGE}" y2="{TOP_EDGE + size}"/>'
        f'<line class="grid" x1="{edge}" x2="{edge + size}" y1="{_n(y)}" y2="{_n(y)}"/>'
        f'<text class="label" x="{_n(x)}" y="{TOP_EDGE + size + 14}" text-anchor="middle">{tick:.0%}</text>'
    ) + (f'<text class="label" x="{edge - 4}" y="{_n(y + 4)}" text-anchor="end">{tick:.0%}</text>' if tick else "")


def _markup(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - every text in it went through `_words`


def _words(text: str) -> str:
    return str(escape(clean(text)))


def _inset(fraction: float) -> str:
    return _n(1.5 + 97 * min(1.0, max(0.0, fraction)))


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") if "." in f"{number:.2f}" else f"{number:.2f}"
