"""Notes of a CRM as CSV: one note a row, its columns told by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import duckdb

from features.sources.errors import SourceError
from features.sources.objects import fold, on_utc
from features.sources.sqltext import name
from features.sources.staging import FAULT, LINE
from features.sources.talk.html_text import text_of_html
from features.sources.talk.rows import Talk, Turn, digest

__all__ = ["NOTE_COLUMNS", "note_columns", "note_talks"]

NOTE_COLUMNS: Final[dict[str, str]] = {
    "text": "text note notes body notebody notetext content comment comments description hsnotebody details message",
    "date": "date notedate createdat createddate createdate created timestamp hstimestamp activitydate occurredat time "
    "datetime loggedat enteredat startedat",
    "author": "author authorname createdby createdbyname owner ownername user username rep "
    "writtenby enteredby loggedby",
    "email": "authoremail email owneremail createdbyemail useremail",
    "deal_id": "dealid deal opportunityid opportunity oppid whatid parentid associateddealid associateddealids",
    "account_id": "accountid account companyid company customerid associatedcompanyid associatedcompanyids",
    "id": "id noteid recordid hsobjectid",
    "url": "url link",
}
"""What a note has, and the folded names of the columns that hold it."""

_PARAGRAPHS: Final = re.compile(r"\n\s*\n|\n(?=\s*[-*•]\s)")


def note_columns(header: list[str]) -> dict[str, str]:
    """What a note has, to the column of the header that holds it; no column is used twice."""
    found: dict[str, str] = {}
    for wanted, spellings in NOTE_COLUMNS.items():
        ranked = [(spellings.split().index(fold(c)), c) for c in header if fold(c) in spellings.split()]
        free = [column for _, column in sorted(ranked) if column not in found.values()]
        if free:
            found[wanted] = free[0]
    return found


def note_talks(con: duckdb.DuckDBPyConnection, view: str, header: list[str], file: str) -> Iterator[Talk]:
    """A talk for each row of a staged file.

    Raises ``SourceError`` when no column holds the text or the date, or none says what the note is about.
    """
    columns = note_columns(header)
    lacks = [wanted for wanted in ("text", "date") if wanted not in columns]
    if lacks or not columns.keys() & {"deal_id", "account_id"}:
        lacks += [] if columns.keys() & {"deal_id", "account_id"} else ["deal_id or account_id"]
        names = "; ".join(f"{one}: {', '.join(NOTE_COLUMNS[one.split()[0]].split()[:5])} …" for one in lacks)
        raise SourceError(
            f"{file} does not look like notes: it has no column for {', '.join(lacks)} (names that are understood: "
            f"{names}). There are: {', '.join(header[:30])}. Rename the columns."
        )
    chosen = {one: name(column) for one, column in columns.items()} | {"date": on_utc(name(columns["date"]))}
    cells = ", ".join(f"{sql} AS {one}" for one, sql in chosen.items())
    rows = con.execute(f"SELECT {LINE}, {FAULT}, {cells} FROM {name(view)} ORDER BY {LINE}").fetchall()
    for line, fault, *values in rows:
        yield _talk(line, fault, dict(zip(chosen, (v or "" for v in values), strict=True)), file)


def _talk(line: int, fault: str | None, note: dict[str, str], file: str) -> Talk:
    identity = (
        [note["id"]] if note.get("id") else [note.get(one, "") for one in ("deal_id", "account_id", "date", "text")]
    )
    talk = Talk(f"note-{digest(identity)}", "notes", "notes", file, note["date"], line, fault=fault)
    talk.account_id, talk.deal_id, talk.url = (note.get(one, "") for one in ("account_id", "deal_id", "url"))
    body = text_of_html(note["text"]) if re.search(r"</?(?:p|div|br|span|li|b)\b[^>]*>", note["text"]) else note["text"]
    author, email = note.get("author", ""), note.get("email", "")
    talk.turns = [
        Turn(text, author, email=email, organisation="unknown", line=line)
        for part in _PARAGRAPHS.split(body)
        if (text := " ".join(part.split()))
    ]
    if not talk.turns and fault is None:
        talk.fault = "note has no text"
    return talk
