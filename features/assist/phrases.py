"""Words that stand for a partner without its name: "they", "your integrator", "those guys", "our dealers"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from features.assist.lexicon import (
    ANY,
    COMPANIES,
    GROUPS,
    NOT_BUSINESS,
    OTHERS,
    PHRASE_ENDS,
    RIVAL_WORDS,
    SAID_BEFORE,
    THEY,
)
from features.assist.words import Words

_TYPES: Final[dict[str, frozenset[str]]] = {
    noun: frozenset(types.split())
    for nouns, types in (
        ("integrator implementer installer contractor subcontractor", "si msp"),
        ("reseller dealer retailer var", "reseller distributor"),
        ("distributor wholesaler importer", "distributor reseller"),
        ("marketplace hyperscaler", "hyperscaler"),
        ("consultant consultancy consulting advisor adviser auditor accountant advisory", "advisor si"),
        ("msp helpdesk", "msp"),
        ("isv", "isv"),
        ("introducer referrer broker", "referral advisor"),
        ("partner agency outfit firm agent", ""),
    )
    for noun in nouns.split()
}
"""Nouns for a partner and the partner types they fit; no type: any."""


class Phrase(NamedTuple):
    """A stand-in for a partner: what sort, the character span, the types that it fits (none: any) and its words.

    ``sort`` is ``description`` (one that was spoken of before), ``group`` ("those guys"), ``generic`` (any of many), or
    ``theirs`` (another company's: "their reseller") or ``rival`` (a competitor, or a competitor's partner).
    """

    sort: str
    start: int
    end: int
    types: frozenset[str]


def _singular(word: str) -> str:
    if word == "agencies":
        return "agency"
    if word == "consultancies":
        return "consultancy"
    return word.removesuffix("s")


def _determiner(text: Words, place: int) -> int | None:
    """Place of the article or the like that opens the noun phrase which ends at ``place``; at most three words back."""
    for back in range(place - 1, max(-1, place - 4), -1):
        if not text.joins(back):
            return None
        if back < place - 1 and text.folded[back + 1] in PHRASE_ENDS:
            return None
        if text.folded[back] in SAID_BEFORE | ANY | THEY | NOT_BUSINESS:
            return back
    return None


def _owner_has_a_name(text: Words, place: int) -> bool:
    """Whether "Vexley's" stands before the noun: a capitalised word and the s of possession."""
    return (
        place >= 2
        and text.folded[place - 1] == "s"
        and text.raw[place - 2][0].isupper()
        and text.folded[place - 2] not in ("who", "that", "it", "he", "she", "there", "here", "what", "let")
    )


def phrases(text: Words) -> Iterator[Phrase]:
    """Stand-ins for partners and rivals in a text, in order."""
    for place, word in enumerate(text.folded):
        start, end = text.starts[place], text.ends[place]
        if word in RIVAL_WORDS:
            yield Phrase("rival", start, end, frozenset())
        elif word == "other" and place + 1 < len(text.folded) and text.folded[place + 1] in OTHERS:
            if place and text.folded[place - 1] == "the":
                yield Phrase("rival", start, text.ends[place + 1], frozenset())
        elif word in GROUPS and place and text.folded[place - 1] in {"those", "these", "that"}:
            yield Phrase("group", text.starts[place - 1], end, frozenset())
        elif word in _TYPES or _singular(word) in _TYPES:
            phrase = _noun_phrase(text, place)
            if phrase is not None:
                yield phrase


def _noun_phrase(text: Words, place: int) -> Phrase | None:
    word = text.folded[place]
    types = _TYPES.get(word) or _TYPES.get(_singular(word)) or frozenset()
    is_plural = word.endswith("s")
    if _owner_has_a_name(text, place):
        return Phrase("rival", text.starts[place - 2], text.ends[place], types)
    opening = _determiner(text, place)
    determiner = text.folded[opening] if opening is not None else ""
    start = text.starts[place if opening is None else opening]
    if determiner in NOT_BUSINESS and not types:
        return None
    if determiner in THEY and word in COMPANIES:
        return Phrase("theirs", start, text.ends[place], types)
    many = is_plural and (determiner not in SAID_BEFORE or (determiner == "our" or not types))
    if determiner in SAID_BEFORE and not many:
        return Phrase("description", start, text.ends[place], types)
    return Phrase("generic", start, text.ends[place], types)
