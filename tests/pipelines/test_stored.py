"""Tables that another program has put into a workspace are read whatever their columns' order, case and types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.ingest import ingest
from pipelines.workspace import Workspace, WorkspaceError

TEN = datetime(2025, 1, 1, 10, tzinfo=UTC)
NAIVE = datetime(2025, 1, 1, 10)
DEAL: dict[str, Any] = {
    "deal_id": ["D1"],
    "account_id": ["A1"],
    "deal_type": ["new"],
    "created_at": [TEN],
    "outcome": ["open"],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace."""
    return Workspace.open(tmp_path / "w", create=True, memory="500MB", threads=1)


def put(workspace: Workspace, **columns: Any) -> None:
    """Another program's deals."""
    workspace.tables.mkdir(exist_ok=True)
    pq.write_table(pa.table(DEAL | columns), workspace.path("deals"))


def deal(workspace: Workspace, **columns: Any) -> pd.Series:
    """The one deal, as it is read."""
    put(workspace, **columns)
    return workspace.read("deals").iloc[0]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([NAIVE], pa.timestamp("ns")),
        pa.array([NAIVE], pa.timestamp("s")),
        pa.array([TEN], pa.timestamp("us", "America/New_York")),
        pa.array([TEN], pa.timestamp("ns", "UTC")),
        pa.array(["2025-01-01T12:00:00+02:00"]),
    ],
)
def test_times_of_any_type_are_the_same_moment(workspace: Workspace, times: pa.Array) -> None:
    assert deal(workspace, created_at=times)["created_at"] == TEN


def test_a_date_is_its_first_moment(workspace: Workspace) -> None:
    assert deal(workspace, created_at=[date(2025, 1, 1)])["created_at"] == pd.Timestamp("2025-01-01", tz="UTC")


@pytest.mark.parametrize("ids", [pa.array([7]), pa.array([7.0]), pa.array(["7"], pa.large_string())])
def test_ids_are_text_even_from_floats(workspace: Workspace, ids: pa.Array) -> None:
    assert deal(workspace, deal_id=ids, parent_deal_id=pa.array([float("nan")]))["deal_id"] == "7"
    assert workspace.read("deals")["parent_deal_id"].isna().all()


def test_money_is_a_number_and_nan_is_missing(workspace: Workspace) -> None:
    assert deal(workspace, amount=[Decimal("12.50")])["amount"] == 12.5
    put(workspace, amount=pa.array([float("nan")]))
    with workspace.connect() as connection:
        assert connection.execute("SELECT amount IS NULL FROM deals").fetchall() == [(True,)]


def test_names_are_told_whatever_their_case_and_blanks(workspace: Workspace) -> None:
    workspace.tables.mkdir()
    names = ["Deal_ID", "ACCOUNT_ID", "deal_type ", "Created_At", "outcome"]
    pq.write_table(pa.table(list(DEAL.values()), names=names), workspace.path("deals"))
    assert workspace.read("deals")["deal_id"].tolist() == ["D1"]
    assert workspace.read("deals")["deal_type"].tolist() == ["new"]


def test_own_columns_are_numbers_or_text_and_others_are_passed_over(workspace: Workspace) -> None:
    own = {"zzz": [1], "x_n": [Decimal("1.5")], "X_up": ["a"], "x_yes": [True], "x_list": [[1]]}
    found = deal(workspace, **own, x_dict=pa.array(["b"]).dictionary_encode())
    assert found[[c for c in found.index if c.startswith(("x_", "X_", "z"))]].to_dict() == {
        "x_n": 1.5,
        "x_up": "a",
        "x_yes": "true",
        "x_list": "[1]",
        "x_dict": "b",
    }


def test_a_table_without_a_needed_column_is_refused_with_the_way_out(workspace: Workspace) -> None:
    workspace.tables.mkdir()
    pq.write_table(pa.table({"deal_id": ["D1"]}), workspace.path("deals"))
    with pytest.raises(WorkspaceError, match=r"deals\.parquet lacks the column\(s\) account_id, .*; it has deal_id"):
        workspace.read("deals")


def test_a_value_that_its_column_cannot_hold_is_told_in_one_line(workspace: Workspace) -> None:
    put(workspace, amount=["1,200"])
    with pytest.raises(WorkspaceError, match=r"Could not convert string '1,200' to DOUBLE.*Repair it") as error:
        workspace.read("deals")
    assert "\n" not in str(error.value)


def test_a_row_without_a_needed_value_is_named_when_it_is_to_stay(workspace: Workspace, tmp_path: Path) -> None:
    put(workspace, account_id=pa.array([None], pa.string()))
    (tmp_path / "deals.csv").write_text("deal_id,account_id,deal_type,created_at,outcome\nD2,A,new,2025-01-01,open\n")
    with pytest.raises(WorkspaceError, match=r"deals.*account_id.*null"):
        ingest(workspace, "tables", tmp_path / "deals.csv")


def test_brackets_in_a_folder_name_do_not_read_another_folder(tmp_path: Path) -> None:
    for folder in ("w[2]", "w2"):
        workspace = Workspace.open(tmp_path / folder, create=True)
        put(workspace, deal_id=[f"of {folder}"])
    assert Workspace.open(tmp_path / "w[2]").read("deals")["deal_id"].tolist() == ["of w[2]"]


def test_parts_in_a_folder_with_an_asterisk_are_read(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "a*[b]?", create=True)
    workspace.path("deals").mkdir(parents=True)
    pq.write_table(pa.table(DEAL), workspace.path("deals") / "part-0.parquet")
    assert workspace.read("deals")["deal_id"].tolist() == ["D1"]


def test_a_table_in_folders_of_folders_is_refused_and_not_taken_for_empty(workspace: Workspace) -> None:
    (workspace.path("deals") / "outcome=won").mkdir(parents=True)
    pq.write_table(pa.table(DEAL), workspace.path("deals") / "outcome=won" / "a.parquet")
    with pytest.raises(WorkspaceError, match=r"deals\.parquet is divided into folders.*Write its part files into it"):
        workspace.read("deals")
