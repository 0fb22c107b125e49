"""Conversations in a file or folder, whatever wrote them: told apart by content, read, dated and staged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from features.sources.errors import SourceError
from features.sources.raw import stage
from features.sources.talk import TALK_KINDS
from features.sources.talk.archive import Archive
from features.sources.talk.cues import captions
from features.sources.talk.dated import LIST, Listed, moment_in
from features.sources.talk.decoded import decoded
from features.sources.talk.dialogue import dialogue
from features.sources.talk.gong import GongPage, gong_page, gong_talks
from features.sources.talk.kinds import kind_of, slack_root
from features.sources.talk.mail import MAX_MESSAGE, Mail, mbox_messages, read_mail
from features.sources.talk.notes import note_talks
from features.sources.talk.rows import Talk, rejected
from features.sources.talk.slack import slack_talks
from features.sources.talk.staged import staged
from features.sources.talk.threads import mail_talks

__all__ = ["canonical"]

_GROUPS: Final = {"eml": "email", "mbox": "email"}
_MAX_TEXT: Final = 64 * 1024 * 1024
_MAX_JSON: Final = 512 * 1024 * 1024


def canonical(con: duckdb.DuckDBPyConnection, path: Path, staging: Path, kind: str) -> tuple[dict[str, str], list[str]]:
    """Reads the conversations of one kind (of any, for ``transcripts``) in a file or in a folder and those below it.

    Parameters
    ----------
    con : where the views are made.
    path : a file or folder; a ``conversations.csv`` in it may tell of other files when they began and whose they are.
    staging : folder for the staged copies; it must last as long as the views are used.
    kind : one of ``TALK_KINDS``.

    Returns
    -------
    Table name to SQL of its rows as text, with ``_file`` (path within the folder), ``_line`` and ``_fault``; and the
    files that are of no such kind.

    Raises
    ------
    SourceError
        When there is no conversation of that kind, or an archive or CSV file cannot be used as a whole.
    """
    sources = _sources(path, kind)
    if not sources.files:
        seen = f" It holds {', '.join(sources.ignored[:5])}, which are not." if sources.ignored else ""
        what = "a conversation" if kind == "transcripts" else f"{kind}"
        raise SourceError(
            f"{path} holds no file whose content is {what}.{seen} "
            f"Kinds are told by content: {', '.join(TALK_KINDS[:-1])}."
        )
    talks = _dated(_Reader(con, staging, sources).talks(), sources.listed, path.name if path.is_dir() else "")
    return staged(con, talks, staging), sources.ignored


@dataclass
class _Sources:
    """The files to read by what they are, each with its name in rejects, and what is left out."""

    files: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    listed: Listed | None = None


def _sources(path: Path, kind: str) -> _Sources:
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}. Check the path.")
    found = _Sources()
    for file, title in sorted(_walk(path), key=lambda pair: pair[1]):
        if title == LIST and path.is_dir() and "file" in decoded(file.read_bytes()[:4096]).partition("\n")[0].lower():
            found.listed = Listed(decoded(file.read_bytes()), title)
            continue
        what = "slack" if file.is_dir() else kind_of(file)
        if what is not None and kind in ("transcripts", _GROUPS.get(what, what)):
            found.files.setdefault(what, []).append((file, title))
        else:
            found.ignored.append(title)
    return found


def _walk(path: Path) -> Iterator[tuple[Path, str]]:
    """Files with their names within ``path``, and Slack exports as one; hidden ones and links out are passed over."""
    if path.is_file() or slack_root(path):
        yield path, path.name if path.is_file() else ""
        return
    folders = [path]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir() and not slack_root(entry):
                folders.append(entry)
            elif entry.is_dir() or entry.is_file():
                yield entry, entry.relative_to(path).as_posix()


class _Reader:
    """Reads all sources, one kind after the other."""

    def __init__(self, con: duckdb.DuckDBPyConnection, staging: Path, sources: _Sources) -> None:
        self.con = con
        self.staging = staging
        self.files = sources.files
        self.faults: list[Talk] = []

    def talks(self) -> Iterator[Talk]:
        yield from gong_talks(self._pages())
        for kind in ("vtt", "srt", "dialogue"):
            for file, title in self.files.get(kind, ()):
                text = self._text(file, title, _MAX_TEXT)
                if text is not None:
                    yield dialogue(text, title) if kind == "dialogue" else captions(text, title, kind)
        yield from mail_talks(self._mails())
        for file, title in self.files.get("slack", ()):
            try:
                yield from slack_talks(Archive(file, title))
            except SourceError as error:
                self._refuse(error, title, "slack")
        yield from self._notes()
        yield from self.faults

    def _notes(self) -> Iterator[Talk]:
        for number, (file, title) in enumerate(self.files.get("notes", ())):
            view = f"notes_source_{number}"
            try:
                yield from note_talks(self.con, view, stage(self.con, file, view, self.staging), title)
            except SourceError as error:
                self._refuse(error, title, "notes")

    def _pages(self) -> Iterator[GongPage]:
        for file, title in self.files.get("gong", ()):
            text = self._text(file, title, _MAX_JSON)
            if text is None:
                continue
            try:
                page = gong_page(json.loads(text), title)
            except (ValueError, RecursionError) as error:
                self._reject(title, f"file is no valid JSON: {str(error)[:100]}", "gong")
                continue
            if page is None:
                self._reject(title, "file is no answer of Gong's /v2/calls/transcript or /v2/calls/extensive", "gong")
            else:
                yield page

    def _mails(self) -> Iterator[Mail]:
        for file, title in self.files.get("eml", ()):
            if file.stat().st_size > MAX_MESSAGE:
                self._reject(title, f"mail is larger than {MAX_MESSAGE >> 20} MiB", "email")
            else:
                yield read_mail(file.read_bytes(), title, 1)
        for file, title in self.files.get("mbox", ()):
            for line, raw in mbox_messages(file):
                if raw is None:
                    self._reject(title, f"mail is larger than {MAX_MESSAGE >> 20} MiB", "email", line)
                else:
                    yield read_mail(raw, title, line)

    def _text(self, file: Path, title: str, most: int) -> str | None:
        if file.stat().st_size > most:
            self._reject(title, f"file is larger than {most >> 20} MiB: divide it", "transcripts")
            return None
        return decoded(file.read_bytes())

    def _refuse(self, error: SourceError, title: str, system: str) -> None:
        """Raises the error again when the file is the only one, else rejects the file."""
        if sum(map(len, self.files.values())) == 1:
            raise error
        self._reject(title, f"file cannot be used: {error}", system)

    def _reject(self, title: str, fault: str, system: str, line: int | None = None) -> None:
        channel = {"email": "email", "slack": "chat", "notes": "notes"}.get(system, "call")
        self.faults.append(rejected(title, line, fault, channel=channel, source_system=system))


def _dated(talks: Iterator[Talk], listed: Listed | None, root: str) -> Iterator[Talk]:
    """The talks with what the list tells; one that still has no start takes it from the name of its file or folder."""
    for talk in talks:
        if listed is not None:
            listed.fill(talk)
        if not talk.started_at and talk.fault is None:
            talk.started_at = moment_in(f"{root}/{talk.file}") or ""
            if not talk.started_at:
                talk.fault = (
                    "nothing tells when it began: put the date in the file's name, as 2024-01-31T15-00 Kickoff.vtt, or "
                    f"in a {LIST} (file, started_at) beside it"
                )
        yield talk
    if listed is not None:
        yield from listed.unused()
