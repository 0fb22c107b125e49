"""Exports into a workspace: kept or rejected, newer over older, all or nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.sources.raw import SourceError
from features.tables import DEALS
from pipelines.ingest import IngestReport, ingest
from pipelines.workspace import Workspace, WorkspaceError

DEALS_CSV = """deal_id,account_id,deal_type,outcome,created_at,closed_at,amount,x_size
D1,A1,new,won,2024-01-01,2024-02-01,100,1
D2,A1,new,lost,2024-01-01,2024-03-01,,2
D3,A2,new,open,2024-01-01,,30,
"""
TOUCHES_CSV = """touchpoint_id,deal_id,partner_id,kind,occurred_at,recorded_at
T1,D1,P1,demo,2024-01-10,2024-01-10
T2,D1,,call,2024-01-11,2024-03-01
T3,D2,P1,demo,2024-04-01,2024-04-02
"""
COST = "partner_id,kind,amount,currency,incurred_at,borne_by\n"

Ingest = Callable[..., IngestReport]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace."""
    return Workspace.open(tmp_path / "w", create=True, threads=1)


@pytest.fixture
def take_in(workspace: Workspace, tmp_path: Path) -> Ingest:
    """Ingests canonical tables given as text by name."""

    def taken(*, replace: bool = False, **tables: str) -> IngestReport:
        folder = tmp_path / f"export-{random.Random(repr(tables)).getrandbits(64)}"
        folder.mkdir(exist_ok=True)
        for table, text in tables.items():
            (folder / f"{table}.csv").write_text(text)
        return ingest(workspace, "tables", folder, replace=replace)

    return taken


def ids(workspace: Workspace, table: str) -> list[str]:
    """First column of a table, in its order."""
    return [str(value) for value in workspace.read(table).iloc[:, 0]]


def test_tables_are_stored_typed_sorted_and_counted(workspace: Workspace, take_in: Ingest) -> None:
    report = take_in(deals=DEALS_CSV, touchpoints=TOUCHES_CSV)
    assert {t: (r.rows_in, r.kept, r.rejected) for t, r in report.tables.items()} == {
        "deals": (3, 3, 0),
        "touchpoints": (3, 3, 0),
    }
    assert ids(workspace, "deals") == ["D1", "D2", "D3"]
    schema = pq.read_schema(workspace.path("deals"))
    assert schema.names == [*DEALS.column_names, "x_size"]
    assert [schema.field(c.name).nullable for c in DEALS.columns] == [c.nullable for c in DEALS.columns]
    assert not list(workspace.root.glob("rejects/*"))


def test_late_entries_are_flagged_not_rejected(take_in: Ingest) -> None:
    report = take_in(deals=DEALS_CSV, touchpoints=TOUCHES_CSV)
    assert report.flags == {"late_entries": 1}
    assert "recorded after it: 1" in report.text()


def test_rejected_rows_are_kept_with_file_line_and_reason(workspace: Workspace, take_in: Ingest) -> None:
    report = take_in(deals=DEALS_CSV + "D4,A1,new,won,2024-01-01,,1,\nD5,A1,new,open,Q3,,1,\n", touchpoints=TOUCHES_CSV)
    assert report.tables["deals"].reasons == {
        "a won or lost deal needs closed_at": 1,
        "created_at is not a date or time in ISO 8601 (2024-03-31 or 2024-03-31T14:05:00Z)": 1,
    }
    rejects = pq.read_table(workspace.rejects / "deals.parquet").to_pylist()
    assert [(r["table"], r["file"], r["line"]) for r in rejects] == [
        ("deals", "deals.csv", 5),
        ("deals", "deals.csv", 6),
    ]
    assert json.loads(rejects[0]["row"])["deal_id"] == "D4"
    assert "5 rows in = 3 kept + 2 rejected" in report.text()


def test_rejects_go_with_the_next_clean_ingest_of_their_table(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV + "D4\n", touchpoints=TOUCHES_CSV + "T4\n")
    take_in(deals=DEALS_CSV)
    assert [path.name for path in workspace.rejects.iterdir()] == ["touchpoints.parquet"]


