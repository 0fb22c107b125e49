"""A workspace is written in whole steps, by one run at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.tables import DEALS, PARTNERS
from pipelines.workspace import Workspace, WorkspaceError, write_frame


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace."""
    return Workspace.open(tmp_path / "w", create=True, memory="500MB", threads=1)


class PulledPlug(BaseException):
    """Stands for a run that ends in the middle."""


def put(workspace: Workspace, **contents: str) -> None:
    """Writes files in one transaction."""
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, content in contents.items():
            transaction.file(f"results/{name}").write_text(content)


def told(workspace: Workspace) -> dict[str, str]:
    """All result files and their contents."""
    return {path.name: path.read_text() for path in sorted(workspace.results.glob("*"))}


def test_a_missing_workspace_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="partnerlift ingest"):
        Workspace.open(tmp_path / "none")


def test_files_of_a_transaction_appear_together(workspace: Workspace) -> None:
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.file("results/a").write_text("1")
        transaction.file("results/deep/b").write_text("2")
        assert not workspace.results.exists()
    assert (workspace.results / "deep" / "b").read_text() == "2"
    assert list((workspace.root / ".staging").iterdir()) == []


def test_an_error_in_a_transaction_changes_nothing(workspace: Workspace) -> None:
    put(workspace, a="old")
    with pytest.raises(FileNotFoundError), workspace.lock("test"), workspace.transaction() as transaction:
        transaction.file("results/a").write_text((workspace.root / "none").read_text())
    assert told(workspace) == {"a": "old"}


def test_a_removal_happens_before_the_new_files_arrive(workspace: Workspace) -> None:
    put(workspace, a="old", b="old")
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.remove("results/a")
        transaction.remove("results/b")
        transaction.remove("results/none")
        transaction.file("results/b").write_text("new")
    assert told(workspace) == {"b": "new"}


def test_a_file_takes_the_place_of_a_folder_and_the_other_way_round(workspace: Workspace) -> None:
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.file("tables/deals.parquet/part-0.parquet").write_text("parts")
        transaction.file("tables/partners.parquet").write_text("file")
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.file("tables/deals.parquet").write_text("file")
        transaction.file("tables/partners.parquet/part-0.parquet").write_text("parts")
    assert workspace.path("deals").read_text() == "file"
    assert (workspace.path("partners") / "part-0.parquet").read_text() == "parts"


def test_a_file_where_a_folder_belongs_makes_room_for_it(workspace: Workspace) -> None:
    workspace.rejects.write_text("")
    workspace.results.write_text("")
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.remove("rejects/deals.parquet")
        transaction.file("results/a").write_text("new")
    assert told(workspace) == {"a": "new"}


def change(workspace: Workspace) -> None:
    """Seven moves in one commit: journal, a removal, journal, three files, the end of the journal."""
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name in ("a", "b", "c"):
            transaction.file(f"results/{name}").write_text("new")
        transaction.remove("results/gone")


