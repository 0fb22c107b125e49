"""Conversations deleted with what derives from them, but for a hash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.assist.moments import ordered
from features.directory import OwnCompany
from pipelines.detecting.talk import read_talk
from pipelines.forget import forget
from pipelines.ingest import ingest
from pipelines.workspace import Workspace, WorkspaceError

Factory = Callable[..., Workspace]

DAY0 = datetime(2025, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def found(name: str, conversation: str) -> dict[str, Any]:
    rest = {"assist_type": "risk_save", "journey_stage": "pre_sale", "quote": "They warned us.", "char_start": 0}
    sure = {"char_end": 15, "confidence": 0.9, "type_confidence": 0.9, "model_version": "m", "detected_at": NOW}
    return {"moment_id": name, "conversation_id": conversation, "utterance_ids": [f"{conversation}-0"]} | rest | sure


def tables() -> dict[str, list[dict[str, Any]]]:
    ids = ["c1", "c2", "c3"]
    review = {"reviewer": "x", "role": "rep", "verdict": "confirmed", "model_version": "m", "reviewed_at": NOW}
    return {
        "conversations": [
            {"conversation_id": name, "channel": "call", "started_at": DAY0, "delete_after": DAY0 + timedelta(400 * n)}
            for n, name in enumerate(ids)
        ],
        "utterances": [
            {"utterance_id": f"{name}-{n}", "conversation_id": name, "seq": n, "speaker_org": "customer", "text": "Hm."}
            for name in ids for n in range(2)
        ],
        "moments": [found("m1", "c1"), found("m2", "c2")],
        "signals": [found("s1", "c1")],
        "reviews": [review | {"review_id": "r1", "moment_id": "s1"}, review | {"review_id": "r2", "moment_id": "m2"}],
    }  # fmt: skip


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def ids(workspace: Workspace, table: str, column: str) -> list[str]:
    return sorted(workspace.read(table)[column])


def test_everything_of_a_conversation_goes_but_a_hash_and_its_status(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    report = forget(workspace, ["c1"], now=NOW)
    assert report.rows == {"conversations": 1, "utterances": 2, "moments": 1, "signals": 1, "reviews": 1}
    assert ids(workspace, "conversations", "conversation_id") == ["c2", "c3"]
    assert ids(workspace, "utterances", "utterance_id") == ["c2-0", "c2-1", "c3-0", "c3-1"]
    assert ids(workspace, "moments", "moment_id") == ["m2"]
    assert ids(workspace, "signals", "moment_id") == []
    assert ids(workspace, "reviews", "review_id") == ["r2"]
    (row,) = workspace.read("deletions").to_dict("records")
    assert len(row.pop("content_hash")) == 64
    assert row == {
        "conversation_id": "c1", "status": "source deleted", "reason": "requested", "utterances": 2, "moments": 1,
        "signals": 1, "deleted_at": pd.Timestamp(NOW),
    }  # fmt: skip


@pytest.mark.slow
def test_doing_it_again_changes_nothing(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    forget(workspace, ["c1"], now=NOW)
    before = {path: path.read_bytes() for path in sorted(workspace.root.rglob("*.parquet"))}
    report = forget(workspace, ["c1"], now=NOW + timedelta(1))
    assert (report.deleted, report.already) == ((), ("c1",))
    assert "Nothing to delete" in report.text()
    assert {path: path.read_bytes() for path in sorted(workspace.root.rglob("*.parquet"))} == before


@pytest.mark.slow
def test_what_is_due_goes_by_its_date_inclusive(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    report = forget(workspace, due=True, now=DAY0 + timedelta(400))
    assert report.deleted == ("c1", "c2")
    assert set(workspace.read("deletions")["reason"]) == {"due"}


@pytest.mark.slow
def test_an_unknown_id_deletes_nothing_and_is_named(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    with pytest.raises(WorkspaceError, match="no conversation 'c9'; nothing was deleted"):
        forget(workspace, ["c1", "c9"], now=NOW)
    assert len(workspace.read("conversations")) == 3


@pytest.mark.slow
def test_ingest_leaves_out_what_comes_again_and_says_so(workspace_of: Factory, tmp_path: Path) -> None:
    workspace = workspace_of(**tables())
    forget(workspace, ["c1"], now=NOW)
    again = tmp_path / "again"
    again.mkdir()
    for name in ("conversations", "utterances"):
        pd.DataFrame(tables()[name]).to_csv(again / f"{name}.csv", index=False)
    report = ingest(workspace, "tables", again)
    assert {name: (table.kept, table.deleted) for name, table in report.tables.items()} == {
        "conversations": (2, 1),
        "utterances": (4, 2),
    }
    assert "2 rows left out, because their conversation was deleted for good" in report.text()
    assert ids(workspace, "utterances", "utterance_id") == ["c2-0", "c2-1", "c3-0", "c3-1"]


@pytest.mark.slow
def test_one_that_another_program_put_back_is_not_looked_at_and_can_be_deleted_again(workspace_of: Factory) -> None:
    given = tables()
    workspace = workspace_of(**given)
    forget(workspace, ["c1"], now=NOW)
    workspace = workspace_of(**given)
    with workspace.connect() as connection:
        talk = read_talk(connection, OwnCompany())
    assert talk.conversations["conversation_id"].tolist() == ["c2", "c3"]
    assert forget(workspace, ["c1"], now=NOW).deleted == ("c1",)
    assert len(workspace.read("deletions")) == 1


@pytest.mark.slow
def test_rejected_rows_and_kept_judged_moments_of_it_go_as_well(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    workspace.rejects.mkdir()
    workspace.results.mkdir()
    reject = {"table": "utterances", "file": "u.csv", "line": 1, "reason": "seq is missing"}
    rows = [reject | {"row": f'{{"conversation_id": "{name}"}}'} for name in ("c1", "c2")]
    pd.DataFrame(rows).to_parquet(workspace.rejects / "utterances.parquet")
    kept = pd.DataFrame([found("k1", "c1"), found("k2", "c2")])
    kept.to_parquet(workspace.path("judged_moments"))
    forget(workspace, ["c1"], now=NOW)
    assert len(pd.read_parquet(workspace.rejects / "utterances.parquet")) == 1
    assert pd.read_parquet(workspace.path("judged_moments"))["moment_id"].tolist() == ["k2"]


@pytest.mark.slow
def test_judgements_that_were_handed_on_go_with_the_moment_that_has_them_now(workspace_of: Factory) -> None:
    given = tables()
    said = given["reviews"][0] | {"review_id": "before", "moment_id": "found no more"}
    other = said | {"review_id": "of another", "moment_id": "elsewhere", "reviewed_at": NOW + timedelta(1)}
    given["reviews"] += [said, other]
    workspace = workspace_of(**given)
    forget(workspace, ["c1"], now=NOW)
    assert ids(workspace, "reviews", "review_id") == ["of another", "r2"]


@pytest.mark.slow
def test_what_stays_of_moments_stays_in_their_order(workspace_of: Factory) -> None:
    given = tables()
    timed = [found("m1", "c1"), found("z", "c2"), found("b", "c3"), found("a", "c3")]
    rows = [row | {"start_s": None} for row in timed[:3]] + [timed[3] | {"start_s": 7.0}]
    workspace = workspace_of(**{**given, "moments": _records(ordered(pd.DataFrame(rows)))})
    forget(workspace, ["c1"], now=NOW)
    assert pd.read_parquet(workspace.path("moments"))["moment_id"].tolist() == ["z", "a", "b"]


@pytest.mark.slow
def test_a_workspace_without_moments_can_forget(workspace_of: Factory) -> None:
    given = tables()
    workspace = workspace_of(conversations=given["conversations"], utterances=given["utterances"])
    assert forget(workspace, ["c3"], now=NOW).rows == {"conversations": 1, "utterances": 2}
