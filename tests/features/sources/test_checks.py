"""Canonical rows of text, kept with their types or rejected with the first reason."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.sources.checks import Checked, check
from features.sources.raw import SourceError, stage
from features.tables import COSTS, DEALS, PARTNERS, TOUCHPOINTS, UTTERANCES, Table

DEAL = {"deal_id": "D1", "account_id": "A1", "deal_type": "new", "outcome": "open", "created_at": "2024-01-01"}
TOUCH = {"touchpoint_id": "T1", "deal_id": "D1", "kind": "demo", "occurred_at": "2024-01-01"}
TURN = {"utterance_id": "U1", "conversation_id": "C1", "seq": "1", "speaker_org": "partner", "text": " Hi "}
PARTNER = {"partner_id": "P1", "name": "Ann", "partner_type": "si"}

Cells = dict[str, str]
Outcome = tuple[list[dict[str, Any]], list[str]]
Judge = Callable[..., Outcome]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC that knows one deal and one conversation."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
    connection.execute("CREATE VIEW deals AS SELECT 'D1' AS deal_id")
    connection.execute("CREATE VIEW conversations AS SELECT 'C1' AS conversation_id")
    yield connection
    connection.close()


@pytest.fixture
def judge(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Judge:
    """Checks rows of a table: accepted rows as mappings, and the reasons of the rejected ones in line order."""

    def judged(table: Table, *rows: Cells) -> Outcome:
        checked = checked_rows(con, tmp_path, table, rows)
        accepted = con.sql(f"SELECT * FROM {checked.accepted}")
        kept = [dict(zip(accepted.columns, row, strict=True)) for row in accepted.fetchall()]
        reasons = con.execute(f"SELECT reason FROM {checked.rejected} ORDER BY line").fetchall()
        return kept, [str(reason) for (reason,) in reasons]

    return judged


def checked_rows(con: duckdb.DuckDBPyConnection, folder: Path, table: Table, rows: tuple[Cells, ...]) -> Checked:
    """The rows, written to a file, staged and checked."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [json.dumps({name: row.get(name) for name in names}) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    stage(con, folder / "rows.jsonl", "raw", folder)
    return check(con, table, "SELECT * FROM raw", folder)


def test_a_good_row_is_kept_with_its_types(judge: Judge) -> None:
    kept, reasons = judge(DEALS, DEAL | {"amount": "1e3", "currency": "eur", "closed_at": "2024-02-01T10:00:00+02:00"})
    assert reasons == []
    assert kept[0]["amount"] == 1000.0
    assert kept[0]["currency"] == "EUR"
    assert kept[0]["created_at"] == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert kept[0]["closed_at"] == dt.datetime(2024, 2, 1, 8, tzinfo=dt.UTC)
    assert kept[0]["name"] is None


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2024-03-31T14:05:00Z", 14, 5),
        ("2024-03-31 14:05", 14, 5),
        ("2024-03-31T14:05:00.123456789Z", 14, 5),
        ("2024-03-31T14:05:00,5z", 14, 5),
        ("2024-03-31T14:05:00.000+0000", 14, 5),
        ("2024-03-31 14:05:00 +02:00", 12, 5),
        ("2024-03-31T14:05:00-0530", 19, 35),
        ("2024-03-31 14:05:00 UTC", 14, 5),
        ("2024-03-31 4:05:00", 4, 5),
        ("2024-03-31", 0, 0),
        (" 2024-03-31\t", 0, 0),
    ],
)
def test_iso_times_are_read_as_utc(judge: Judge, text: str, hour: int, minute: int) -> None:
    kept, reasons = judge(TOUCHPOINTS, TOUCH | {"occurred_at": text})
    assert reasons == []
    at = kept[0]["occurred_at"]
    assert (at.date(), at.hour, at.minute) == (dt.date(2024, 3, 31), hour, minute)


