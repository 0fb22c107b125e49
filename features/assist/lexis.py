"""Words of masked text and their classes: what a linear model reads of an utterance."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final

__all__ = ["CLASS_SIZES", "characters", "classes", "grams", "neighbours", "tokens"]

CLASS_SIZES: Final = (150, 600, 2000)
"""Into how many classes words are divided, coarse to fine."""

_TOKEN: Final = re.compile(r"\[[A-Z_]+\]|\w+(?:['’]\w+)?|[?!.,;:]")
_CLASSED: Final = "c"
_NUMBER, _UNKNOWN = "#", "?word"
_REACH: Final = 7
"""Words on either side of a role or pronoun that are paired with it."""

_ROLES: Final = frozenset({"[partner]", "[other_partner]", "[rival]"})
_PRONOUNS: Final = "i we you they us them our your their he she who my me"
_ANCHORS: Final = _ROLES | set(_PRONOUNS.split())
_FUNCTIONAL: Final = """
i we you they he she it us them him me her my our your their his its this that these those who which what when
where why how a an the and or but if because so then than as of to in on at for by with from through via
without until after before about over under into out up down off back away is are was were be been being am do
does did done doing have has had having will would can could shall should may might must not no never nobody
nothing nor neither yes yeah ok none any some all both each only just even still yet already again ever once
going gonna got get gets getting let there here one two ? ! . , ; : n't
"""
_FUNCTION_WORDS: Final = _ROLES | {"[customer]", "[vendor]", "[name]"} | set(_FUNCTIONAL.split())
"""Words that stand for themselves, in no class: roles, pronouns, auxiliaries, prepositions, stops."""


def tokens(text: str) -> list[str]:
    """Lower-case words and stops of a text; a role's tag is one word, "don't" is ``do`` and ``n't``."""
    found = []
    for word in _TOKEN.findall(text):
        lower = word.lower().replace("’", "'")
        if lower.endswith("n't") and len(lower) > 3:
            found += [lower[:-3], "n't"]
        elif "'" in lower:
            stem, _, ending = lower.partition("'")
            found += [stem, f"'{ending}"]
        else:
            found.append(lower)
    return found


def classes(words: Sequence[str], size: int) -> list[str]:
    """Each word's class among ``size`` (of ``CLASS_SIZES``); function words stay, numbers and unknown words are one."""
    known = _word_classes()[size]
    return [_class(word, known) for word in words]


def _class(word: str, known: dict[str, str]) -> str:
    if word in _FUNCTION_WORDS or word.startswith("'"):
        return word
    return _NUMBER if word[0].isdigit() else known.get(word, _UNKNOWN)


def grams(words: Sequence[str], shortest: int, longest: int) -> list[str]:
    """Runs of ``shortest`` to ``longest`` words, joined by blanks."""
    lengths = range(shortest, longest + 1)
    return [" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)]


def characters(words: Sequence[str], shortest: int = 3, longest: int = 5) -> list[str]:
    """Runs of characters within content words, which stand between blanks."""
    found = []
    for word in words:
        if word not in _FUNCTION_WORDS and len(word) > 2:
            padded = f" {word} "
            for n in range(shortest, longest + 1):
                found += [padded[i : i + n] for i in range(len(padded) - n + 1)]
    return found


def neighbours(words: Sequence[str]) -> list[str]:
    """Each role or pronoun with each word near it, and on which side of it that stands."""
    return [
        pair for place, word in enumerate(words) if word in _ANCHORS for pair in _around(words, place, word.strip("[]"))
    ]


def _around(words: Sequence[str], place: int, anchor: str) -> Iterator[str]:
    for other in range(max(0, place - _REACH), place):
        yield f"{words[other]}<{anchor}"
    for other in range(place + 1, min(len(words), place + _REACH + 1)):
        yield f"{anchor}>{words[other]}"


@cache
def _word_classes() -> dict[int, dict[str, str]]:
    """Size to word to class, from the shipped list; see ``scripts/make_word_classes.py``."""
    packed = resources.files("features.assist").joinpath("word_classes.txt.gz").read_bytes()
    found: dict[int, dict[str, str]] = {size: {} for size in CLASS_SIZES}
    for line in gzip.decompress(packed).decode().splitlines():
        word, *places = line.split(" ")
        for size, place in zip(CLASS_SIZES, places, strict=True):
            found[size][word] = f"{_CLASSED}{size}.{place}"
    return found
