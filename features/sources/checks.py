"""Canonical rows of text, typed and held against every declaration of their table: kept, or rejected with a reason.

The rows pass through DuckDB twice: once to judge whole columns and find repeated keys, once to type each row and give
its first reason. Nothing but the repeated keys and the parents' keys is held in memory, and those spill to disk.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.sources.errors import SourceError
from features.sources.reading import (
    column_reason,
    has_offset,
    is_naive,
    is_number,
    number,
    trimmed,
    typed,
    value,
)
from features.sources.sqltext import literal, name, parquet, text_list
from features.sources.staging import FAULT, FILE, LINE, RESERVED
from features.tables import EXTRA_PREFIX, Column, Kind, Table

__all__ = ["Checked", "check"]


@dataclass(frozen=True)
class Checked:
    """What became of one table's rows: two views, and the source's columns that the table has no place for.

    ``accepted`` has the declared columns, typed, and the ``x_`` columns (DOUBLE where every value is a number, else
    VARCHAR). ``rejected`` has ``table``, ``file``, ``line``, ``reason`` and ``row`` (JSON of the source's values).
    """

    accepted: str
    rejected: str
    ignored_columns: tuple[str, ...]


def check(con: duckdb.DuckDBPyConnection, table: Table, select: str, staging: Path) -> Checked:
    """Types and judges the rows of ``select``.

    Parameters
    ----------
    con : connection whose time zone is UTC, with a view for each table that ``table`` refers to, named as that table.
    table : the declaration.
    select : SQL of text columns under the table's names, and ``_file``, ``_line``, ``_fault``. Columns it lacks are
        null, further ones are ignored (but see ``Checked``).
    staging : folder for the judged rows; it must last as long as the views are used.

    Raises
    ------
    SourceError
        When a column that must not be null is not there at all.
    """
    draft = _Draft.of(con, table, select)
    draft.refuse_missing(con)
    profile = _profile(con, draft)
    _find_twins(con, draft)
    judged = staging / f"{table.name}-judged.parquet"
    con.execute(f"COPY ({_judged(draft, profile)}) TO {literal(str(judged))} (FORMAT parquet, COMPRESSION zstd)")
    source = parquet([judged], "file_row_number = true")
    _settle_twins(con, draft, source)
    return _views(con, draft, source)


@dataclass(frozen=True)
class _Draft:
    """The select's columns sorted out. Text of source column ``n`` is ``_t<n>`` in ``texts``, trimmed ``_c<n>``."""

    table: Table
    select: str
    sources: tuple[str, ...]
    positions: dict[str, int]
    extras: dict[str, int]
    ignored: tuple[str, ...]

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, table: Table, select: str) -> _Draft:
        names = [str(row[0]) for row in con.execute(f"DESCRIBE {select}").fetchall()]
        sources = tuple(n for n in names if n not in RESERVED)
        declared = set(table.column_names)
        positions = {n.casefold(): i for i, n in enumerate(sources) if n.casefold() in declared}
        extras = {
            EXTRA_PREFIX + n[len(EXTRA_PREFIX) :]: i
            for i, n in enumerate(sources)
            if table.allows_extra and n.casefold().startswith(EXTRA_PREFIX)
        }
        used = {*positions.values(), *extras.values()}
        return cls(table, select, sources, positions, extras, tuple(n for i, n in enumerate(sources) if i not in used))

    def refuse_missing(self, con: duckdb.DuckDBPyConnection) -> None:
        missing = [c.name for c in self.table.columns if not c.nullable and c.name not in self.positions]
        if not missing:
            return
        files = ", ".join(
            str(r[0]) for r in con.execute(f"SELECT DISTINCT {FILE} FROM ({self.select}) LIMIT 3").fetchall()
        )
        close = {m: difflib.get_close_matches(m, self.ignored, 1, 0.5) for m in missing}
        hints = "".join(f"Is {found[0]!r} meant for {m}? " for m, found in close.items() if found)
        raise SourceError(
            f"{files or self.table.name}: table {self.table.name} needs the column(s) {', '.join(missing)}. "
            f"There are: {', '.join(self.sources)}. {hints}"
            "Rename the columns, or describe them in a mapping."
        )

    def text(self, column: Column) -> str:
        """SQL of the column's cell: as it stands for texts, else without blanks around it."""
        if column.name not in self.positions:
            return "CAST(NULL AS VARCHAR)"
        position = self.positions[column.name]
        return (
            f"CASE WHEN _c{position} IS NOT NULL THEN _t{position} END" if column.kind is Kind.TEXT else f"_c{position}"
        )

    @property
    def texts(self) -> str:
        """SQL of the source's cells under numbered names."""
        cells = ", ".join(f"CAST({name(n)} AS VARCHAR) AS _t{i}" for i, n in enumerate(self.sources))
        clean = ", ".join(f"{trimmed(f'_t{i}')} AS _c{i}" for i in range(len(self.sources)))
        inner = f"SELECT {cells}, {FILE}, {LINE}, CAST({FAULT} AS VARCHAR) AS {FAULT} FROM ({self.select})"
        return f"SELECT *, {clean} FROM ({inner})"

    @property
    def columns(self) -> str:
        """SQL list of the typed columns' names, the user's own last."""
        return ", ".join(name(n) for n in (*self.table.column_names, *self.extras))

    @property
    def key(self) -> str:
        """SQL list of the key's columns."""
        return ", ".join(map(name, self.table.key))

    def typed(self, numeric: frozenset[str] = frozenset()) -> str:
        """SQL of the numbered texts and the typed columns."""
        columns = [f"{typed(c, self.text(c))} AS {name(c.name)}" for c in self.table.columns]
        extras = [f"{number(f'_c{i}') if n in numeric else f'_c{i}'} AS {name(n)}" for n, i in self.extras.items()]
        return f"SELECT *, {', '.join([*columns, *extras])} FROM ({self.texts})"


