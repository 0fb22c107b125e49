"""Broken input of every kind: a clear error that changes nothing, or a reject with its reason; no crash, no loss."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.sources.raw import SourceError
from pipelines.ingest import IngestReport, ingest
from pipelines.workspace import Workspace

HEADER = "deal_id,account_id,deal_type,outcome,created_at,closed_at,amount,currency"
GOOD = "D1,A1,new,won,2024-01-01,2024-02-01,100,EUR"
DEALS = f"{HEADER}\n{GOOD}\n"
TOUCH_HEADER = "touchpoint_id,deal_id,partner_id,kind,occurred_at,recorded_at"
GOOD_TOUCH = "T1,D1,P1,demo,2024-01-10T10:00:00Z,2024-01-11T00:00:00Z"
TURN_HEADER = "utterance_id,conversation_id,seq,speaker_org,is_quoted,text"
PARTNER_HEADER = "partner_id,name,partner_type"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that holds one deal, one touch and one conversation, for tests that leave it so."""
    root = tmp_path_factory.mktemp("standing")
    folder = root / "before"
    folder.mkdir()
    (folder / "deals.csv").write_text(DEALS)
    (folder / "touchpoints.csv").write_text(f"{TOUCH_HEADER}\n{GOOD_TOUCH}\n")
    (folder / "conversations.csv").write_text("conversation_id,channel,started_at\nC1,call,2024-01-01\n")
    workspace = Workspace.open(root / "w", create=True, threads=1)
    ingest(workspace, "tables", folder)
    return workspace


