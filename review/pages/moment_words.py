"""Words of a conversation as people point at them.

In an address, ``3.10-4.25`` are the words from the tenth character that is shown of the third turn to the 25th of the
fourth. In the database a span counts the raw text's characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from features.shown import clean
from review.highlight import raw_offset, shown_offset
from review.store.turns import Span, Turn, checked_span

__all__ = ["rest_of", "said_in", "span_of", "words_of"]

_WORDS: Final = re.compile(r"(\d{1,6})\.(\d{1,9})-(\d{1,6})\.(\d{1,9})", re.ASCII)
Point = tuple[int, int]
"""Place of a turn in the conversation, from 0, and of a character in its raw text."""


def span_of(words: str, found: Sequence[Turn]) -> Span:
    """The span of words as an address has them; raises ``ValueError`` for none."""
    match = _WORDS.fullmatch(words)
    if match is None:
        raise ValueError(f"{words[:40]!r} are no words of a conversation. Write them like 3.10-4.25: turn.character.")
    first, start, last, end = (int(group) for group in match.groups())
    if not 1 <= first <= last <= len(found):
        raise ValueError(f"Turns {first} to {last} are not in a conversation of {len(found)} turns.")
    begin = raw_offset(found[first - 1].text, start)
    return _span((first - 1, begin), (last - 1, raw_offset(found[last - 1].text, end)), found)


def words_of(span: Span, found: Sequence[Turn]) -> str:
    """The span as it is written in an address; empty where its turns are gone."""
    order = {turn.utterance_id: at for at, turn in enumerate(found)}
    if not all(name in order for name in span["utterance_ids"]):
        return ""
    first, last = order[span["utterance_ids"][0]], order[span["utterance_ids"][-1]]
    start = shown_offset(found[first].text, span["char_start"])
    return f"{first + 1}.{start}-{last + 1}.{shown_offset(found[last].text, span['char_end'])}"


def said_in(number: int, said: str, found: Sequence[Turn]) -> Span:
    """The span of words that somebody has typed, in the turn of that number.

    Blanks, line breaks and capitals need not be the same. Raises ``ValueError`` where the words do not stand there.
    """
    if not 1 <= number <= len(found):
        raise ValueError(f"There is no turn {number}. The conversation has {len(found)}.")
    if not said.strip():
        raise ValueError("No words are given. Choose them in the conversation, or type them as they stand there.")
    text = found[number - 1].text
    line, places = _on_one_line(clean(text))
    words, _ = _on_one_line(" ".join(clean(said).split()))
    at = line.find(words)
    if at < 0 or not words:
        raise ValueError(f"These words do not stand in turn {number}. Copy them from there.")
    start, end = (raw_offset(text, shown) for shown in (places[at], places[at + len(words) - 1] + 1))
    return _span((number - 1, start), (number - 1, end), found)


def _on_one_line(text: str) -> tuple[str, list[int]]:
    """The text with one blank for several and without capitals, and where in it each character stood.

    Words are looked up in it as they are: an expression that allows for blanks takes minutes in a turn made for that.
    """
    kept = [at for at, character in enumerate(text) if not (character.isspace() and text[at - 1 : at].isspace())]
    return "".join(_small(text[at]) for at in kept), kept


def _small(character: str) -> str:
    low = " " if character.isspace() else character.lower()
    return low if len(low) == 1 else character


def rest_of(whole: Span, taken: Span, found: Sequence[Turn]) -> Span:
    """What is left of a span when some of its words are taken: what is before them, else what is behind.

    Raises ``ValueError`` where nothing is left.
    """
    (start, end), (taken_start, taken_end) = _ends(whole, found), _ends(taken, found)
    if taken_start >= end or taken_end <= start:
        return whole
    left = (start, taken_start) if start < taken_start else (taken_end, end)
    try:
        return _span(*left, found)
    except ValueError as error:
        raise ValueError("All words of the moment would go to the second one. Leave some to the first.") from error


def _ends(span: Span, found: Sequence[Turn]) -> tuple[Point, Point]:
    order = {turn.utterance_id: at for at, turn in enumerate(found)}
    first, last = order[span["utterance_ids"][0]], order[span["utterance_ids"][-1]]
    return (first, span["char_start"]), (last, span["char_end"])


def _span(start: Point, end: Point, found: Sequence[Turn]) -> Span:
    """The words between two points, without blanks at both ends."""
    if start[0] < len(found) and not found[start[0]].text[start[1] :].strip() and start[0] < end[0]:
        return _span((start[0] + 1, 0), end, found)
    if not found[end[0]].text[: end[1]].strip() and start[0] < end[0]:
        return _span(start, (end[0] - 1, len(found[end[0] - 1].text)), found)
    (first, begin), (last, stop) = start, end
    begin += len(found[first].text[begin:]) - len(found[first].text[begin:].lstrip())
    stop = len(found[last].text[:stop].rstrip())
    ids = [turn.utterance_id for turn in found[first : last + 1]]
    return checked_span({"utterance_ids": ids, "char_start": begin, "char_end": stop}, found)