@dataclass(frozen=True)
class _Profile:
    """What only a whole column tells: files in which a time column has offsets in some rows; numeric extra columns."""

    zoned_files: dict[str, list[str]]
    numeric: frozenset[str]


def _profile(con: duckdb.DuckDBPyConnection, draft: _Draft) -> _Profile:
    times = [c.name for c in draft.table.columns if c.kind is Kind.TIMESTAMP and c.name in draft.positions]
    zoned = [f"bool_or({has_offset(f'_c{draft.positions[t]}')})" for t in times]
    numbers = [f"bool_and({is_number(f'_c{i}')} OR lower(_c{i}) = 'nan')" for i in draft.extras.values()]
    if not zoned and not numbers:
        return _Profile({}, frozenset())
    query = f"SELECT {FILE}, {', '.join(zoned + numbers)} FROM ({draft.texts}) WHERE {FAULT} IS NULL GROUP BY {FILE}"
    rows = con.execute(query).fetchall()
    zoned_files = {t: [str(row[0]) for row in rows if row[1 + i]] for i, t in enumerate(times)}
    start = 1 + len(times)
    numeric = {x for i, x in enumerate(draft.extras) if all(row[start + i] is not False for row in rows)}
    return _Profile({t: files for t, files in zoned_files.items() if files}, frozenset(numeric))


def _find_twins(con: duckdb.DuckDBPyConnection, draft: _Draft) -> None:
    """Table ``_twins``: hashes of the keys that stand in more than one row, most of them repeated for certain."""
    if not draft.table.key:
        con.execute("CREATE OR REPLACE TEMP TABLE _twins AS SELECT CAST(0 AS UBIGINT) AS twin WHERE false")
        return
    hashes = f"SELECT hash({draft.key}) AS twin FROM ({draft.typed()}) WHERE {FAULT} IS NULL"
    con.execute(f"CREATE OR REPLACE TEMP TABLE _twins AS SELECT twin FROM ({hashes}) GROUP BY twin HAVING count(*) > 1")


