"""Raw files as views of text rows."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.sources.delimited import read_delimited
from features.sources.jsonlines import read_json_lines
from features.sources.raw import ReadOptions, SourceError, source_name, stage
from features.sources.text import MAX_CELL

Row = tuple[Any, ...]
Staged = tuple[list[str], list[Row]]
Reader = Callable[..., Staged]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own."""
    connection = duckdb.connect(config={"threads": 1})
    yield connection
    connection.close()


@pytest.fixture
def read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Reader:
    """Writes bytes to a file and reads it: header names, and rows of values, line and fault."""

    def reader(content: bytes | str, name: str = "rows.csv", **options: str) -> Staged:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return staged(con, path, tmp_path, **options)

    return reader


def staged(con: duckdb.DuckDBPyConnection, path: Path, folder: Path, **options: str) -> Staged:
    """The names and rows that ``stage`` gives."""
    names = stage(con, path, "raw", folder, ReadOptions(**options))
    rows = con.execute('SELECT * EXCLUDE ("_file") FROM raw ORDER BY "_line"').fetchall()
    return names, rows


def test_rows_come_with_the_line_they_begin_in(read: Reader) -> None:
    names, rows = read('id,note\r\n1,a\r\n\r\n2,"two\r\nlines"\r\n3,\r\n')
    assert names == ["id", "note"]
    assert rows == [("1", "a", 2, None), ("2", "two\r\nlines", 4, None), ("3", None, 6, None)]


def test_the_view_names_the_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "it's.csv").write_text("a\n1\n")
    stage(con, tmp_path / "it's.csv", "odd view", tmp_path)
    assert con.execute('SELECT a, "_file", "_line", "_fault" FROM "odd view"').fetchall() == [
        ("1", "it's.csv", 2, None)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(read: Reader, encoding: str) -> None:
    assert read("id,name\n1,Zoë\n".encode(encoding)) == (["id", "name"], [("1", "Zoë", 2, None)])


def test_a_named_encoding_is_used(read: Reader) -> None:
    assert read("id,name\n1,Zoë\n".encode("cp1252"), encoding="cp1252")[1] == [("1", "Zoë", 2, None)]


def test_bytes_in_another_encoding_fault_only_their_row(read: Reader) -> None:
    _, rows = read("id,name\n1,Zoë\n2,Ann\n".encode("latin-1"))
    assert rows[1] == ("2", "Ann", 3, None)
    assert rows[0][:3] == ("1", "Zo\ufffd", 2)
    assert "not valid UTF-8: byte 0xEB" in rows[0][3]
    assert "cp1252" in rows[0][3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_content(read: Reader, delimiter: str) -> None:
    names, rows = read(f"id{delimiter}amount\n1{delimiter}2\n")
    assert (names, rows) == (["id", "amount"], [("1", "2", 2, None)])


def test_decimal_commas_do_not_make_a_comma_the_delimiter(read: Reader) -> None:
    assert read("id;amount, net\n1;2,50\n2;3\n3;4\n")[0] == ["id", "amount, net"]


def test_a_named_delimiter_is_used_and_a_wrong_one_refused(read: Reader) -> None:
    assert read("id;a,b\n1;2,3\n", delimiter=";")[0] == ["id", "a,b"]
    with pytest.raises(SourceError, match=r"not divided by ',' but by '\|'"):
        read("id|a\n1|2\n", delimiter=",")
    for delimiter in ("||", '"', ""):
        with pytest.raises(SourceError, match="must be one character"):
            read("id|a\n1|2\n", delimiter=delimiter)


def test_a_file_that_fits_two_delimiters_is_refused(read: Reader) -> None:
    with pytest.raises(SourceError, match=r"could be divided by .*Quote the cells"):
        read("a;b,c\n1;2,3\n")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "^"])
def test_a_line_that_states_the_delimiter_is_believed(read: Reader, delimiter: str) -> None:
    assert read(f"sep={delimiter}\r\nid{delimiter}a\r\n1{delimiter}2\r\n") == (["id", "a"], [("1", "2", 3, None)])


