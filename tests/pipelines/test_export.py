"""Export: whole files, spreadsheet-safe text, and what cannot be exported."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.export import export
from pipelines.workspace import Workspace, WorkspaceError

PARTNER = {"partner_id": "p1", "name": "Acme", "partner_type": "si", "joined_at": "2025-01-02T03:04:05Z"}


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_like_a_formula_gets_an_apostrophe(
    workspace_of: Callable[..., Workspace], tmp_path: Path, text: str
) -> None:
    workspace = workspace_of(partners=[PARTNER | {"name": text}])
    out = tmp_path / "partners.csv"
    assert export(workspace, "partners", out) == 1
    assert cells(out)[1][1] == f"'{text}"
    export(workspace, "partners", out, raw=True)
    assert cells(out)[1][1] == text


def test_negative_numbers_are_no_formulas(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    cost = {"partner_id": "p1", "kind": "funds", "amount": -5.5, "currency": "EUR", "borne_by": "vendor"}
    workspace = workspace_of(costs=[cost | {"incurred_at": "2025-01-01"}])
    export(workspace, "costs", tmp_path / "costs.csv")
    assert cells(tmp_path / "costs.csv")[1][2] == "-5.5"


def test_times_are_iso_in_utc_and_lists_are_json(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    workspace = workspace_of(partners=[PARTNER | {"domains": ["a.com", "b.com"]}])
    export(workspace, "partners", tmp_path / "partners.csv")
    header, row = cells(tmp_path / "partners.csv")
    values = dict(zip(header, row, strict=True))
    assert values["joined_at"] == "2025-01-02T03:04:05.000000Z"
    assert values["domains"] == '["a.com","b.com"]'
    assert values["tier"] == ""


def test_parquet_keeps_types(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    export(workspace_of(partners=[PARTNER]), "partners", tmp_path / "partners.parquet")
    frame = pd.read_parquet(tmp_path / "partners.parquet")
    assert frame["joined_at"].tolist() == [pd.Timestamp("2025-01-02T03:04:05Z")]


def test_rejected_rows_can_be_exported(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    workspace = workspace_of(partners=[PARTNER])
    workspace.rejects.mkdir()
    pd.DataFrame({"line": [7], "reason": ["no id"]}).to_parquet(workspace.rejects / "partners.parquet")
    assert export(workspace, "rejects/partners", tmp_path / "bad.csv") == 1
    assert cells(tmp_path / "bad.csv")[1] == ["7", "no id"]


@pytest.mark.parametrize(
    ("table", "out", "error", "message"),
    [
        ("partner", "a.csv", ValueError, "There is no table 'partner'. Tables: deals,"),
        ("partners", "a.xlsx", ValueError, "ends neither in .csv nor in .parquet"),
        ("deals", "a.csv", WorkspaceError, "has no table deals yet"),
        ("rejects/deals", "a.csv", WorkspaceError, "rejected no row of that table"),
        ("rejects/../../secret", "a.csv", WorkspaceError, "rejected no row of that table"),
        ("partners", "nowhere/a.csv", WorkspaceError, "Check that its folder exists"),
    ],
)
def test_what_cannot_be_exported_is_told(
    workspace_of: Callable[..., Workspace], tmp_path: Path, table: str, out: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        export(workspace_of(partners=[PARTNER]), table, tmp_path / out)
    assert not list(tmp_path.glob("*.draft"))
