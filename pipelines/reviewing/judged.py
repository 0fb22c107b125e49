"""Judgements between the table `reviews` and the review database, and moments as people left them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.engine import Engine

from features.tables import JUDGED_MOMENTS, REVIEWS, Table
from pipelines.reviewing.handed import handed_on
from pipelines.workspace import Workspace
from review.store.engine import writing
from review.store.workspace_tables import judged_moments, review_ids, reviews, take_reviews

__all__ = ["taken", "written"]

BATCH: Final = 2000
_FOREIGN: Final = """
WITH foreign_review AS (
    SELECT DISTINCT ON (review_id) r.*, f.utterance_ids AS found_ids,
        j.utterance_ids AS left_ids, j.char_start, j.char_end, j.quote
    FROM reviews r ANTI JOIN known_review USING (review_id)
    LEFT JOIN (SELECT * FROM moments UNION ALL BY NAME SELECT * FROM signals) f USING (moment_id)
    LEFT JOIN judged_moments j USING (moment_id)
    ORDER BY review_id
),
said AS (
    SELECT review_id, list(text ORDER BY place) AS texts
    FROM (SELECT review_id, unnest(utterance_ids) AS utterance_id, generate_subscripts(utterance_ids, 1) AS place
        FROM foreign_review WHERE utterance_ids IS NOT NULL)
    JOIN utterances USING (utterance_id) GROUP BY review_id
)
SELECT * FROM foreign_review LEFT JOIN said USING (review_id) ORDER BY review_id
"""


def taken(connection: duckdb.DuckDBPyConnection, engine: Engine, now: datetime) -> set[str]:
    """Takes judgements that stand in the table, but not in the database, into it; the ids of their moments."""
    with engine.connect() as reader:
        known = review_ids(reader)
    connection.register("known_review", pa.table({"review_id": pa.array(known, pa.string())}))
    about: set[str] = set()
    for batch in connection.sql(_FOREIGN).to_arrow_reader(BATCH):
        rows = batch.to_pylist()
        for start in range(0, len(rows), BATCH):
            with writing(engine) as writer:
                about |= take_reviews(writer, list(_judgements(rows[start : start + BATCH])), now)
    return about


def written(workspace: Workspace, engine: Engine) -> dict[str, int]:
    """Brings `reviews` and `judged_moments` to what the database says; table to its rows, for those that changed."""
    with engine.connect() as reader:
        gone = handed_on(workspace, reader)
        left = [row for row in judged_moments(reader) if row["moment_id"] not in gone]
        wanted = {REVIEWS: reviews(reader), JUDGED_MOMENTS: left}
    made = {table: pa.Table.from_pylist(rows, table.arrow_schema()) for table, rows in wanted.items()}
    changed = {table: rows for table, rows in made.items() if not _is_there(workspace, table, rows)}
    if changed:
        with workspace.transaction() as transaction:
            for table, rows in changed.items():
                if workspace.path(table.name).is_dir():
                    transaction.remove(f"tables/{table.name}.parquet")
                pq.write_table(rows, transaction.file(f"tables/{table.name}.parquet"))
    return {table.name: rows.num_rows for table, rows in changed.items()}


def _judgements(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {**{name: row[name] for name in REVIEWS.column_names}, "span": _span(row)}


def _span(row: dict[str, Any]) -> dict[str, Any] | None:
    """The words that a judgement of the table moved a moment to; whole turns where only these are known."""
    ids, texts = row["utterance_ids"], row["texts"]
    if not ids or not texts or len(texts) != len(ids):
        return None
    if ids == row["left_ids"] and row["found_ids"] is None:
        return None
    if ids == row["left_ids"]:
        start = row["char_start"]
        before = len(texts[0]) - start + 1 + sum(len(text) + 1 for text in texts[1:-1])
        end = row["char_end"] if len(ids) == 1 else len(row["quote"]) - before
        if 0 <= start < len(texts[0]) and 0 < end <= len(texts[-1]):
            return {"utterance_ids": ids, "char_start": start, "char_end": end}
    if ids == row["found_ids"]:
        return None
    return {"utterance_ids": ids, "char_start": 0, "char_end": len(texts[-1])} if texts[0] and texts[-1] else None


def _is_there(workspace: Workspace, table: Table, rows: pa.Table) -> bool:
    """Whether the workspace's table holds these rows and no others; an absent table holds none."""
    if not workspace.has(table.name):
        return bool(rows.num_rows == 0)
    return bool(_sorted(workspace.read(table.name), table).equals(rows))


def _sorted(frame: pd.DataFrame, table: Table) -> pa.Table:
    ordered = frame.sort_values(list(table.key), ignore_index=True)
    columns = [pa.array(ordered[field.name], type=field.type, from_pandas=True) for field in table.arrow_schema()]
    return pa.Table.from_arrays(columns, schema=table.arrow_schema())