def test_ragged_rows_are_faults(read: Reader) -> None:
    _, rows = read("a,b\n1\n1,2,3\n1,2\n")
    assert [row[-1] for row in rows] == [
        "wrong number of cells: 1 where the header has 2",
        "wrong number of cells: 3 where the header has 2",
        None,
    ]


def test_a_nul_byte_is_a_fault(read: Reader) -> None:
    assert "NUL byte" in read(b"a,b\n1,x\0y\n")[1][0][-1]


def test_a_stray_quote_is_a_fault_of_its_row(read: Reader) -> None:
    _, rows = read('a,b\n1,"5" pipe"\n2,ok\n')
    assert "quote inside a quoted cell" in rows[0][-1]
    assert rows[1] == ("2", "ok", 3, None)


def test_a_quote_cut_off_in_the_last_line_is_a_fault(read: Reader) -> None:
    _, rows = read('a,b\n1,x\n2,"y')
    assert rows[0] == ("1", "x", 2, None)
    assert "never closed" in rows[1][-1]


def test_a_quote_that_swallows_the_rest_is_refused_with_its_line(read: Reader) -> None:
    with pytest.raises(SourceError, match="begins at line 2 is not closed by line 4"):
        read('a,b\n1,"x\n2,y\n3,z\n')


@pytest.mark.parametrize("size", [MAX_CELL + 1, 10_000_000])
def test_a_huge_cell_faults_its_row_only(read: Reader, size: int) -> None:
    _, rows = read("a,b\n1," + "x" * size + "\n2,y\n")
    assert "longer than" in rows[0][-1]
    assert rows[1] == ("2", "y", 3, None)


