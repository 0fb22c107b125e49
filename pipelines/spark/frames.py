"""The model's features on Spark, and any frame divided into the buckets of deals that are scored together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from features.evidence import claims
from features.frame import FrameSpec, base, members
from pipelines.spark.tables import frame_of, inputs_on, uri_of

EMPTY: Final = "empty.parquet"
"""File beside the buckets of a staged frame that has its columns and no rows."""
BUCKET: Final = "bucket"


def feature_frames(session: Any, tables: Mapping[str, Any], spec: FrameSpec) -> dict[str, Any]:
    """``base`` and ``members`` as Spark frames, lazily, from frames of the canonical tables.

    The same expressions as on DuckDB. ``tables`` maps names of tables to Spark frames, wherever they come from, e.g.
    ``session.table("crm.deals")``; only ``deals`` must be there. Raises as ``Inputs.from_tables`` does.
    """
    inputs = inputs_on(session, tables)
    return {"base": frame_of(session, base(inputs, spec)), "members": frame_of(session, members(inputs, spec))}


def claim_frame(session: Any, tables: Mapping[str, Any]) -> Any:
    """The evidenced claims of partners on deals as a Spark frame, lazily; ``tables`` as for ``feature_frames``."""
    return frame_of(session, claims(inputs_on(session, tables)).select("deal_id", "partner_id", "grade", "is_backed"))


def bucket_column(deal_id: str, buckets: int) -> Any:
    """A deal's bucket from the column of its id: that of ``pipelines.scoring.parts.bucket_of``."""
    from pyspark.sql import functions

    digest = functions.md5(functions.col(deal_id).cast("string"))
    # The last 8 bytes of the digest as a number, least byte first.
    digits = functions.concat(*(functions.substring(digest, at, 2) for at in range(31, 16, -2)))
    number = functions.conv(digits, 16, 10).cast("decimal(20, 0)")
    return (number % functions.lit(buckets)).cast("int")


def stage(frame: Any, folder: Path, buckets: int) -> None:
    """Writes a frame with ``deal_id`` as ``folder``/bucket=K/*.parquet, and ``EMPTY`` for a bucket without rows.

    Rows go to workers by the hash of their deal, so an account or a partner with a large part of them burdens no one.
    """
    divided = frame.withColumn(BUCKET, bucket_column("deal_id", buckets)).repartition(BUCKET)
    divided.sortWithinPartitions(BUCKET).write.partitionBy(BUCKET).parquet(uri_of(folder))
    pq.write_table(frame.sparkSession.createDataFrame([], frame.schema).toArrow(), folder / EMPTY)


def bucket_files(folder: Path, bucket: int) -> list[Path]:
    """The files of one bucket of a staged frame, sorted; none when it has no rows."""
    return sorted((folder / f"{BUCKET}={bucket}").glob("*.parquet"))
