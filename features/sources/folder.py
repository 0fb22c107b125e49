"""Canonical tables as they are: one file (or folder of Parquet parts) for each table, named as the table."""

from __future__ import annotations

import difflib
from pathlib import Path

import duckdb

from features.sources.errors import SourceError
from features.sources.raw import SUFFIXES, source_name, stage
from features.sources.sqltext import name
from features.tables import INPUT_TABLES

__all__ = ["canonical", "ignored_files"]


def canonical(con: duckdb.DuckDBPyConnection, path: Path, staging: Path) -> dict[str, str]:
    """Reads the canonical tables in a folder, or the one in a single file.

    Parameters
    ----------
    con : where the views are made.
    path : a folder with e.g. ``deals.csv``, ``Touchpoints.jsonl.gz`` or ``partners.parquet`` (a file or a folder of
        part files), or one such file. Only the tables' own names count; see ``ignored_files`` for the others.
    staging : folder for the staged copies; it must last as long as the views are used.

    Returns
    -------
    Table name to SQL of all the file's columns as text, with ``_file``, ``_line`` and ``_fault``; in the tables' order.

    Raises
    ------
    SourceError
        When there is no table, a table stands there twice, or a file cannot be used as a whole.
    """
    found = _tables(path)
    selects = {}
    for table in (t for t in INPUT_TABLES if t in found):
        views = [f"{table}_source_{n}" for n in range(len(found[table]))]
        for view, file in zip(views, found[table], strict=True):
            stage(con, file, view, staging)
        selects[table] = " UNION ALL BY NAME ".join(f"SELECT * FROM {name(view)}" for view in views)
    return selects


def ignored_files(path: Path) -> list[str]:
    """Names of what lies in the folder and is no canonical table, sorted; hidden files do not count."""
    if not path.is_dir():
        return []
    return sorted(p.name for p in path.iterdir() if _table_of(p) is None and not p.name.startswith("."))


def _tables(path: Path) -> dict[str, list[Path]]:
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}. Check the path.")
    entries = sorted(path.iterdir()) if path.is_dir() and _table_of(path) is None else [path]
    found: dict[str, list[Path]] = {}
    for entry in entries:
        table = _table_of(entry)
        if table is None:
            continue
        if table in found:
            raise SourceError(
                f"{path} has table {table} more than once, e.g. as {entry.name}. Leave one of them there."
            )
        found[table] = _parts(entry) if entry.is_dir() else [entry]
    if not found:
        raise SourceError(_nothing_found(path, entries))
    return found


def _parts(folder: Path) -> list[Path]:
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise SourceError(
            f"{folder} holds no part file *.parquet. Write the table there without partitions (no folders in it)."
        )
    return parts


def _table_of(path: Path) -> str | None:
    stem, kind = source_name(path)
    stem = stem.lower()
    is_table = stem in INPUT_TABLES and kind in SUFFIXES and (path.is_file() or kind == ".parquet")
    return stem if is_table else None


def _nothing_found(path: Path, entries: list[Path]) -> str:
    stems = {source_name(entry)[0].lower(): entry.name for entry in entries}
    close = {table: difflib.get_close_matches(table, stems, 1, 0.75) for table in INPUT_TABLES}
    hints = "".join(
        f" Is {stems[found[0]]} meant as {table}? Save it as e.g. {table}.csv."
        for table, found in close.items()
        if found
    )
    return (
        f"{path} holds no canonical table. Files are named as their table ({', '.join(INPUT_TABLES)}) "
        f"and end in {', '.join(SUFFIXES)} (or .gz).{hints}"
    )