def test_a_cell_of_the_longest_length_is_kept(read: Reader) -> None:
    assert len(read("a,b\n1," + "x" * MAX_CELL + "\n")[1][0][1]) == MAX_CELL


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "has no header"),
        (b",,\n1,2,3\n", "has no header"),
        (b"a,b,A\n", "more than one column named a / A"),
        (b"a,_line\n", "named _line"),
        (",".join(f"c{n}" for n in range(2_001)).encode(), "2,001 columns, more than 2,000"),
        (b"a,\xff\n", "header not valid UTF-8"),
        (b'a,"b\n', "no readable header"),
        (b"PK\x03\x04rest", "a ZIP archive or an Excel workbook"),
        (b"a\0,\0b\0\n\0", "UTF-16 without a byte-order mark"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "not valid utf-16"),
        (gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "cut-off gzip"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-5] + b"wrong", "cut-off gzip"),
        (b"\x1f\x8b", "cut-off gzip"),
    ],
)
def test_a_file_without_use_is_refused(read: Reader, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as error:
        read(content)
    assert "rows.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_encoding_is_refused(read: Reader) -> None:
    for encoding in ("klingon", "rot13"):
        with pytest.raises(SourceError, match=f"'{encoding}' is no encoding of text"):
            read(b"a,b\n", encoding=encoding)


def test_a_path_that_cannot_be_read_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for path, message in [(tmp_path, "is a folder"), (tmp_path / "none.csv", "There is no file")]:
        with pytest.raises(SourceError, match=message):
            stage(con, path, "raw", tmp_path)
    (tmp_path / "rows.xml").write_text("<a/>")
    with pytest.raises(SourceError, match=r"unknown ending '\.xml'"):
        stage(con, tmp_path / "rows.xml", "raw", tmp_path)


def test_a_blank_header_gets_a_number(read: Reader) -> None:
    assert read(",b,\n1,2,3\n")[0] == ["column_1", "b", "column_3"]


def test_headers_lose_the_blanks_around_them(read: Reader) -> None:
    assert read(" a , b\n1,2\n")[0] == ["a", "b"]


def test_a_header_alone_is_a_view_without_rows(read: Reader) -> None:
    assert read("a,b\n") == (["a", "b"], [])


def test_gzip_is_told_by_content(read: Reader) -> None:
    content = gzip.compress(b"a,b\n1,2\n")
    assert read(content)[1] == read(content, "rows.csv.gz")[1] == [("1", "2", 2, None)]


def test_json_lines_keep_nested_values_as_json(read: Reader) -> None:
    names, rows = read('{"a": 1.5, "b": ["x", 1]}\n\n{"a": null, "c": true}\n', "rows.jsonl")
    assert names == ["a", "b", "c"]
    assert rows == [("1.5", '["x", 1]', None, 1, None), (None, None, "true", 3, None)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{bad", "not valid JSON"),
        ("[1]", "not a JSON object: a list"),
        ('{"a": 1, "a": 2}', "a key stands twice"),
        ('{"a": 1, "A": 2}', "key stands twice: A"),
        ('{"a": "\\ud800"}', "not text"),
        ('{"a": "\\u0000"}', "not text"),
        ('{"a": ' + "9" * 5000 + "}", "not usable JSON"),
        ('{"a": ' + "[" * 100_000 + "}", "not"),
        (json.dumps({"a": "x" * (MAX_CELL + 1)}), "longer than"),
    ],
)
def test_a_bad_json_line_is_a_fault(read: Reader, line: str, reason: str) -> None:
    _, rows = read('{"a": 0}\n' + line + '\n{"a": 2}\n', "rows.ndjson")
    assert reason in rows[1][-1]
    assert (rows[0][0], rows[2][0]) == ("0", "2")


def test_whole_numbers_of_a_data_frame_are_written_without_a_point(read: Reader) -> None:
    assert read('{"id": 7.0, "n": 1.5}', "rows.jsonl")[1] == [("7", "1.5", 1, None)]


def test_a_json_array_is_refused_with_the_way_out(read: Reader) -> None:
    for content in ('[{"a": 1}]', '[\n{"a": 1},\n{"a": 2}\n]'):
        with pytest.raises(SourceError, match=r"one JSON array.*jq"):
            read(content, "rows.jsonl")


def test_json_without_an_object_or_with_too_many_keys_is_refused(read: Reader) -> None:
    with pytest.raises(SourceError, match="holds no JSON object"):
        read("{bad\n", "rows.jsonl")
    with pytest.raises(SourceError, match="more than 2,000 different keys"):
        read("".join(json.dumps({f"k{n}": 1}) + "\n" for n in range(2_001)), "rows.jsonl")


def test_keys_that_first_come_late_in_a_large_file_are_kept(read: Reader) -> None:
    lines = "".join(json.dumps({"a": str(n) * 900_000}) + "\n" for n in range(10))
    names, rows = read(lines + '{"b": 1, "a": 2}\n', "rows.jsonl")
    assert names == ["a", "b"]
    assert rows[0] == ("0" * 900_000, None, 1, None)
    assert rows[-1] == ("2", "1", 11, None)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_wide_file_of_empty_cells_comes_in_batches_too(tmp_path: Path, kind: str) -> None:
    names, n_rows = [f"c{n}" for n in range(2_000)], 1_050
    path = tmp_path / f"rows.{kind}"
    if kind == "csv":
        path.write_text("\n".join([",".join(names), *["," * (len(names) - 1)] * n_rows]))
        batches = [len(batch.rows) for batch in read_delimited(path, None, None)]
    else:
        path.write_text("\n".join([json.dumps(dict.fromkeys(names)), *["{}"] * (n_rows - 1)]))
        batches = [len(batch.rows) for batch in read_json_lines(path, None)]
    assert batches == [1_000, 50]


def test_parquet_of_any_type_becomes_text_without_loss(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    table = pa.table(
        {
            "zoned": pa.array([dt.datetime(2024, 1, 1, 2, tzinfo=zone)], pa.timestamp("us", "Europe/Athens")),
            "naive": [dt.datetime(2024, 1, 1, 3, 4, 5)],
            "day": [dt.date(2024, 1, 1)],
            "list": [["a", "b"]],
            "record": [{"k": 1}],
            "double": [0.1],
            "big": pa.array([2**64 - 1], pa.uint64()),
            "decimal": pa.array([1], pa.decimal128(10, 2)),
            "flag": [True],
            "bytes": [b"abc"],
            "dictionary": pa.array(["d"]).dictionary_encode(),
            "empty": [""],
            "null": pa.nulls(1),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    names, rows = staged(con, tmp_path / "rows.parquet", tmp_path)
    assert dict(zip(names, rows[0], strict=False)) == {
        "zoned": "2024-01-01T00:00:00.000000Z",
        "naive": "2024-01-01 03:04:05",
        "day": "2024-01-01",
        "list": '["a","b"]',
        "record": '{"k":1}',
        "double": "0.1",
        "big": "18446744073709551615",
        "decimal": "1.00",
        "flag": "true",
        "bytes": "abc",
        "dictionary": "d",
        "empty": None,
        "null": None,
    }
    assert rows[0][-2:] == (1, None)


def test_whole_floats_in_parquet_are_written_without_a_point_and_nan_is_empty(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    values = pa.array([7.0, float("nan"), 0.5, -3.0, 1e300, float("inf")])
    pq.write_table(pa.table({"n": values}), tmp_path / "n.parquet")
    _, rows = staged(con, tmp_path / "n.parquet", tmp_path)
    assert [row[0] for row in rows] == ["7", None, "0.5", "-3", "1e+300", "inf"]


def test_brackets_in_a_path_do_not_read_another_file(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for file in ("n[1].parquet", "n1.parquet"):
        pq.write_table(pa.table({"n": [file]}), tmp_path / file)
    assert staged(con, tmp_path / "n[1].parquet", tmp_path)[1] == [("n[1].parquet", 1, None)]


def test_parquet_cells_that_are_no_text_are_faults(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = pa.table({"a": ["x\0y", "x" * (MAX_CELL + 1), "ok"], "b": [b"1", b"2", b"\xff"]})
    pq.write_table(table, tmp_path / "rows.parquet")
    faults = [row[-1] for row in staged(con, tmp_path / "rows.parquet", tmp_path)[1]]
    assert [fault.split(":")[0] for fault in faults] == [
        "holds a NUL byte",
        "cell is longer than 1,048,576 characters",
        "not valid UTF-8",
    ]


def test_parquet_that_is_not_whole_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), good)
    whole = good.read_bytes()
    damaged = whole[:4] + bytes(500) + whole[504:]
    for content, message in [
        (b"", "is empty"),
        (b"a,b\n", "not a Parquet file"),
        (whole[:-50], "not a whole Parquet file"),
        (whole[: len(whole) // 2], "not a whole Parquet file"),
        (damaged, "cannot be read"),
    ]:
        path = tmp_path / "bad.parquet"
        path.write_bytes(content)
        with pytest.raises(SourceError, match=message):
            stage(con, path, "raw", tmp_path)


def test_parquet_columns_of_one_name_are_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "A"]), tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match="more than one column named"):
        stage(con, tmp_path / "rows.parquet", "raw", tmp_path)


def test_a_name_and_kind_are_told_without_gz() -> None:
    assert source_name(Path("x/Deals.CSV.gz")) == ("Deals", ".csv")
    assert source_name(Path("deals.parquet")) == ("deals", ".parquet")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text('ab,;"\n\r\t|\0é1', max_size=200).map(str.encode))
def test_any_bytes_are_rows_or_a_clear_error(read: Reader, content: bytes) -> None:
    for name in ("rows.csv", "rows.jsonl", "rows.parquet"):
        message = f"{name} "
        try:
            names, rows = read(content, name)
        except SourceError as error:
            message = str(error)
        else:
            assert all(len(row) == len(names) + 2 for row in rows)
        assert name in message
        assert "\n" not in message


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.text('ab ,;"\n é=', max_size=6), st.text("xy|\t", max_size=3)), max_size=8))
def test_every_row_of_a_well_written_file_comes_back(read: Reader, rows: list[tuple[str, str]]) -> None:
    quoted = ['"' + first.replace('"', '""') + '","' + second + '"\n' for first, second in rows]
    _, back = read('"first","second"\n' + "".join(quoted), delimiter=",")
    assert [row[:2] for row in back] == [(first or None, second or None) for first, second in rows]
    assert all(row[-1] is None for row in back)
