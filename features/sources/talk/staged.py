"""Talks into staged rows: one SQL select of text columns for each canonical table that they fill."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import duckdb

from features.sources.sqltext import name, parquet
from features.sources.staging import FAULT, FILE, LINE, Batch, write_batches
from features.sources.talk.rows import Person, Talk, Turn, digest
from features.sources.talk.sentences import cut
from features.sources.text import printable
from features.tables import CONTACTS, CONVERSATIONS, PARTICIPANTS, UTTERANCES, Table

__all__ = ["staged"]

_TABLES: Final = (CONTACTS, CONVERSATIONS, UTTERANCES, PARTICIPANTS)


def staged(con: duckdb.DuckDBPyConnection, talks: Iterable[Talk], staging: Path) -> dict[str, str]:
    """Writes the talks down, one at a time, and gives SQL of the rows of each table that there are any of.

    Rows are written in the order of the talks. People whom the source calls internal, with an address, become contacts.
    """
    folder = Path(tempfile.mkdtemp(prefix="talk-", dir=staging))
    writers = {table.name: _Writer(table, folder / table.name) for table in _TABLES}
    contacts: set[str] = set()
    for talk in talks:
        writers["conversations"].add(talk.line, talk.fault, talk.file, _conversation(talk))
        for cells, turn in _utterances(talk):
            writers["utterances"].add(turn.line, turn.fault, turn.file or talk.file, cells)
        for cells, key, person in _participants(talk):
            writers["participants"].add(talk.line, None, talk.file, cells)
            if person.organisation == "internal" and person.email and key not in contacts:
                contacts.add(key)
                writers["contacts"].add(talk.line, None, talk.file, _contact(key, person))
    return {name: select for name, writer in writers.items() if (select := writer.finish(con))}


class _Writer:
    """Rows of one table on their way into Parquet parts."""

    def __init__(self, table: Table, folder: Path) -> None:
        self.table = table
        self.folder = folder
        self.parts: list[Path] = []
        self.batch = self._new()

    def add(self, line: int | None, fault: str | None, file: str, cells: dict[str, str]) -> None:
        clean = [printable(cells.get(column, "")) for column in self.table.column_names]
        self.batch.add(line, fault, [*clean, printable(file)])
        if self.batch.is_full:
            self._write()

    def finish(self, con: duckdb.DuckDBPyConnection) -> str | None:
        """SQL of all rows; ``None`` when there are none."""
        if self.batch.rows:
            self._write()
        if not self.parts:
            return None
        columns = ", ".join(map(name, (*self.table.column_names, FILE, LINE, FAULT)))
        view = f"talk_{self.table.name}"
        con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {columns} FROM {parquet(self.parts)}")
        return f"SELECT * FROM {view}"

    def _write(self) -> None:
        folder = self.folder / str(len(self.parts))
        folder.mkdir(parents=True)
        self.parts += write_batches([self.batch], folder)[1]
        self.batch = self._new()

    def _new(self) -> Batch:
        return Batch([*self.table.column_names, FILE])


def _conversation(talk: Talk) -> dict[str, str]:
    return {
        "conversation_id": talk.key,
        "account_id": talk.account_id,
        "deal_id": talk.deal_id,
        "channel": talk.channel,
        "started_at": talk.started_at,
        "source_system": talk.source_system,
        "url": talk.url,
        "consent": talk.consent,
        "delete_after": talk.delete_after,
    }


def _utterances(talk: Talk) -> Iterator[tuple[dict[str, str], Turn]]:
    numbers: dict[str, int] = {}
    for seq, turn in enumerate(part for whole in talk.turns for part in cut(whole)):
        unit = turn.unit or talk.key
        numbers[unit] = numbers.get(unit, -1) + 1
        yield (
            {
                "utterance_id": f"{unit}.{numbers[unit]}",
                "conversation_id": talk.key,
                "seq": str(seq),
                "start_s": _seconds(turn.start_s),
                "end_s": _seconds(turn.end_s),
                "speaker": turn.speaker,
                "speaker_email": turn.email,
                "speaker_org": turn.organisation,
                "is_quoted": "true" if turn.is_quoted else "false",
                "text": turn.text,
            },
            turn,
        )


def _participants(talk: Talk) -> Iterator[tuple[dict[str, str], str, Person]]:
    if talk.fault:
        return
    for person in sorted(set(talk.people), key=lambda one: (one.name, one.email, one.role, one.key)):
        key = person.key or f"person-{digest([person.email.lower() or person.name])}"
        yield (
            {
                "conversation_id": talk.key,
                "name": person.name,
                "email": person.email,
                "role": person.role,
                "organisation": person.organisation,
            },
            key,
            person,
        )


def _contact(key: str, person: Person) -> dict[str, str]:
    return {"contact_id": key, "name": person.name, "email": person.email, "organisation": "internal"}


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