def test_newer_rows_replace_older_ones_of_their_key(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    report = take_in(
        deals=DEALS_CSV.splitlines()[0] + "\nD4,A1,new,open,2024-01-01,,7,\nD1,A9,new,open,2024-01-01,,1,\n"
    )
    assert report.tables["deals"].replaced == 1
    deals = workspace.read("deals").set_index("deal_id")
    assert deals.index.tolist() == ["D1", "D2", "D3", "D4"]
    assert deals.loc["D1", "account_id"] == "A9"
    assert deals.loc["D2", "x_size"] == 2.0


def test_a_key_with_an_empty_part_is_a_key(workspace: Workspace, take_in: Ingest) -> None:
    header = "contact_id,organisation,valid_from,name\n"
    take_in(contacts=header + "C1,partner,,Ann\nC1,partner,2024-01-01,Ann\n")
    report = take_in(contacts=header + "C1,partner,,Bea\n")
    assert (report.tables["contacts"].replaced, len(workspace.read("contacts"))) == (1, 2)


def test_replace_empties_only_the_tables_that_come(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV, touchpoints=TOUCHES_CSV)
    report = take_in(deals="\n".join(DEALS_CSV.splitlines()[:2]), replace=True)
    assert ids(workspace, "deals") == ["D1"]
    assert ids(workspace, "touchpoints") == ["T1", "T2", "T3"]
    assert report.flags == {"late_entries": 1, "touchpoints without deals": 1}


def test_a_table_without_key_is_replaced_as_a_whole(workspace: Workspace, take_in: Ingest) -> None:
    take_in(costs=COST + "P1,funds,5,EUR,2024-01-01,vendor\n" * 2)
    assert len(workspace.read("costs")) == 2
    take_in(costs=COST + "P2,funds,-5,EUR,2024-01-01,partner\n")
    assert workspace.read("costs")["partner_id"].tolist() == ["P2"]


def test_touches_of_deals_that_came_earlier_are_known(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    report = take_in(touchpoints=TOUCHES_CSV + "T9,D9,P1,demo,2024-01-01,\n")
    assert report.tables["touchpoints"].reasons == {"deal_id is not among the kept rows of deals": 1}


def test_an_extra_column_becomes_text_when_any_ingest_makes_it_so(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    take_in(deals=DEALS_CSV.splitlines()[0] + "\nD4,A1,new,open,2024-01-01,,7,big\n")
    assert workspace.read("deals")["x_size"].tolist()[:2] == ["1", "2"]
    take_in(deals=DEALS_CSV)
    assert workspace.read("deals")["x_size"].tolist()[3] == "big"
    take_in(deals=DEALS_CSV.replace("x_size", "x_new"))
    assert pq.read_schema(workspace.path("deals")).names[-2:] == ["x_new", "x_size"]


def test_an_extra_column_spelled_in_another_case_is_the_same(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    take_in(deals=DEALS_CSV.replace("x_size", "X_SIZE").replace("100,1", "100,9"))
    assert workspace.columns("deals")[-1] == "x_size"
    assert workspace.read("deals")["x_size"].tolist()[:2] == [9.0, 2.0]


def test_row_order_changes_no_byte_of_the_tables(workspace: Workspace, take_in: Ingest) -> None:
    costs = [f"P{n % 3},funds,{n % 5},EUR,2024-01-01,vendor" for n in range(20)]
    tables = {"deals": DEALS_CSV, "touchpoints": TOUCHES_CSV, "costs": COST + "\n".join(costs)}
    written = []
    for seed in range(2):
        shuffled = {}
        for table, text in tables.items():
            header, *rows = text.strip().splitlines()
            random.Random(seed).shuffle(rows)
            shuffled[table] = "\n".join([header, *rows])
        take_in(**shuffled, replace=True)
        written.append({table: workspace.path(table).read_bytes() for table in tables})
    assert written[0] == written[1]


def test_the_summary_keeps_what_earlier_ingests_told_of_other_tables(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV, touchpoints=TOUCHES_CSV)
    take_in(deals=DEALS_CSV + "D4\n")
    summary = json.loads((workspace.results / "ingest.json").read_text())
    assert {table: entry["rows_in"] for table, entry in summary["tables"].items()} == {"deals": 4, "touchpoints": 3}
    assert summary["flags"] == {"late_entries": 1}
    assert summary["tables"]["deals"]["source"].endswith("(tables)")


def test_a_table_in_parts_is_updated_into_one_file(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    whole = workspace.path("deals").read_bytes()
    workspace.path("deals").unlink()
    workspace.path("deals").mkdir()
    (workspace.path("deals") / "part-0.parquet").write_bytes(whole)
    take_in(deals=DEALS_CSV)
    assert workspace.path("deals").read_bytes() == whole


def test_a_workspaces_own_tables_can_be_ingested_again(workspace: Workspace, take_in: Ingest, tmp_path: Path) -> None:
    partners = 'partner_id,name,partner_type,domains\nP1,Ann,si,"[""a.com""]"\n'
    take_in(deals=DEALS_CSV, touchpoints=TOUCHES_CSV, partners=partners)
    copy = Workspace.open(tmp_path / "copy", create=True)
    assert ingest(copy, "tables", workspace.tables).rejected == 0
    for table in ("deals", "touchpoints", "partners"):
        assert copy.path(table).read_bytes() == workspace.path(table).read_bytes()


def test_unused_columns_and_files_are_named(take_in: Ingest, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "deals.csv").write_text(DEALS_CSV.replace("amount", "Amount (net)"))
    report = ingest(workspace, "tables", tmp_path)
    assert report.tables["deals"].ignored_columns == ("Amount (net)",)
    assert "notes.txt" in report.ignored_files
    assert "columns not used: Amount (net)" in report.text()


def test_of_many_unused_columns_the_first_are_listed(take_in: Ingest) -> None:
    names, cells = ",".join(f"c{n}" for n in range(300)), "," * 299
    report = take_in(partners=f"partner_id,name,partner_type,{names}\nP1,Acme,si,{cells}\n")
    assert "c19 and 280 more" in report.text()
    assert len(report.tables["partners"].ignored_columns) == 300


def test_an_error_in_one_table_leaves_all_as_they_were(workspace: Workspace, take_in: Ingest) -> None:
    take_in(deals=DEALS_CSV)
    before = workspace.path("deals").read_bytes()
    with pytest.raises(SourceError):
        take_in(deals=DEALS_CSV.replace("A1", "A2"), touchpoints="touchpoint_id,deal_id\nT1,D1\n")
    assert workspace.path("deals").read_bytes() == before
    assert list((workspace.root / ".staging").iterdir()) == []
    assert list((workspace.root / ".scratch").iterdir()) == []


def test_a_workspace_in_use_is_refused(workspace: Workspace, take_in: Ingest) -> None:
    with workspace.lock("score"), pytest.raises(WorkspaceError, match="in use by"):
        take_in(deals=DEALS_CSV)


def test_kind_and_mapping_must_fit(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mapping goes with kind 'mapped'"):
        ingest(workspace, "mapped", tmp_path)
    with pytest.raises(ValueError, match="mapping goes with kind 'mapped'"):
        ingest(workspace, "tables", tmp_path, mapping=tmp_path / "m.yaml")
    with pytest.raises(ValueError, match=r"Unknown kind 'fax'\. Kinds: tables, mapped"):
        ingest(workspace, "fax", tmp_path)


def test_a_full_disk_is_an_error_that_changes_nothing(
    workspace: Workspace, take_in: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    take_in(deals=DEALS_CSV)
    before = workspace.path("deals").read_bytes()
    monkeypatch.setattr("pipelines.ingest.write", full)
    with pytest.raises(WorkspaceError, match=r"No space left on device.*Check disk space"):
        take_in(deals=DEALS_CSV.replace("A1", "A2"))
    assert workspace.path("deals").read_bytes() == before


def test_too_little_memory_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    tiny = Workspace.open(tmp_path / "w", create=True, memory="1MB", threads=1)
    rows = "".join(f"D{n},A{n},new,open,2024-01-01,,{n},\n" for n in range(3_000))
    (tmp_path / "deals.csv").write_text(DEALS_CSV + rows)
    with pytest.raises(WorkspaceError, match=r"1MB of memory do not suffice .* --memory"):
        ingest(tiny, "tables", tmp_path)
    assert not tiny.has("deals")
