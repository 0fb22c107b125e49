"""Base forms of verbs and nouns: irregular ones from a table, the others by rule."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

VOWELS = "aeiou"


@cache
def irregular() -> Mapping[str, Mapping[str, str]]:
    """Word → base form for ``verb`` and ``noun``, where the rules of this module err (``english/lemmas.json``)."""
    text = resources.files("features.assist").joinpath("english", "lemmas.json").read_text(encoding="utf-8")
    table: Mapping[str, Mapping[str, str]] = json.loads(text)
    return table


@cache
def lemma(word: str, tag: str) -> str:
    """The base form of a lower-case word with a Penn tag; verbs and plural nouns change, others stay."""
    if tag.startswith("VB") or tag == "MD":
        return irregular()["verb"].get(word) or regular_verb(word, tag)
    if tag in {"NNS", "NNPS"}:
        return irregular()["noun"].get(word) or regular_noun(word)
    return word


def regular_verb(word: str, tag: str) -> str:
    """The base form by rule alone, e.g. ``carried`` → ``carry``, ``planning`` → ``plan``."""
    if tag == "VBZ":
        return regular_noun(word)
    if tag in {"VBD", "VBN"} and word.endswith("ed") and len(word) > 4:
        return f"{word[:-3]}y" if word.endswith("ied") else _stem(word[:-2])
    if tag == "VBG" and word.endswith("ing") and len(word) > 5:
        return _stem(word[:-3])
    return word


def regular_noun(word: str) -> str:
    """The singular by rule alone; third persons of verbs follow the same rule."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _stem(stem: str) -> str:
    """The verb that lost ``ed`` or ``ing``: a doubled consonant is halved, a silent e comes back."""
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    silent = stem.endswith(
        ("at", "iz", "is", "v", "c", "us", "ag", "ang", "arg", "dg", "ut", "in", "ir", "ur", "bl", "pl")
    )
    short = len(stem) > 2 and stem[-1] not in f"{VOWELS}wxy" and stem[-2] in VOWELS and stem[-3] not in VOWELS
    return f"{stem}e" if silent or (short and stem[-1] in "dkmprst" and len(stem) <= 4) else stem
