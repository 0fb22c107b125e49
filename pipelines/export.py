"""Any table of a workspace as one CSV or Parquet file, for spreadsheets and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from features.cells import FORMULA_STARTS
from features.sources.sqltext import literal, name, parquet
from features.tables import TABLES
from pipelines.workspace import Workspace, WorkspaceError

REJECTS: Final = "rejects/"
CSV_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def export(workspace: Workspace, table: str, out: Path, *, raw: bool = False) -> int:
    """Writes a table to ``out`` and returns its number of rows.

    The ending decides the format: ``.csv`` or ``.parquet``. In CSV, times are ISO 8601 in UTC, lists are JSON, and text
    that begins like a formula gets a leading apostrophe unless ``raw``. The file appears whole or not at all.

    Parameters
    ----------
    table : a name of ``features.tables.TABLES``, or ``rejects/NAME`` for the rows that ingest rejected.

    Raises
    ------
    ValueError
        For an unknown table or another ending.
    WorkspaceError
        When the workspace does not have the table, or ``out`` cannot be written.
    """
    ending = out.suffix.lower()
    if ending not in {".csv", ".parquet"}:
        raise ValueError(f"{out} ends neither in .csv nor in .parquet. Choose one of the two endings.")
    draft = out.with_name(f".{out.name}.draft")
    with workspace.connect() as connection:
        select = _select(workspace, table)
        if ending == ".csv":
            select = _csv_select(connection, select, raw=raw)
        try:
            rows = _copy(connection, select, draft, "csv, header" if ending == ".csv" else "parquet")
            draft.replace(out)
        except (OSError, duckdb.IOException) as error:
            raise WorkspaceError(f"Cannot write {out}: {error}. Check that its folder exists.") from error
        finally:
            draft.unlink(missing_ok=True)
    return rows


def _select(workspace: Workspace, table: str) -> str:
    if table.startswith(REJECTS):
        path = workspace.rejects / f"{table.removeprefix(REJECTS)}.parquet"
        if table.removeprefix(REJECTS) not in TABLES or not path.exists():
            raise WorkspaceError(f"{workspace.root} has no {table}: the last ingest rejected no row of that table.")
        return f"SELECT * FROM {parquet([path])}"
    if table not in TABLES:
        raise ValueError(f"There is no table {table!r}. Tables: {', '.join(TABLES)}; or rejects/NAME.")
    if not workspace.has(table):
        raise WorkspaceError(f"{workspace.root} has no table {table} yet. Ingest or compute it first.")
    return workspace.select(table)


def _csv_select(connection: duckdb.DuckDBPyConnection, select: str, *, raw: bool) -> str:
    columns = connection.execute(f"DESCRIBE {select}").fetchall()
    cells = [f"{_csv_cell(str(column), str(kind), raw=raw)} AS {name(str(column))}" for column, kind, *_ in columns]
    return f"SELECT {', '.join(cells)} FROM ({select})"


def _csv_cell(column: str, kind: str, *, raw: bool) -> str:
    cell = name(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({cell} AT TIME ZONE 'UTC', '{CSV_TIME}')"
    if kind.endswith("[]"):
        return f"CAST(to_json({cell}) AS VARCHAR)"
    if kind != "VARCHAR" or raw:
        return cell
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    return f"CASE WHEN left({cell}, 1) IN ({starts}) THEN '''' || {cell} ELSE {cell} END"


def _copy(connection: duckdb.DuckDBPyConnection, select: str, path: Path, form: str) -> int:
    (rows,) = connection.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT {form})").fetchall()[0]
    return int(rows)
