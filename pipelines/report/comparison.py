"""Methods side by side, on the same won deals."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from features.tables import DIRECT
from models.recovery import spearman
from pipelines.report.overview import printed
from pipelines.report.source import NANO, Source
from pipelines.report.views import Agreement, Comparison, Partner

SHOWN: Final = 3
LEAST_COVERAGE: Final = 0.9

_COVERAGE: Final = """
SELECT method, count(DISTINCT deal_id) AS n FROM credit WHERE is_won AND share IS NOT NULL GROUP BY method
"""
_COMMON: Final = """
WITH covered AS (
    SELECT deal_id FROM credit WHERE is_won AND share IS NOT NULL AND method IN (SELECT unnest($methods))
    GROUP BY deal_id HAVING count(DISTINCT method) = len($methods)
)
SELECT partner_id, method, sum(share)::BIGINT AS wins, (SELECT count(*) FROM covered) AS n_deals
FROM credit
WHERE is_won AND share IS NOT NULL AND method IN (SELECT unnest($methods)) AND deal_id IN (SELECT deal_id FROM covered)
GROUP BY partner_id, method
"""


def comparison(source: Source, partners: dict[str, Partner], places: int) -> Comparison:
    """Credited wins by player and method over the won deals that all compared methods cover.

    Rows stand in the order of ``partners``, and their wins have ``places`` decimals.

    A method that covers less than nine tenths of the deals of the widest one would shrink what is compared, and is
    named as left out instead.
    """
    coverage = {row["method"]: row["n"] for row in source.records(_COVERAGE)}
    widest = max(coverage.values(), default=0)
    methods = [m for m in source.methods if coverage.get(m, 0) >= LEAST_COVERAGE * widest and m in coverage]
    left_out = tuple(method for method in source.methods if method not in methods)
    if not methods:
        return Comparison(left_out=left_out)
    records = source.records(_COMMON, {"methods": methods})
    wins: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(methods, 0.0))
    for row in records:
        wins[row["partner_id"]][row["method"]] = row["wins"] / NANO
    n_deals = records[0]["n_deals"] if records else 0
    lead = methods[0]
    order = [p for p in partners if p in wins] + sorted(p for p in wins if p not in partners and p != DIRECT)
    shown, own_shown = printed([wins[p] for p in order], wins.get(DIRECT, {}), tuple(methods), places)
    rows = [(partners.get(p, Partner(p, p)), values) for p, values in zip(order, shown, strict=True)]
    own = [(None, own_shown)] if DIRECT in wins else []
    agreements = tuple(_agreement(method, lead, wins, partners, n_deals, 0.5 * 10**-places) for method in methods)
    return Comparison(tuple(methods), n_deals, (*rows, *own), agreements, left_out)


def _agreement(
    method: str, lead: str, wins: dict[str, dict[str, float]], partners: dict[str, Partner], n_deals: int, least: float
) -> Agreement:
    names = sorted(player for player in wins if player != DIRECT)
    changes = [(partners[p].name if p in partners else p, wins[p][method] - wins[p][lead]) for p in names]
    changes.sort(key=lambda change: (change[1], change[0]))
    own = wins.get(DIRECT, {}).get(method, 0.0) - wins.get(DIRECT, {}).get(lead, 0.0)
    moved = (sum(abs(change) for _, change in changes) + abs(own)) / 2
    correlation = spearman(*(np.array([wins[p][which] for p in names]) for which in (lead, method)))
    return Agreement(
        method=method,
        partner_share=sum(wins[p][method] for p in names) / n_deals if n_deals else 0.0,
        rank_correlation=None if np.isnan(correlation) else correlation,
        moved=moved / n_deals if n_deals else 0.0,
        gains=tuple(change for change in reversed(changes[-SHOWN:]) if change[1] >= least),
        losses=tuple(change for change in changes[:SHOWN] if -change[1] >= least),
    )
