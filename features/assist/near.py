"""Misheard and misspelt names: the nearest known name to a word, if one is clearly nearest.

A word is compared with few names only: those that differ by one letter (an index of every name with each letter left
out, after Garbe's symmetric deletes, 2012) and those whose consonants sound alike ("june oh ventus", Junoventis).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein

SHORTEST: Final = 5
"""Names of fewer letters are too near to too many words."""

MARGIN: Final = 0.08
"""By how much a name must be nearer than any other partner's."""

_SOUNDS: Final = (("ph", "f"), ("sch", "s"), ("sh", "s"), ("ck", "k"), ("th", "t"), ("x", "ks"), ("qu", "k"))
_SAME: Final = str.maketrans({"c": "k", "q": "k", "z": "s", "w": "v", "g": "k", "d": "t", "b": "p", "j": "y"})
_SILENT: Final = re.compile(r"(?<=.)[aeiouyh]+")
_TWICE: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=1 << 16)
def skeleton(word: str) -> str:
    """The consonants of a folded word by sound; a vowel stays only where it begins the word."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    return _TWICE.sub(r"\1", _SILENT.sub("", word).translate(_SAME))


def _shortened(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))} | {word}


class NearNames:
    """An index of names by nearness of spelling and sound.

    Parameters
    ----------
    names : folded names without spaces, each with the partners that bear it.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        self._partners = {name: tuple(sorted(ids)) for name, ids in names.items() if len(name) >= SHORTEST}
        self._spelling: dict[str, list[str]] = defaultdict(list)
        self._sound: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, tuple[str, float] | None] = {}
        for name in sorted(self._partners):
            for short in _shortened(name):
                self._spelling[short].append(name)
            if len(skeleton(name)) >= 3:
                self._sound[skeleton(name)].append(name)

    def nearest(self, word: str) -> tuple[str, float] | None:
        """The partner whose name is clearly nearest to a folded word, and how near it is (0 to 1); None if none is."""
        if not SHORTEST - 1 <= len(word) <= 40:
            return None
        if word not in self._known:
            if len(self._known) > 500_000:
                self._known.clear()
            self._known[word] = self._find(word)
        return self._known[word]

    def sounding(self, word: str) -> tuple[str, float] | None:
        """As `nearest`, among the names that sound alike only."""
        return self.nearest(word) if skeleton(word) in self._sound else None

    def _find(self, word: str) -> tuple[str, float] | None:
        alike = set(self._sound.get(skeleton(word), ()))
        names = alike.union(*(self._spelling.get(short, ()) for short in _shortened(word)))
        best: dict[str, float] = {}
        for name in names:
            nearness = DamerauLevenshtein.normalized_similarity(word, name)
            nearness = max(nearness, (1 + nearness) / 2 - 0.05) if name in alike else nearness
            for partner in self._partners[name]:
                best[partner] = max(best.get(partner, 0.0), nearness)
        if not best:
            return None
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < MARGIN:
            return None
        return ranked[0]