def test_other_times_are_rejected_with_their_value(judge: Judge) -> None:
    bad = {
        "Q3": "is not a date or time in ISO 8601 (2024-03-31 or 2024-03-31T14:05:00Z)",
        "03/04/2024": "is not a date or time in ISO 8601 (2024-03-31 or 2024-03-31T14:05:00Z)",
        "2024-01-01T10:00:00+99:00": "is not a date or time in ISO 8601 (2024-03-31 or 2024-03-31T14:05:00Z)",
        "2024-02-30": "is not a real date or time",
        "2024-01-01T25:00:00": "is not a real date or time",
        "1704067200": "is a number, perhaps seconds since 1970, where a date in ISO 8601 is needed",
        "45292.5": "is a number, perhaps seconds since 1970, where a date in ISO 8601 is needed",
        "1969-12-31": "lies outside the years 1970 to 2100",
        "2101-01-01": "lies outside the years 1970 to 2100",
        "9999-12-31T00:00:00Z": "lies outside the years 1970 to 2100",
    }
    kept, reasons = judge(TOUCHPOINTS, *(TOUCH | {"occurred_at": text} for text in bad))
    assert kept == []
    assert reasons == [f"occurred_at {reason}: '{text}'" for text, reason in bad.items()]


def test_a_damaged_number_is_rejected_not_guessed(judge: Judge) -> None:
    bad = ["1,234.50", "1.234,50", "$5", "5 EUR", "May-20", "1 000", "1_000", "0x10", "５", "--1", "e5", "."]
    kept, reasons = judge(DEALS, *(DEAL | {"amount": text} for text in bad))
    assert kept == []
    assert reasons == [f"amount is not a plain number such as 1234.50: '{text}'" for text in bad]


def test_a_number_without_end_is_rejected(judge: Judge) -> None:
    bad = ["NaN", "inf", "-Infinity", "1e999"]
    reasons = judge(DEALS, *(DEAL | {"amount": text} for text in bad))[1]
    assert reasons == [f"amount is not a finite number: '{text}'" for text in bad]


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        (DEALS, DEAL | {"amount": "-1"}, "amount is below 0: '-1'"),
        (DEALS, DEAL | {"currency": "EUX"}, "currency is not an ISO 4217 currency code such as EUR: 'EUX'"),
        (DEALS, DEAL | {"outcome": "Closed Won"}, "outcome is not one of won, lost, open: 'Closed Won'"),
        (DEALS, DEAL | {"deal_id": " "}, "deal_id is missing"),
        (DEALS, DEAL | {"closed_at": "2023-12-31"}, "closed_at lies before created_at"),
        (DEALS, DEAL | {"outcome": "won"}, "a won or lost deal needs closed_at"),
        (TOUCHPOINTS, TOUCH | {"deal_id": "D9"}, "deal_id is not among the kept rows of deals: 'D9'"),
        (TOUCHPOINTS, TOUCH | {"partner_id": "__direct__"}, "partner_id is reserved for the vendor's own team"),
        (PARTNERS, PARTNER | {"partner_id": "__direct__"}, "partner_id is reserved for the vendor's own team"),
        (PARTNERS, PARTNER | {"domains": "[1"}, "domains is not a JSON list of texts, nor texts between semicolons"),
        (UTTERANCES, TURN | {"seq": "1.5"}, "seq is not a whole number: '1.5'"),
        (UTTERANCES, TURN | {"seq": "9" * 30}, "seq is not a whole number"),
        (UTTERANCES, TURN | {"is_quoted": "maybe"}, "is_quoted is not true or false: 'maybe'"),
        (UTTERANCES, TURN | {"start_s": "5", "end_s": "4"}, "end_s lies before start_s"),
    ],
)
def test_a_row_that_breaks_a_declaration_is_rejected(judge: Judge, table: Table, row: Cells, reason: str) -> None:
    kept, reasons = judge(table, row)
    assert kept == []
    assert len(reasons) == 1
    assert reasons[0].startswith(reason)


@pytest.mark.parametrize(
    ("word", "truth"), [("yes", True), ("TRUE", True), ("1", True), ("n", False), ("False", False)]
)
def test_words_for_truth_are_read(judge: Judge, word: str, truth: bool) -> None:
    assert [row["is_quoted"] for row in judge(UTTERANCES, TURN | {"is_quoted": word})[0]] == [truth]


def test_a_whole_number_may_come_as_a_float(judge: Judge) -> None:
    assert [row["seq"] for row in judge(UTTERANCES, TURN | {"seq": "7.0"})[0]] == [7]


@pytest.mark.parametrize("text", ['["a.com", " b.com"]', "a.com; b.com;"])
def test_lists_come_as_json_or_between_semicolons(judge: Judge, text: str) -> None:
    assert judge(PARTNERS, PARTNER | {"domains": text})[0][0]["domains"] == ["a.com", "b.com"]


