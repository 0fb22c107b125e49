"""Any flat file as a DuckDB view of text columns, each row with the file and line it comes from.

Nothing is interpreted here: no types, no dates, no nulls but empty cells. A file goes through memory a batch at a time
into a staged Parquet file, so a large one takes no more memory than a small one.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from features.sources.columnar import stage_parquet
from features.sources.delimited import read_delimited
from features.sources.errors import SourceError
from features.sources.jsonlines import read_json_lines
from features.sources.staging import register, write_batches
from features.sources.text import first_bytes

__all__ = ["SUFFIXES", "ReadOptions", "SourceError", "source_name", "stage"]

_DELIMITED: Final = (".csv", ".tsv", ".txt")
_JSON: Final = (".jsonl", ".ndjson")
SUFFIXES: Final = (*_DELIMITED, *_JSON, ".parquet")
"""Kinds of files that can be read; text files also gzipped, as e.g. ``deals.csv.gz``."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a text file; ``None`` is found out.

    The delimiter is told by the content (comma, semicolon, tab, pipe), the encoding by the byte-order mark, else UTF-8.
    """

    delimiter: str | None = None
    encoding: str | None = None


def stage(
    con: duckdb.DuckDBPyConnection, path: Path, view: str, staging: Path, options: ReadOptions = ReadOptions()
) -> list[str]:
    """Registers ``view`` over the file's rows and gives the names of its columns.

    Parameters
    ----------
    con : where the view is made (an older one of that name is replaced).
    path : a CSV, TSV, JSON lines or Parquet file; text may be gzipped. Parquet is told by its content.
    view : name of the view.
    staging : folder for the staged copy; it must last as long as the view is used.
    options : delimiter and encoding, where they cannot be found out.

    Returns
    -------
    The header's names, blanks around them removed. The view has each as VARCHAR (empty cells null), then ``_file``
    (the file's name), ``_line`` (BIGINT, 1-based line in which the row begins; for Parquet the record's number) and
    ``_fault`` (null, or why the row cannot be used).

    Raises
    ------
    SourceError
        When the file as a whole cannot be used.
    """
    folder = Path(tempfile.mkdtemp(prefix="raw-", dir=staging))
    if first_bytes(path, 4) == b"PAR1":
        parts = [folder / "part-00000.parquet"]
        names = stage_parquet(con, path, parts[0])
    else:
        names, parts = _stage_text(path, folder, options)
    register(con, view, names, parts, path.name)
    return names


def source_name(path: Path) -> tuple[str, str]:
    """The file's name without its kind, and its kind (lower case, without ``.gz``): ``deals.csv.gz`` is deals, .csv."""
    whole = Path(path.name[:-3]) if path.suffix.lower() == ".gz" else Path(path.name)
    return whole.stem, whole.suffix.lower()


def _stage_text(path: Path, folder: Path, options: ReadOptions) -> tuple[list[str], list[Path]]:
    kind = source_name(path)[1]
    if kind == ".parquet":
        size = len(first_bytes(path, 1))
        fault = "is not a Parquet file" if size else "is empty"
        raise SourceError(f"{path} {fault}. Export or copy it again, or give it the ending of what it is.")
    if kind in _JSON:
        return write_batches(read_json_lines(path, options.encoding), folder)
    if kind in _DELIMITED:
        return write_batches(read_delimited(path, options.delimiter, options.encoding), folder)
    first_bytes(path, 1)
    raise SourceError(f"{path} has the unknown ending {kind!r}. Files may end in {', '.join(SUFFIXES)} (or .gz).")
