"""Raw exports into a workspace's tables: read, map, check, store, in one step that happens whole or not at all."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from features.sources.checks import Checked, check
from features.sources.sqltext import name, parquet
from features.sources.talk import TALK_KINDS, UNIT
from features.tables import CONVERSATION_TABLES, INPUT_TABLES, Table
from pipelines.continued import earliest, in_order, remember_starts
from pipelines.upsert import merged, write
from pipelines.workspace import Transaction, Workspace, WorkspaceError

KINDS: Final = ("tables", "mapped", "salesforce", "hubspot", *TALK_KINDS)
"""What ``ingest`` can read."""

_MEMORY_MB: Final = 256
_THREADS: Final = 2
_LISTED: Final = 20

SUMMARY: Final = "results/ingest.json"
_REJECTS: Final = pa.schema(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("row", pa.string()),
    ]
)
_LATE: Final = """
SELECT count(*) FROM touchpoints JOIN deals USING (deal_id)
WHERE touchpoints.occurred_at <= deals.closed_at AND touchpoints.recorded_at > deals.closed_at
"""
# Speech has 5 to 20 characters a second of a whole call; two orders of magnitude from there it is no speech.
_WRONG_UNIT: Final = """
SELECT count(*) FROM (
    SELECT sum(length(text)) AS characters, max(coalesce(end_s, start_s)) AS seconds
    FROM utterances SEMI JOIN (FROM conversations WHERE channel = 'call') USING (conversation_id)
    GROUP BY conversation_id
) WHERE characters >= 200 AND (characters > 500 * seconds OR (characters < 0.1 * seconds AND seconds > 36_000))
"""


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows: ``rows_in = kept + rejected + deleted``.

    ``reasons`` counts the rejected rows by what was wrong, most first; ``replaced`` counts the older rows of the
    workspace whose key came again; ``ignored_columns`` are columns of the source that the table has no place for;
    ``deleted`` counts rows of conversations that were deleted for good, which are left out.
    """

    source: str
    rows_in: int
    kept: int
    rejected: int
    replaced: int
    reasons: dict[str, int]
    ignored_columns: tuple[str, ...] = ()
    deleted: int = 0


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did. ``flags`` count what was kept but deserves a look, over the tables as they now stand."""

    tables: dict[str, TableReport]
    flags: dict[str, int]
    ignored_files: tuple[str, ...] = field(default=())

    @property
    def rejected(self) -> int:
        """Rows rejected in all tables."""
        return sum(table.rejected for table in self.tables.values())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)

    def text(self) -> str:
        """The report as lines to read."""
        lines = []
        for table, entry in self.tables.items():
            lines.append(f"{table}: {entry.rows_in:,} rows in = {entry.kept:,} kept + {entry.rejected:,} rejected")
            if entry.replaced:
                lines.append(f"  {entry.replaced:,} of the kept rows replace older ones")
            if entry.deleted:
                lines.append(f"  {entry.deleted:,} rows left out, because their conversation was deleted for good")
            lines += [f"  {n:,} rejected: {reason}" for reason, n in entry.reasons.items()]
            if entry.ignored_columns:
                lines.append(f"  columns not used: {_listed(entry.ignored_columns)}")
        if self.ignored_files:
            lines.append(f"Files not used: {_listed(self.ignored_files)}")
        lines += [f"{_FLAG_TEXTS.get(flag, flag)}: {n:,}" for flag, n in self.flags.items() if n]
        if self.rejected:
            lines.append("The rejected rows, each with file, line and full reason, are in the workspace's rejects/.")
        return "\n".join(lines)


_FLAG_TEXTS: Final = {
    "late_entries": "Touches dated before their deal closed, but recorded after it",
    "times_of_calls": "Calls whose times look 1,000 times too long or too short (milliseconds taken for seconds?)",
}


def ingest(
    workspace: Workspace, kind: str, path: Path, *, mapping: Path | None = None, replace: bool = False
) -> IngestReport:
    """Reads an export into the workspace's tables, all of them or, when anything fails, none.

    A row whose key the workspace has replaces the older row, other older rows stay; a table without a key (costs) is
    replaced as a whole. Rows that cannot be used go to ``rejects/<table>.parquet``, and every table's counts to
    ``results/ingest.json``.

    Parameters
    ----------
    kind : one of ``KINDS``.
    path : the export, a file or a folder.
    mapping : for ``mapped``, the file that describes the export.
    replace : empty the ingested tables first.

    Raises
    ------
    SourceError
        When the export as a whole cannot be used.
    WorkspaceError
        When the workspace is in use, cannot be written, or is too small for the query engine (memory, disk).
    """
    try:
        with workspace.lock("ingest"), workspace.transaction() as transaction:
            with workspace.scratch() as staging, workspace.connect() as con:
                _be_frugal(con, workspace)
                selects, ignored = _selects(con, kind, path, staging, mapping)
                source = f"{path.name} ({kind})"
                run = _Run(con, workspace, transaction, staging, replace=replace, source=source, kind=kind)
                tables = {t: run.table(INPUT_TABLES[t], selects[t]) for t in INPUT_TABLES if t in selects}
                flags = _flags(con) | ({"times_of_calls": _single(con, _WRONG_UNIT)} if "utterances" in tables else {})
                report = IngestReport(tables, flags, tuple(ignored))
            _write_summary(workspace, transaction, report)
    except duckdb.Error as error:
        raise WorkspaceError(_engine_fault(error, workspace)) from error
    except OSError as error:
        raise WorkspaceError(
            f"Ingest stopped: {error}. Check disk space and permissions, then run it again."
        ) from error
    return report


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _be_frugal(con: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Makes the engine spill early, so that a large export takes about the memory of a small one.

    It gets an eighth of the workspace's memory (but 256 MB, where there is that much) and few threads, since each
    thread has buffers of its own; the time goes into reading text, which is one thread's work anyway. The order of the
    rows is settled by the final sort alone.
    """
    found = re.fullmatch(r"([\d.]+)\s*([MG])i?B", workspace.memory.strip())
    assert found, f"{workspace.memory!r} was to be a size such as 2GB"
    megabytes = float(found[1]) * (1000 if found[2] == "G" else 1)
    con.execute(f"SET memory_limit = '{min(megabytes, max(_MEMORY_MB, megabytes / 8)):.3f}MB'")
    con.execute(f"SET threads = least({_THREADS}, current_setting('threads'))")
    con.execute("SET preserve_insertion_order = false")


