"""Captions, plain transcripts and Gong's answers become calls with turns, each told from the others by content."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.sources.errors import SourceError

Read = Callable[..., dict[str, list[dict[str, Any]]]]

ZOOM = """WEBVTT

1
00:00:01.000 --> 00:00:03.000
Ann Li (Brightmere): We ran the workshop

2
00:00:03.100 --> 00:00:05.000
Ann Li (Brightmere): and they signed &amp; paid.

3
00:00:09.000 --> 00:00:10.000
Bo: Note this: great.

4
00:00:99.000 --> 00:01:10.000
Bo: lost
"""
TEAMS = (
    "WEBVTT\n\nNOTE made by Teams\n\nab/1-0\n00:00:01.000 --> 00:00:04.000\n"
    "<v Megan Bowen>It is <c.x>live</c>.</v><v Bo>Good.</v>\n"
)


def said(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str]]:
    return [(u["speaker"], u["text"]) for u in rows["utterances"] if u["_fault"] is None]


def test_sentences_split_over_zooms_cues_are_joined_and_damaged_cues_are_rejected(tmp_path: Path, read: Read) -> None:
    (tmp_path / "GMT20250301-140500_Recording.transcript.vtt").write_text(ZOOM)
    rows = read(tmp_path, "vtt")
    assert said(rows) == [
        ("Ann Li (Brightmere)", "We ran the workshop and they signed & paid."),
        ("Bo", "Note this: great."),
    ]
    first, *_, broken = rows["utterances"]
    assert (first["start_s"], first["end_s"], first["_line"]) == ("1.000", "5.000", 3)
    assert (broken["_line"], broken["_fault"]) == (15, "cue has no usable times: '00:00:99.000 --> 00:01:10.000'")
    (call,) = rows["conversations"]
    assert (call["started_at"], call["channel"], call["_fault"]) == ("2025-03-01T14:05:00+00:00", "call", None)


def test_every_voice_of_a_teams_cue_is_kept_and_kinds_are_told_by_content(tmp_path: Path, read: Read) -> None:
    (tmp_path / "2025-03-01.txt").write_text("\ufeff" + TEAMS.replace("\n", "\r\n"), encoding="utf-8")
    assert said(read(tmp_path)) == [("Megan Bowen", "It is live."), ("Bo", "Good.")]


def test_subrip_is_read_with_speakers_that_go_on(tmp_path: Path, read: Read) -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,000\nAnn: Hello.\n\n2\n00:00:05,000 --> 00:00:06,500\n<i>We did it.</i>\n"
    (tmp_path / "2025-03-01.vtt").write_text(srt)
    rows = read(tmp_path)
    assert said(rows) == [("Ann", "Hello."), ("Ann", "We did it.")]
    assert rows["utterances"][1]["end_s"] == "6.500"


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        (
            "Ann: One.\nTwo.\nBo (Acme): Three.\nAnn: So: four.",
            [("Ann", "One. Two."), ("Bo (Acme)", "Three."), ("Ann", "So: four.")],
        ),
        ("[00:05] Ann: One.\n[1:02:03] Bo: Two.", [("Ann", "One."), ("Bo", "Two.")]),
        ("Ann Li  0:05\nOne.\n\nBo  0:09\nTwo.\n", [("Ann Li", "One."), ("Bo", "Two.")]),
        (
            "00:03:55\tManu:\tGM!\n00:05:09\tBo:\thttps://x.example/a:b",
            [("Manu", "GM!"), ("Bo", "https://x.example/a:b")],
        ),
    ],
)
def test_plain_transcripts_are_read_as_people_write_them(
    text: str, turns: list[tuple[str, str]], tmp_path: Path, read: Read
) -> None:
    (tmp_path / "2025-03-01 call").write_text(text)
    rows = read(tmp_path)
    assert said(rows) == turns
    assert rows["conversations"][0]["source_system"] == "dialogue"


def test_a_call_without_a_date_says_how_to_give_it_one_and_a_list_gives_it(tmp_path: Path, read: Read) -> None:
    (tmp_path / "call.vtt").write_text(ZOOM)
    undated = read(tmp_path)
    assert "put the date in the file's name" in undated["conversations"][0]["_fault"]
    listed = "file,Started At,deal_id\ncall.vtt,2025-04-01T10:00:00Z,D1\ngone.vtt,2025-04-01,D2\n"
    (tmp_path / "conversations.csv").write_text(listed)
    rows = read(tmp_path)["conversations"]
    assert (rows[0]["started_at"], rows[0]["deal_id"], rows[0]["_fault"]) == ("2025-04-01T10:00:00Z", "D1", None)
    assert (rows[1]["_line"], rows[1]["_fault"]) == (3, "no conversation was read from a file of this name: 'gone.vtt'")
    assert rows[0]["conversation_id"] == undated["conversations"][0]["conversation_id"]


def gong_files(folder: Path, transcripts: list[Any], calls: list[Any]) -> Path:
    (folder / "page1.json").write_text(json.dumps({"requestId": "x", "records": {}, "callTranscripts": transcripts}))
    (folder / "page2.json").write_text(json.dumps({"requestId": "y", "calls": calls}))
    return folder


def sentence(start: int, text: str) -> dict[str, Any]:
    return {"start": start, "end": start + 900, "text": text}


CALL = {
    "metaData": {"id": "7", "started": "2025-03-01T15:00:00+01:00", "duration": 60, "url": "https://app.gong.io/7"},
    "parties": [
        {"speakerId": "1", "userId": "u1", "name": "Eve", "emailAddress": "eve@us.example", "affiliation": "Internal"},
        {"speakerId": "2", "name": "Ann", "affiliation": "External"},
        {"name": "Silent", "emailAddress": "s@acme.example", "affiliation": "Unknown"},
        {"affiliation": "Unknown"},
    ],
    "context": [{"system": "Salesforce", "objects": [{"objectType": "Opportunity", "objectId": "006X"}]}],
}
TRANSCRIPT = {
    "callId": "7",
    "transcript": [
        {"speakerId": "1", "topic": None, "sentences": [sentence(1000, "Hi."), sentence(2000, "All good?")]},
        {"speakerId": "2", "sentences": [sentence(4000, "Yes."), {"start": 9000, "end": 8000, "text": "No."}]},
        {"speakerId": "9", "sentences": [sentence(9000, "Who is it?")]},
    ],
}


def test_gongs_two_answers_are_joined_by_call_and_speaker(tmp_path: Path, read: Read) -> None:
    lonely = {"callId": "8", "transcript": []}
    rows = read(gong_files(tmp_path, [TRANSCRIPT, lonely], [CALL, {"metaData": {"id": "9"}}, {}]), "gong")
    assert said(rows) == [("Eve", "Hi. All good?"), ("Ann", "Yes."), ("speaker 9", "Who is it?")]
    first = rows["utterances"][0]
    assert (first["start_s"], first["speaker_email"], first["speaker_org"]) == ("1.000", "eve@us.example", "internal")
    calls = {c["conversation_id"]: c for c in rows["conversations"]}
    assert (calls["gong-7"]["deal_id"], calls["gong-7"]["_fault"]) == ("006X", None)
    assert "no call data" in calls["gong-8"]["_fault"]
    assert "no transcript" in calls["gong-9"]["_fault"]
    assert calls[None]["_fault"] == "call has no id"
    assert [u["_fault"] for u in rows["utterances"] if u["_fault"]] == ["sentence ends before it starts"]
    assert [(p["name"], p["organisation"]) for p in rows["participants"] if p["conversation_id"] == "gong-7"] == [
        ("Ann", "unknown"),
        ("Eve", "internal"),
        ("Silent", "unknown"),
    ]
    assert [(c["contact_id"], c["email"]) for c in rows["contacts"]] == [("gong-u1", "eve@us.example")]


def test_pages_may_repeat_a_call_but_not_change_it(tmp_path: Path, read: Read) -> None:
    changed = {**TRANSCRIPT, "transcript": []}
    rows = read(gong_files(tmp_path, [TRANSCRIPT, TRANSCRIPT, changed], [CALL]), "gong")
    faults = [c["_fault"] for c in rows["conversations"]]
    assert faults == ["same call as on another page, but not alike: page1.json", None]


def test_a_folder_with_other_things_names_them_and_one_without_conversations_is_refused(
    tmp_path: Path, read: Read
) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "empty.vtt").write_bytes(b"")
    with pytest.raises(SourceError, match="holds no file whose content is vtt"):
        read(tmp_path, "vtt")
    (tmp_path / "2025-01-01").mkdir()
    (tmp_path / "2025-01-01" / "a.vtt").write_text(ZOOM)
    rows = read(tmp_path, "vtt")
    assert rows["ignored"] == [{"file": "empty.vtt"}, {"file": "picture.png"}]
    assert rows["conversations"][0]["started_at"] == "2025-01-01T00:00:00+00:00"
