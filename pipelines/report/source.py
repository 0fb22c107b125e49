"""The workspace's tables as the report needs them: one currency rule, whole numbers to add, no time zones.

Sums run over whole numbers (hundredths of a currency unit, billionths of a win), so that the report of the same
tables is the same to the last digit whatever the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import ibis

from features.coalitions import players
from features.inputs import inputs_from
from features.money import reported
from features.tables import DIRECT, METHODS
from models.scores import period_label
from pipelines.config import Config
from pipelines.workspace import Workspace

NANO: Final = 1_000_000_000
MICRO: Final = 1_000_000
"""Parts of a cent in which converted money is divided; a deal's cents are then given out by largest remainders."""

_DEAL: Final = """
CREATE TEMP TABLE deal AS
SELECT deal_id, coalesce(name, deal_id) AS name, outcome, deal_type, segment, industry, region, route,
    created_at AT TIME ZONE 'UTC' AS created_at, closed_at AT TIME ZONE 'UTC' AS closed_at,
    CASE WHEN amount IS NOT NULL THEN coalesce(m.currency, '') END AS unit, m.rate AS rate, m.period AS period,
    TRY_CAST(round(amount * 100 * m.rate) AS BIGINT) AS cents
FROM deals JOIN ({money}) m USING (deal_id)
"""
_CLOSED: Final = """
CREATE TEMP TABLE closed AS
SELECT *, outcome = 'won' AS is_won
FROM deal WHERE outcome <> 'open' AND closed_at IS NOT NULL
"""
_TOUCH: Final = """
CREATE TEMP TABLE touch AS
SELECT t.deal_id, t.partner_id, t.kind, t.journey_stage,
    t.occurred_at AT TIME ZONE 'UTC' AS occurred_at, t.recorded_at AT TIME ZONE 'UTC' AS recorded_at,
    t.occurred_at AT TIME ZONE 'UTC' > c.closed_at AS after_close,
    coalesce(t.recorded_at AT TIME ZONE 'UTC' > c.closed_at AND t.occurred_at AT TIME ZONE 'UTC' <= c.closed_at, false)
        AS late
FROM touchpoints t JOIN closed c USING (deal_id)
"""
_CREDIT: Final = """
CREATE TEMP TABLE credit AS
WITH part AS (
    SELECT deal_id, partner_id, method,
        CAST(sum(CASE WHEN target = 'win' THEN CAST(round(k.share * {nano}) AS BIGINT) END) AS BIGINT) AS share,
        CAST(sum(CASE WHEN target = 'win' THEN CAST(round(k.credit * {nano}) AS BIGINT) END) AS BIGINT) AS win,
        sum(CASE WHEN target = 'amount' THEN CAST(round(k.credit * c.rate * 100 * {micro}) AS HUGEINT) END) AS money,
        {bounds},
        (money % {micro} + {micro}) % {micro} AS rest,
        any_value(c.unit) AS unit, any_value(c.is_won) AS is_won, any_value(c.period) AS period,
        any_value(k.evidence_grade) AS grade
    FROM credits k JOIN closed c USING (deal_id)
    WHERE k.kind = 'split'
    GROUP BY deal_id, partner_id, method
)
SELECT * EXCLUDE (money, rest),
    CAST((money - rest) // {micro} AS BIGINT) + CASE WHEN row_number() OVER (of_deal ORDER BY rest DESC, partner_id)
        <= (sum(rest) OVER of_deal + {micro} // 2) // {micro} THEN 1 ELSE 0 END AS cents
FROM part WINDOW of_deal AS (PARTITION BY deal_id, method)
"""
_BOUND: Final = """
CASE WHEN count(k.credit_{side}) FILTER (target = '{target}') > 0 THEN CAST(sum(CASE WHEN target = '{target}'
    THEN CAST(round(coalesce({value} * (k.credit_{side} / nullif(k.credit, 0)), {value}) * {unit}) AS BIGINT) END
) AS BIGINT) END AS {name}_{side}
"""
_BOUNDED: Final = (
    ("share", "win", "k.share", NANO),
    ("win", "win", "k.credit", NANO),
    ("cents", "amount", "(k.credit * c.rate * 100)", 1),
)
_PLAYER: Final = f"""
CREATE TEMP TABLE player AS
{{players}}
UNION
SELECT DISTINCT deal_id, partner_id FROM credit WHERE partner_id <> '{DIRECT}'
"""


@dataclass(frozen=True)
class Source:
    """A connection with the tables ``deal``, ``closed``, ``touch``, ``credit`` and ``player``.

    ``share``, ``win`` and ``cents`` of ``credit`` have the ends of their intervals beside them, as ``share_lo`` and so
    on, null where none is known.
    ``methods`` are those with credit, in the contract's order; ``method`` is the one that the report leads with,
    empty when there is none.
    """

    connection: Any
    methods: tuple[str, ...]
    method: str

    def records(self, query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query, each as a mapping from column to value."""
        cursor = self.connection.execute(query, parameters) if parameters else self.connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, query: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """The only row of a query."""
        return self.records(query, parameters)[0]


def _bounds() -> str:
    """SQL for the ends of the intervals, in the units of what they belong to, by the rule that the scores follow."""
    return ",\n".join(
        _BOUND.format(name=name, target=target, value=value, unit=unit, side=side)
        for name, target, value, unit in _BOUNDED
        for side in ("lo", "hi")
    )


def _money(connection: Any, config: Config) -> str:
    """SQL for the currency, rate and period of each deal, by the rules that the scores follow."""
    deals = inputs_from(connection).deals
    units = reported(deals, config.report_currency)
    dated = deals.select("deal_id", period=period_label(deals.closed_at, config.credit.period))
    return str(ibis.to_sql(units.inner_join(dated, "deal_id"), dialect="duckdb"))


@contextmanager
def open_source(workspace: Workspace, config: Config) -> Iterator[Source]:
    """The prepared tables of a workspace, for as long as the block lasts."""
    with workspace.connect() as connection:
        connection.execute(_DEAL.format(money=_money(connection, config)))
        connection.execute(_CLOSED)
        connection.execute(_TOUCH)
        connection.execute(_CREDIT.format(nano=NANO, micro=MICRO, bounds=_bounds()))
        connection.execute(_PLAYER.format(players=ibis.to_sql(players(inputs_from(connection)), dialect="duckdb")))
        found = {row[0] for row in connection.execute("SELECT DISTINCT method FROM credit").fetchall()}
        methods = tuple(method for method in METHODS if method in found)
        yield Source(connection, methods, methods[0] if methods else "")
