"""Totals, leaderboard and credit over time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

from features.shown import Money, rounded_parts, slug
from features.tables import DIRECT
from pipelines.report.intervals import money_intervals, win_intervals
from pipelines.report.source import NANO, Source
from pipelines.report.views import Partner, PeriodCredit, Standing, Totals

OWN_TEAM: Final = Partner(DIRECT, "Own team")

_COUNTS: Final = """
SELECT count(*) AS n_deals,
    count(*) FILTER (outcome = 'open') AS n_open,
    count(*) FILTER (outcome = 'won') AS n_won,
    count(*) FILTER (outcome = 'lost') AS n_lost,
    min(closed_at) FILTER (outcome <> 'open') AS first_close,
    max(closed_at) FILTER (outcome <> 'open') AS last_close
FROM deal
"""
_TOUCHES: Final = """
SELECT count(*) AS n_touches, count(*) FILTER (partner_id IS NOT NULL) AS n_partner_touches FROM touchpoints
"""
_WITH_PARTNER: Final = """
SELECT count(*) FILTER (is_won) AS n_won_with_partner, count(*) FILTER (NOT is_won) AS n_lost_with_partner
FROM closed WHERE deal_id IN (SELECT deal_id FROM player)
"""
_SCORED: Final = """
SELECT count(DISTINCT deal_id) AS n_scored, count(DISTINCT deal_id) FILTER (is_won) AS n_scored_won
FROM credit WHERE method = $method AND share IS NOT NULL
"""
_WON_MONEY: Final = """
SELECT unit, sum(cents)::BIGINT AS cents FROM closed WHERE is_won AND cents IS NOT NULL GROUP BY unit
"""
_WITHOUT_AMOUNT: Final = "SELECT count(*) AS n_won_without_amount FROM closed WHERE is_won AND cents IS NULL"
_WINS: Final = """
SELECT partner_id, method, sum(share)::BIGINT AS wins FROM credit WHERE is_won AND share IS NOT NULL GROUP BY ALL
"""
_MONEY: Final = """
SELECT partner_id, unit, sum(cents)::BIGINT AS cents FROM credit
WHERE method = $method AND is_won AND cents IS NOT NULL GROUP BY ALL
"""
_DEALS: Final = """
SELECT partner_id, count(*) AS n_deals, count(*) FILTER (is_won) AS n_won
FROM player JOIN closed USING (deal_id) GROUP BY partner_id
"""
_PARTNER_TOUCHES: Final = "SELECT partner_id, count(*) AS n FROM touch WHERE partner_id IS NOT NULL GROUP BY partner_id"
_OWN_TOUCHES: Final = "SELECT count(*) AS n FROM touch WHERE partner_id IS NULL"
_PERIODS: Final = """
SELECT period, count(DISTINCT deal_id) AS n_won, coalesce(sum(share), 0)::BIGINT AS wins
FROM credit WHERE method = $method AND is_won AND partner_id <> '{own}' GROUP BY period
"""


def totals(source: Source) -> Totals:
    """Counts and sums over everything in the workspace."""
    method = {"method": source.method}
    wins = sum(row["wins"] for row in source.records(_WINS) if _is_lead(row, source) and row["partner_id"] != DIRECT)
    money = source.records(_MONEY, method)
    return Totals(
        **source.one(_COUNTS),
        **source.one(_TOUCHES),
        **source.one(_WITH_PARTNER),
        **source.one(_SCORED, method),
        **source.one(_WITHOUT_AMOUNT),
        n_partners=source.one("SELECT count(*) AS n FROM partners")["n"],
        n_active_partners=source.one("SELECT count(DISTINCT partner_id) AS n FROM player")["n"],
        won_money=Money.of((row["unit"], row["cents"]) for row in source.records(_WON_MONEY)),
        credited_money=Money.of((row["unit"], row["cents"]) for row in money),
        partner_money=Money.of((row["unit"], row["cents"]) for row in money if row["partner_id"] != DIRECT),
        partner_wins=wins / NANO,
    )


def partner_names(source: Source) -> dict[str, Partner]:
    """Every partner that the tables name, by id; one that `partners` lacks is shown by its id."""
    known = source.records("SELECT partner_id, name, partner_type, tier FROM partners")
    seen = source.records("SELECT partner_id FROM player UNION SELECT partner_id FROM partner_effects")
    partners = {row["partner_id"]: Partner(row["partner_id"], row["partner_id"]) for row in seen}
    for row in known:
        identifier = row["partner_id"]
        partners[identifier] = Partner(
            identifier, row["name"] or identifier, row["partner_type"] or "", row["tier"] or ""
        )
    return {identifier: partner for identifier, partner in partners.items() if identifier != DIRECT}


def players(
    source: Source, partners: dict[str, Partner], pages: int, places: int
) -> tuple[list[Standing], Standing | None]:
    """Rows of the partners that touched a closed deal or have credit, and the own team's when there is any credit.

    Most credited wins come first, and the first ``pages`` partners get an anchor. Printed wins have ``places``
    decimals.
    """
    wins, money, deals, touches = _by_player(source)
    of_wins, of_money = win_intervals(source), money_intervals(source)
    active = sorted(set(deals) | (set(wins) - {DIRECT}) | set(touches))
    rows = [
        Standing(
            partner=partners.get(identifier, Partner(identifier, identifier)),
            n_deals=deals.get(identifier, (0, 0))[0],
            n_won=deals.get(identifier, (0, 0))[1],
            n_touches=touches.get(identifier, 0),
            wins=wins.get(identifier, {}).get(source.method, 0.0),
            money=money.get(identifier, Money()),
            by_method=wins.get(identifier, {}),
            interval=of_wins.get(identifier),
            money_interval=of_money.get(identifier),
        )
        for identifier in active
    ]
    rows.sort(key=lambda row: (-row.wins, -row.n_won, -row.n_touches, row.partner.name, row.partner.partner_id))
    rows = [_anchored(row) if rank < pages else row for rank, row in enumerate(rows)]
    shown, own_shown = printed([row.by_method for row in rows], wins.get(DIRECT, {}), source.methods, places)
    own = _own(source, wins[DIRECT], money.get(DIRECT, Money()), own_shown) if DIRECT in wins else None
    return [replace(row, shown=values) for row, values in zip(rows, shown, strict=True)], own


def printed(
    rows: list[dict[str, float]], own: dict[str, float], methods: tuple[str, ...], places: int
) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Wins by method of the partners and of the own team, rounded so that each method adds up to its rounded total."""
    columns = {m: rounded_parts([row.get(m, 0.0) for row in rows], places) for m in methods}
    totals = {m: round(sum(row.get(m, 0.0) for row in rows) + own.get(m, 0.0), places) for m in methods}
    shown = [{m: columns[m][at] for m in methods} for at in range(len(rows))]
    return shown, {m: round(totals[m] - sum(columns[m]), places) for m in methods}


