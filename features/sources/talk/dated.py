"""When a conversation began and whose it is, where its own file does not tell: from a list beside it, or from names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from features.sources.errors import SourceError
from features.sources.objects import fold
from features.sources.talk.rows import Talk, rejected

__all__ = ["LIST", "Listed", "moment_in"]

LIST: Final = "conversations.csv"
"""Name of the file that may tell of the others in its folder."""

_FILLED: Final = ("started_at", "account_id", "deal_id", "channel", "url", "consent", "delete_after")
_CLOCK: Final = r"(?:[T _-]?(\d{2})[-:._h]?(\d{2})(?:[-:._]?(\d{2}))?)?(?!\d)"
_MOMENTS: Final = (
    re.compile(r"(?<!\d)((?:19|20)\d{2})-(\d{2})-(\d{2})" + _CLOCK),
    re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})" + _CLOCK),
    re.compile(r"(?<!\d)((?:19|20)\d{2})[._](\d{2})[._](\d{2})" + _CLOCK),
)


def moment_in(path: str) -> str | None:
    """The moment, taken as UTC, in a file's name or else in that of the nearest folder that has one.

    ``GMT20240131-150000_Recording.transcript.vtt``, ``2024-01-31 15.00 Kickoff.vtt`` and ``2024-01-31/call.vtt``.
    """
    for part in reversed(PurePosixPath(path).parts):
        for pattern in _MOMENTS:
            for found in pattern.finditer(part):
                if moment := _moment(found):
                    return moment
    return None


def _moment(found: re.Match[str]) -> str | None:
    for numbers in (found.groups(default="0"), (*found.groups()[:3], "0", "0", "0")):
        try:
            return datetime(*map(int, numbers), tzinfo=UTC).isoformat()  # type: ignore[misc, arg-type]
        except ValueError:
            continue
    return None


class Listed:
    """The rows of a ``conversations.csv``: ``file``, and what they tell of the conversation in it."""

    def __init__(self, text: str, title: str) -> None:
        """Raises ``SourceError`` when it has no column ``file``."""
        self.title = title
        reader = csv.DictReader(text.splitlines())
        header = {fold(column): column for column in reader.fieldnames or ()}
        if "file" not in header:
            raise SourceError(
                f"{title} needs a column 'file', and any of {', '.join(_FILLED)}. Add it, or move it away."
            )
        columns = {wanted: header[fold(wanted)] for wanted in _FILLED if fold(wanted) in header}
        self.rows: dict[str, dict[str, str]] = {}
        self.lines: dict[str, int] = {}
        self.used: set[str] = set()
        for line, row in enumerate(reader, 2):
            key = str(row.get(header["file"]) or "").strip().replace("\\", "/").removeprefix("./")
            self.rows[key] = {wanted: str(row.get(column) or "").strip() for wanted, column in columns.items()}
            self.lines[key] = line

    def fill(self, talk: Talk) -> None:
        """Puts what the row of the talk's file tells in place of what the file tells."""
        row = self.rows.get(talk.file)
        if row is None:
            return
        self.used.add(talk.file)
        for wanted, value in row.items():
            if value:
                setattr(talk, wanted, value)

    def unused(self) -> Iterator[Talk]:
        """A reject for each row whose file was not read."""
        for key in sorted(self.rows.keys() - self.used):
            yield rejected(
                self.title, self.lines[key], f"no conversation was read from a file of this name: '{key[:80]}'"
            )
