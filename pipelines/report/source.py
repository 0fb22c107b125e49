"""The workspace's tables as the report needs them: one currency rule, whole numbers to add, no time zones.

Sums run over whole numbers (hundredths of a currency unit, billionths of a win), so that the report of the same
tables is the same to the last digit whatever the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from features.tables import DIRECT, METHODS, NO_CURRENCY
from pipelines.config import Config
from pipelines.workspace import Workspace

NANO: Final = 1_000_000_000
_DEAL: Final = """
CREATE TEMP TABLE deal AS
SELECT deal_id, coalesce(name, deal_id) AS name, outcome, deal_type, segment, industry, region, route,
    created_at AT TIME ZONE 'UTC' AS created_at, closed_at AT TIME ZONE 'UTC' AS closed_at,
    CASE WHEN amount IS NULL THEN NULL WHEN {converts} THEN $report ELSE coalesce(nullif(currency, '{nameless}'), '') END AS unit,
    CASE WHEN {converts} AND currency IS DISTINCT FROM $report THEN fx_rate ELSE 1.0 END AS rate,
    TRY_CAST(round(amount * 100 * rate) AS BIGINT) AS cents
FROM deals
"""
_CLOSED: Final = """
CREATE TEMP TABLE closed AS
SELECT *, outcome = 'won' AS is_won, {period} AS period
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
SELECT deal_id, partner_id, method,
    CAST(sum(CASE WHEN target = 'win' THEN CAST(round(k.share * {nano}) AS BIGINT) END) AS BIGINT) AS share,
    CAST(sum(CASE WHEN target = 'win' THEN CAST(round(k.credit * {nano}) AS BIGINT) END) AS BIGINT) AS win,
    CAST(sum(CASE WHEN target = 'amount' THEN CAST(round(k.credit * 100 * c.rate) AS BIGINT) END) AS BIGINT) AS cents,
    any_value(c.unit) AS unit, any_value(c.is_won) AS is_won, any_value(c.period) AS period
FROM credits k JOIN closed c USING (deal_id)
WHERE k.kind = 'split'
GROUP BY ALL
"""
_PLAYER: Final = f"""
CREATE TEMP TABLE player AS
SELECT DISTINCT deal_id, partner_id FROM touch WHERE partner_id IS NOT NULL AND NOT after_close
UNION
SELECT DISTINCT deal_id, partner_id FROM credit WHERE partner_id <> '{DIRECT}'
"""


@dataclass(frozen=True)
class Source:
    """A connection with the tables ``deal``, ``closed``, ``touch``, ``credit`` and ``player``.

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


@contextmanager
def open_source(workspace: Workspace, config: Config) -> Iterator[Source]:
    """The prepared tables of a workspace, for as long as the block lasts."""
    with workspace.connect() as connection:
        report = config.report_currency
        converts = "(currency = $report OR fx_rate IS NOT NULL)" if report else "($report IS NOT NULL)"
        connection.execute(_DEAL.format(converts=converts, nameless=NO_CURRENCY), {"report": report})
        connection.execute(_CLOSED.format(period=PERIODS[config.credit.period]))
        connection.execute(_TOUCH)
        connection.execute(_CREDIT.format(nano=NANO))
        connection.execute(_PLAYER)
        found = {row[0] for row in connection.execute("SELECT DISTINCT method FROM credit").fetchall()}
        methods = tuple(method for method in METHODS if method in found)
        yield Source(connection, methods, methods[0] if methods else "")
