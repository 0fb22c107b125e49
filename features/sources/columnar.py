"""Parquet files of any types as text columns, without loss: times as ISO 8601 with offset, nested values as JSON."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.delimited import checked_names
from features.sources.errors import SourceError
from features.sources.sqltext import float_text, literal, name, parquet
from features.sources.staging import FAULT, LINE
from features.sources.text import MAX_CELL

_NESTED = ("STRUCT", "MAP", "UNION", "JSON")


def stage_parquet(con: duckdb.DuckDBPyConnection, path: Path, part: Path) -> list[str]:
    """Writes the file's rows as text to ``part`` and gives their column names; ``_line`` is the record's number.

    Raises ``SourceError`` when it is not Parquet, is cut off, or has two columns of one name.
    """
    try:
        originals = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{path} is not a whole Parquet file ({_first_line(error)}). Export or copy it again."
        ) from error
    names = checked_names(path, [original.strip() for original in originals])
    try:
        con.execute(_copy(con, path, part, originals, names))
    except duckdb.Error as error:
        raise SourceError(f"{path} cannot be read ({_first_line(error)}). Export or copy it again.") from error
    return names


def _copy(con: duckdb.DuckDBPyConnection, path: Path, part: Path, originals: list[str], names: list[str]) -> str:
    source = parquet([path], "file_row_number = true")
    types = {row[0]: str(row[1]) for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    texts = ", ".join(
        f"NULLIF({_as_text(name(original), types[original])}, '') AS {name(renamed)}"
        for original, renamed in zip(originals, names, strict=True)
    )
    faults = " ".join(_fault_branches(original, types[original]) for original in originals)
    fault = f"CASE {faults} END" if faults.strip() else "CAST(NULL AS VARCHAR)"
    return (
        f"COPY (SELECT {texts}, file_row_number + 1 AS {LINE}, {fault} AS {FAULT} FROM {source}) "
        f"TO {literal(str(part))} (FORMAT parquet, COMPRESSION zstd)"
    )


def _as_text(column: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE"):  # NaN is how data frames write a missing number
        return f"CASE WHEN NOT isnan({column}) THEN {float_text(column)} END"
    if kind == "BLOB":
        return f"TRY(decode({column}))"
    if kind == "VARCHAR":
        return f"CASE WHEN length({column}) <= {MAX_CELL} THEN replace({column}, chr(0), chr(65533)) END"
    return f"CAST({column} AS VARCHAR)"


def _fault_branches(original: str, kind: str) -> str:
    column, shown = name(original), literal(original[:60])
    if kind == "BLOB":
        return f"WHEN {column} IS NOT NULL AND TRY(decode({column})) IS NULL THEN 'not valid UTF-8: ' || {shown}"
    if kind != "VARCHAR":
        return ""
    return (
        f"WHEN length({column}) > {MAX_CELL} THEN 'cell is longer than {MAX_CELL:,} characters: shorten ' || {shown} "
        f"WHEN contains({column}, chr(0)) THEN 'holds a NUL byte: ' || {shown}"
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200]
