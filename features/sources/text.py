"""Opening text files as they come: compressed or not, with or without a byte-order mark, broken in places.

Lines are handed out one at a time, so that memory does not grow with the file. What is wrong with a line does not stop
the reading; it is collected in ``Lines.faults`` for whoever puts the row together.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from features.sources.errors import SourceError

MAX_CELL: Final = 1024 * 1024
"""Longest cell that is read, in characters."""

MAX_LINE: Final = 8 * MAX_CELL
"""Longest line that is read, in characters."""

GZIP_MAGIC: Final = b"\x1f\x8b"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass
class Lines:
    """The lines of a text file, and what is wrong with those handed out since ``faults`` was last cleared."""

    handle: IO[str]
    encoding: str
    faults: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        """Lines with their line ends; an over-long line comes out empty, with a fault."""
        readline, faults = self.handle.readline, self.faults
        while line := readline(MAX_LINE):
            if "\0" in line:
                faults.append("holds a NUL byte: the file is damaged there, or is UTF-16 without a byte-order mark")
            if not line.isascii() and (bad := _SURROGATE.search(line)):
                faults.append(self._undecodable(bad.group()))
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                faults.append(f"line is longer than {MAX_LINE:,} characters: shorten it")
                self._skip_line()
                line = ""
            yield line

    def _undecodable(self, character: str) -> str:
        return (
            f"not valid {self.encoding}: byte 0x{ord(character) & 0xFF:02X}; save the file as UTF-8, "
            "or name its encoding (often cp1252) in a mapping"
        )

    def _skip_line(self) -> None:
        while (rest := self.handle.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
            pass


def printable(text: str) -> str:
    """The text with what no database takes (NUL, undecodable bytes) shown as U+FFFD."""
    return _SURROGATE.sub("\ufffd", text).replace("\0", "\ufffd")


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[Lines]:
    """The file's lines, unpacked when it is gzip, decoded by ``encoding``, else by its byte-order mark, else as UTF-8.

    Raises ``SourceError`` when it is empty, is not text, is cut off in its compression or its encoding is unknown.
    """
    chosen = _known(path, encoding) if encoding else _marked_encoding(path)
    errors = "strict" if chosen.startswith(("utf-16", "utf-32")) else "surrogateescape"
    try:
        with (
            open_binary(path) as raw,
            io.TextIOWrapper(io.BufferedReader(raw), chosen, errors=errors, newline="") as handle,  # type: ignore[type-var]
        ):
            yield Lines(handle, "UTF-8" if chosen.startswith("utf-8") else chosen)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path} is a damaged or cut-off gzip file ({error}). Export or copy it again.") from error
    except UnicodeError as error:
        raise SourceError(f"{path} is not valid {chosen} ({error}). Save it as UTF-8.") from error
    except OSError as error:
        raise SourceError(f"Cannot read {path}: {error.strerror or error}.") from error


def open_binary(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when it is gzip by content."""
    return gzip.open(path) if first_bytes(path, 2) == GZIP_MAGIC else path.open("rb")  # type: ignore[return-value]


def first_bytes(path: Path, size: int) -> bytes:
    """The first ``size`` bytes as they stand on disk; raises ``SourceError`` when there is no such readable file."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder where a file is needed. Give the file in it.")
    try:
        with path.open("rb") as handle:
            return handle.read(size)
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise SourceError(f"Cannot read {path}: {error.strerror or error}.") from error


def _marked_encoding(path: Path) -> str:
    try:
        with open_binary(path) as handle:
            start = handle.read(16)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path} is a damaged or cut-off gzip file ({error}). Export or copy it again.") from error
    if not start:
        raise SourceError(f"{path} is empty. Export it again.")
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            raise SourceError(f"{path} is {what}. Save it as CSV, JSON lines or Parquet.")
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


def _known(path: Path, encoding: str) -> str:
    _marked_encoding(path)
    try:
        io.TextIOWrapper(io.BytesIO(), encoding).close()
    except LookupError as error:
        raise SourceError(f"{encoding!r} is no encoding of text ({path}). Use e.g. utf-8, cp1252 or utf-16.") from error
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name
