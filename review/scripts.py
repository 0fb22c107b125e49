"""Names that mix letters of several scripts, as those do that are made to look like others."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["mixes_scripts"]

LOOKALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN"})
"""Scripts with letters that look like those of another of them."""


@lru_cache(maxsize=4096)
def mixes_scripts(name: str) -> bool:
    """Whether a word of it has letters of two scripts that look alike, e.g. a Cyrillic letter among Latin ones."""
    return not name.isascii() and any(len(_scripts(word)) > 1 for word in name.split())


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha()} & LOOKALIKE
