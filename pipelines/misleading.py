"""The doctor's look at what makes credit say something else than it seems to: one-sided records and misspelt names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import duckdb

from pipelines.config import Config
from pipelines.findings import Finding, Level
from pipelines.workspace import Workspace

ENOUGH_DEALS: Final = 20
"""Deals with partners below which one outcome among them can be chance."""
ONE_SIDED: Final = 0.98


def one_sided(connection: duckdb.DuckDBPyConnection, _workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """Whether partners stand on deals of one outcome only, so that credit tells who was written down."""
    import ibis

    from features.coalitions import players
    from features.inputs import inputs_from

    partners = ibis.to_sql(players(inputs_from(connection)), dialect="duckdb")
    touched, won, closed, all_won = connection.execute(
        "SELECT count(*) FILTER (has), count(*) FILTER (has AND is_won), count(*), count(*) FILTER (is_won) FROM ("
        f"SELECT outcome = 'won' AS is_won, deal_id IN (SELECT deal_id FROM ({partners})) AS has "
        "FROM deals WHERE outcome <> 'open')"
    ).fetchall()[0]
    if touched < ENOUGH_DEALS or not 0 < all_won < closed:
        return
    for outcome, n, everywhere in (("won", won, all_won), ("lost", touched - won, closed - all_won)):
        if n >= ONE_SIDED * touched and everywhere < ONE_SIDED * closed:
            other = "lost" if outcome == "won" else "won"
            yield Finding(
                "one-sided",
                Level.WARNING,
                f"Of {touched:,} closed deals with a partner's touch {n:,} were {outcome}, of all {closed:,} closed "
                f"deals {everywhere:,}.",
                n / touched,
                f"Perhaps partners' touches on {other} deals are not recorded; credit then says which deals were "
                f"written up, not who helped. Export the touches of {other} deals as well.",
            )


def unknown_names(connection: duckdb.DuckDBPyConnection, _workspace: Workspace, config: Config) -> Iterator[Finding]:
    """Kinds and stages that the configuration of the rules names and no row has: most are typing errors."""
    credit = config.credit
    kinds = {"eligible_kinds": credit.eligible_kinds, "lookback_days_by_kind": tuple(credit.lookback_days_by_kind)}
    stages = {"lead_stage": (credit.lead_stage,), "opportunity_stage": (credit.opportunity_stage,)}
    yield from _unknown(kinds, _values(connection, "kind", "touchpoints"), "touch is of the kind")
    yield from _unknown(stages, _values(connection, "stage", "stage_history"), "deal has entered the stage")


def _values(connection: duckdb.DuckDBPyConnection, column: str, table: str) -> list[str]:
    rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1").fetchall()
    return [value for (value,) in rows]


def _unknown(named: Mapping[str, tuple[str | None, ...]], known: Collection[str], words: str) -> Iterator[Finding]:
    there = f"There are: {', '.join(known)}." if known else "There are none at all."
    for key, values in named.items():
        for value in values:
            if value is not None and value not in known:
                yield Finding("configuration", Level.WARNING, f"No {words} {value!r} (credit.{key}).", 0, there)
