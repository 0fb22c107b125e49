"""What a person sees of a run: results on stdout, the log and progress on stderr, a bar only on a terminal."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import typer

from pipelines.logs import is_for_people


class Report(Protocol):
    """What a verb returns: the same findings as text for people and as a mapping for machines."""

    def text(self) -> str:
        """The report as plain text."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        ...


def show(report: Report, *, as_json: bool) -> None:
    """Prints a report to stdout, as text or as one JSON document."""
    typer.echo(to_json(report.to_dict()) if as_json else report.text().rstrip("\n"))


def to_json(value: Mapping[str, Any]) -> str:
    """Indented JSON; a number that JSON does not know (NaN, infinity) becomes null, a path or time becomes text."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False, default=str)


def text_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows as aligned plain text under their headers; ``right`` numbers the columns that are aligned right."""
    widths = [max(len(line[i]) for line in [headers, *rows]) for i in range(len(headers))]
    lines = []
    for line in [headers, ["-" * width for width in widths], *rows]:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


@contextmanager
def working(task: str) -> Iterator[None]:
    """Shows that ``task`` is going on: a spinner with the latest log line on a terminal, plain log lines elsewhere."""
    if not (sys.stderr.isatty() and is_for_people()):
        yield
        return
    from rich.console import Console

    console = Console(stderr=True)
    root = logging.getLogger()
    before = root.handlers[:]
    with console.status(f"{task} ...") as status:
        root.handlers = [_StatusHandler(task, status, before)]
        try:
            yield
        finally:
            root.handlers = before


class _StatusHandler(logging.Handler):
    """Shows an INFO line in the spinner, where the next one replaces it; lets anything graver through to stay."""

    def __init__(self, task: str, status: Any, passed_on: list[logging.Handler]) -> None:
        super().__init__()
        self._task, self._status, self._passed_on = task, status, passed_on

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.INFO:
            from rich.markup import escape

            self._status.update(f"{self._task}: {escape(record.getMessage())}")
            return
        for handler in self._passed_on:
            handler.emit(record)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
