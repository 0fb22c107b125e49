"""Tables into an attached DuckDB database, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from features.sources.sqltext import literal, name
from features.tables import SQL_TYPES, Table
from pipelines.publishing.report import Published
from pipelines.workspace import Workspace, WorkspaceError

_ATTACHED: Final = "published"


def publish_duckdb(workspace: Workspace, file: Path, tables: Sequence[Table], schema: str | None) -> list[Published]:
    """Makes the tables in the file equal to the workspace's, all of them or none.

    Raises ``duckdb.Error``, or ``WorkspaceError`` when a table there has other columns.
    """
    home = f"{_ATTACHED}.{name(schema or 'main')}"
    with workspace.connect() as connection:
        connection.execute(f"ATTACH {literal(str(file))} AS {_ATTACHED}")
        for table in tables:
            columns = ", ".join(map(name, table.column_names))
            rows = f"SELECT {columns} FROM ({workspace.select(table.name)})"
            connection.execute(f"CREATE TEMP TABLE {_staging(table)} AS {rows}")
        connection.execute("BEGIN")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {home}")
        done = [_published(connection, table, f"{home}.{name(table.name)}") for table in tables]
        connection.execute("COMMIT")
        connection.execute(f"DETACH {_ATTACHED}")
    return done


def _published(connection: Any, table: Table, target: str) -> Published:
    definitions = [f"{name(c.name)} {SQL_TYPES[c.kind]}{'' if c.nullable else ' NOT NULL'}" for c in table.columns]
    connection.execute(f"CREATE TABLE IF NOT EXISTS {target} ({', '.join(definitions)})")
    _check_columns(connection, table, target)
    columns, staging = ", ".join(map(name, table.column_names)), _staging(table)
    same = _all_equal(table.key, "t", "s") if table.key else "false"
    differs = " OR ".join(f"t.{name(c)} IS DISTINCT FROM s.{name(c)}" for c in table.column_names if c not in table.key)
    removed = _changed(connection, f"DELETE FROM {target} AS t WHERE NOT EXISTS (FROM {staging} s WHERE {same})")
    outdated = f"EXISTS (FROM {staging} s WHERE {same} AND ({differs}))"
    changed = _changed(connection, f"DELETE FROM {target} AS t WHERE {outdated}")
    missing = f"SELECT {columns} FROM {staging} s WHERE NOT EXISTS (FROM {target} t WHERE {same})"
    inserted = _changed(connection, f"INSERT INTO {target} ({columns}) {missing}")
    (rows,) = connection.execute(f"SELECT count(*) FROM {target}").fetchall()[0]
    return Published(table.name, int(rows), inserted - changed, changed, removed)


def _check_columns(connection: Any, table: Table, target: str) -> None:
    there = {str(row[0]) for row in connection.execute(f"DESCRIBE {target}").fetchall()}
    missing = [column for column in table.column_names if column not in there]
    if missing:
        raise WorkspaceError(
            f"The table {table.name} in the database lacks the column(s) {', '.join(missing)}. "
            "Add them, drop it so that it is made anew, or publish into another schema with --schema."
        )


def _all_equal(columns: Sequence[str], left: str, right: str) -> str:
    return " AND ".join(f"{left}.{name(column)} IS NOT DISTINCT FROM {right}.{name(column)}" for column in columns)


def _staging(table: Table) -> str:
    return name(f"staging_{table.name}")


def _changed(connection: Any, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])