def _judged(draft: _Draft, profile: _Profile) -> str:
    """SQL of the typed rows with their reason, and the source's values of those that are or may be rejected."""
    table = draft.table
    parents = [c for c in table.columns if c.references and c.name in draft.positions]
    joins = "".join(_parent_join(c, n) for n, c in enumerate(parents))
    branches = [
        f"WHEN {FAULT} IS NOT NULL THEN {FAULT}",
        *(b for c in table.columns if c.name in draft.positions for b in _cell_reasons(draft, profile, c)),
        *(f"WHEN NOT ({rule.condition}) THEN {literal(rule.reason)}" for rule in table.rules),
        *(_parent_reason(draft, c, n) for n, c in enumerate(parents)),
    ]
    values = ", ".join(f"{literal(n)}, _t{i}" for i, n in enumerate(draft.sources))
    twin = f"COALESCE(hash({draft.key}) IN (SELECT twin FROM _twins), false)" if table.key else "false"
    reason = f"CASE {' '.join(branches)} END"
    reasoned = f"SELECT *, {reason} AS _reason, {twin} AS _twin FROM ({draft.typed(profile.numeric)}) AS row{joins}"
    row = f"CASE WHEN _reason IS NOT NULL OR _twin THEN CAST(json_object({values}) AS VARCHAR) END"
    return f"SELECT {draft.columns}, {FILE}, {LINE}, _reason, _twin, {row} AS _row FROM ({reasoned})"


def _cell_reasons(draft: _Draft, profile: _Profile, column: Column) -> list[str]:
    text = draft.text(column)
    branches = column_reason(column, text, name(column.name))
    if files := profile.zoned_files.get(column.name):
        reason = f"{column.name} has no offset from UTC where other rows have one"
        branches.append(
            f"WHEN {is_naive(text)} AND {FILE} IN ({text_list(files)}) THEN {literal(reason)} || {value(text)}"
        )
    return branches


def _parent_join(column: Column, number: int) -> str:
    parent, key = str(column.references).split(".")
    keys = f"SELECT DISTINCT {name(key)} AS _parent{number} FROM {name(parent)}"
    return f" LEFT JOIN ({keys}) ON _parent{number} = row.{name(column.name)}"


def _parent_reason(draft: _Draft, column: Column, number: int) -> str:
    parent = str(column.references).split(".")[0]
    text = draft.text(column)
    reason = literal(f"{column.name} is not among the kept rows of {parent}")
    return f"WHEN {text} IS NOT NULL AND _parent{number} IS NULL THEN {reason} || {value(text)}"


def _settle_twins(con: duckdb.DuckDBPyConnection, draft: _Draft, source: str) -> None:
    """Table ``<table>_repeats``: positions of rows whose key a kept row of an earlier line has, and the reason."""
    repeats = name(f"{draft.table.name}_repeats")
    if not draft.table.key:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {repeats} (n BIGINT, reason VARCHAR)")
        return
    same = literal(f"same {', '.join(draft.table.key)} as an earlier row")
    window = f"PARTITION BY {draft.key} ORDER BY {FILE}, {LINE}, _row"
    ranked = (
        f"SELECT file_row_number AS n, row_number() OVER w AS rank, _row = first_value(_row) OVER w AS is_copy, "
        f"first_value({LINE}) OVER w AS first_line, first_value({FILE}) OVER w AS first_file "
        f"FROM {source} WHERE _twin AND _reason IS NULL WINDOW w AS ({window})"
    )
    what = f"CASE WHEN is_copy THEN 'copy of an earlier row' ELSE {same} END"
    reason = f"{what} || ': line ' || first_line || ' of ' || first_file"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {repeats} AS SELECT n, {reason} AS reason FROM ({ranked}) WHERE rank > 1"
    )


def _views(con: duckdb.DuckDBPyConnection, draft: _Draft, source: str) -> Checked:
    accepted, rejected = f"{draft.table.name}_accepted", f"{draft.table.name}_rejected"
    repeats = name(f"{draft.table.name}_repeats")
    reason = f"COALESCE(_reason, {repeats}.reason)"
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {name(accepted)} AS SELECT {draft.columns} FROM {source} "
        f"ANTI JOIN {repeats} ON n = file_row_number WHERE _reason IS NULL"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {name(rejected)} AS "
        f'SELECT {literal(draft.table.name)} AS "table", {FILE} AS file, {LINE} AS line, {reason} AS reason, '
        f'_row AS "row" '
        f"FROM {source} LEFT JOIN {repeats} ON n = file_row_number WHERE {reason} IS NOT NULL"
    )
    return Checked(accepted, rejected, draft.ignored)
