"""A folder of canonical tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.sources.folder import canonical, ignored_files
from features.sources.raw import SourceError


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own."""
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "export").mkdir()
    return tmp_path / "export"


def test_tables_come_in_declared_order_whatever_their_format(
    con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path
) -> None:
    (export / "touchpoints.jsonl").write_text('{"touchpoint_id": "T1"}')
    (export / "deals.csv").write_text("deal_id\nD1\n")
    pq.write_table(pa.table({"partner_id": ["P1"]}), export / "partners.parquet")
    selects = canonical(con, export, tmp_path)
    assert list(selects) == ["deals", "partners", "touchpoints"]
    found = [con.execute(select).fetchall() for select in selects.values()]
    assert found == [
        [("D1", "deals.csv", 2, None)],
        [("P1", "partners.parquet", 1, None)],
        [("T1", "touchpoints.jsonl", 1, None)],
    ]


def test_a_folder_of_parts_is_one_table(con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path) -> None:
    parts = export / "deals.parquet"
    parts.mkdir()
    pq.write_table(pa.table({"deal_id": ["D1"]}), parts / "a.parquet")
    pq.write_table(pa.table({"deal_id": ["D2"], "x_n": [1]}), parts / "b.parquet")
    selects = canonical(con, export, tmp_path)
    rows = con.execute(f"SELECT deal_id, x_n, _file FROM ({selects['deals']}) ORDER BY deal_id").fetchall()
    assert rows == [("D1", None, "a.parquet"), ("D2", "1", "b.parquet")]
    assert list(canonical(con, parts, tmp_path)) == ["deals"]


def test_upper_and_lower_case_of_a_files_name_are_the_same(
    con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path
) -> None:
    (export / "DEALS.CSV").write_text("deal_id\nD1\n")
    assert list(canonical(con, export, tmp_path)) == ["deals"]
    assert ignored_files(export) == []


def test_a_folder_of_partitions_is_refused_and_not_passed_over(
    con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path
) -> None:
    (export / "partners.csv").write_text("partner_id\nP1\n")
    (export / "deals.parquet" / "outcome=won").mkdir(parents=True)
    pq.write_table(pa.table({"deal_id": ["D1"]}), export / "deals.parquet" / "outcome=won" / "a.parquet")
    with pytest.raises(SourceError, match=r"deals\.parquet holds no part file.*without partitions"):
        canonical(con, export, tmp_path)


def test_one_file_is_enough(con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path) -> None:
    (export / "deals.csv").write_text("deal_id\nD1\n")
    assert list(canonical(con, export / "deals.csv", tmp_path)) == ["deals"]


def test_files_that_are_no_table_are_named(export: Path) -> None:
    for name in ("deals.csv", "notes.txt", "credits.csv", ".hidden", "partners.xlsx"):
        (export / name).write_text("x\n")
    assert ignored_files(export) == ["credits.csv", "notes.txt", "partners.xlsx"]
    assert ignored_files(export / "deals.csv") == []


def test_a_folder_without_tables_is_refused_with_the_closest_name(
    con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path
) -> None:
    (export / "Touchpoint.xlsx").write_text("x\n")
    with pytest.raises(SourceError, match=r"no canonical table.*Is Touchpoint\.xlsx meant as touchpoints\? Save it as"):
        canonical(con, export, tmp_path)


def test_a_table_that_is_there_twice_is_refused(con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path) -> None:
    (export / "deals.csv").write_text("deal_id\nD1\n")
    (export / "deals.jsonl").write_text('{"deal_id": "D1"}')
    with pytest.raises(SourceError, match="deals more than once"):
        canonical(con, export, tmp_path)


def test_a_path_that_is_not_there_is_refused(con: duckdb.DuckDBPyConnection, export: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file or folder"):
        canonical(con, export / "none", tmp_path)
