"""Any flat export, read by a mapping file into canonical tables."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from features.sources.mapping import FileMap, Mapping, TableMap, load_mapping
from features.sources.raw import ReadOptions, SourceError, stage
from features.sources.selects import Source, place, queries, unread
from features.sources.settle import settled_dates
from features.sources.sqltext import name, text_list

__all__ = ["canonical"]

_BOOKKEEPING = ("_file", "_line", "_fault")


def canonical(con: duckdb.DuckDBPyConnection, path: Path, staging: Path, mapping: Path) -> dict[str, str]:
    """Canonical table name to a SQL query over views in ``con`` that gives the table's columns as text.

    Besides the columns that the mapping names, each query gives ``_file``, ``_line`` and ``_fault`` (null, or why the
    row cannot be used). ``path`` is the export: a folder, or the file itself when the mapping has one file.

    Raises ``SourceError`` when the mapping, a file, a column or the format of a whole date column does not hold.
    """
    plan = load_mapping(mapping)
    sources = {key: _staged(con, path, staging, key, file, plan) for key, file in plan.files.items()}
    _check_columns(plan, sources)
    made: dict[str, list[str]] = {}
    told = {
        plan.files[table.from_].path for table in plan.tables
    }  # files whose unreadable rows are among some table's rejects
    for table in plan.tables:
        settled = settled_dates(con, table, sources, plan.timezone)
        looked_up = {plan.files[join.file].path: join.file for join in table.joins}
        untold = {path: file for path, file in looked_up.items() if path not in told}
        told |= untold.keys()
        made.setdefault(table.table, []).extend(queries(settled, sources, plan.timezone))
        made[table.table] += [unread(settled, sources[file]) for file in untold.values()]
    return {table: " UNION ALL BY NAME ".join(f"({query})" for query in parts) for table, parts in made.items()}


def _staged(
    con: duckdb.DuckDBPyConnection, path: Path, staging: Path, key: str, file: FileMap, plan: Mapping
) -> Source:
    parts = _parts(path, file, alone=len(plan.files) == 1)
    options = ReadOptions(delimiter=file.delimiter, encoding=file.encoding)
    headers: list[list[str]] = []
    for number, part in enumerate(parts):
        headers.append(stage(con, part, f"mapped_{key}_{number}", staging, options))
        if sorted(headers[number]) != sorted(headers[0]):
            differing = sorted(set(headers[number]) ^ set(headers[0]))
            raise SourceError(f"{part} and {parts[0]} are parts of {key!r} but differ in {', '.join(differing)}.")
    view = f"mapped_{key}"
    union = " UNION ALL BY NAME ".join(f"SELECT * FROM mapped_{key}_{number}" for number in range(len(parts)))
    columns = ", ".join([*(_without_nulls(column, file.nulls) for column in headers[0]), *_BOOKKEEPING])
    con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT {columns} FROM ({union})")
    return Source(view, tuple(headers[0]), file.path)


def _parts(path: Path, file: FileMap, *, alone: bool) -> list[Path]:
    if path.is_file():
        if not alone:
            raise SourceError(f"{path} is one file, but the mapping reads several. Give the folder that holds them.")
        return [path]
    if not path.is_dir():
        raise SourceError(f"There is nothing at {path}. Give the export's folder or file.")
    parts = sorted(part for part in path.glob(file.path) if part.is_file())
    if not parts:
        there = ", ".join(sorted(part.name for part in path.iterdir())[:20]) or "nothing"
        raise SourceError(f"No file in {path} is called {file.path!r}; there is {there}.")
    return parts


def _without_nulls(column: str, words: tuple[str, ...]) -> str:
    quoted = name(column)
    if not words:
        return quoted
    return f"CASE WHEN trim({quoted}) IN ({text_list(words)}) THEN NULL ELSE {quoted} END AS {quoted}"


def _check_columns(plan: Mapping, sources: dict[str, Source]) -> None:
    faults = {fault: None for table in plan.tables for fault in _missing_columns(table, sources)}
    if faults:
        raise SourceError(f"The mapping does not fit the export: {'; '.join(faults)}.")


def _missing_columns(table: TableMap, sources: dict[str, Source]) -> Iterator[str]:
    own = sources[table.from_]
    for column in _read_columns(table):
        file, plain = place(column, table, sources)
        source = own if file is None else sources[file]
        if plain not in source.header:
            yield _missing(column, source)
    for join in table.joins:
        yield from (_missing(column, own) for column in join.on if column not in own.header)
        other = sources[join.file]
        yield from (_missing(column, other) for column in join.on.values() if column not in other.header)


def _missing(column: str, source: Source) -> str:
    near = difflib.get_close_matches(column, source.header, 1, 0.6)
    hint = f"; is it {near[0]!r}?" if near else f"; it has {', '.join(source.header[:30])}"
    return f"{source.title} has no column {column!r}{hint}"


def _read_columns(table: TableMap) -> Iterator[str]:
    for value in table.columns.values():
        yield from value.columns()
    for test in (*table.only, *(reject.when for reject in table.reject)):
        yield test.column
    if table.split is not None:
        yield table.split.column
