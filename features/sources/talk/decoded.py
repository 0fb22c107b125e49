"""Bytes of text whose encoding may be stated, marked, wrong or unknown."""

from __future__ import annotations

import codecs
from typing import Final

__all__ = ["decoded"]

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(raw: bytes, stated: str | None = None) -> str:
    """The text, with plain line feeds: by its mark, as stated, as UTF-8, or as Windows-1252, the first that fits.

    What no encoding can read is shown as U+FFFD.
    """
    marked = [encoding for mark, encoding in _MARKS if raw.startswith(mark)]
    for encoding in (*marked, *([stated] if stated else []), "utf-8"):
        try:
            return _lines(raw.decode(encoding))
        except (LookupError, UnicodeError, ValueError):
            continue
    return _lines(raw.decode("cp1252", "replace"))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
