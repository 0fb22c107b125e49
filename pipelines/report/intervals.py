"""How far the sampling of deals could move each player's credited wins and money."""

from __future__ import annotations

from typing import Final

from features.shown import Interval, Money, MoneyInterval
from pipelines.report.source import NANO, Source

_WINS: Final = """
SELECT partner_id, sum(coalesce(share_lo, share))::BIGINT AS lo, sum(coalesce(share_hi, share))::BIGINT AS hi
FROM credit WHERE method = $method AND is_won AND share IS NOT NULL
GROUP BY partner_id HAVING count(share_lo) > 0
"""
_MONEY: Final = """
SELECT partner_id, any_value(unit) AS unit,
    sum(coalesce(cents_lo, cents))::BIGINT AS lo, sum(coalesce(cents_hi, cents))::BIGINT AS hi
FROM credit WHERE method = $method AND is_won AND cents IS NOT NULL
GROUP BY partner_id HAVING count(cents_lo) > 0 AND count(DISTINCT unit) = 1
"""


def win_intervals(source: Source) -> dict[str, Interval]:
    """Intervals of the credited wins by player.

    The ends of a player's deals add up, since what is uncertain is the player's effect, the same on all of them. Those
    of several players do not.
    """
    rows = source.records(_WINS, {"method": source.method})
    return {row["partner_id"]: Interval(row["lo"] / NANO, row["hi"] / NANO) for row in rows}


def money_intervals(source: Source) -> dict[str, MoneyInterval]:
    """Intervals of the credited money, for players whose money is in one currency."""
    rows = source.records(_MONEY, {"method": source.method})
    return {
        row["partner_id"]: MoneyInterval(*(Money(((row["unit"], row[end]),)) for end in ("lo", "hi"))) for row in rows
    }
