"""The audit as a file that can be checked outside: CSV, or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from features.cells import text_cell
from review.store.events import HASHED, moment

__all__ = ["COLUMNS", "as_csv", "as_json_lines"]

COLUMNS: Final = ("seq", *HASHED, "hash")


def as_csv(rows: Iterable[Mapping[Any, Any]]) -> Iterator[str]:
    """CSV, a piece at a time, with ``before`` and ``after`` as JSON; no cell that a spreadsheet takes for a formula."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line([_cell(name, row[name]) for name in COLUMNS])


def as_json_lines(rows: Iterable[Mapping[Any, Any]]) -> Iterator[str]:
    """JSON lines, one row a line, of which the hashes can be worked out anew."""
    for row in rows:
        yield json.dumps({name: _value(name, row[name]) for name in COLUMNS}, ensure_ascii=True) + "\n"


def _value(name: str, value: Any) -> Any:
    return moment(value) if name == "at" else value


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in ("before", "after"):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text_cell(str(_value(name, value)))


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
