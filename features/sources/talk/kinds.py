"""What a file is, told by its first bytes and not by its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from features.sources.talk.decoded import decoded
from features.sources.talk.dialogue import is_dialogue
from features.sources.talk.notes import note_columns
from features.sources.text import first_bytes

__all__ = ["kind_of", "slack_root"]

_HEAD: Final = 65_536
_SRT: Final = re.compile(r"\s*(?:\d+\s*\n)?\s*\d+:\d{1,2}:\d{1,2}[,.]\d+\s*-->")
_MBOX: Final = re.compile(r"From \S.*\n(?:>?[!-9;-~]+:|\s)")
_HEADERS: Final = re.compile(r"(?:[!-9;-~]+:[^\n]*\n(?:[ \t]+[^\n]*\n)*){2,}")
_MAIL_HEADER: Final = re.compile(
    r"^(?:From|Date|Message-ID|Received|Return-Path|MIME-Version|Delivered-To|To|Subject|Content-Type|X-[\w-]+):",
    re.IGNORECASE | re.MULTILINE,
)
_GONG: Final = re.compile(r'"(?:callTranscripts|calls|metaData|speakerId)"\s*:')


def kind_of(path: Path) -> str | None:
    """``gong``, ``vtt``, ``srt``, ``dialogue``, ``eml``, ``mbox``, ``slack`` (a ZIP) or ``notes``; else ``None``."""
    raw = first_bytes(path, _HEAD)
    if raw.startswith(b"PK\x03\x04"):
        return "slack" if _is_slack_zip(path) else None
    head = decoded(raw).lstrip("\ufeff")
    if "\0" in head:
        return None
    if re.match(r"\s*WEBVTT(?:\s|$)", head):
        return "vtt"
    if _SRT.match(head):
        return "srt"
    if head.lstrip().startswith(("{", "[")) and _GONG.search(head):
        return "gong"
    return _written_kind(head)


def _written_kind(head: str) -> str | None:
    if _MBOX.match(head):
        return "mbox"
    headers = _HEADERS.match(head.lstrip("\n"))
    if headers and len({h.lower() for h in _MAIL_HEADER.findall(headers[0])}) >= 2:
        return "eml"
    header = [cell.strip().strip('"') for cell in re.split(r"[,;\t|]", head.partition("\n")[0])]
    if len(header) >= 2 and {"text", "date"} <= note_columns(header).keys():
        return "notes"
    return "dialogue" if is_dialogue(head) else None


def slack_root(folder: Path) -> bool:
    """Whether the folder is an unpacked Slack export: it lists users or channels and has folders with messages."""
    lists = any((folder / name).is_file() for name in ("users.json", "channels.json", "groups.json", "dms.json"))
    return lists and any(one.is_dir() for one in folder.iterdir())


def _is_slack_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return True  # the reader says what is wrong with it
    return bool(names & {"users.json", "channels.json"})