@pytest.fixture
def workspace(standing: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it to change."""
    shutil.copytree(standing.root, tmp_path / "w")
    return Workspace.open(tmp_path / "w", threads=1)


def parquet(**columns: object) -> bytes:
    """A Parquet file of these columns."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def take_in(workspace: Workspace, name: str, content: str | bytes) -> IngestReport:
    """Ingests a folder with this one file."""
    folder = workspace.root.parent / "export"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return ingest(workspace, "tables", folder)


def held(workspace: Workspace) -> dict[str, bytes]:
    """All files of the workspace that last."""
    return {
        str(path.relative_to(workspace.root)): path.read_bytes()
        for folder in (workspace.tables, workspace.rejects, workspace.results)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rejects(workspace: Workspace, table: str) -> list[str]:
    """Reasons of a table's rejected rows."""
    path = workspace.rejects / f"{table}.parquet"
    return [str(row["reason"]) for row in pq.read_table(path).to_pylist()] if path.exists() else []


WHOLE = parquet(deal_id=[f"D{n}" for n in range(500)])
REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "empty file": ("deals.csv", b"", "is empty"),
    "blank lines only": ("deals.csv", "\n\n \n", "has no header"),
    "header of blanks": ("deals.csv", ",,,\n1,2,3,4\n", "has no header"),
    "renamed column": ("deals.csv", DEALS.replace("deal_type", "type_of_deal"), "needs the column.* deal_type"),
    "column in other words": ("deals.csv", DEALS.replace("outcome", "Outcomes"), "Is 'Outcomes' meant for outcome"),
    "wrong delimiter": ("deals.csv", DEALS.replace(",", "^"), r"needs the column.*There are: deal_id\^account_id"),
    "two possible delimiters": ("deals.csv", "deal_id;account_id,deal_type\nD1;A1,new\n", "could be divided by"),
    "duplicate headers": ("deals.csv", f"{HEADER},amount\n{GOOD},5\n", "more than one column named amount"),
    "headers that differ in case": ("deals.csv", f"{HEADER},AMOUNT\n{GOOD},5\n", "more than one column named"),
    "reserved header": ("deals.csv", f"{HEADER},_line\n{GOOD},5\n", "named _line"),
    "rows without header": ("deals.csv", f"{GOOD}\n{GOOD}\n", "more than one column named|needs the column"),
    "unclosed quote": ("deals.csv", f'{HEADER}\n"{GOOD}\n{GOOD}\n{GOOD}\n', "begins at line 2 is not closed"),
    "unclosed quote in the header": ("deals.csv", f'"{HEADER}\n{GOOD}\n', "no readable header"),
    "latin-1 header": ("deals.csv", DEALS.replace("amount", "größe").encode("latin-1"), "header not valid UTF-8"),
    "UTF-16 without mark": ("deals.csv", DEALS.encode("utf-16-le"), "UTF-16 without a byte-order mark"),
    "cut-off UTF-16": ("deals.csv", DEALS.encode("utf-16")[:-1], "not valid utf-16"),
    "truncated gzip": ("deals.csv.gz", gzip.compress(DEALS.encode() * 999)[:-30], "cut-off gzip"),
    "gzip of nothing": ("deals.csv.gz", gzip.compress(b""), "is empty"),
    "Excel workbook as CSV": ("deals.csv", b"PK\x03\x04" + bytes(99), "an Excel workbook"),
    "old Excel workbook as CSV": ("deals.csv", b"\xd0\xcf\x11\xe0" + bytes(99), "an old Excel workbook"),
    "truncated Parquet": ("deals.parquet", WHOLE[:-40], "not a whole Parquet file"),
    "half a Parquet": ("deals.parquet", WHOLE[: len(WHOLE) // 2], "not a whole Parquet file"),
    "damaged Parquet": ("deals.parquet", WHOLE[:4] + bytes(400) + WHOLE[404:], "cannot be read"),
    "CSV named as Parquet": ("deals.parquet", DEALS, "not a Parquet file"),
    "empty Parquet": ("deals.parquet", b"", "is empty"),
    "Parquet without the columns": ("deals.parquet", WHOLE, "needs the column.* account_id"),
    "JSON array": ("deals.jsonl", '[{"deal_id": "D1"}]', "one JSON array"),
    "pretty JSON array": ("deals.jsonl", '[\n  {"deal_id": "D1"}\n]', "one JSON array"),
    "no JSON at all": ("deals.jsonl", DEALS, "no JSON object"),
    "unknown ending": ("deals.xlsx", b"x", "no canonical table"),
    "misnamed file": ("deal.csv", DEALS, r"Is deal\.csv meant as deals"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_and_changes_nothing(standing: Workspace, case: str) -> None:
    name, content, message = REFUSED[case]
    before = held(standing)
    with pytest.raises(SourceError, match=message) as error:
        take_in(standing, name, content)
    assert "\n" not in str(error.value)
    assert held(standing) == before


def test_a_folder_in_place_of_a_file_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "export" / "deals.csv").mkdir(parents=True)
    with pytest.raises(SourceError, match="no canonical table"):
        ingest(workspace, "tables", tmp_path / "export")


def test_a_path_that_is_not_there_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file or folder"):
        ingest(workspace, "tables", tmp_path / "none")


def deal(**cells: str) -> bytes:
    """A row of deals that is good but for these cells; a good one has an id of its own."""
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {"deal_id": "D2"} | cells
    return ",".join(row.values()).encode(errors="surrogateescape")


def touch(**cells: str) -> bytes:
    """A row of touchpoints that is good but for these cells."""
    row = dict(zip(TOUCH_HEADER.split(","), GOOD_TOUCH.split(","), strict=True)) | {"touchpoint_id": "T2"} | cells
    return ",".join(row.values()).encode(errors="surrogateescape")


REJECTED: dict[str, tuple[str, bytes, str]] = {
    "latin-1 bytes": ("deals", deal(account_id="Zo\udceb"), "not valid UTF-8: byte 0xEB"),
    "NUL byte": ("deals", deal(account_id="A\0"), "holds a NUL byte"),
    "too few cells": ("deals", b"D2,A1", "wrong number of cells: 2 where the header has 8"),
    "too many cells": ("deals", deal(amount="1,234.50"), "wrong number of cells: 9"),
    "10 MB cell": ("deals", deal(account_id="x" * 10_000_000), "longer than"),
    "2 MB cell": ("deals", deal(account_id="x" * 2_000_000), "longer than"),
    "stray quote": ("deals", deal(account_id='"5" pipe"'), "quote inside a quoted cell"),
    "duplicate key": ("deals", deal(deal_id="D1", amount="5"), "same deal_id as an earlier row: line 2 of deals.csv"),
    "copied row": ("deals", deal(deal_id="D1"), "copy of an earlier row: line 2 of deals.csv"),
    "missing id": ("deals", deal(deal_id=""), "deal_id is missing"),
    "blank id": ("deals", deal(deal_id="  "), "deal_id is missing"),
    "closed before created": ("deals", deal(closed_at="2023-12-31"), "closed_at lies before created_at"),
    "won without close": ("deals", deal(closed_at=""), "a won or lost deal needs closed_at"),
    "negative amount": ("deals", deal(amount="-1"), "amount is below 0: '-1'"),
    "thousands separator": (
        "deals",
        deal(amount='"1,234.50"'),
        "amount is not a plain number such as 1234.50: '1,234.50'",
    ),
    "spreadsheet-damaged number": (
        "deals",
        deal(amount="May-20"),
        "amount is not a plain number such as 1234.50: 'May-20'",
    ),
    "currency sign": ("deals", deal(amount="€100"), "amount is not a plain number"),
    "formula as a number": ("deals", deal(amount="=1+1"), "amount is not a plain number such as 1234.50: '=1+1'"),
    "NaN": ("deals", deal(amount="NaN"), "amount is not a finite number: 'NaN'"),
    "infinity": ("deals", deal(amount="-inf"), "amount is not a finite number: '-inf'"),
    "beyond all numbers": ("deals", deal(amount="1e999"), "amount is not a finite number"),
    "unknown currency": ("deals", deal(currency="EUX"), "currency is not an ISO 4217 currency code such as EUR: 'EUX'"),
    "unknown outcome": ("deals", deal(outcome="maybe"), "outcome is not one of won, lost, open: 'maybe'"),
    "unknown deal type": (
        "deals",
        deal(deal_type="Upsell"),
        "deal_type is not one of new, expansion, renewal: 'Upsell'",
    ),
    "30 February": ("deals", deal(closed_at="2024-02-30"), "closed_at is not a real date or time: '2024-02-30'"),
    "quarter as a date": ("deals", deal(closed_at="Q3"), "closed_at is not a date or time in ISO 8601"),
    "month first": ("deals", deal(closed_at="02/26/2024"), "closed_at is not a date or time in ISO 8601"),
    "epoch seconds": ("deals", deal(closed_at="1706745600"), "closed_at is a number, perhaps seconds since 1970"),
    "far past": ("deals", deal(created_at="0001-01-01"), "created_at lies outside the years 1970 to 2100"),
    "far future": ("deals", deal(closed_at="9999-12-31"), "closed_at lies outside the years 1970 to 2100"),
    "touch of an unknown deal": (
        "touchpoints",
        touch(deal_id="D9"),
        "deal_id is not among the kept rows of deals: 'D9'",
    ),
    "own team as a partner": (
        "touchpoints",
        touch(partner_id="__direct__"),
        "partner_id is reserved for the vendor's own",
    ),
    "touch without a kind": ("touchpoints", touch(kind=""), "kind is missing"),
    "mixed time zones": ("touchpoints", touch(occurred_at="2024-01-10T10:00:00"), "occurred_at has no offset from UTC"),
    "impossible offset": ("touchpoints", touch(occurred_at="2024-01-10T10:00:00+31:00"), "occurred_at is not a date"),
    "reserved partner": (
        "partners",
        b"__direct__,Us,si",
        "partner_id is reserved for the vendor's own",
    ),
    "unknown partner type": ("partners", b"P2,Ann,guru", "partner_type is not one of si, isv"),
    "alias of no partner": ("partner_aliases", b"P9,Acme", "partner_id is not among the kept rows"),
    "words for truth": ("utterances", b"U2,C1,1,partner,perhaps,Hi", "is_quoted is not true or false"),
    "fraction as a count": (
        "utterances",
        b"U2,C1,1.5,partner,,Hi",
        "seq is not a whole number: '1.5'",
    ),
    "negative count": ("utterances", b"U2,C1,-1,partner,,Hi", "seq is below 0: '-1'"),
    "cost without currency": (
        "costs",
        b"P1,funds,5,,2024-01-01,vendor",
        "currency is missing",
    ),
    "cut off in the last row": ("deals", b'"D2,A1', "quote is never closed"),
}
GOOD_ROWS = {
    "deals": f"{HEADER}\n{GOOD}",
    "partners": f"{PARTNER_HEADER}\nP1,Ann,si",
    "partner_aliases": "partner_id,alias\nP1,Ann Inc",
    "touchpoints": f"{TOUCH_HEADER}\n{GOOD_TOUCH}",
    "conversations": "conversation_id,channel,started_at\nC1,call,2024-01-01",
    "utterances": f"{TURN_HEADER}\nU1,C1,1,partner,,Hi",
    "costs": "partner_id,kind,amount,currency,incurred_at,borne_by\nP1,funds,5,EUR,2024-01-01,vendor",
}


Told = tuple[IngestReport, dict[tuple[str, int], str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All rows of ``REJECTED`` ingested at once below a good row each: the report, and reasons by table and line."""
    root = tmp_path_factory.mktemp("rejected")
    for table, good in GOOD_ROWS.items():
        bad = [row for name, row, _ in REJECTED.values() if name == table]
        (root / f"{table}.csv").write_bytes(b"\n".join([good.encode(), *bad]))
    workspace = Workspace.open(root / "w", create=True, threads=1)
    report = ingest(workspace, "tables", root)
    rows = [row for path in workspace.rejects.iterdir() for row in pq.read_table(path).to_pylist()]
    return report, {(row["table"], row["line"]): row["reason"] for row in rows}


@pytest.mark.parametrize("case", REJECTED)
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(told: Told, case: str) -> None:
    table, _, reason = REJECTED[case]
    line = 3 + [other for other, (name, *_) in REJECTED.items() if name == table].index(case)
    assert reason in told[1][table, line]
    assert len(told[1][table, line]) < 300


@pytest.mark.parametrize("table", GOOD_ROWS)
def test_rows_in_are_the_kept_and_the_rejected(told: Told, table: str) -> None:
    report = told[0].tables[table]
    bad = sum(name == table for name, *_ in REJECTED.values())
    assert (report.rows_in, report.kept, report.rejected) == (1 + bad, 1, bad)
    assert sum(report.reasons.values()) == bad


BAD_LINES = ("{bad", "[1]", '"text"', '{"deal_id": "D5", "deal_id": "D6"}', '{"deal_id": "\\u0000"}', "null")


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_json_line_is_rejected_with_its_number(workspace: Workspace, line: str) -> None:
    good = json.dumps(dict(zip(HEADER.split(","), GOOD.replace("D1", "D2").split(","), strict=True)))
    report = take_in(workspace, "deals.jsonl", f"{good}\n{line}\n").tables["deals"]
    assert (report.rows_in, report.kept, report.rejected) == (2, 1, 1)
    assert pq.read_table(workspace.rejects / "deals.parquet").to_pylist()[0]["line"] == 2


@pytest.mark.parametrize(
    "content",
    [
        DEALS.encode("utf-8-sig"),
        DEALS.encode("utf-16"),
        DEALS.replace("\n", "\r\n").encode(),
        DEALS.replace("\n", "\r").encode(),
        DEALS.replace(",", ";").encode(),
        DEALS.replace(",", "\t").encode(),
        DEALS.replace(",", " , ").replace("\n", " \n").encode(),
        DEALS.rstrip("\n").encode(),
        DEALS.replace("\n", "\n\n").encode(),
        gzip.compress(DEALS.encode()),
        ",".join(f'"{name}"' for name in HEADER.split(",")).encode() + b"\n" + GOOD.encode(),
    ],
    ids=["BOM", "UTF-16", "CRLF", "CR", "semicolon", "tab", "blanks", "no end", "blank lines", "gzip", "quoted header"],
)
def test_what_only_looks_odd_gives_the_same_table(standing: Workspace, content: bytes) -> None:
    before = standing.path("deals").read_bytes()
    report = take_in(standing, "deals.csv", content)
    assert report.rejected == 0
    assert standing.path("deals").read_bytes() == before


def test_a_header_alone_is_a_table_without_rows(standing: Workspace) -> None:
    report = take_in(standing, "deals.csv", HEADER + "\n").tables["deals"]
    assert (report.rows_in, report.kept, report.rejected) == (0, 0, 0)
    assert len(standing.read("deals")) == 1


def test_text_that_looks_like_a_formula_is_kept_as_it_is(workspace: Workspace) -> None:
    formula = "=cmd|' /C calc'!A0"
    take_in(workspace, "touchpoints.csv", f"{TOUCH_HEADER}\n".encode() + touch(kind=formula))
    assert formula in workspace.read("touchpoints")["kind"].tolist()


def test_markup_and_sql_in_text_are_kept_as_they_are(workspace: Workspace) -> None:
    names = ["<script>alert(1)</script>", "'); DROP TABLE deals; --", 'a "quoted" name', "Zoë 東京 🎉"]
    rows = "".join(f'P{n},"{name.replace(chr(34), chr(34) * 2)}",si\n' for n, name in enumerate(names))
    assert take_in(workspace, "partners.csv", f"{PARTNER_HEADER}\n{rows}").rejected == 0
    assert workspace.read("partners")["name"].tolist() == names


def test_a_blank_header_is_named_by_its_place_and_told(workspace: Workspace) -> None:
    report = take_in(workspace, "deals.csv", f",{HEADER}\n0,{GOOD}\n").tables["deals"]
    assert (report.kept, report.ignored_columns) == (1, ("column_1",))


def test_an_infinite_number_in_parquet_is_rejected_and_nan_is_missing(workspace: Workspace) -> None:
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    columns: dict[str, object] = {name: [cell] * 3 for name, cell in cells.items()}
    content = parquet(**columns | {"deal_id": ["D2", "D3", "D4"], "amount": [1.5, float("nan"), float("inf")]})
    assert take_in(workspace, "deals.parquet", content).tables["deals"].rejected == 1
    assert rejects(workspace, "deals") == ["amount is not a finite number: 'inf'"]
    assert workspace.read("deals").set_index("deal_id")["amount"].dropna().to_dict() == {"D1": 100.0, "D2": 1.5}


TEXT = st.text('D1,;"\n\r\t|\0é=-2024Q{}[]:', max_size=150).map(str.encode)
SPOILED: st.SearchStrategy[Callable[[bytes], bytes]] = st.tuples(st.integers(0, len(DEALS)), st.binary(max_size=8)).map(
    lambda spot: lambda content: content[: spot[0]] + spot[1] + content[spot[0] :]
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=TEXT | SPOILED.map(lambda spoil: spoil(DEALS.encode())), name=st.sampled_from(["deals.csv", "deals.jsonl"])
)
def test_any_bytes_end_in_an_error_or_in_counted_rows(workspace: Workspace, content: bytes, name: str) -> None:
    before = held(workspace)
    try:
        report = take_in(workspace, name, content).tables["deals"]
    except SourceError:
        assert held(workspace) == before
    else:
        assert report.rows_in == report.kept + report.rejected
        assert len(rejects(workspace, "deals")) == report.rejected
