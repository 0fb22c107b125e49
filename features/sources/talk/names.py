"""Speakers' names as transcripts write them before what was said."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["clock_seconds", "split_speaker"]

_SPEAKER: Final = re.compile(r"\s*([^\W\d_][^:<>\t\n]{0,79}?|\d{2,}[\d ()+-]{4,18})\s*:(?:\s+|$)(.*)", re.DOTALL)
_SENTENCE: Final = re.compile(r"[?!;]|\.\s+[a-z]|,\s+[a-z]|\bhttps?$")
_MOST_WORDS: Final = 8
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,3}))?")


def split_speaker(text: str) -> tuple[str, str] | None:
    """Name and words of ``Ann Li (Acme): hello``; ``None`` where nothing that looks like a name stands before a colon.

    A name has at most 80 characters and 8 words, and is no part of a sentence (``so, this is it: …``).
    """
    found = _SPEAKER.match(text)
    if found is None or _SENTENCE.search(found[1]) or len(found[1].split()) > _MOST_WORDS:
        return None
    return found[1].strip(), found[2].strip()


def clock_seconds(text: str) -> float | None:
    """Seconds of ``05:10``, ``1:05:10`` or ``00:05:10,950``; ``None`` for anything else, or more than 59 seconds."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None or int(found[3]) > 59:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
