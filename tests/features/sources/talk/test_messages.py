"""Mail, Slack and notes: every word counted once, by whom it is known to be."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.sources.errors import SourceError

Read = Callable[..., dict[str, list[dict[str, Any]]]]


def mail(key: str, text: str, *, day: int = 1, subject: str = "Pilot", sender: str = "ann", **headers: str) -> bytes:
    lines = {
        "Message-ID": f"<{key}@x.example>",
        "Date": f"Sat, {day:02} Mar 2025 10:00:00 +0100",
        "From": f"{sender.title()} <{sender}@{sender}.example>",
        "To": "Bo <bo@bo.example>",
        "Subject": subject,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ("".join(f"{name}: {value}\n" for name, value in lines.items() if value) + f"\n{text}\n").encode()


FIRST = mail("a", "The pilot is live.\n\nKestrel set it up.")
REPLY = mail(
    "b",
    "Great.\n\nOn 1 Mar 2025, Ann <ann@ann.example> wrote:\n> The pilot is live.\n>\n> Kestrel set it up.",
    day=2,
    sender="bo",
    subject="Re: Pilot",
    In_Reply_To="<a@x.example>",
)


def said(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str, str]]:
    return [(u["speaker"], u["text"], u["is_quoted"]) for u in rows["utterances"] if u["_fault"] is None]


def test_a_quoted_mail_that_is_in_the_import_counts_once(tmp_path: Path, read: Read) -> None:
    (tmp_path / "z.eml").write_bytes(FIRST)
    (tmp_path / "a.eml").write_bytes(REPLY)
    rows = read(tmp_path, "email")
    assert said(rows) == [
        ("Ann", "The pilot is live.", "false"),
        ("Ann", "Kestrel set it up.", "false"),
        ("Bo", "Great.", "false"),
    ]
    assert [u["start_s"] for u in rows["utterances"]] == ["0.000", "0.000", "86400.000"]
    (thread,) = rows["conversations"]
    assert (thread["started_at"], thread["channel"]) == ("2025-03-01T09:00:00+00:00", "email")
    assert {(p["email"], p["role"]) for p in rows["participants"]} == {
        ("ann@ann.example", "sender"),
        ("bo@bo.example", "sender"),
        ("bo@bo.example", "recipient"),
    }


def test_a_quoted_mail_that_is_not_there_is_kept_as_its_authors_words(tmp_path: Path, read: Read) -> None:
    (tmp_path / "a.eml").write_bytes(REPLY)
    assert said(read(tmp_path)) == [
        ("Bo", "Great.", "false"),
        ("Ann", "The pilot is live.", "true"),
        ("Ann", "Kestrel set it up.", "true"),
    ]


def test_ids_do_not_depend_on_file_names_order_or_archive(tmp_path: Path, read: Read) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "1.eml").write_bytes(FIRST)
    (tmp_path / "one" / "2.eml").write_bytes(REPLY)
    box = b"".join(b"From x Sat Mar  1 10:00:00 2025\n" + m + b"\n" for m in (REPLY, FIRST))
    (tmp_path / "box").write_bytes(box)
    one, other = read(tmp_path / "one"), read(tmp_path / "box")
    assert [u["utterance_id"] for u in one["utterances"]] == [u["utterance_id"] for u in other["utterances"]]
    assert one["conversations"][0]["conversation_id"] == other["conversations"][0]["conversation_id"]
    assert [u["_line"] for u in other["utterances"]] == [16, 16, 1]


def test_threads_hold_together_by_references_then_by_subject_and_people(tmp_path: Path, read: Read) -> None:
    letters = {
        "1": FIRST,
        "2": mail("c", "Any news?", day=3, subject="AW: Pilot", sender="bo"),
        "3": mail("d", "A stranger's.", day=4, subject="Re: Pilot", sender="eve", To="z@z.example"),
        "4": mail("e", "Late.", day=5, subject="Re: other", References="<zz@x.example> <a@x.example>"),
    }
    for name, raw in letters.items():
        (tmp_path / f"{name}.eml").write_bytes(raw)
    rows = read(tmp_path)
    threads = {u["text"]: u["conversation_id"] for u in rows["utterances"]}
    assert threads["The pilot is live."] == threads["Any news?"] == threads["Late."]
    assert threads["A stranger's."] != threads["Any news?"]


def test_odd_mail_is_read_or_rejected_but_never_stops_the_import(tmp_path: Path, read: Read) -> None:
    odd = {
        "copy": FIRST,
        "html": mail("h", "<p>Caf=E9 is live</p>", Content_Type="text/html; charset=nonsense", Date="").replace(
            b"Subject",
            b"Content-Transfer-Encoding: quoted-printable\nReceived: by x; Sun, 2 Mar 2025 10:00:00 +0000\nSubject",
        ),
        "broken": mail("i", "Hi there", From="=?utf-8?b?////?= <@>, ;;", Date="yesterday"),
        "empty": mail("j", "> nothing else"),
        "signed": mail("k", "-- \nAnn"),
        "alike": FIRST,
    }
    for name, raw in odd.items():
        (tmp_path / f"{name}.eml").write_bytes(raw)
    rows = read(tmp_path)
    texts = [u["text"] for u in rows["utterances"] if u["_fault"] is None]
    assert "Café is live" in texts
    faults = {u["_file"]: u["_fault"] for u in rows["utterances"] if u["_fault"]}
    assert faults == {
        "copy.eml": "copy of a mail that is in this import already",
        "signed.eml": "mail has no words beside its signature and what is quoted from other mails",
    }
    undated = [c for c in rows["conversations"] if c["_fault"]]
    assert [c["_file"] for c in undated] == ["broken.eml"]


def test_an_mbox_line_that_only_begins_with_from_is_text(tmp_path: Path, read: Read) -> None:
    body = "Well,\n\nFrom now on it is ours.\n\n>From there it was easy."
    (tmp_path / "box").write_bytes(b"From x Sat Mar  1 10:00:00 2025\n" + mail("m", body))
    assert [text for _, text, _ in said(read(tmp_path))] == [
        "Well,",
        "From now on it is ours.",
        "From there it was easy.",
    ]


USERS = [
    {"id": "U1", "name": "eve", "profile": {"real_name": "Eve Us", "email": "eve@us.example"}},
    {"id": "U2", "name": "ann", "is_restricted": True, "profile": {"real_name": "Ann", "email": "ann@kestrel.example"}},
    {"id": "U3", "name": "bot", "is_bot": True, "profile": {}},
    {"id": "U4", "name": "sam", "profile": {"real_name": "Sam", "email": "sam@us.example"}},
]


def post(ts: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "ts": ts, "text": text, **more}


MESSAGES = [
    post("1740823200.000100", "<@U2> did the <https://x.example/a|migration> &amp; more, see <#C9|ops> <!here>"),
    post("1740823260.000200", "Thread start", thread_ts="1740823260.000200", reply_count=1),
    post("1740909600.000300", "Reply", user="U2", thread_ts="1740823260.000200", edited={"user": "U2", "ts": "1"}),
    post("1740823300.000400", "joined", subtype="channel_join"),
    post("1740823310.000500", "This message was deleted.", subtype="tombstone"),
    post("1740823320.000600", "beep", user="U3"),
    post("1740823330.000700", "", files=[{"id": "F1"}]),
    {"type": "message", "text": "no time"},
]


def slack(folder: Path) -> Path:
    (folder / "deal-acme").mkdir(parents=True)
    (folder / "users.json").write_text(json.dumps(USERS))
    (folder / "channels.json").write_text(json.dumps([{"id": "C1", "name": "deal-acme"}, {"id": "C9", "name": "ops"}]))
    (folder / "deal-acme" / "2025-03-01.json").write_text(json.dumps(MESSAGES))
    (folder / "deal-acme" / "2025-03-02.json").write_text("[{broken")
    return folder


@pytest.mark.parametrize("is_zip", [False, True])
def test_slack_messages_are_grouped_by_thread_and_day(is_zip: bool, tmp_path: Path, read: Read) -> None:
    path = slack(tmp_path / "export")
    if is_zip:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            for file in sorted(path.rglob("*.json")):
                archive.write(file, f"Acme export/{file.relative_to(path)}")
        path = tmp_path / "export.zip"
    rows = read(path)
    assert said(rows) == [
        ("Eve Us", "Thread start", "false"),
        ("Ann", "Reply", "false"),
        ("Eve Us", "@Ann did the migration & more, see #ops @here", "false"),
    ]
    assert [u["conversation_id"] for u in rows["utterances"] if not u["_fault"]] == [
        "slack-C1-1740823260.000200",
        "slack-C1-1740823260.000200",
        "slack-C1-2025-03-01",
    ]
    assert [u["speaker_org"] for u in rows["utterances"] if not u["_fault"]] == ["internal", "unknown", "internal"]
    assert sorted(u["_fault"] for u in rows["utterances"] if u["_fault"]) == [
        "message has no words",
        "message of a bot",
        "message was deleted",
        "tells of an event: channel_join",
    ]
    faults = sorted(c["_fault"] for c in rows["conversations"] if c["_fault"])
    assert faults[1] == "message has no time (ts)"
    assert faults[0].startswith("file cannot be read")
    assert [c["email"] for c in rows["contacts"]] == ["eve@us.example"]


def test_in_a_slack_where_two_companies_have_as_many_members_nobody_is_taken_for_the_own(
    tmp_path: Path, read: Read
) -> None:
    path = slack(tmp_path / "export")
    partner = {"id": "U2", "name": "zoe", "profile": {"real_name": "Zoe", "email": "zoe@aaa-partner.example"}}
    (path / "users.json").write_text(json.dumps([USERS[0], partner, {"id": "U9", "name": "who"}]))
    assert "contacts" not in read(path)


def test_a_zip_bomb_is_refused_and_names_that_lead_out_lead_nowhere(tmp_path: Path, read: Read) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", "[" + " " * 20_000_000 + "]")
        archive.writestr("../../evil/2025-03-01.json", "[]")
    with pytest.raises(SourceError, match="more than is read from a ZIP"):
        read(bomb)
    slip = tmp_path / "slip.zip"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("users.json", json.dumps(USERS))
        archive.writestr("../evil/2025-03-01.json", json.dumps(MESSAGES[:1]))
        archive.writestr("ok/2025-03-01.json", json.dumps(MESSAGES[:1]))
    assert len(said(read(slip))) == 1
    assert not (tmp_path.parent / "evil").exists()


def test_notes_are_read_by_the_names_of_their_columns(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.csv").write_text(
        "Note Id,Deal ID,Created By,Create Date,Note Body\n"
        'N1,D1,Eve,2025-03-01T10:00:00Z,"<p>Kestrel did it.</p><p>Fast.</p>"\n'
        'N2,D1,Eve,2025-03-02,"\n "\n'
    )
    rows = read(tmp_path, "notes")
    assert [(u["speaker"], u["text"]) for u in rows["utterances"]] == [("Eve", "Kestrel did it."), ("Eve", "Fast.")]
    assert [(c["deal_id"], c["_fault"]) for c in rows["conversations"]] == [("D1", None), ("D1", "note has no text")]
    (tmp_path / "notes.csv").write_text("When,Words\n2025-03-01,x\n")
    with pytest.raises(SourceError, match="no file whose content is notes"):
        read(tmp_path, "notes")
    (tmp_path / "notes.csv").write_text("Date,Text\n2025-03-01,x\n")
    with pytest.raises(SourceError, match="no column for deal_id or account_id"):
        read(tmp_path, "notes")