def _selects(
    con: duckdb.DuckDBPyConnection, kind: str, path: Path, staging: Path, mapping: Path | None
) -> tuple[dict[str, str], list[str]]:
    """Table name to SQL of its rows as text, by the importer for that kind; and the files it does not use."""
    if (kind == "mapped") != (mapping is not None):
        raise ValueError(f"A mapping goes with kind 'mapped', and only with it (kind is {kind!r}).")
    if kind == "tables":
        from features.sources import folder

        return folder.canonical(con, path, staging), folder.ignored_files(path)
    if mapping is not None:
        from features.sources import mapped

        return mapped.canonical(con, path, staging, mapping), []
    if kind == "salesforce":
        from features.sources import salesforce

        return salesforce.canonical(con, path, staging), []
    if kind == "hubspot":
        from features.sources import hubspot

        return hubspot.canonical(con, path, staging), []
    if kind in TALK_KINDS:
        from features.sources.talk import reader

        return reader.canonical(con, path, staging, kind)
    raise ValueError(f"Unknown kind {kind!r}. Kinds: {', '.join(KINDS)}.")


class _Run:
    """One ingest on its way: what each table needs to be checked and stored."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        workspace: Workspace,
        transaction: Transaction,
        staging: Path,
        *,
        replace: bool,
        source: str,
        kind: str,
    ) -> None:
        self.con = con
        self.workspace = workspace
        self.transaction = transaction
        self.staging = staging
        self.replace = replace
        self.source = source
        self.kind = kind
        if kind in TALK_KINDS:
            remember_starts(con)

    def table(self, table: Table, select: str) -> TableReport:
        """Checks the rows, stages the table as it will stand, and points its view there for the tables that follow."""
        everything, select = select, self._not_deleted(table, select)
        checked = check(self.con, table, select, self.staging)
        keeps_older = self.workspace.has(table.name) and bool(table.key) and not self.replace
        older = self._count(table.name) if keeps_older else 0
        accepted, staying = self._sides(table, checked.accepted) if keeps_older else (checked.accepted, None)
        query, schema = merged(self.con, table, accepted, staying)
        target = self.transaction.file(f"tables/{table.name}.parquet")
        total = write(self.con, query, schema, target)
        kept, reasons = self._count(checked.accepted), self._reasons(checked)
        self._store_rejects(table, checked, has_any=bool(reasons))
        self.con.execute(f"CREATE OR REPLACE VIEW {name(table.name)} AS SELECT * FROM {parquet([target])}")
        rows_in, rejected = self._count(f"({select})"), sum(reasons.values())
        assert rows_in == kept + rejected, f"{table.name}: {rows_in} rows in, {kept} kept, {rejected} rejected"
        deleted = 0 if select == everything else self._count(f"({everything})") - rows_in
        more = (older + kept - total, reasons, checked.ignored_columns, deleted)
        return TableReport(self.source, rows_in + deleted, kept, rejected, *more)

    def _not_deleted(self, table: Table, select: str) -> str:
        """SQL of the rows less those of conversations that were deleted for good."""
        if table.name not in CONVERSATION_TABLES or not self.workspace.has("deletions"):
            return select
        columns = [str(row[0]).casefold() for row in self.con.execute(f"DESCRIBE {select}").fetchall()]
        if "conversation_id" not in columns:
            return select
        again = "trim(conversation_id) IN (SELECT conversation_id FROM deletions)"
        return f"SELECT * FROM ({select}) WHERE conversation_id IS NULL OR NOT {again}"

    def _sides(self, table: Table, accepted: str) -> tuple[str, str]:
        """Views of the accepted rows, and of the older ones less utterances of calls and messages that came again."""
        if self.kind in TALK_KINDS and table.name == "conversations":
            return earliest(self.con, accepted), table.name
        if self.kind not in TALK_KINDS or table.name != "utterances":
            return accepted, table.name
        view = f"{table.name}_staying"
        come = f"SELECT {UNIT} FROM {name(accepted)}"
        self.con.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {name(table.name)} WHERE {UNIT} NOT IN ({come})"
        )
        return in_order(self.con, accepted, view)

    def _reasons(self, checked: Checked) -> dict[str, int]:
        query = (
            f"SELECT split_part(reason, ': ', 1) AS what, count(*) AS n FROM {name(checked.rejected)} "
            "GROUP BY what ORDER BY n DESC, what"
        )
        return {str(what): int(n) for what, n in self.con.execute(query).fetchall()}

    def _store_rejects(self, table: Table, checked: Checked, *, has_any: bool) -> None:
        relative = f"rejects/{table.name}.parquet"
        if not has_any:
            self.transaction.remove(relative)
            return
        query = f"SELECT * FROM {name(checked.rejected)} ORDER BY file, line, reason, row"
        write(self.con, query, _REJECTS, self.transaction.file(relative))

    def _count(self, source: str) -> int:
        table = source if source.startswith("(") else name(source)
        row = self.con.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


def _flags(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Late entries, and rows whose parent an earlier or this ingest has taken away (only where there are any)."""
    flags = {"late_entries": _single(con, _LATE)}
    for table in INPUT_TABLES.values():
        for column in (c for c in table.columns if c.references):
            parent, key = str(column.references).split(".")
            keys = f"SELECT {name(key)} AS parent FROM {name(parent)}"
            orphans = (
                f"SELECT count(*) FROM {name(table.name)} ANTI JOIN ({keys}) ON parent = {name(column.name)} "
                f"WHERE {name(column.name)} IS NOT NULL"
            )
            if n := _single(con, orphans):
                flags[f"{table.name} without {parent}"] = n
    return flags


def _single(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _write_summary(workspace: Workspace, transaction: Transaction, report: IngestReport) -> None:
    """Adds the report to what the earlier ingests of other tables told."""
    path = workspace.root / SUMMARY
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.is_file() else {}
    except (ValueError, KeyError, TypeError):
        before = {}
    summary = report.to_dict()
    summary["tables"] = {**before, **summary["tables"]}
    transaction.file(SUMMARY).write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _engine_fault(error: duckdb.Error, workspace: Workspace) -> str:
    first = str(error).strip().splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"{workspace.memory} of memory do not suffice ({first}). Give it more: ingest --memory 8GB."
    return f"The query engine stopped: {first} Check free disk space and the workspace's tables, then run this again."
