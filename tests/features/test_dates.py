"""Reading stated date formats, and judging a whole column's."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.dates import Judgement, candidates, format_fault, judge, utc_text


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def read(con: duckdb.DuckDBPyConnection, text: str, *formats: str, **how: object) -> str | None:
    query = f"SELECT {utc_text('v', formats or ('iso',), **how)} FROM (SELECT ?::VARCHAR AS v)"  # type: ignore[arg-type]
    row = con.execute(query, [text]).fetchone()
    assert row is not None
    return None if row[0] is None else str(row[0])


def judged(con: duckdb.DuckDBPyConnection, pairs: list[tuple[str | None, str | None]], **how: object) -> Judgement:
    con.execute("CREATE OR REPLACE TEMP TABLE texts (value VARCHAR, other VARCHAR)")
    con.executemany("INSERT INTO texts VALUES (?, ?)", pairs)
    return judge(con, "SELECT * FROM texts", other="other", **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-02-26", "2018-02-26T00:00:00.000000Z"),
        ("2021-01-07 6:49:18", "2021-01-07T06:49:18.000000Z"),
        ("2021-01-07 06:49:18.050048", "2021-01-07T06:49:18.050048Z"),
        ("2021-01-07T06:49:18.000+0000", "2021-01-07T06:49:18.000000Z"),
        ("2021-01-07T06:49:18+02:00", "2021-01-07T04:49:18.000000Z"),
        ("2021-01-07T06:49:18Z", "2021-01-07T06:49:18.000000Z"),
    ],
)
def test_iso_is_read_with_or_without_time_fraction_and_offset(
    con: duckdb.DuckDBPyConnection, text: str, moment: str
) -> None:
    assert read(con, text) == moment


@pytest.mark.parametrize("text", ["2021-02-30", "20-10-16", "01/02/2018", "yesterday", "2018", ""])
def test_what_is_not_iso_is_null(con: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(con, text) is None


@pytest.mark.parametrize(
    ("text", "date_format", "moment"),
    [
        ("20-10-16", "%d-%m-%y", "2016-10-20T00:00:00.000000Z"),
        ("2/26/2018 19:58", "%m/%d/%Y %H:%M", "2018-02-26T19:58:00.000000Z"),
        ("1-Feb-18", "%d-%b-%y", "2018-02-01T00:00:00.000000Z"),
        ("5/2/2018 9:05 PM", "%m/%d/%Y %I:%M %p", "2018-05-02T21:05:00.000000Z"),
        ("2021-01-07T10:00:00+0100", "%Y-%m-%dT%H:%M:%S%z", "2021-01-07T09:00:00.000000Z"),
        ("43157.5", "excel_serial", "2018-02-26T12:00:00.000000Z"),
        ("1519675134", "epoch_s", "2018-02-26T19:58:54.000000Z"),
        ("1519675134000", "epoch_ms", "2018-02-26T19:58:54.000000Z"),
    ],
)
def test_stated_formats_are_read(con: duckdb.DuckDBPyConnection, text: str, date_format: str, moment: str) -> None:
    assert read(con, text, date_format) == moment


def test_a_two_digit_year_is_no_four_digit_year(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "20-10-16", "%Y-%m-%d") is None
    assert read(con, "20-10-2016", "%d-%m-%y") is None


def test_the_first_fitting_format_is_used(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "01.02.2018", "%Y-%m-%d", "%d.%m.%Y") == "2018-02-01T00:00:00.000000Z"


def test_naive_times_are_of_the_zone_and_others_keep_their_offset(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "2018-07-01 12:00", zone="Europe/Vienna") == "2018-07-01T10:00:00.000000Z"
    assert read(con, "2018-07-01T12:00:00Z", zone="Europe/Vienna") == "2018-07-01T12:00:00.000000Z"


def test_a_time_of_day_is_put_only_where_there_is_none(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "2018-07-01", time="23:59:59") == "2018-07-01T23:59:59.000000Z"
    assert read(con, "2018-07-01 12:00", time="23:59:59") == "2018-07-01T12:00:00.000000Z"
    assert read(con, "01.07.18", "%d.%m.%y", time="23:59:59") == "2018-07-01T23:59:59.000000Z"


def test_days_are_added(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "2018-12-31", add_days=2) == "2019-01-02T00:00:00.000000Z"


@settings(max_examples=25, deadline=None)
@given(day=st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)))
def test_every_day_comes_back_from_every_written_format(con: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    formats = candidates()[:28]
    columns = ", ".join(utc_text(f"'{day.strftime(one)}'", (one,)) for one in formats)
    assert con.execute(f"SELECT {columns}").fetchone() == (f"{day.isoformat()}T00:00:00.000000Z",) * len(formats)


def test_one_value_that_only_one_format_reads_decides_the_column(con: duckdb.DuckDBPyConnection) -> None:
    judgement = judged(con, [("01/02/2018", None), ("2/26/2018", None), ("3/4/2018", None)])
    assert judgement.decided == "%m/%d/%Y"
    assert "%d/%m/%Y reads 2 of 3 values (not '2/26/2018')" in judgement.evidence()


def test_a_column_that_two_formats_read_is_not_decided(con: duckdb.DuckDBPyConnection) -> None:
    judgement = judged(con, [("20-10-16", "01-03-17"), ("25-10-16", "11-03-17")])
    assert judgement.decided is None
    assert set(judgement.possible) == {"%d-%m-%y", "%y-%m-%d"}
    assert judgement.fits[0].date_format == "%d-%m-%y"
    assert "%d-%m-%y reads 2 of 2 values (2016-10-20 to 2016-10-25), created <= closed in 2 of 2 rows" in (
        judgement.evidence()
    )
    assert "%y-%m-%d reads 2 of 2 values (2020-10-16 to 2025-10-16), created <= closed in 0 of 2 rows" in (
        judgement.evidence()
    )
    assert judgement.evidence().endswith("no value decides between %d-%m-%y and %y-%m-%d")


def test_order_is_turned_round_for_the_later_date(con: duckdb.DuckDBPyConnection) -> None:
    judgement = judged(con, [("01-03-17", "20-10-16")], other_is_later=False)
    assert judgement.fits[0] == next(fit for fit in judgement.fits if fit.date_format == "%d-%m-%y")
    assert judgement.fits[0].ordered == 1


def test_repeated_values_all_count_and_row_order_does_not(con: duckdb.DuckDBPyConnection) -> None:
    rows: list[tuple[str | None, str | None]] = [("13.01.2018", None)] * 3 + [("01.02.2018", None), (None, None)]
    assert judged(con, rows) == judged(con, rows[::-1])
    assert judged(con, rows).values == 4


def test_iso_is_never_ambiguous(con: duckdb.DuckDBPyConnection) -> None:
    assert judged(con, [("2018-02-01", None), ("2018-03-04", None)]).decided == "iso"


def test_an_unreadable_column_says_so(con: duckdb.DuckDBPyConnection) -> None:
    judgement = judged(con, [("soon", None), ("later", None)])
    assert judgement.decided is None
    assert judgement.evidence() == "none of the known formats reads any of its 2 values"


def test_one_bad_value_leaves_the_column_undecided_and_is_shown(con: duckdb.DuckDBPyConnection) -> None:
    judgement = judged(con, [("26.02.2018", None), ("unknown", None)])
    assert judgement.decided is None
    assert "%d.%m.%Y reads 1 of 2 values (not 'unknown'); no format reads them all" in judgement.evidence()


def test_an_empty_column_says_so(con: duckdb.DuckDBPyConnection) -> None:
    assert judged(con, [(None, None)]).evidence() == "the column is empty"


def test_numbers_are_days_only_when_nothing_else_fits(con: duckdb.DuckDBPyConnection) -> None:
    assert judged(con, [("20180226", None), ("20181231", None)]).decided == "%Y%m%d"
    assert judged(con, [("43157", None)]).fits[0].date_format in ("excel_serial", "epoch_s", "epoch_ms")


@pytest.mark.parametrize("date_format", ["%d-%m-%Y", "iso", "epoch_ms", "%d %B %Y %H:%M"])
def test_known_formats_have_no_fault(date_format: str) -> None:
    assert format_fault(date_format) is None


@pytest.mark.parametrize("date_format", ["dd-mm-yyyy", "%d-%m", "%j %Y", "ISO"])
def test_a_text_that_is_no_format_is_a_fault(date_format: str) -> None:
    assert format_fault(date_format)
