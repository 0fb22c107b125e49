"""Conversations go through ingest like every table: counted, checked, and replaced when they come again."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.deal_links import deal_links
from features.sources.talk import TALK_KINDS
from features.speakers import OwnCompany, people, speaker_organisations
from pipelines.cli.data import ingest as command
from pipelines.detecting.talk import read_talk
from pipelines.ingest import KINDS, ingest
from pipelines.workspace import Workspace

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nAnn (Kestrel): We did it.\n\n00:00:05.000 --> 00:00:09.000\nBo: Yes.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "workspace", create=True, threads=1)


def mail(key: str, text: str, **headers: str) -> str:
    lines = {
        "Message-ID": f"<{key}@x.example>",
        "Date": "Sat, 01 Mar 2025 10:00:00 +0000",
        "Subject": "Pilot",
        **headers,
    }
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in lines.items()) + f"\n{text}\n"


def test_every_kind_is_offered_on_the_command_line() -> None:
    annotation = typing.get_type_hints(command)["kind"]
    assert typing.get_args(annotation) == KINDS
    assert set(TALK_KINDS) <= set(KINDS)


def test_a_call_is_kept_with_all_that_follows_from_its_file(workspace: Workspace, tmp_path: Path) -> None:
    call = tmp_path / "2025-03-01.vtt"
    call.write_text(VTT)
    first = ingest(workspace, "transcripts", call)
    before = workspace.read("utterances")
    again = ingest(workspace, "vtt", call)
    assert (first.tables["utterances"].kept, again.tables["utterances"].replaced, again.rejected) == (2, 2, 0)
    pd.testing.assert_frame_equal(before, workspace.read("utterances"))


@pytest.mark.slow
def test_what_a_mail_no_longer_says_when_it_comes_again_is_gone(workspace: Workspace, tmp_path: Path) -> None:
    reply = mail("b", "Great.\n\n> Old words.", From="bo@b.example", In_Reply_To="<a@x.example>")
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "b.eml").write_text(reply)
    ingest(workspace, "email", tmp_path / "mails")
    assert list(workspace.read("utterances")["is_quoted"]) == [False, True]
    (tmp_path / "mails" / "a.eml").write_text(mail("a", "Old words.", From="ann@a.example"))
    ingest(workspace, "email", tmp_path / "mails")
    kept = workspace.read("utterances").sort_values("seq")
    assert list(kept["text"]) == ["Old words.", "Great."]
    assert kept["conversation_id"].nunique() == 1
    assert len(workspace.read("conversations")) == 1


def test_turns_of_an_undated_call_are_rejected_with_it_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "call.vtt").write_text(VTT)
    report = ingest(workspace, "vtt", tmp_path / "call.vtt")
    assert report.tables["conversations"].reasons == {"nothing tells when it began": 1}
    assert (report.tables["utterances"].rows_in, report.tables["utterances"].rejected) == (2, 2)


def test_milliseconds_taken_for_seconds_are_flagged(workspace: Workspace, tmp_path: Path) -> None:
    scales = {"right": 1.0, "long": 1000.0, "short": 0.001}
    folder = tmp_path / "tables"
    folder.mkdir()
    calls = "".join(f"{call},call,2025-03-01\n" for call in scales)
    (folder / "conversations.csv").write_text(f"conversation_id,channel,started_at\n{calls}")
    turns = "".join(
        f"{call}{n},{call},{n},{60 * n * scale},unknown,{'word ' * 150}\n"
        for call, scale in scales.items()
        for n in range(20)
    )
    (folder / "utterances.csv").write_text(f"utterance_id,conversation_id,seq,start_s,speaker_org,text\n{turns}")
    assert ingest(workspace, "tables", folder).flags["times_of_calls"] == 2


@pytest.mark.slow
def test_speakers_and_deals_are_found_from_tables_that_came_later(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "2025-03-01.vtt").write_text(VTT)
    ingest(workspace, "vtt", tmp_path / "2025-03-01.vtt")
    conversations, utterances = workspace.read("conversations"), workspace.read("utterances")
    partners = pd.DataFrame([{"partner_id": "P", "name": "Kestrel", "domains": None}])
    contacts = pd.DataFrame([{"contact_id": "1", "name": "Bo", "organisation": "customer", "account_id": "A"}])
    nothing = pd.DataFrame()
    known = people(
        utterances, conversations, partners=partners, partner_aliases=nothing, contacts=contacts, participants=nothing
    )
    found = speaker_organisations(utterances, known)
    assert dict(zip(utterances["speaker"], found["speaker_org"], strict=True)) == {
        "Ann (Kestrel)": "partner",
        "Bo": "unknown",
    }
    links = deal_links(
        conversations, known, pd.DataFrame(columns=["deal_id", "account_id", "created_at", "closed_at", "outcome"])
    )
    assert links["deal_id"].isna().all()


def test_detection_reads_each_conversations_deal_with_confidence_and_reason(
    workspace_of: Callable[..., Workspace],
) -> None:
    call = {"channel": "call", "started_at": "2025-02-01", "account_id": "A"}
    deal = {"deal_id": "D", "account_id": "A", "deal_type": "new", "outcome": "open", "created_at": "2025-01-01"}
    told = workspace_of(
        conversations=[{"conversation_id": "c2", **call}, {"conversation_id": "c1", **call, "account_id": "B"}],
        deals=[deal],
    )
    with told.connect() as connection:
        links = read_talk(connection, OwnCompany()).links
    assert list(links["conversation_id"]) == ["c1", "c2"]
    assert list(links["confidence"]) == [0.0, 0.95]
    assert links["deal_id"][1] == "D"
    assert links["reason"][1] == "the source names the account; its only deal under way then"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["ab", "ba", "aba", "bab"])
def test_a_thread_that_comes_in_parts_is_one_in_the_order_of_time(
    order: str, workspace: Workspace, tmp_path: Path
) -> None:
    parts = {
        "a": mail("a", "One.\n\nTwo.", From="ann@a.example"),
        "b": mail(
            "b", "Three.", From="bo@b.example", References="<a@x.example>", Date="Sun, 02 Mar 2025 10:00:00 +0000"
        ),
    }
    for name, text in parts.items():
        (tmp_path / f"{name}.eml").write_text(text)
    for name in order:
        ingest(workspace, "email", tmp_path / f"{name}.eml")
    kept = workspace.read("utterances").sort_values("seq")
    assert list(zip(kept["seq"], kept["text"], kept["start_s"], strict=True)) == [
        (0, "One.", 0.0),
        (1, "Two.", 0.0),
        (2, "Three.", 86400.0),
    ]
    assert list(workspace.read("conversations")["started_at"]) == [pd.Timestamp("2025-03-01T10:00", tz="UTC")]
