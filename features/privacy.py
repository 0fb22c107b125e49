"""Text without what points to a person: names, e-mail and postal addresses, phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

__all__ = ["name_words", "redacted"]

_EMAIL: Final = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_DIGITS: Final = re.compile(
    r"(?P<other>(?<![\w.,])(?:\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,3}(?:[.,\s]\d{3})+|\d+[.,]\d+)(?![\w-]))"
    r"|(?<![\w.,])(?:\+|00|\(?0)?\(?\d[\d\s()./-]{5,}\d(?!\w)"
)
"""Dates, amounts and fractions, which stay, or what may be a phone number."""
_STREET: Final = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Drive|Square|Boulevard|Blvd\.?|Court|Terrace|Parkway|Way)"
)
_PLACE: Final = r"(?:,?\s(?:[A-Z]{1,2}-)?\d{4,6}|,?\s[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})?"
_WORDS: Final = r"(?:[A-Z][\w'’-]+\s)"
_ADDRESSES: Final = (
    re.compile(rf"\b\d{{1,5}}[A-Za-z]?,?\s{_WORDS}{{1,4}}{_STREET}(?!\w){_PLACE}"),
    re.compile(r"\b[A-Z][\w-]*(?:stra(?:ss|ß)e|str\.|weg|gasse|platz|allee)\s\d{1,4}[a-z]?\b(?:,\s\d{4,5}\s[A-Z]\w+)?"),
    re.compile(
        rf"\b(?:\d{{1,4}},?\s)?(?i:rue|via|calle|avenida|plaza)\s(?:d\w{{1,2}}\s|l[ae]s?\s)*{_WORDS}{{1,3}}\d{{1,4}}\b"
    ),
    re.compile(r"\b(?:P\.?\s?O\.?\s?Box|Postfach)\s\d+", re.IGNORECASE),
    re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b|\b[A-Z]{2}\s\d{5}(?:-\d{4})?\b"),
)
_NAME_WORD: Final = re.compile(r"[^\W\d_][\w'’-]+")
_ASIDE: Final = re.compile(r"\([^)]*\)|<[^>]*>|\[[^\]]*\]")
_TITLES: Final = frozenset(
    ["Mr", "Mrs", "Ms", "Dr", "Prof", "Sir", "The", "And", "the", "and", "of", "Speaker", "Unknown", "Host", "Guest"]
)


def redacted(text: str, names: frozenset[str]) -> str:
    """The text with ``[EMAIL]``, ``[PHONE]``, ``[ADDRESS]`` and ``[NAME]`` in place of what they stand for.

    Parameters
    ----------
    names : words of people's names, as ``name_words`` gives them. They are found as whole words in the same case, or
        all in capitals; several in a row become one ``[NAME]``. A name that nobody lists is not found.
    """
    text = _EMAIL.sub("[EMAIL]", text)
    for address in _ADDRESSES:
        text = address.sub("[ADDRESS]", text)
    text = _DIGITS.sub(_phone, text)
    return _names(names).sub("[NAME]", text) if names else text


def name_words(people: Iterable[str | None], keep: Iterable[str | None] = ()) -> frozenset[str]:
    """The words of people's names that tell who they are.

    Parameters
    ----------
    people : names as sources write them (``Ines Duarte (Kestrel)``, ``duarte, ines``); e-mail addresses and missing
        ones give none.
    keep : names of companies, whose words stay.
    """
    kept = {word.casefold() for name in keep if name for word in _NAME_WORD.findall(name)}
    found = {word for name in people if isinstance(name, str) and "@" not in name for word in _words(name)}
    return frozenset(word for word in found if word.casefold() not in kept)


def _words(name: str) -> list[str]:
    words = _NAME_WORD.findall(_ASIDE.sub(" ", name))
    return [word[:1].upper() + word[1:] for word in words if word not in _TITLES and len(word) > 1]


def _phone(match: re.Match[str]) -> str:
    found = match[0]
    digits = sum(character.isdigit() for character in found)
    return "[PHONE]" if match["other"] is None and 7 <= digits <= 15 else found


@lru_cache(maxsize=4)
def _names(names: frozenset[str]) -> re.Pattern[str]:
    words = sorted({form for word in names for form in (word, word.upper())}, key=lambda word: (-len(word), word))
    word = f"(?:{'|'.join(map(re.escape, words))})"
    return re.compile(rf"(?<!\w){word}(?:\s{word})*(?!\w)")