def _own(source: Source, wins: dict[str, float], money: Money, shown: dict[str, float]) -> Standing:
    scored = source.one(_SCORED, {"method": source.method})
    return Standing(
        partner=OWN_TEAM,
        n_deals=scored["n_scored"],
        n_won=scored["n_scored_won"],
        n_touches=source.one(_OWN_TOUCHES)["n"],
        wins=wins.get(source.method, 0.0),
        money=money,
        by_method=wins,
        shown=shown,
    )


def combined(rows: list[Standing], label: str) -> Standing | None:
    """Several rows as one, for what a shortened list leaves out; ``None`` for no rows. Deals may be counted twice."""
    if not rows:
        return None
    return Standing(
        partner=Partner("", label),
        n_deals=sum(row.n_deals for row in rows),
        n_won=sum(row.n_won for row in rows),
        n_touches=sum(row.n_touches for row in rows),
        wins=sum(row.wins for row in rows),
        money=Money.of(part for row in rows for part in row.money.parts),
        by_method=_summed([row.by_method for row in rows]),
        shown=_summed([row.shown for row in rows]),
    )


def periods(source: Source) -> list[PeriodCredit]:
    """For each period with closed deals: the won deals, and the partners' wins and money among them."""
    won = source.records("SELECT period, count(*) FILTER (is_won) AS n FROM closed GROUP BY period ORDER BY period")
    query = _PERIODS.format(own=DIRECT)
    wins = {row["period"]: row["wins"] / NANO for row in source.records(query, {"method": source.method})}
    return [PeriodCredit(row["period"], row["n"], wins.get(row["period"], 0.0), Money()) for row in won]


def _is_lead(row: dict[str, Any], source: Source) -> bool:
    return bool(row["method"] == source.method)


def _summed(rows: list[dict[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for row in rows:
        for method, wins in row.items():
            sums[method] += wins
    return dict(sums)


def _anchored(row: Standing) -> Standing:
    return replace(row, partner=replace(row.partner, anchor=slug("partner", row.partner.partner_id)))


def _by_player(
    source: Source,
) -> tuple[dict[str, dict[str, float]], dict[str, Money], dict[str, tuple[int, int]], dict[str, int]]:
    wins: dict[str, dict[str, float]] = defaultdict(dict)
    for row in source.records(_WINS):
        wins[row["partner_id"]][row["method"]] = row["wins"] / NANO
    parts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in source.records(_MONEY, {"method": source.method}):
        parts[row["partner_id"]].append((row["unit"], row["cents"]))
    deals = {row["partner_id"]: (row["n_deals"], row["n_won"]) for row in source.records(_DEALS)}
    touches = {row["partner_id"]: row["n"] for row in source.records(_PARTNER_TOUCHES)}
    return dict(wins), {identifier: Money.of(part) for identifier, part in parts.items()}, deals, touches
