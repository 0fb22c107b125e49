"""A page for each partner: what it did, on which deals, and what it is credited with over time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from features.shown import Money
from features.tables import DIRECT
from pipelines.report.moment_views import PartnerMoments
from pipelines.report.source import NANO, Source
from pipelines.report.text import partner_sentence
from pipelines.report.views import (
    DealLink,
    Effect,
    KindCount,
    PartnerPage,
    PeriodCredit,
    Standing,
    Totals,
)

TOP_DEALS: Final = 10

_KINDS: Final = """
SELECT partner_id, kind,
    count(*) FILTER (journey_stage = 'pre_sale') AS pre_sale,
    count(*) FILTER (journey_stage = 'point_of_sale') AS point_of_sale,
    count(*) FILTER (journey_stage = 'post_sale') AS post_sale,
    count(*) FILTER (journey_stage IS NULL) AS unknown
FROM touch WHERE partner_id IS NOT NULL
GROUP BY partner_id, kind ORDER BY partner_id, count(*) DESC, kind
"""
_PERIODS: Final = """
SELECT partner_id, period, unit, count(DISTINCT deal_id) AS n_won,
    coalesce(sum(share), 0)::BIGINT AS wins, sum(cents)::BIGINT AS cents
FROM credit WHERE method = $method AND is_won GROUP BY partner_id, period, unit
"""
_TOP_DEALS: Final = """
SELECT c.partner_id, d.deal_id, d.name, d.outcome, d.closed_at, d.unit, d.cents AS amount,
    coalesce(c.win, 0) AS win, coalesce(c.share, 0) AS share, c.cents
FROM credit c JOIN closed d USING (deal_id)
WHERE c.method = $method AND c.partner_id <> $own
QUALIFY row_number() OVER (
    PARTITION BY c.partner_id
    ORDER BY abs(coalesce(c.cents, 0)) DESC, abs(coalesce(c.win, 0)) DESC, d.cents DESC NULLS LAST, d.deal_id
) <= $top
ORDER BY c.partner_id, abs(coalesce(c.cents, 0)) DESC, abs(coalesce(c.win, 0)) DESC, d.cents DESC NULLS LAST, d.deal_id
"""
_TOUCHED_DEALS: Final = """
SELECT p.partner_id, d.deal_id, d.name, d.outcome, d.closed_at, d.unit, d.cents AS amount,
    0 AS win, 0 AS share, NULL AS cents
FROM player p JOIN closed d USING (deal_id)
QUALIFY row_number() OVER (PARTITION BY p.partner_id ORDER BY d.cents DESC NULLS LAST, d.deal_id) <= $top
ORDER BY p.partner_id, d.cents DESC NULLS LAST, d.deal_id
"""
_EFFECTS: Final = """
SELECT partner_id, method, target, quantity, value, lo, hi, n FROM partner_effects
WHERE quantity <> 'total_credit' OR method IN ('model', 'markov')
ORDER BY partner_id, target DESC, quantity, method
"""


def partner_pages(
    source: Source,
    standings: list[Standing],
    totals: Totals,
    periods: list[str],
    deal_anchors: dict[str, str],
    places: int,
    moments: dict[str, PartnerMoments] | None = None,
) -> list[PartnerPage]:
    """A page for every standing with an anchor, in the order of the leaderboard; ``moments`` by partner, if any."""
    kinds, series = _grouped(source, _KINDS), _periods(source)
    deals, effects = _deals(source), _grouped(source, _EFFECTS)
    pages = []
    for rank, standing in enumerate((s for s in standings if s.partner.anchor), start=1):
        identifier = standing.partner.partner_id
        pages.append(
            PartnerPage(
                standing=standing,
                rank=rank,
                sentence=partner_sentence(standing, rank, totals, source.method, places),
                kinds=tuple(KindCount(**row) for row in kinds.get(identifier, [])),
                periods=_filled(series.get(identifier, {}), periods),
                deals=tuple(_link(row, deal_anchors) for row in deals.get(identifier, [])),
                effects=tuple(Effect(**row) for row in effects.get(identifier, [])),
                moments=None if moments is None else moments.get(identifier, PartnerMoments()),
            )
        )
    return pages


def _grouped(source: Source, query: str, parameters: dict[str, Any] | None = None) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in source.records(query, parameters):
        groups[row.pop("partner_id")].append(row)
    return groups


def _deals(source: Source) -> dict[str, list[dict[str, Any]]]:
    if source.method:
        return _grouped(source, _TOP_DEALS, {"method": source.method, "own": DIRECT, "top": TOP_DEALS})
    return _grouped(source, _TOUCHED_DEALS, {"top": TOP_DEALS})


def _periods(source: Source) -> dict[str, dict[str, PeriodCredit]]:
    series: dict[str, dict[str, PeriodCredit]] = defaultdict(dict)
    for identifier, rows in _grouped(source, _PERIODS, {"method": source.method}).items():
        for row in rows:
            before = series[identifier].get(row["period"], PeriodCredit(row["period"], 0, 0.0, Money()))
            part = [(row["unit"], row["cents"])] if row["cents"] is not None else []
            series[identifier][row["period"]] = PeriodCredit(
                row["period"],
                before.n_won + row["n_won"],
                before.wins + row["wins"] / NANO,
                Money.of([*before.money.parts, *part]),
            )
    return series


def _filled(series: dict[str, PeriodCredit], periods: list[str]) -> tuple[PeriodCredit, ...]:
    return tuple(series.get(period, PeriodCredit(period, 0, 0.0, Money())) for period in periods)


def _link(row: dict[str, Any], anchors: dict[str, str]) -> DealLink:
    return DealLink(
        deal_id=row["deal_id"],
        name=row["name"],
        outcome=row["outcome"],
        closed_at=row["closed_at"],
        amount=Money(((row["unit"], row["amount"]),)) if row["amount"] is not None else Money(),
        credit=row["win"] / NANO,
        share=row["share"] / NANO,
        money=Money(((row["unit"], row["cents"]),)) if row["cents"] is not None else Money(),
        anchor=anchors.get(row["deal_id"], ""),
    )
