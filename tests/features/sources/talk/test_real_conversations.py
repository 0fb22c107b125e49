"""Real captions and mail go in without a crash, and what the reader takes for an author's words is as judged by eye."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Read = Callable[..., dict[str, list[dict[str, Any]]]]


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_every_real_zoom_call_is_read_whole(shared_data: Path, tmp_path: Path, read: Read) -> None:
    folder = unpacked(shared_data / "ethereum_pm_zoom" / "meetings.tar.gz", tmp_path / "in")
    rows = read(folder, "vtt")
    captions = list(folder.rglob("*.vtt"))
    assert len(rows["conversations"]) == len(captions) == 80
    assert not [row for table in ("conversations", "utterances") for row in rows[table] if row["_fault"]]
    assert all(row["speaker"] for row in rows["utterances"])
    assert all(row["started_at"].startswith("2026-") for row in rows["conversations"])
    for file in captions[:5]:
        cues = [line for line in file.read_text(encoding="utf-8").split("\n") if ": " in line and "-->" not in line]
        spoken = Counter(" ".join(line.split(": ", 1)[1] for line in cues).split())
        title = file.relative_to(folder).as_posix()
        kept = Counter(" ".join(row["text"] for row in rows["utterances"] if row["_file"] == title).split())
        assert kept == spoken


def test_real_replies_are_cut_as_judged_by_eye(
    shared_data: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(root / "benchmarks")
    module = import_module("conversations_in")
    module.judge(unpacked(shared_data / "email_reply_fixtures" / "fixtures.tar.gz", tmp_path), rewrite=False)
    told = capsys.readouterr().out
    assert "Replies: 48 of 48" in told
    assert "Signatures: 5 of 7" in told


def test_every_real_mail_of_an_archive_is_kept_or_rejected(shared_data: Path, tmp_path: Path, read: Read) -> None:
    folder = unpacked(shared_data / "email_reply_fixtures" / "fixtures.tar.gz", tmp_path / "2012-01-01")
    rows = read(folder, "email")
    files = {row["_file"] for table in ("conversations", "utterances") for row in rows[table]}
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.eml")} <= files