def test_ids_lose_blanks_around_them_and_texts_keep_them(judge: Judge) -> None:
    kept, _ = judge(UTTERANCES, TURN | {"utterance_id": " U1\u00a0"})
    assert (kept[0]["utterance_id"], kept[0]["text"]) == ("U1", " Hi ")
    assert judge(UTTERANCES, TURN | {"text": "  "})[1] == ["text is missing"]


def test_naive_times_among_zoned_ones_of_a_file_are_rejected(judge: Judge) -> None:
    times = ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00", "2024-01-01"]
    rows = [TOUCH | {"touchpoint_id": f"T{n}", "occurred_at": time} for n, time in enumerate(times)]
    kept, reasons = judge(TOUCHPOINTS, *rows)
    assert [row["touchpoint_id"] for row in kept] == ["T0", "T2"]
    assert reasons == ["occurred_at has no offset from UTC where other rows have one: '2024-01-01T10:00:00'"]
    assert judge(TOUCHPOINTS, *rows[1:])[1] == []


def test_the_first_good_row_of_a_key_is_kept(judge: Judge) -> None:
    rows = [DEAL | {"amount": "x"}, DEAL | {"amount": "1"}, DEAL | {"amount": "2"}, DEAL | {"amount": "1"}]
    kept, reasons = judge(DEALS, *rows)
    assert [row["amount"] for row in kept] == [1.0]
    assert reasons == [
        "amount is not a plain number such as 1234.50: 'x'",
        "same deal_id as an earlier row: line 2 of rows.jsonl",
        "copy of an earlier row: line 2 of rows.jsonl",
    ]


def test_equal_lines_of_a_table_without_key_are_all_kept(judge: Judge) -> None:
    cost = {"partner_id": "P1", "kind": "funds", "amount": "-5", "currency": "USD", "incurred_at": "2024-01-01"}
    kept, reasons = judge(COSTS, *[cost | {"borne_by": "vendor"}] * 2)
    assert (len(kept), reasons) == (2, [])


def test_extra_columns_of_deals_are_numbers_only_when_all_values_are(judge: Judge) -> None:
    kept, _ = judge(
        DEALS,
        DEAL | {"x_size": "1", "x_mixed": "1", "x_holes": "nan"},
        DEAL | {"deal_id": "D2", "x_size": "2.5", "x_mixed": "big", "x_holes": "3"},
    )
    values = [
        (row["x_size"], row["x_mixed"], row["x_holes"]) for row in sorted(kept, key=lambda row: str(row["deal_id"]))
    ]
    assert values == [(1.0, "1", None), (2.5, "big", 3.0)]


def test_columns_without_a_place_are_named_and_kept_in_the_rejects(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = ({**TOUCH, "x_size": "1", "junk": "=cmd|' /C calc'!A0"}, {**TOUCH, "touchpoint_id": "", "junk": "z"})
    checked = checked_rows(con, tmp_path, TOUCHPOINTS, rows)
    assert checked.ignored_columns == ("x_size", "junk")
    rejected = con.sql(f'SELECT "table", file, line, reason, "row" FROM {checked.rejected}').fetchall()
    assert rejected[0][:4] == ("touchpoints", "rows.jsonl", 2, "touchpoint_id is missing")
    assert json.loads(rejected[0][4]) == {**TOUCH, "touchpoint_id": None, "x_size": None, "junk": "z"}


def test_a_missing_column_is_refused_with_the_closest_name(judge: Judge) -> None:
    renamed = {("DealType" if name == "deal_type" else name): value for name, value in DEAL.items()}
    with pytest.raises(SourceError, match=r"rows.jsonl: table deals needs .* deal_type.* Is 'DealType' meant for"):
        judge(DEALS, renamed)


def test_a_long_value_is_cut_in_the_reason(judge: Judge) -> None:
    reason = judge(DEALS, DEAL | {"amount": "line\nbreak" + "x" * 500})[1][0]
    assert len(reason) < 130
    assert "\n" not in reason


CELL = st.text("0123456789-+.:TZ ,;[]\"'{}eEnaiwo\u00e9\u0000\n%$", max_size=12) | st.sampled_from(
    ["won", "EUR", "2024-01-01"]
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.fixed_dictionaries(dict.fromkeys((*DEAL, "amount", "currency", "x_n"), CELL)), max_size=5))
def test_every_row_is_either_kept_or_rejected(judge: Judge, cells: list[Cells]) -> None:
    rows = [DEAL, *cells]
    kept, reasons = judge(DEALS, *rows)
    assert len(kept) + len(reasons) == len(rows)
    assert all(reasons)
