"""Text without what points to a person: names, e-mail and postal addresses, phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
_NAME_WORD: Final = re.compile(r"[^\W\d_](?:[\w-]*\w)?")
_NAMES: Final = re.compile(r"\[NAME\](?:\s\[NAME\])+")
_ASIDE: Final = re.compile(r"\([^)]*\)|<[^>]*>|\[[^\]]*\]")
_TITLES: Final = (
    " mr mrs ms dr prof sir the and of speaker unknown host guest team sales support service desk helpdesk office "
    "marketing meeting room participant caller "
)
"""What stands beside or in place of names."""
_EVERYDAY: Final = (
    " art banks bell bill black brown case chase chip cook dale day dean drew earl faith field frank grace grant gray "
    "green grey guy hall hill hope jack joy king mark may miles page pat pierce price rich rob rose short small "
    "sterling stone sue wade ward wells white will wise wood young "
)
"""Names that are words of most conversations as well."""


def redacted(text: str, names: frozenset[str]) -> str:
    """The text with ``[EMAIL]``, ``[PHONE]``, ``[ADDRESS]`` and ``[NAME]`` in place of what they stand for.

    Parameters
    ----------
    names : words of people's names, as ``name_words`` gives them. They are found as whole words in any case, those
        that are everyday words as well (``Will``) only with a capital; several in a row become one ``[NAME]``. A name
        that nobody lists is not found.
    """
    text = _EMAIL.sub("[EMAIL]", text)
    for address in _ADDRESSES:
        text = address.sub("[ADDRESS]", text)
    text = _DIGITS.sub(_phone, text)
    text = _NAME_WORD.sub(lambda word: "[NAME]" if _is_name(word[0], names) else word[0], text)
    return _NAMES.sub("[NAME]", text)


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


def _is_name(word: str, names: frozenset[str]) -> bool:
    return word in names or (word.capitalize() in names and (word.isupper() or f" {word} " not in _EVERYDAY))


def _words(name: str) -> list[str]:
    words = _NAME_WORD.findall(_ASIDE.sub(" ", name))
    return [word[:1].upper() + word[1:] for word in words if f" {word.casefold()} " not in _TITLES and len(word) > 1]


def _phone(match: re.Match[str]) -> str:
    found = match[0]
    digits = sum(character.isdigit() for character in found)
    return "[PHONE]" if match["other"] is None and 7 <= digits <= 15 else found
