"""The log of a run: plain lines for people, or one JSON object a line for machines, on stderr or in a file.

A line holds what was done, counts, seconds and ids of runs and buckets; never a name, an address or a text of the data.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

Form = Literal["text", "json"]

OWN_LOGGERS: Final = ("features", "models", "pipelines")
FIELDS: Final = ("phase", "bucket", "buckets", "deals", "rows", "seconds", "phases", "exit_code")
"""What a record may carry beside its message (by ``extra``) into a JSON line."""

_BOUND: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=MappingProxyType({}))
logger: Final = logging.getLogger(__name__)


def bind(**fields: Any) -> None:
    """Adds fields, such as the run's id, to every JSON line from now on until the end of the enclosing ``bound``."""
    _BOUND.set({**_BOUND.get(), **fields})


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Adds fields to every JSON line while the block runs."""
    token = _BOUND.set({**_BOUND.get(), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)


def set_up_logging(*, debug: bool, form: Form = "text", file: Path | None = None) -> None:
    """Sends the product's own log to ``file``, else to stderr, at INFO (DEBUG with ``debug``).

    Libraries speak only when it is bad. A file is appended to, and opened anew after it was rotated away.
    """
    bad = logging.WARNING if debug else logging.ERROR
    handler = _LineHandler() if file is None else logging.handlers.WatchedFileHandler(file, encoding="utf-8")
    handler.setFormatter(JsonFormatter() if form == "json" else _TextFormatter(dated=file is not None))
    # Some libraries set the level of their own loggers, so the root's level alone does not keep them quiet.
    handler.addFilter(lambda record: record.name.split(".")[0] in OWN_LOGGERS or record.levelno >= bad)
    logging.basicConfig(handlers=[handler], level=bad, force=True)
    logging.captureWarnings(capture=True)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)


def is_for_people() -> bool:
    """Whether the log goes to stderr as plain lines, so that a terminal may show a spinner in their place."""
    return all(
        isinstance(handler, _LineHandler) and not isinstance(handler.formatter, JsonFormatter)
        for handler in logging.getLogger().handlers
    )


def failed(message: str, exit_code: int, cause: Exception | None = None) -> None:
    """Logs in one line why a run ended with that exit code; a log in a file leaves the line on stderr as well.

    A ``cause`` is told with its traceback: above the line for people, else within it.
    """
    if cause is not None and is_for_people():
        traceback.print_exception(cause)
        cause = None
    logger.error("%s", message, extra={"exit_code": exit_code}, exc_info=cause)
    if any(isinstance(handler, logging.FileHandler) for handler in logging.getLogger().handlers):
        sys.stderr.write(f"{message}\n")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time (UTC), level, logger, message, the bound fields and those of ``FIELDS``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_BOUND.get(),
            **{name: getattr(record, name) for name in FIELDS if hasattr(record, name)},
        }
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class _TextFormatter(logging.Formatter):
    """The message alone, with its time and level where it goes to a file."""

    def __init__(self, *, dated: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s" if dated else "%(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """The record's time in UTC."""
        return datetime.fromtimestamp(record.created, UTC).strftime(datefmt or "%Y-%m-%dT%H:%M:%SZ")


class _LineHandler(logging.Handler):
    """Writes each record as a line to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")
