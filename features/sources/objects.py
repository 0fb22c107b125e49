"""A folder with one file per object of a CRM, under whatever spelling the exporting tool gave files and columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from features.sources.dates import utc_text
from features.sources.errors import SourceError
from features.sources.raw import SUFFIXES, source_name, stage
from features.sources.sqltext import literal, name
from features.tables import INPUT_TABLES

__all__ = ["fold", "is_true", "on_utc", "snake", "staged_objects", "trimmed", "with_unread"]


def fold(text: str) -> str:
    """A name without capitals and signs: ``Close_Date``, ``CloseDate`` and ``close_date`` are all ``closedate``."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def staged_objects(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    staging: Path,
    objects: Mapping[str, tuple[str, ...]],
    *,
    system: str,
    prefixes: tuple[str, ...] = (),
    suffixes: tuple[str, ...] = ("data",),
    needed: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> frozenset[str]:
    """Registers a view ``<system>_<object>`` for each of the objects, empty when the folder has no file for it.

    It shows the rows that can be read; ``<system>_<object>_unread`` has ``_file``, ``_line`` and ``_fault`` of the
    others, for ``with_unread``.

    Parameters
    ----------
    path : folder with the files, or one of them.
    objects : object to its wanted columns, both folded. A view has these as text, null where the file lacks them, then
        ``_file`` and ``_line``.
    system : the CRM's name; names the views and stands in errors.
    prefixes, suffixes : folded words that file names may begin or end with, as ``property`` in columns.
    needed : object to columns without which a row of it says nothing: it counts as one that cannot be read.

    Returns
    -------
    The objects that there are files for.

    Raises
    ------
    SourceError
        When there is none, an object has two files, or a file cannot be used.
    """
    files = _files(path, objects, system, prefixes, suffixes)
    for found, columns in objects.items():
        view = f"{system}_{found}"
        if found in files:
            header = stage(con, files[found], f"{view}_raw", staging)
            rows = _chosen(view, header, columns, needed.get(found, ()))
        else:
            nulls = ", ".join(f"CAST(NULL AS VARCHAR) AS {name(column)}" for column in columns)
            books = "CAST(NULL AS VARCHAR) AS _file, CAST(NULL AS BIGINT) AS _line, CAST(NULL AS VARCHAR) AS _fault"
            rows = f"SELECT {nulls}, {books} WHERE false"
        readable = f"SELECT * EXCLUDE (_fault) FROM ({rows}) WHERE _fault IS NULL"
        con.execute(f"CREATE OR REPLACE VIEW {view} AS {readable}")
        unread = f"SELECT _file, _line, _fault FROM ({rows}) WHERE _fault IS NOT NULL"
        con.execute(f"CREATE OR REPLACE VIEW {view}_unread AS {unread}")
    return frozenset(files)


def with_unread(
    con: duckdb.DuckDBPyConnection, queries: Mapping[str, str], fed: Mapping[str, str], system: str
) -> dict[str, str]:
    """The tables' queries, each with the rows that could not be read of the objects that feed it.

    Parameters
    ----------
    queries : table to its query.
    fed : every object to the one table whose rejects tell of its unreadable rows. One that has any brings its table
        along, if the table has no query.
    """
    whole = dict(queries)
    for found, table in fed.items():
        unread = f"SELECT * FROM {system}_{found}_unread"
        if con.execute(f"{unread} LIMIT 1").fetchone():
            nothing = f"SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {c}' for c in INPUT_TABLES[table].column_names)}"
            whole[table] = f"({whole.get(table, f'{nothing} WHERE false')}) UNION ALL BY NAME ({unread})"
    return whole


def _files(
    path: Path,
    objects: Mapping[str, tuple[str, ...]],
    system: str,
    prefixes: tuple[str, ...],
    suffixes: tuple[str, ...],
) -> dict[str, Path]:
    if not path.exists():
        raise SourceError(f"There is no file or folder {path}. Check the path.")
    files: dict[str, Path] = {}
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        stem, kind = source_name(file)
        found = next((one for one in _spellings(fold(stem), prefixes, suffixes) if one in objects), None)
        if found is None or kind not in SUFFIXES or not file.is_file():
            continue
        if found in files:
            raise SourceError(
                f"{file} and {files[found]} are both the {system} object {found}. Leave one of them there."
            )
        files[found] = file
    if not files:
        raise SourceError(
            f"{path} holds no file named after a {system} object ({', '.join(objects)}). "
            "Name the files so, e.g. " + next(iter(objects)) + ".csv, or describe the export in a mapping."
        )
    return files


def _spellings(stem: str, prefixes: tuple[str, ...], suffixes: tuple[str, ...]) -> list[str]:
    starts = [stem, *(stem.removeprefix(prefix) for prefix in prefixes)]
    return [*starts, *(start.removesuffix(suffix) for start in starts for suffix in suffixes)]


def _chosen(view: str, header: list[str], columns: tuple[str, ...], needed: tuple[str, ...]) -> str:
    """The wanted columns; a header may have ``property_`` before the name, as loaders of HubSpot write it."""
    spelled: dict[str, str] = {}
    for column in header:
        folded = fold(column)
        spelled.setdefault(folded, column)
        spelled.setdefault(folded.removeprefix("property"), column)
    cells = ", ".join(
        f"{trimmed(name(spelled[column])) if column in spelled else 'CAST(NULL AS VARCHAR)'} AS {name(column)}"
        for column in columns
    )
    lacks = " ".join(f"WHEN {name(column)} IS NULL THEN {literal(f'{column} is missing')}" for column in needed)
    fault = f"coalesce(_fault, CASE {lacks} END)" if lacks else "_fault"
    raw = f"SELECT {cells}, _file, _line, _fault FROM {view}_raw"
    return f"SELECT * REPLACE ({fault} AS _fault) FROM ({raw})"


def trimmed(text: str) -> str:
    """SQL: the text without blanks around it, null when nothing is left."""
    return f"nullif(trim({text}), '')"


def is_true(text: str) -> str:
    """SQL: whether the text says yes; false when it is null."""
    return f"coalesce(lower({text}) IN ('true', '1', 't', 'yes'), false)"


def on_utc(text: str, *, time: str | None = None) -> str:
    """SQL: an ISO time, or milliseconds since 1970, as UTC text; any other text as it is, to be rejected later."""
    return f"coalesce({utc_text(text, ('iso', 'epoch_ms'), time=time)}, {text})"


def snake(text: str) -> str:
    """SQL: a label as one lower-case word, ``Demo / Workshop`` as ``demo_workshop``."""
    return trimmed(f"trim(regexp_replace(lower({text}), '[^\\p{{L}}\\p{{N}}]+', '_', 'g'), '_')")
