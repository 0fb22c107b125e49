"""Charts of the view models: which numbers go where. The drawing itself is in `charts`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from markupsafe import Markup

from features.shown import count, day, percent
from pipelines.report import charts
from pipelines.report.charts import Dot, Mark, Segment
from pipelines.report.moment_views import Journey
from pipelines.report.views import (
    Comparison,
    DealPage,
    Driver,
    KindCount,
    Lane,
    MetricRow,
    ModelQuality,
    PartnerPage,
    PeriodCredit,
    PlayerCredit,
    Standing,
    Totals,
    Touch,
)

STAGES: Final = (
    ("pre_sale", "before the sale"),
    ("point_of_sale", "at the sale"),
    ("post_sale", "after the sale"),
    ("unknown", "stage not known"),
)
COMPARED_SHOWN: Final = 20
HEAT_LEVELS: Final = 5


@dataclass(frozen=True)
class Step:
    """A row of a waterfall: the player, ``None`` for the total; its chart, and where the bar ends."""

    player: PlayerCredit | None
    chart: Markup
    end: float


def money_split(totals: Totals) -> Markup | None:
    """Partners' and own team's part of the credited amount; ``None`` when it is not in one currency or not positive."""
    if not (totals.credited_money.is_single and totals.partner_money.is_single):
        return None
    ((_, whole),), ((_, partners),) = totals.credited_money.parts, totals.partner_money.parts
    if whole <= 0 or not 0 <= partners <= whole:
        return None
    label = f"Of the won amount {percent(partners / whole)} is credited to partners, the rest to the own team."
    parts = [Segment(partners, "accent"), Segment(whole - partners, "own")]
    return charts.stacked(parts, whole, label, height=16)


def wins_over_time(periods: Sequence[PeriodCredit]) -> Markup:
    """Won deals of each period, the part credited to partners at the bottom."""
    stacks = [
        [Segment(p.wins, "accent" if p.wins >= 0 else "negative"), Segment(max(p.n_won - max(p.wins, 0.0), 0.0), "own")]
        for p in periods
    ]
    label = f"Won deals by period from {periods[0].period} to {periods[-1].period}, with the partners' credited wins."
    return charts.columns([p.period for p in periods], stacks, label, height=160)


def partner_over_time(page: PartnerPage) -> Markup:
    """Credited wins of one partner by period."""
    stacks = [[Segment(p.wins, "accent" if p.wins >= 0 else "negative")] for p in page.periods]
    label = f"Wins credited to {page.standing.partner.name} by period."
    return charts.columns([p.period for p in page.periods], stacks, label, height=112)


def standing_bars(standings: Sequence[Standing]) -> list[Markup]:
    """A bar of credited wins for each row, on one scale."""
    most, least = _ends([row.wins for row in standings])
    return [charts.bar(row.wins, most, least) for row in standings]


def kind_bars(kinds: Sequence[KindCount]) -> list[Markup]:
    """A bar for each kind of touch, its parts by journey stage, on one scale."""
    most = max((kind.total for kind in kinds), default=1)
    return [
        charts.stacked([Segment(getattr(kind, stage), f"stage-{stage}") for stage, _ in STAGES], most) for kind in kinds
    ]


def method_bars(by_method: dict[str, float], methods: Sequence[str]) -> list[Markup]:
    """A bar of credited wins for each method, on one scale; the first method is the one that the report leads with."""
    values = [by_method.get(method, 0.0) for method in methods]
    most, least = _ends(values)
    return [charts.bar(value, most, least, "accent" if index == 0 else "own") for index, value in enumerate(values)]


def waterfall(page: DealPage) -> list[Step]:
    """From the own team through each partner to the total, a step each."""
    ends, running = [], 0.0
    for player in page.players:
        running += player.credit
        ends.append(running)
    most, least = _ends([*ends, page.total or 0.0])
    most = next((nice for nice in (0.1, 0.25, 0.5, 1.0) if most <= nice), most)
    steps, start = [], 0.0
    for player, end in zip(page.players, ends, strict=True):
        style = "own" if player.is_own else "accent" if player.credit >= 0 else "negative"
        chart = charts.step(start, end, most, least, style, joins=True)
        steps.append(Step(player, chart, end))
        start = end
    return [*steps, Step(None, charts.step(0.0, page.total or 0.0, most, least, "total", joins=False), start)]


def lanes(page: DealPage) -> list[tuple[Lane, Markup]]:
    """Each actor's touches from the deal's first day to its last."""
    first, last = span(page)
    width = (last - first).total_seconds() or 1.0
    close = (page.closed_at - first).total_seconds() / width
    return [
        (lane, charts.lane([_mark(touch, lane, first, width) for touch in lane.touches], close)) for lane in page.lanes
    ]


def span(page: DealPage) -> tuple[datetime, datetime]:
    """First and last moment of the timeline: the deal's own dates, widened to its touches."""
    moments = [touch.occurred_at for lane in page.lanes for touch in lane.touches]
    return min([page.created_at, *moments]), max([page.closed_at, *moments])


