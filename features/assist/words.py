"""Words of an utterance with their places, and how common a word is in English."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

_INVISIBLE: Final = "\u00ad\u200b-\u200f\u2060\ufeff\u0300-\u036f"
_WORD: Final = re.compile(rf"[^\W_](?:[^\W_]|[{_INVISIBLE}])*")
_DROPPED: Final = re.compile(rf"[{_INVISIBLE}]+")
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
_JOINT: Final = re.compile(r"\s?[-&+/–’'\u200b]\s?|\.|[^\S\n]{1,2}|[^\S\n]?\n")
COMMON: Final = 30_000
"""Frequency rank beyond which a word is taken for no word but a name."""

_SENTENCE_END: Final = frozenset('.!?…\n:;>*•"“(')


class Words(NamedTuple):
    """An utterance as parallel lists, one entry a word: character offsets (end excluded), as written, and folded."""

    text: str
    starts: list[int]
    ends: list[int]
    raw: list[str]
    folded: list[str]

    def joins(self, index: int) -> bool:
        """Whether word ``index`` and the next one may be two halves of one name: no stop or comma between them."""
        return _JOINT.fullmatch(self.text, self.ends[index], self.starts[index + 1]) is not None

    def opens_sentence(self, index: int) -> bool:
        """Whether word ``index`` stands where any word has a capital: first in the text or after a full stop."""
        place = self.starts[index] - 1
        limit = max(-1, place - 8)
        while place > limit and self.text[place] in " \t'‘’":
            place -= 1
        return place < 0 or self.text[place] in _SENTENCE_END


@lru_cache(maxsize=1 << 17)
def fold(word: str) -> str:
    """The word without case, accents and invisible characters: ``Söhne`` and ``SOHNE`` are both ``sohne``."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", _DROPPED.sub("", word).casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_LETTERS)


def words(text: str) -> Words:
    """Words of a text, in linear time whatever the text holds (emoji, right-to-left script, invisible characters)."""
    starts, ends, raw = [], [], []
    for match in _WORD.finditer(text):
        starts.append(match.start())
        ends.append(match.end())
        raw.append(match.group())
    return Words(text, starts, ends, raw, [fold(word) for word in raw])


@cache
def _ranks() -> dict[str, int]:
    lines = files("features.assist").joinpath("frequent_words.txt").read_text(encoding="utf-8").splitlines()
    return {word: rank for rank, word in enumerate(line for line in lines if not line.startswith("#"))}


def frequency_rank(word: str) -> int | None:
    """Place of a folded word among the 30,000 most frequent of English, 0 the first; None for a rarer word.

    A plural or a third person counts as common when its singular is.
    """
    rank = _rank(word)
    return rank if rank is not None and rank < COMMON else None


def is_english(word: str) -> bool:
    """Whether a folded word is among the 59,000 most frequent of English, and so hardly a name that was misspelt."""
    return _rank(word) is not None


def _rank(word: str) -> int | None:
    ranks = _ranks()
    forms = [word]
    if word.endswith("s") and len(word) > 4:
        forms += [word[:-1], word[:-3] + "y"] if word.endswith("ies") else [word[:-1]]
    return min((ranks[form] for form in forms if form in ranks), default=None)
