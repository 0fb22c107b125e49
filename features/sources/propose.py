"""A first mapping for a flat export: what the columns seem to be, with the evidence, and what only a person can say.

Whatever decides over the result and is not plain from the data is written as ``?``, which an import refuses; everything
else that is a guess is marked UNSURE. Nothing is guessed at import.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from features.sources.guesses import best_table, columns_for, is_partner_column
from features.sources.mapping import TO_BE_CHOSEN
from features.sources.proposed_columns import Draft, Export, count, quoted, write_column, write_rest
from features.sources.raw import SUFFIXES, SourceError, source_name, stage
from features.sources.sqltext import literal, name
from features.tables import INPUT_TABLES

__all__ = ["propose"]

_LIKELY: Final = 0.6


def propose(path: Path) -> str:
    """The text of a mapping (YAML) for the export at ``path``, a file or a folder of files.

    Reads the files in full: a date format is judged by the whole column. Raises ``SourceError`` when there is no file
    that can be read.
    """
    with tempfile.TemporaryDirectory() as staging, duckdb.connect() as con:
        con.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '2GB'; SET temp_directory = {literal(staging)}")
        files, unread = _files(con, path, Path(staging))
        draft = Draft(con)
        _write_files(draft, files)
        draft.add("tables:")
        for file in files:
            if file.table is not None:
                _write_table(draft, file, file.table, files)
        return "\n".join([*_heading(path, files, unread, draft.unsure), *draft.lines]) + "\n"


def _files(con: duckdb.DuckDBPyConnection, path: Path, staging: Path) -> tuple[list[Export], list[str]]:
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}. Check the path.")
    found: list[Export] = []
    unread: list[str] = []
    for part in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not part.is_file() or source_name(part)[1] not in SUFFIXES:
            continue
        try:
            found.append(_read(con, part, staging, len(found)))
        except SourceError as error:
            unread.append(str(error))
    if not found:
        raise SourceError(unread[0] if unread else f"{path} holds no file that ends in {', '.join(SUFFIXES)} (or .gz).")
    return _with_tables(found), unread


def _read(con: duckdb.DuckDBPyConnection, part: Path, staging: Path, number: int) -> Export:
    view = f"proposed_{number}"
    header = tuple(stage(con, part, view, staging))
    key = re.sub(r"\W+", "_", source_name(part)[0].lower()).strip("_") or "file"
    key = key if key[0].isalpha() else f"file_{key}"
    row = con.execute(f"SELECT count(*) FROM {view}").fetchone()
    assert row is not None
    table, likeness = best_table(header, part.stem)
    return Export(
        f"{key}_{number}" if len(key) > 40 else key, part, view, header, row[0], table if likeness >= _LIKELY else None
    )


def _with_tables(files: list[Export]) -> list[Export]:
    """At least one file is a table: the largest as deals, when no header says anything."""
    if any(file.table for file in files):
        return files
    largest = max(files, key=lambda file: file.rows)
    return [Export(f.key, f.path, f.view, f.header, f.rows, "deals" if f is largest else None) for f in files]


def _heading(path: Path, files: list[Export], unread: list[str], unsure: int) -> list[str]:
    lines = [
        f"# A proposed mapping for {path}: {unsure} line(s) are marked UNSURE. Check them, and replace every",
        f'# "{TO_BE_CHOSEN}"; a mapping that still has one is refused. docs/mapping.md explains the keys. Then:',
        "#",
        "#   partnerlift ingest --from mapped --config THIS_FILE " + shlex.quote(str(path)),
    ]
    lines += [f"# {file.path.name} has {file.rows:,} rows and {len(file.header)} columns." for file in files]
    lines += [f"# Not read: {fault}" for fault in unread]
    return [*lines, "", "# UNSURE: the zone of times that carry no offset.", "timezone: UTC"]


def _write_files(draft: Draft, files: list[Export]) -> None:
    draft.add("files:")
    for file in files:
        note = None if file.table else "Looks like no table of its own; to look values up, name it under joins."
        draft.add(f"  {file.key}: {{path: {quoted(file.path.name)}}}", note=note)


def _write_table(draft: Draft, file: Export, table: str, files: list[Export]) -> None:
    chosen = columns_for(table, file.header)
    twins = [other.path.name for other in files if other.table == table and other is not file]
    unsure = f"{' and '.join(twins)} looks like {table} as well; a second row with the same key is rejected"
    note = f"{file.path.name}: each row is taken as one row of {table}."
    draft.add(f"  - table: {table}", unsure=unsure if twins else None, note=note)
    draft.add(f"    from: {file.key}")
    _write_joins(draft, file, files)
    draft.add("    columns:")
    for column in INPUT_TABLES[table].columns:
        write_column(draft, file, table, column, chosen)
    rest = [source for source in file.header if source not in chosen.values()]
    if table == "deals":
        write_rest(draft, file, rest)
        for source in rest:
            if is_partner_column(source):
                _write_partner(draft, file, source, chosen)
    elif rest:
        draft.lines.append(f"      # Columns not used: {', '.join(rest)}")


def _write_partner(draft: Draft, file: Export, source: str, chosen: dict[str, str]) -> None:
    """Partners named in a column of the deals; what they did, and when, the column does not say."""
    cell = quoted(source)
    only = f"    only: [{{column: {cell}, empty: false}}]"
    draft.add("  - table: partners", note=f"{source} names a partner on {file.path.name}'s deals.")
    draft.lines += [f"    from: {file.key}", only, "    distinct: true", "    columns:"]
    draft.lines += [f"      partner_id: {cell}", f"      name: {cell}"]
    draft.add("      partner_type: {constant: other}", unsure="what kind of partner each is")
    draft.unsure += 1
    draft.lines += [
        f"  # UNSURE: {source} does not say when the partner did what. To count one touch each, give its time, and",
        "  # uncomment this. If one cell names several, add e.g. split: {column: "
        + cell
        + ', separator: ";"} to both.',
        "  # - table: touchpoints",
        f"  #   from: {file.key}",
        f"  # {only[2:]}",
        "  #   columns:",
        f"  #     touchpoint_id: {{hash: [{quoted(chosen.get('deal_id', file.header[0]))}, {cell}]}}",
        f"  #     deal_id: {quoted(chosen.get('deal_id', file.header[0]))}",
        f"  #     partner_id: {cell}",
        "  #     kind: {constant: named_on_deal}",
        f"  #     occurred_at: {quoted(chosen.get('created_at', TO_BE_CHOSEN))}",
    ]


def _write_joins(draft: Draft, file: Export, files: list[Export]) -> None:
    found = [line for other in files if other.table is None for line in _join(draft, file, other)]
    if found:
        draft.add("    joins:")
        for line, note in found:
            draft.add(line, note=note)


def _join(draft: Draft, file: Export, other: Export) -> Iterator[tuple[str, str]]:
    """A look-up by a column that both files have and that tells the other's rows apart."""
    for column in (c for c in file.header if c in other.header):
        key = name(column)
        texts = f"SELECT trim({key}) AS k FROM {file.view} WHERE {key} IS NOT NULL"
        others = f"SELECT trim({key}) AS k FROM {other.view}"
        folded = f"SELECT regexp_replace(lower(k), '\\s+', '', 'g') AS k FROM ({others})"
        matched = count(draft, f"SELECT count(*) FROM ({texts}) WHERE k IN ({others})")
        loosely = f"SELECT count(*) FROM ({texts}) WHERE regexp_replace(lower(k), '\\s+', '', 'g') IN ({folded})"
        total, loose = count(draft, f"SELECT count(*) FROM ({texts})"), count(draft, loosely)
        if total == 0 or loose * 2 < total:
            continue
        ignore = ", ignore: [blanks, case]" if loose > matched else ""
        told = f"{column} matches {other.path.name} in {matched:,} of {total:,} rows"
        told += f", in {loose:,} when blanks and capitals do not count" if ignore else ""
        kept = "" if loose == total else ", unmatched: keep"
        on = f"{{{quoted(column)}: {quoted(column)}}}"
        yield f"      - {{file: {other.key}, on: {on}{ignore}{kept}}}", told
        return
