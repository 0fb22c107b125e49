"""From the workspace into the review database: rows that are new or other than before, and what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.directory import OwnCompany
from pipelines.reviewing.rows import COPIES, Copy
from pipelines.reviewing.speaking import name_speakers
from pipelines.reviewing.wanted import prepare
from review.store.copies import digests, drop, known_moments, lose_moments, put, put_moments
from review.store.engine import writing
from review.store.schema import METADATA
from review.store.turns import deflated

__all__ = ["copied"]

BATCH: Final = 2000
"""Rows written in one transaction, so that people who judge meanwhile hardly wait."""
KNOWN: Final = pa.schema(
    [(name, pa.string()) for name in ("moment_id", "conversation_id", "deal_id", "told_partner")]
    + [("stands", pa.bool_())]
)
Rows = list[dict[str, Any]]


def copied(
    connection: duckdb.DuckDBPyConnection, engine: Engine, report_currency: str | None, own: OwnCompany
) -> dict[str, int]:
    """Brings every copied table up to date, a batch at a time; table to how many rows were written or went."""
    with engine.connect() as reader:
        known = known_moments(reader)
    prepare(connection, pa.Table.from_pylist(known, KNOWN), report_currency, own)
    return {copy.name: _copied(connection, engine, copy, own) for copy in COPIES}


def _copied(connection: duckdb.DuckDBPyConnection, engine: Engine, copy: Copy, own: OwnCompany) -> int:
    table = METADATA.tables[copy.name]
    _compare(connection, engine, copy, table)
    if copy.name == "conversations":
        name_speakers(connection, own)
    n = 0
    for rows in _changed(connection, copy):
        with writing(engine) as writer:
            if copy.name == "moments":
                put_moments(writer, rows)
            else:
                put(writer, table, rows)
        n += len(rows)
    return n + _gone(connection, engine, copy, table)


def _compare(connection: duckdb.DuckDBPyConnection, engine: Engine, copy: Copy, table: sa.Table) -> None:
    """Makes ``wanted`` and ``there``, keys and digests as they should be and as they are, and ``changed`` of both."""
    with engine.connect() as reader:
        found = digests(reader, table)
    names = [*copy.key, "digest"]
    columns = zip(*found, strict=True) if found else [() for _ in names]
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    connection.register("there", pa.Table.from_arrays(arrays, names))
    keys = ", ".join(copy.key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT {keys}, digest::VARCHAR AS digest FROM ({copy.digests})"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE changed AS SELECT * FROM wanted ANTI JOIN there USING ({keys}, digest)"
    )


def _changed(connection: duckdb.DuckDBPyConnection, copy: Copy) -> Iterator[Rows]:
    """The rows that the database lacks or has otherwise, by key."""
    keys = ", ".join(copy.key)
    query = f"SELECT r.*, digest FROM ({copy.rows}) r JOIN changed USING ({keys}) ORDER BY {keys}"
    for batch in connection.sql(query).to_arrow_reader(BATCH):
        rows = batch.to_pylist()
        for start in range(0, len(rows), BATCH):
            yield [_packed(row) for row in rows[start : start + BATCH]]


def _packed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "turns": deflated(row["turns"])} if "turns" in row else row


def _gone(connection: duckdb.DuckDBPyConnection, engine: Engine, copy: Copy, table: sa.Table) -> int:
    """Takes away what the workspace has no more; a moment's row stays, since people may have judged it."""
    keys = ", ".join(copy.key)
    known = "ANTI JOIN wanted USING"
    gone = connection.execute(f"SELECT {keys} FROM there {known} ({keys}) WHERE digest IS NOT NULL").fetchall()
    for start in range(0, len(gone), BATCH):
        part = gone[start : start + BATCH]
        with writing(engine) as writer:
            if copy.name == "moments":
                lose_moments(writer, [row[0] for row in part])
            else:
                drop(writer, table, part)
    return len(gone)
