"""The files that scoring writes, one for each bucket of deals, and how a bucket's rows are replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.sqltext import parquet
from features.tables import CREDITS
from models.drivers import DRIVER_COLUMNS
from models.ordering import text_order
from pipelines.workspace import Transaction, Workspace, WorkspaceError, write_frame

CREDIT_PARTS: Final = "tables/credits.parquet"
DRIVERS: Final = "results/drivers.parquet"
SCORED: Final = "results/scored.parquet"
FOLDERS: Final = (CREDIT_PARTS, DRIVERS, SCORED)

SCORED_SCHEMA: Final = pa.schema(
    [
        ("deal_id", pa.string()),
        ("method", pa.string()),
        ("content", pa.int64()),
        ("fingerprint", pa.int64()),
        ("run_id", pa.string()),
    ]
)
DRIVER_SCHEMA: Final = pa.schema(
    [(name, pa.float64() if name == "contribution" else pa.string()) for name in DRIVER_COLUMNS]
)
CREDIT_ORDER: Final = ["deal_id", "method", "target", "partner_id"]
PART_ORDER: Final = ("deal_id", "method", "partner_id", "feature")


def bucket_of(deal_id: str, buckets: int) -> str:
    """The bucket of a deal as SQL, from its id as SQL."""
    return f"md5_number_lower({deal_id}) % {buckets}"


def part_name(folder: str, bucket: int) -> str:
    """Where the part of a bucket stands in the workspace."""
    return f"{folder}/part-{bucket:04}.parquet"


def part_number(file: Path) -> int:
    """The bucket whose part a file is."""
    return int(file.stem.removeprefix("part-"))


def part_files(workspace: Workspace, folder: str) -> list[Path]:
    """The parts that are there, sorted."""
    return sorted((workspace.root / folder).glob("part-*.parquet"))


def scored_files(workspace: Workspace) -> list[Path]:
    """The parts that say what has been scored; raises ``WorkspaceError`` when another version wrote them."""
    files = part_files(workspace, SCORED)
    if files and not pq.read_schema(files[0]).equals(SCORED_SCHEMA):
        made = ", ".join((*FOLDERS, "results/score.json"))
        raise WorkspaceError(
            f"The credits in {workspace.root} were computed by another version. Remove {made} there and score again."
        )
    return files


def kept(workspace: Workspace, folder: str, bucket: int, replaced: pd.DataFrame) -> pd.DataFrame:
    """The bucket's present rows without those of the deals and methods in ``replaced``; an empty frame without a file.

    Drivers carry no method: they are those of ``shap``.
    """
    path = workspace.root / part_name(folder, bucket)
    if not path.exists():
        return pd.DataFrame()
    rows: pd.DataFrame = pq.read_table(path).to_pandas()
    methods = rows["method"] if "method" in rows else pd.Series("shap", index=rows.index)
    keys = pd.MultiIndex.from_arrays([rows["deal_id"], methods])
    return rows[~keys.isin(pd.MultiIndex.from_frame(replaced[["deal_id", "method"]]))]


def divide_anew(workspace: Workspace, connection: Any, transaction: Transaction, buckets: int) -> None:
    """Stages all parts anew for another number of buckets, rows as they are; the old parts go with the commit.

    Where one of the tables has been taken away, nothing of the others is kept, and all is scored anew.
    """
    for folder in FOLDERS:
        transaction.remove(folder)
    if not all(part_files(workspace, folder) for folder in FOLDERS):
        return
    tables = [f"moved_{place}" for place in range(len(FOLDERS))]
    for table, folder in zip(tables, FOLDERS, strict=True):
        rows = f"SELECT *, {bucket_of('deal_id', buckets)} AS bucket FROM {parquet(part_files(workspace, folder))}"
        connection.execute(f"CREATE TEMP TABLE {table} AS {rows} ORDER BY bucket")
    found = connection.execute(" UNION ".join(f"SELECT bucket FROM {table}" for table in tables)).fetchall()
    for (bucket,) in sorted(found):
        selects = [f"SELECT * EXCLUDE (bucket) FROM {table} WHERE bucket = {bucket}" for table in tables]
        write_parts(transaction, bucket, *(connection.execute(select).df() for select in selects))
    for table in tables:
        connection.execute(f"DROP TABLE {table}")


def write_parts(
    transaction: Transaction, bucket: int, credit: pd.DataFrame, drivers: pd.DataFrame, scored: pd.DataFrame
) -> None:
    """Stages the three parts of a bucket, rows sorted."""
    if not credit.empty:
        credit = credit.iloc[text_order(credit, CREDIT_ORDER)]
    write_frame(
        credit.reindex(columns=list(CREDITS.column_names)), CREDITS, transaction.file(part_name(CREDIT_PARTS, bucket))
    )
    _write(transaction.file(part_name(DRIVERS, bucket)), drivers, DRIVER_SCHEMA)
    _write(transaction.file(part_name(SCORED, bucket)), scored, SCORED_SCHEMA)


def _write(path: Path, frame: pd.DataFrame, schema: pa.Schema) -> None:
    complete = frame.reindex(columns=schema.names)
    complete = complete.iloc[text_order(complete, [name for name in PART_ORDER if name in schema.names])]
    columns = [pa.array(complete[field.name], type=field.type, from_pandas=True) for field in schema]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)