def stop_after(moves: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulls the plug at the next move of a file below ``root`` once that many have been made."""
    left = iter(range(moves))

    def counted(name: str) -> Callable[..., object]:
        original = getattr(Path, name)

        def move(self: Path, *args: object, **options: object) -> object:
            if root in self.parents and ".lock" not in self.name and next(left, None) is None:
                raise PulledPlug
            return original(self, *args, **options)

        return move

    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, counted(name))


@pytest.mark.parametrize("step", range(7))
def test_a_commit_cut_short_at_any_step_is_finished_or_undone(
    workspace: Workspace, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, a="old", b="old", gone="old")
    stop_after(step, workspace.root, monkeypatch)
    with pytest.raises(PulledPlug):
        change(workspace)
    monkeypatch.undo()
    again = told(Workspace.open(workspace.root))
    assert again in (
        {"a": "old", "b": "old", "gone": "old"},
        {"a": "new", "b": "new", "c": "new"},
    )
    assert not (workspace.root / ".commit.json").exists()
    put(workspace, d="next")
    assert told(workspace) == {**again, "d": "next"}


def test_the_journal_is_written_before_the_first_file_moves(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.name == "a":
            plan = json.loads((workspace.root / ".commit.json").read_text())
            assert plan["files"] == ["results/a"]
            raise PulledPlug
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PulledPlug):
        put(workspace, a="1")
    monkeypatch.undo()
    assert told(Workspace.open(workspace.root)) == {"a": "1"}


def test_moves_are_on_the_disk_before_the_journal_goes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    replace, unlink, fsync = Path.replace, Path.unlink, os.fsync

    def noted_replace(self: Path, target: Path) -> Path:
        events.append(f"move {target.relative_to(workspace.root)}")
        return replace(self, target)

    def noted_unlink(self: Path, missing_ok: bool = False) -> None:
        events.append(f"unlink {self.name}")
        unlink(self, missing_ok=missing_ok)

    def noted_fsync(handle: int) -> None:
        events.append(f"sync {os.path.relpath(Path(f'/proc/self/fd/{handle}').readlink(), workspace.root)}")
        fsync(handle)

    monkeypatch.setattr(Path, "replace", noted_replace)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    with workspace.lock("test"), workspace.transaction() as transaction:
        transaction.file("results/deep/a").write_text("1")
        events.clear()
    assert [event.startswith("sync .staging") for event in events[:5]] == [True] * 5
    assert events[5:] == [
        "sync .commit.draft",
        "move .commit.json",
        "sync .",
        "move results/deep/a",
        "sync .",
        "sync results",
        "sync results/deep",
        "unlink .commit.json",
        "unlink .lock-holder",
    ]


def test_two_runs_at_once_are_refused_naming_the_first(workspace: Workspace) -> None:
    with (
        workspace.lock("scoring"),
        pytest.raises(WorkspaceError, match=r"in use by process \d+ \(scoring\)"),
        workspace.lock("ingest"),
    ):
        pass
    with workspace.lock("ingest"):
        pass


def test_scratch_of_a_living_run_survives_and_that_of_a_dead_one_does_not(workspace: Workspace) -> None:
    dead = workspace.root / ".scratch" / "dead"
    dead.mkdir(parents=True)
    (dead / "spilled").write_text("x")
    dead.with_suffix(".lock").touch()
    with workspace.scratch() as living:
        (living / "spilled").write_text("x")
        with workspace.lock("test"):
            pass
        assert (living / "spilled").exists()
    assert list((workspace.root / ".scratch").iterdir()) == []


def test_a_missing_table_is_an_empty_view_with_its_columns(workspace: Workspace) -> None:
    frame = workspace.read("deals")
    assert list(frame.columns) == list(DEALS.column_names)
    assert frame.empty
    with workspace.connect() as connection:
        assert connection.execute("SELECT count(*) FROM touchpoints").fetchall() == [(0,)]


def test_a_table_in_parts_with_other_columns_is_read_as_one(workspace: Workspace) -> None:
    folder = workspace.path("deals")
    folder.mkdir(parents=True)
    needed = {"account_id": ["A"], "deal_type": ["new"], "created_at": ["2025-01-01"], "outcome": ["open"]}
    pq.write_table(pa.table({"deal_id": ["D1"], **needed, "amount": [1]}), folder / "a.parquet")
    pq.write_table(pa.table({"deal_id": ["D2"], **needed, "x_size": ["big"]}), folder / "b.parquet")
    frame = workspace.read("deals").sort_values("deal_id")
    assert frame["amount"].tolist()[0] == 1.0
    assert frame["x_size"].tolist()[1] == "big"
    assert workspace.columns("deals") == ["deal_id", *needed, "amount", "x_size"]


def test_a_broken_table_is_named_with_the_way_out(workspace: Workspace) -> None:
    workspace.tables.mkdir()
    workspace.path("deals").write_text("PAR1 no")
    with pytest.raises(WorkspaceError, match=r"deals\.parquet is not a readable Parquet file"):
        workspace.read("deals")


def test_a_frame_is_written_with_the_declared_types(workspace: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame({"partner_type": ["si"], "name": ["Ann"], "partner_id": ["P1"], "domains": [["a.com"]]})
    write_frame(frame, PARTNERS, tmp_path / "partners.parquet")
    assert pq.read_schema(tmp_path / "partners.parquet").names == list(PARTNERS.column_names)
    with pytest.raises(ValueError, match=r"lacks the column\(s\) name"):
        write_frame(frame.drop(columns="name"), PARTNERS, tmp_path / "partners.parquet")


@pytest.mark.parametrize("text", ["{bad", "[]", '{"staging": ".staging/x"}'])
def test_a_damaged_journal_is_named_with_the_way_out(workspace: Workspace, text: str) -> None:
    (workspace.root / ".commit.json").write_text(text)
    with pytest.raises(WorkspaceError, match=r"commit\.json, from which .* is damaged .* Take it away"):
        Workspace.open(workspace.root)
