"""The same expressions on PySpark give the same frames as on DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.coalitions import coalition_members, players
from features.cutoff import Cutoff, cutoffs
from features.frame import FrameSpec, base, frame_spec, join_base, members, pooled
from features.inputs import Inputs

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(shutil.which("java") is None, reason="PySpark needs a Java runtime (java is not on the PATH)"),
]

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """An Ibis backend on a local Spark session of one thread, in UTC."""
    session_module = pytest.importorskip("pyspark.sql", reason="PySpark is not installed (extra `spark`)")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        # Compiling the plans costs far more than running them on a few rows.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = session_module.SparkSession.builder.master("local[1]").appName("partnerlift tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture
def spark_inputs(
    spark: Any, tmp_path: Path, arrow: Callable[[str, list[dict[str, Any]]], pa.Table]
) -> Callable[[Tables], Inputs]:
    """Makes ``Inputs`` on Spark from rows by table name."""

    def build(tables: Tables) -> Inputs:
        for name, rows in tables.items():
            pq.write_table(arrow(name, rows), tmp_path / f"{name}.parquet")
        return Inputs.from_tables({name: spark.read_parquet(tmp_path / f"{name}.parquet") for name in tables})

    return build


def frames(inputs: Inputs, spec: FrameSpec, store: Callable[[ir.Table], ir.Table]) -> dict[str, pd.DataFrame]:
    base_frame, member_frame = store(base(inputs, spec)), store(members(inputs, spec))
    made = {
        "base": base_frame,
        "members": member_frame,
        "joined": join_base(base_frame, pooled(member_frame)),
        "coalitions": pooled(coalition_members(member_frame, 4), ("deal_id", "coalition")),
        "players": players(inputs),
    }
    return {name: frame.execute() for name, frame in made.items()}


def assert_same(spark_frame: pd.DataFrame, duckdb_frame: pd.DataFrame) -> None:
    assert list(spark_frame.columns) == list(duckdb_frame.columns)
    keys = [key for key in ("deal_id", "coalition", "partner_id") if key in duckdb_frame.columns]
    left = spark_frame.sort_values(keys, ignore_index=True)
    right = duckdb_frame.sort_values(keys, ignore_index=True)
    for name in right.columns:
        expected = right[name]
        found = left[name].dt.tz_localize("UTC") if name.endswith("_at") and left[name].dt.tz is None else left[name]
        exact = not pd.api.types.is_float_dtype(expected)
        pd.testing.assert_series_equal(
            found, expected, check_dtype=False, check_exact=exact, rtol=1e-9, atol=1e-9, obj=name
        )


def test_spark_gives_the_frames_that_duckdb_gives(
    inputs: Callable[[Tables], Inputs],
    spark_inputs: Callable[[Tables], Inputs],
    company: Callable[[int], Tables],
) -> None:
    tables = company(5)
    on_duckdb, on_spark = inputs(tables), spark_inputs(tables)
    spec = frame_spec(on_duckdb, Cutoff())
    assert frame_spec(on_spark, Cutoff()) == spec
    expected = frames(on_duckdb, spec, lambda table: table)
    for name, frame in frames(on_spark, spec, lambda table: table.cache()).items():
        assert_same(frame, expected[name])


def test_spark_gives_the_cutoffs_that_duckdb_gives(
    inputs: Callable[[Tables], Inputs],
    spark_inputs: Callable[[Tables], Inputs],
    company: Callable[[int], Tables],
) -> None:
    tables = company(5)
    on_duckdb, on_spark = inputs(tables), spark_inputs(tables)
    kinds = Cutoff("days_before_close", days=4.5), Cutoff("age_days", days=10), Cutoff("stage_entry", stage="Proposal")
    for cutoff in kinds:
        expected = cutoffs(on_duckdb.deals, on_duckdb.stage_history, cutoff).execute()
        assert len(expected)
        assert_same(cutoffs(on_spark.deals, on_spark.stage_history, cutoff).execute(), expected)
