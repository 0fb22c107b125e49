"""How much: the number and unit that a quote states, such as ``nine days`` or ``40k``."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["magnitude"]

_ONES: Final = "one two three four five six seven eight nine ten eleven twelve"
_TEENS: Final = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES: Final = "hundred thousand million billion dozen"
_WORD: Final = "|".join(sorted(f"{_ONES} {_TEENS} {_TENS} {_SCALES}".split(), key=len, reverse=True))
_NUMBER: Final = (
    r"(?<![\w.,:/-])(?:"
    rf"(?:\d{{1,3}}(?:\s\d{{3}})+\b|\d+(?:[.,]\d+)*)(?:\s(?:thousand|million|billion))?|(?:an?\s)?(?:half(?=\san?\s)|(?:{_WORD})(?:[\s-](?:and\s)?(?:{_WORD}))*)"
    r")"
)
_TIME: Final = r"(?:minute|hour|day|night|weekend|week|fortnight|month|quarter|year)"
_CURRENCY: Final = (
    r"(?:euros?|dollars?|pounds?|francs?|crowns?|kroner|zloty|yen|rupees?|EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN)"
)
_SIGN: Final = r"[€$£¥]"
_MONEY: Final = (
    rf"{_SIGN}\s?\d+(?:[.,]\d+)*\s?(?:k|m|bn|thousand|million|billion)?(?!\w)"
    rf"|{_NUMBER}(?:k|m|bn)?\s?(?:{_SIGN}|{_CURRENCY}\b)|{_NUMBER}(?:k|bn)\b"
)
_OF: Final = r"(?:out\s)?of\s(?:(?:the|our|their|your|its|his|her|those|these|all)\s)*"
_NO_UNIT: Final = (
    "always as business discuss does guys has his is its less makes needs ones others ours perhaps says sides "
    "theirs things this thus toes towards us was ways yes yours"
)
_COUNTED: Final = rf"(?!(?:{'|'.join(_NO_UNIT.split())})\b)(?:people|staff|men|women|[a-z]+[a-rt-z]s)\b"
_KINDS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_NUMBER}\s?(?:percent|per\scent|%)(?:\spoints?)?",
        _MONEY,
        rf"{_NUMBER}\s{_OF}{_NUMBER}(?:\s{_COUNTED})?",
        rf"{_NUMBER}[\s-](?:(?:working|business|calendar|full|whole)\s)?(?:an?\s)?{_TIME}s?\b",
        rf"(?!(?:one|1|(?:19|20)\d\d)\s){_NUMBER}\s(?:[a-z]+\s)?{_COUNTED}",
    )
)


def magnitude(text: str) -> str | None:
    """The number and unit that the text states, in its own words with single spaces; None when it states none.

    Of several, the first of the most telling kind: a percentage, money, a part of a number (``sixty of the sixty-five
    planners``), a time, a count of things (in the plural). Dates, times of day, years, ordinals and bare numbers state
    none.
    """
    words = " ".join(text.split())
    for kind in _KINDS:
        found = kind.search(words)
        if found:
            return found[0]
    return None
