"""Rows on their way from a raw file into a Parquet file of text columns that DuckDB can read in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.sources.sqltext import literal, name, parquet

FILE: Final = "_file"
LINE: Final = "_line"
FAULT: Final = "_fault"
RESERVED: Final = frozenset({FILE, LINE, FAULT})
MAX_COLUMNS: Final = 2_000
"""Most columns that a file may have."""

_BATCH_ROWS: Final = 50_000
_BATCH_CHARACTERS: Final = 8 * 1024 * 1024
_BATCH_CELLS: Final = 2_000_000


def is_enough(rows: int, columns: int, characters: int) -> bool:
    """Whether it is time to write down that many rows of that many columns; empty cells take memory, too."""
    return rows >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS or rows * columns >= _BATCH_CELLS


@dataclass
class Batch:
    """Some rows of one file, in its order, and the line each begins in; one with a fault will be rejected."""

    names: list[str]
    lines: list[int | None] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    characters: int = 0

    def add(self, line: int | None, fault: str | None, cells: list[str]) -> None:
        """Append one row; ``cells`` are as many as ``names``, empty where there is no value."""
        self.lines.append(line)
        self.faults.append(fault)
        self.rows.append(cells)
        self.characters += sum(map(len, cells))

    @property
    def is_full(self) -> bool:
        """Whether it is time to write it down."""
        return is_enough(len(self.rows), len(self.names), self.characters)

    def to_arrow(self) -> pa.Table:
        """The batch as text columns under their names (empty cells null), with line and fault."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.names)
        arrays = [_text(column) for column in columns]
        return pa.table(
            [*arrays, pa.array(self.lines, pa.int64()), pa.array(self.faults, pa.string())],
            names=[*self.names, LINE, FAULT],
        )


def write_batches(batches: Iterable[Batch], folder: Path) -> tuple[list[str], list[Path]]:
    """Writes the batches as Parquet parts, a new part whenever the columns change; column names and parts."""
    names: dict[str, None] = {}
    parts: list[Path] = []
    writer: pq.ParquetWriter | None = None
    try:
        for batch in batches:
            table = batch.to_arrow()
            if writer is None or writer.schema.names != table.schema.names:
                if writer is not None:
                    writer.close()
                parts.append(folder / f"part-{len(parts):05d}.parquet")
                writer = pq.ParquetWriter(parts[-1], table.schema, compression="zstd", compression_level=1)
                names |= dict.fromkeys(batch.names)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    return list(names), parts


def register(con: duckdb.DuckDBPyConnection, view: str, names: list[str], parts: list[Path], file: str) -> None:
    """Makes ``view`` show the parts as one table: the named columns, then ``_file``, ``_line``, ``_fault``."""
    columns = ", ".join(name(column) for column in names)
    con.execute(
        f"CREATE OR REPLACE VIEW {name(view)} AS SELECT {columns}, {literal(file)} AS {FILE}, {LINE}, {FAULT} "
        f"FROM {parquet(parts, 'union_by_name = true')}"
    )


def _text(cells: Iterable[str]) -> pa.Array:
    array = pa.array(cells, pa.string())
    return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
