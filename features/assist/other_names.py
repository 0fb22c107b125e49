"""Names of people, places, products and competitors in a text: capitals where an ordinary word would have none."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from features.assist.lexicon import BEFORE_RIVAL, ORDINARY_CAPITALS, TITLES
from features.assist.words import Words, frequency_rank

COMMON: Final = 4000
"""A capitalised word within a sentence is a name unless it is among so many most frequent words."""


def name_words(text: Words, known: frozenset[str]) -> Iterator[tuple[int, int]]:
    """First and last word of each run of words that is a name.

    Parameters
    ----------
    text : an utterance's words.
    known : folded words known to be names (of speakers, say); they count at the start of a sentence as well.
    """
    first: int | None = None
    for place in range(len(text.raw)):
        if _is_name(text, place, known):
            if first is None or not text.joins(place - 1):
                if first is not None:
                    yield first, place - 1
                first = place
        elif first is not None:
            yield first, place - 1
            first = None
    if first is not None:
        yield first, len(text.raw) - 1


def _is_name(text: Words, place: int, known: frozenset[str]) -> bool:
    raw, word = text.raw[place], text.folded[place]
    if not raw[0].isupper():
        return word in known and frequency_rank(word) is None
    if word in known:
        return len(raw) > 1
    if (
        len(raw) < 3
        or not raw.isalpha()
        or {word, word.rstrip("s")} & ORDINARY_CAPITALS
        or (raw.isupper() and len(raw) <= 5)
    ):
        return False
    rank = frequency_rank(word)
    if place and text.folded[place - 1] in TITLES:
        return True
    if text.opens_sentence(place):
        return rank is None and _is_called(text, place)
    return (rank is None or rank >= COMMON) and not text.text.isupper()


def _is_called(text: Words, place: int) -> bool:
    """Whether a rare word that opens a sentence is used as a name: "Giulio, could you", "Bergmann's people"."""
    after = text.text[text.ends[place] : text.ends[place] + 2]
    return after.startswith((",", "'s", "’s"))


def rival_words(text: Words, spans: list[tuple[int, int]], taken: list[tuple[int, int]]) -> set[str]:
    """Folded names of competitors: whose reseller is spoken of, or what follows "competitor" or "against".

    Parameters
    ----------
    text : an utterance's words.
    spans : characters of its mentions of kind ``rival``.
    taken : characters of its partners' names, which are nobody else's.
    """
    starts = {start for start, _ in spans}
    found: set[str] = set()
    order = sorted(taken)
    begins = [begin for begin, _ in order]
    for place, start in enumerate(text.starts):
        owns = start in starts and place + 1 < len(text.raw) and text.folded[place + 1] == "s"
        told = place > 0 and text.folded[place - 1] in BEFORE_RIVAL
        if not (owns or told):
            continue
        nearest = bisect_right(begins, start) - 1
        is_free = nearest < 0 or order[nearest][1] <= start
        if is_free and text.raw[place][0].isupper() and frequency_rank(text.folded[place]) is None:
            found.add(text.folded[place])
    return found
