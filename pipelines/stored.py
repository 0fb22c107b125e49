"""A table's Parquet files, whoever wrote them, as SQL of the declared columns and types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from features.sources.sqltext import float_text, name, parquet
from features.tables import EXTRA_PREFIX, SQL_TYPES, Column, Kind, Table

_NUMERIC: Final = (Kind.MONEY, Kind.NUMBER)


class WorkspaceError(RuntimeError):
    """A workspace that cannot be used as asked; the message says what to do."""


def stored(table: Table, files: Sequence[Path]) -> str:
    """SQL that reads the files, of any column order and types; empty when there are none.

    A column is known by its name, blanks around it and upper and lower case aside. Nullable columns that the files
    lack are null, NaN is null, a whole number in a column of ids is written without its ``.0``. Where the table allows
    them, ``x_`` columns follow: DOUBLE when they are numbers, else VARCHAR.

    Raises ``WorkspaceError`` when a file is not Parquet, or a column that must not be null is missing.
    """
    if not files:
        return f"SELECT {', '.join(f'{_null(c)} AS {name(c.name)}' for c in table.columns)} WHERE false"
    there = _columns(files)
    missing = [c.name for c in table.columns if not c.nullable and c.name not in there]
    if missing:
        raise WorkspaceError(
            f"{files[0]} lacks the column(s) {', '.join(missing)} of table {table.name}; it has "
            f"{', '.join(spelling for spelling, _ in there.values())}. Add them, or take it away and ingest again."
        )
    declared = [
        f"{_declared(c, *there[c.name]) if c.name in there else _null(c)} AS {name(c.name)}" for c in table.columns
    ]
    extra = [
        f"{_extra(*found)} AS {name(EXTRA_PREFIX + found[0].strip()[len(EXTRA_PREFIX) :])}"
        for folded, found in there.items()
        if table.allows_extra and folded.startswith(EXTRA_PREFIX)
    ]
    return f"SELECT {', '.join([*declared, *extra])} FROM {parquet(files, 'union_by_name = true')}"


def schema_of(path: Path) -> pa.Schema:
    """The file's Arrow schema; raises ``WorkspaceError`` when it is not Parquet."""
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise WorkspaceError(
            f"{path} is not a readable Parquet file ({error}). Restore it, or take it away and ingest again."
        ) from error


def _columns(files: Sequence[Path]) -> dict[str, tuple[str, list[pa.DataType]]]:
    """Folded name to the column's spelling (the plain one, where there are several) and its types in the files."""
    there: dict[str, tuple[str, list[pa.DataType]]] = {}
    for field in (field for file in files for field in schema_of(file)):
        folded = field.name.strip().casefold()
        spelling, types = there.get(folded, (field.name, []))
        there[folded] = (folded if field.name == folded else spelling, [*types, field.type])
    return there


def _null(column: Column) -> str:
    return f"CAST(NULL AS {SQL_TYPES[column.kind]})"


def _declared(column: Column, spelling: str, types: list[pa.DataType]) -> str:
    cell = name(spelling)
    if column.kind is Kind.ID and any(map(pat.is_floating, types)):
        return f"CASE WHEN NOT isnan({cell}) THEN {float_text(cell)} END"
    typed = f"CAST({cell} AS {SQL_TYPES[column.kind]})"
    return f"NULLIF({typed}, CAST('nan' AS DOUBLE))" if column.kind in _NUMERIC else typed


def _extra(spelling: str, types: list[pa.DataType]) -> str:
    cell = name(spelling)
    is_number = all(pat.is_floating(t) or pat.is_integer(t) or pat.is_decimal(t) or pat.is_null(t) for t in types)
    return f"NULLIF(CAST({cell} AS DOUBLE), CAST('nan' AS DOUBLE))" if is_number else f"CAST({cell} AS VARCHAR)"
