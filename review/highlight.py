"""Where evidence lies in the turns of a conversation, and how a turn's words are cut up to show it.

Places are counted in the raw text, before it is cleaned; what is shown is cleaned piece by piece. People point at
characters that they see, so ``raw_offset`` leads from those back to the raw text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from features.shown import clean

__all__ = ["Piece", "Window", "clipped", "link_out", "pieces", "places", "raw_offset", "shortened", "shown_offset"]

LONG: Final = 1_600
"""A turn of more characters is shown in part, until somebody asks for the whole of it."""
AROUND: Final = 500
"""Characters kept before and after the evidence of a long turn."""
MOST_EVIDENCE: Final = 4_000
Place = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """Words of a turn as they are shown, all of them evidence or none."""

    text: Markup
    is_evidence: bool


@dataclass(frozen=True)
class Window:
    """The part of a turn that is shown: from ``start`` to ``end`` of its raw text of ``length`` characters."""

    start: int
    end: int
    length: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.start == 0 and self.end == self.length


def places(quote: str, first: Place, texts: Sequence[str]) -> list[Place]:
    """The place of the evidence in each of its turns.

    Parameters
    ----------
    quote : the words of each turn, one turn after another, with a line break between.
    first : where they lie in the first turn's text.
    texts : the raw texts of its turns, in their order.

    Returns
    -------
    One place a turn, within its text. A turn in which the words are not found (because names in the quote were
    replaced, say) counts as evidence as a whole.
    """
    if not texts:
        return []
    found = [_within(first, texts[0])]
    rest = quote[first[1] - first[0] + 1 :]
    for at, text in enumerate(texts[1:], start=2):
        words = rest if at == len(texts) else _words_of(rest, text)
        start = text.find(words) if words else -1
        found.append((start, start + len(words)) if start >= 0 else (0, len(text)))
        rest = rest[len(words) + 1 :]
    return found


def clipped(text: str, evidence: Place | None) -> Window:
    """What of a turn is shown at first: all of it, or of a long one the beginning or the evidence with words around."""
    length = len(text)
    if length <= LONG:
        return Window(0, length, length)
    if evidence is None:
        return Window(0, _word_end(text, 2 * AROUND), length)
    start, end = evidence
    return Window(
        _word_start(text, start - AROUND) if start > AROUND else 0,
        _word_end(text, min(end, start + MOST_EVIDENCE) + AROUND),
        length,
    )


def pieces(text: str, window: Window, evidence: Place | None) -> list[Piece]:
    """The shown words, cut at the ends of the evidence."""
    start, end = evidence or (window.end, window.end)
    cuts = [window.start, *(min(max(at, window.start), window.end) for at in (start, end)), window.end]
    parts = zip(cuts, cuts[1:], (False, True, False), strict=False)
    return [Piece(_lines(text[a:b]), is_evidence) for a, b, is_evidence in parts if a < b]


def shown_offset(text: str, offset: int) -> int:
    """How many characters are shown of those before ``offset``."""
    return len(clean(text[:offset]))


def raw_offset(text: str, shown: int) -> int:
    """The place in the raw text before which ``shown`` characters are shown."""
    if text.isascii() or len(clean(text)) == len(text):
        return min(max(shown, 0), len(text))
    ends = list(accumulate(len(clean(character)) for character in text))
    return 0 if shown <= 0 else min(bisect_left(ends, shown) + 1, len(text))


def shortened(quote: str, most: int) -> str:
    """The quote on one line, cut at a word where it is long."""
    line = " ".join(quote[: 4 * most].split())
    if len(line) <= most and len(quote) <= 4 * most:
        return line
    return line[: _word_start(line, most)].rstrip(" ,.;:") + "…"


def link_out(url: str | None, seconds: float | None) -> str | None:
    """The recording's address, at that second where it can be said; None for one that is no web address."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts._replace(fragment=parts.fragment or (f"t={int(seconds)}" if seconds else "")).geturl()


def _words_of(rest: str, text: str) -> str:
    """The longest beginning of the quote's rest, up to a line break, that stands in the turn."""
    ends = [at for at, character in enumerate(rest) if character == "\n"] or [len(rest)]
    # What is not found is not found however it goes on.
    n_found = bisect_left(ends, 1, key=lambda end: int(rest[:end] not in text))
    return rest[: ends[max(n_found - 1, 0)]]


def _within(place: Place, text: str) -> Place:
    start, end = (min(max(at, 0), len(text)) for at in place)
    return (start, end) if start < end else (0, len(text))


def _word_start(text: str, at: int) -> int:
    space = text.rfind(" ", max(0, at - 40), at)
    return at if space < 0 else space + 1


def _word_end(text: str, at: int) -> int:
    space = text.find(" ", at, at + 40)
    return min(at if space < 0 else space, len(text))


def _lines(text: str) -> Markup:
    return Markup("\n").join(escape(clean(line)) for line in text.split("\n"))
