"""Accepted rows into a workspace's table: newer rows replace older ones of the same key, in a fixed order."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.sqltext import name
from features.tables import ARROW_TYPES, Kind, Table
from pipelines.stored import WorkspaceError

_NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "U")
_ROW_GROUP: Final = 100_000


def merged(con: duckdb.DuckDBPyConnection, table: Table, accepted: str, existing: str | None) -> tuple[str, pa.Schema]:
    """SQL of the table after the ingest, sorted by its key (by all columns when it has none), and its Arrow schema.

    ``accepted`` and ``existing`` are views; ``existing`` is ``None`` when nothing older stays.
    """
    new, old = _extras(con, table, accepted), _extras(con, table, existing) if existing else {}
    spelled = {column.casefold(): column for column in (*new, *old)}  # SQL does not tell upper from lower case
    new, old = ({column.casefold(): kind for column, kind in there.items()} for there in (new, old))
    extras = {spelled[folded]: _common_type(new.get(folded), old.get(folded)) for folded in sorted(spelled)}
    query = f"SELECT {_columns(table, extras, new)} FROM {name(accepted)}"
    if existing:
        same = " AND ".join(f"newer.{name(k)} IS NOT DISTINCT FROM older.{name(k)}" for k in table.key)
        query += (
            f" UNION ALL SELECT {_columns(table, extras, old)} FROM {name(existing)} AS older "
            f"ANTI JOIN {name(accepted)} AS newer ON {same}"
        )
    order = ", ".join(map(name, table.key or table.column_names))
    schema = table.arrow_schema()
    for column, kind in extras.items():
        schema = schema.append(pa.field(column, ARROW_TYPES[Kind.NUMBER if kind == "DOUBLE" else Kind.TEXT]))
    return f"SELECT * FROM ({query}) ORDER BY {order}", schema


def write(con: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema, path: Path) -> int:
    """Writes the query's rows to one Parquet file in their order, a row group at a time, and gives their number.

    Raises ``WorkspaceError`` when an older row, put there by another program, lacks a value that must not be null.
    """
    n = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        reader: pa.RecordBatchReader = con.sql(query).to_arrow_reader(_ROW_GROUP)
        for batch in reader:
            writer.write_table(_cast(batch, schema, path.stem), row_group_size=_ROW_GROUP)
            n += batch.num_rows
    return n


def _cast(batch: pa.RecordBatch, schema: pa.Schema, table: str) -> pa.Table:
    try:
        return pa.Table.from_batches([batch]).cast(schema)
    except ValueError as error:  # new rows are checked, so it is an older one
        raise WorkspaceError(
            f"The workspace's table {table} holds rows that it must not ({error}). Repair it, or ingest with --replace."
        ) from error


def _extras(con: duckdb.DuckDBPyConnection, table: Table, view: str) -> dict[str, str]:
    """Columns beyond the declared ones, and their SQL types."""
    rows = con.execute(f"DESCRIBE {name(view)}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows if row[0] not in table.column_names}


def _common_type(new: str | None, old: str | None) -> str:
    return "DOUBLE" if all(kind is None or kind.startswith(_NUMBERS) for kind in (new, old)) else "VARCHAR"


def _columns(table: Table, extras: dict[str, str], there: dict[str, str]) -> str:
    declared = [name(column) for column in table.column_names]
    return ", ".join(
        [*declared, *(f"{_converted(c, kind, there.get(c.casefold()))} AS {name(c)}" for c, kind in extras.items())]
    )


def _converted(column: str, kind: str, before: str | None) -> str:
    if before is None:
        return f"CAST(NULL AS {kind})"
    text = f"CAST({name(column)} AS {kind})"
    was_number = kind == "VARCHAR" and before.startswith(_NUMBERS)
    return f"regexp_replace({text}, '\\.0$', '')" if was_number else text
