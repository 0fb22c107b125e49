"""JSON lines as batches of rows: one object a line, its keys the columns, nested values kept as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.sources.errors import SourceError
from features.sources.staging import MAX_COLUMNS, RESERVED, Batch, is_enough
from features.sources.text import MAX_CELL, open_text, printable


def read_json_lines(path: Path, encoding: str | None) -> Iterator[Batch]:
    """The file's objects in batches; columns are the keys seen so far, so later batches may have more of them.

    Raises ``SourceError`` for one JSON array instead of lines, no object at all, or more than 2,000 different keys.
    What spoils one line is that line's fault.
    """
    columns = _Columns(path)
    rows: list[tuple[int, str | None, dict[str, str]]] = []
    size = 0
    with open_text(path, encoding) as lines:
        for number, line in enumerate(lines, 1):
            if not lines.faults and not line.strip():
                continue
            record, fault = ({}, lines.faults[0]) if lines.faults else _record(path, number, line)
            lines.faults.clear()
            values, fault = columns.values(record, fault)
            rows.append((number, fault, values))
            size += len(line)
            if is_enough(len(rows), len(columns.names), size):
                yield columns.batch(rows)
                rows, size = [], 0
    if not columns.names:
        raise SourceError(f"{path} holds no JSON object. It needs one object a line.")
    yield columns.batch(rows)


class _Columns:
    """The columns of a file, found out as its objects come; upper and lower case count as the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: dict[str, str] = {}

    def values(self, record: dict[str, Any], fault: str | None) -> tuple[dict[str, str], str | None]:
        """The record's values as text by folded column name, and its fault, if any."""
        values: dict[str, str] = {}
        for key, value in record.items():
            name = printable(key.strip()) or "column_1"
            folded = name.casefold()
            if folded in values:
                fault = fault or f"key stands twice: {name[:60]}"
            if folded not in self.names:
                self._add(folded, name)
            text = _text(value)
            if len(text) > MAX_CELL:
                fault, text = fault or f"cell is longer than {MAX_CELL:,} characters: shorten it", ""
            values[folded] = printable(text)
            if values[folded] != text:
                fault = fault or f"holds what is not text: NUL or half a character in {name[:60]}"
        return values, fault

    def batch(self, rows: list[tuple[int, str | None, dict[str, str]]]) -> Batch:
        """The rows under all columns known now."""
        batch = Batch(list(self.names.values()))
        for line, fault, values in rows:
            batch.add(line, fault, [values.get(folded, "") for folded in self.names])
        return batch

    def _add(self, folded: str, name: str) -> None:
        if folded in RESERVED:
            raise SourceError(f"{self.path} has a key named {name}, a name that the import itself uses. Rename it.")
        if len(self.names) == MAX_COLUMNS:
            raise SourceError(
                f"{self.path} has more than {MAX_COLUMNS:,} different keys. Keep only those that are columns."
            )
        self.names[folded] = name


def _record(path: Path, number: int, line: str) -> tuple[dict[str, Any], str | None]:
    try:
        value = json.loads(line, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        _refuse_array(path, number, line)
        return {}, f"not valid JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return {}, f"not usable JSON: {str(error)[:80]}"
    if isinstance(value, dict):
        return value, None
    _refuse_array(path, number, line)
    return {}, f"not a JSON object: a {type(value).__name__}"


def _refuse_array(path: Path, number: int, line: str) -> None:
    if number == 1 and line.lstrip().startswith("["):
        raise SourceError(
            f"{path} is one JSON array. Write one object a line instead, e.g. with `jq -c '.[]' IN > OUT.jsonl`."
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return record


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # an id that a data frame turned into a float
    return json.dumps(value, ensure_ascii=False)
