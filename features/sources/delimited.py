"""Delimited text (CSV, TSV and their kin) as batches of rows with exact line numbers.

The standard library's reader is strict here: a stray quote faults its row instead of silently moving cell borders.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from features.sources.errors import SourceError
from features.sources.staging import MAX_COLUMNS, RESERVED, Batch
from features.sources.text import MAX_CELL, Lines, open_text, printable

DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE: Final = 64 * 1024
_SAMPLE_ROWS: Final = 50
_STATED: Final = re.compile(r"sep=(.)\r?\n")
"""The line before the header with which spreadsheets tell each other the delimiter."""


class _Reader(Protocol):
    """What ``csv.reader`` gives."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def read_delimited(path: Path, delimiter: str | None, encoding: str | None) -> Iterator[Batch]:
    """The file's rows in batches, the first one (perhaps empty) always there to tell the header.

    Raises ``SourceError`` for what spoils the whole file: no header, two columns of one name, a delimiter that cannot
    be told, a quote that is never closed. What spoils one row is that row's fault.
    """
    with open_text(path, encoding) as lines:
        sample = lines.handle.read(_SAMPLE)
    stated = _STATED.match(sample)
    chosen = stated[1] if stated and delimiter is None else _delimiter(path, sample, delimiter)
    with _cell_limit(), open_text(path, encoding) as lines:
        reader = csv.reader(iter(lines), delimiter=chosen, strict=True)
        names = _header(path, reader, lines)
        batch = Batch(names)
        for line, fault, cells in _rows(path, reader, lines, len(names)):
            batch.add(line, fault, cells)
            if batch.is_full:
                yield batch
                batch = Batch(names)
        yield batch


@contextmanager
def _cell_limit() -> Iterator[None]:
    before = csv.field_size_limit(MAX_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rows(path: Path, reader: _Reader, lines: Lines, width: int) -> Iterator[tuple[int, str | None, list[str]]]:
    faults = lines.faults
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, _broken_row(path, start, reader.line_num, str(error)), [""] * width
            faults.clear()
            continue
        if faults:
            yield start, faults[0], _fitted(cells, width)
            faults.clear()
        elif len(cells) == width:
            yield start, None, cells
        elif cells:
            yield start, f"wrong number of cells: {len(cells)} where the header has {width}", _fitted(cells, width)


def _fitted(cells: list[str], width: int) -> list[str]:
    return [printable(cell) for cell in (cells + [""] * width)[:width]]


def _broken_row(path: Path, first: int, last: int, error: str) -> str:
    """Why the row cannot be read; raises when its open quote has swallowed rows beyond repair."""
    is_long, is_open = "field limit" in error, "end of data" in error
    if (is_long or is_open) and last > first:
        raise SourceError(
            f"{path}: a quote opened in the row that begins at line {first} is not closed by line {last}. "
            "Close it, or double the quote if it belongs to the text."
        )
    if is_long:
        return f"cell is longer than {MAX_CELL:,} characters: shorten it"
    if is_open:
        return "quote is never closed: the file may be cut off here"
    return f"quote inside a quoted cell: lines {first} to {last}; double the quote if it belongs to the text"


def _header(path: Path, reader: _Reader, lines: Lines) -> list[str]:
    try:
        cells: list[str] = next((row for row in reader if row and row != ["sep=", ""]), [])
    except csv.Error as error:
        raise SourceError(f"{path} has no readable header in line {reader.line_num} ({error}). Repair it.") from error
    if lines.faults:
        raise SourceError(f"{path}: the header {lines.faults[0]}.")
    return checked_names(path, [cell.strip() for cell in cells])


def checked_names(path: Path, cells: list[str]) -> list[str]:
    """Column names as they can be used: a blank one becomes ``column_<n>``.

    Raises ``SourceError`` when there is none at all, there are more than 2,000, one is a name that the import itself
    uses, or two are the same but for upper and lower case.
    """
    if not any(cells):
        raise SourceError(f"{path} has no header. Put the column names into its first line.")
    if len(cells) > MAX_COLUMNS:
        raise SourceError(f"{path} has {len(cells):,} columns, more than {MAX_COLUMNS:,}. Keep only those of use.")
    names = [cell or f"column_{n}" for n, cell in enumerate(cells, 1)]
    folded = Counter(name.casefold() for name in names)
    twice = [name for name in names if folded[name.casefold()] > 1]
    if twice:
        raise SourceError(
            f"{path} has more than one column named {' / '.join(dict.fromkeys(twice))} "
            "(upper and lower case count as the same). Rename or remove one."
        )
    if reserved := [name for name in names if name.casefold() in RESERVED]:
        raise SourceError(f"{path} has a column named {reserved[0]}, a name that the import itself uses. Rename it.")
    return names


def _delimiter(path: Path, sample: str, given: str | None) -> str:
    if given is not None and (len(given) != 1 or given in '"\r\n\0'):
        raise SourceError(f"The delimiter {given!r} (for {path}) must be one character, and no quote or line end.")
    widths = {mark: _widths(sample, mark) for mark in (*DELIMITERS, *([given] if given else []))}
    splits = {mark: found for mark, found in widths.items() if found and found[0] > 1}
    if given is not None:
        if given not in splits and splits:
            raise SourceError(f"{path} is not divided by {given!r} but by {' or '.join(map(repr, splits))}.")
        return given
    if len(splits) <= 1:
        return next(iter(splits), ",")
    fits = sorted(((_fit(found), mark) for mark, found in splits.items()), reverse=True)
    (best, mark), (second, other) = fits[0], fits[1]
    if best > 0.5 and second < best / 2:
        return mark
    raise SourceError(
        f"{path} could be divided by {mark!r} ({splits[mark][0]} columns) or by {other!r} ({splits[other][0]} "
        "columns). Quote the cells that hold one of them, or name the delimiter in a mapping."
    )


def _fit(widths: list[int]) -> float:
    """Share of the rows that have as many cells as the header."""
    rows = widths[1:]
    return sum(width == widths[0] for width in rows) / len(rows) if rows else 0.0


def _widths(sample: str, delimiter: str) -> list[int]:
    """Cells in the header and the first rows; the last row of a full sample, cut off as it may be, does not count."""
    whole = sample if len(sample) < _SAMPLE else sample[: sample.rfind("\n") + 1]
    widths = []
    with suppress(csv.Error):  # a broken row ends the sample here, and is told with its line when the file is read
        for row in csv.reader(whole.splitlines(keepends=True), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) > _SAMPLE_ROWS:
                break
    return widths