def driver_bars(drivers: Sequence[Driver]) -> list[Markup]:
    """A bar for each driver, to the right when it raised the prediction."""
    most, least = _ends([driver.value for driver in drivers])
    return [charts.bar(driver.value, most, least) for driver in drivers]


def importance_bars(importance: Sequence[tuple[str, float]]) -> list[Markup]:
    """A bar for each feature's mean absolute contribution."""
    most = max((value for _, value in importance), default=1.0)
    return [charts.bar(value, most) for _, value in importance]


def metric_intervals(row: MetricRow) -> list[Markup | None]:
    """Each model's value with its interval on the metric's own scale."""
    found = [cell for cell in row.cells if cell is not None]
    ends = [x for cell in found for x in (cell.value, cell.lo, cell.hi) if x is not None]
    most, least = max(ends), min(ends)
    return [
        None
        if cell is None or cell.lo is None or cell.hi is None
        else charts.interval(cell.lo, cell.value, cell.hi, most, least)
        for cell in row.cells
    ]


def calibration_plot(quality: ModelQuality) -> Markup:
    """Predicted against observed, over groups of deals."""
    points = [Dot(p.predicted, p.observed, p.n, p.lo, p.hi) for p in quality.calibration]
    gap = sum(abs(p.x - p.y) * p.n for p in points) / max(sum(p.n for p in points), 1)
    return charts.calibration(points, f"Predicted chance against share won; mean gap {percent(gap, 1)}.")


def comparison_dots(comparison: Comparison) -> list[tuple[str, str, Markup, dict[str, float]]]:
    """Name, anchor, chart and wins by method, on one scale, of the partners with most credit or debit by any method."""
    rows = [(partner, wins) for partner, wins in comparison.rows if partner is not None]
    stakes = sorted((max(abs(value) for value in wins.values()) for _, wins in rows), reverse=True)[:COMPARED_SHOWN]
    rows = [(partner, wins) for partner, wins in rows if max(abs(v) for v in wins.values()) >= stakes[-1]]
    most, least = _ends([value for _, wins in rows for value in wins.values()])
    return [
        (
            partner.name,
            partner.anchor,
            charts.dots([Mark(wins[m], f"mark-{m}", f"mark-{m}") for m in reversed(comparison.methods)], most, least),
            wins,
        )
        for partner, wins in rows
    ]


def heat_stages(journey: Journey) -> list[tuple[str, str, int]]:
    """Stages of the journey with their label and how many types stand under them, in the order of the types."""
    labels = dict(STAGES)
    return [
        (stage, labels.get(stage, "at any time"), len(list(types)))
        for stage, types in groupby(journey.types, key=lambda entry: entry[2])
    ]


def heat_level(n: int, most: int) -> int:
    """How dark a count is shown: 0 for none, else 1 to ``HEAT_LEVELS`` in proportion to the largest count."""
    return math.ceil(HEAT_LEVELS * n / most)


def count_bars(counts: Sequence[tuple[str, int]]) -> list[Markup]:
    """A bar for each count, on one scale."""
    most = max((n for _, n in counts), default=1)
    return [charts.bar(n, most) for _, n in counts]


def kept_bar(kept: int, rejected: int) -> Markup:
    """Kept and rejected rows as parts of what came in."""
    return charts.stacked([Segment(kept, "accent"), Segment(rejected, "negative")], kept + rejected)


def lane_summary(lane: Lane) -> str:
    """A lane in words, for who cannot see it."""
    first, last = lane.touches[0].occurred_at, lane.touches[-1].occurred_at
    days = day(first) if first.date() == last.date() else f"{day(first)} to {day(last)}"
    return f"{count(len(lane.touches), 'touch', 'touches')}, {days}"


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return max([*values, 0.0]) or 1.0, min([*values, 0.0])


def _mark(touch: Touch, lane: Lane, first: datetime, width: float) -> Mark:
    at = (touch.occurred_at - first).total_seconds() / width
    late = ", recorded after the close" if touch.late else ", after the close" if touch.after_close else ""
    style = "own" if lane.is_own else "accent"
    symbol = "touch-open" if touch.late or touch.after_close else "touch"
    return Mark(at, style, symbol, f"{day(touch.occurred_at)}: {touch.kind.replace('_', ' ')}{late}")
