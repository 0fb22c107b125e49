"""The doctor's look at rows that ingest would have rejected: only another program can have put them there."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from features.sources.sqltext import name, text_list
from features.tables import INPUT_TABLES, Table
from pipelines.config import Config
from pipelines.findings import Finding, Level
from pipelines.workspace import Workspace


def unchecked(connection: duckdb.DuckDBPyConnection, workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """Rows with a missing value, a word outside its vocabulary, a broken rule or the key of another row."""
    for table in INPUT_TABLES.values():
        if not workspace.has(table.name):
            continue
        rows, bad, keys = connection.execute(
            f"SELECT count(*), count(*) FILTER ({_fault(table)}), {_keys(table)} FROM {name(table.name)}"
        ).fetchall()[0]
        repeated = rows - keys if table.key else 0
        if bad or repeated:
            words = f"{bad:,} break the declaration of their table, {repeated:,} repeat the key of another"
            yield Finding(
                "tables",
                Level.WARNING,
                f"Of {rows:,} row(s) of {table.name}, {words}.",
                bad + repeated,
                "Another program wrote them, and results may be wrong. Have them checked: "
                f"partnerlift ingest --from tables {workspace.path(table.name)}.",
            )


def _fault(table: Table) -> str:
    faults = [f"{name(column.name)} IS NULL" for column in table.columns if not column.nullable]
    faults += [f"{name(c.name)} NOT IN ({text_list(c.vocabulary)})" for c in table.columns if c.vocabulary]
    return " OR ".join([*faults, *(f"NOT ({rule.condition})" for rule in table.rules)])


def _keys(table: Table) -> str:
    parts = ", ".join(map(name, table.key))
    return f"(SELECT count(*) FROM (SELECT DISTINCT {parts} FROM {name(table.name)}))" if parts else "0"
