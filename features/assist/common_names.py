"""Names that are also words (Summit, Orange, Side): how much in a sentence says that the partner is meant.

Points for and against, by hand: a capital where none is needed counts most, then the words beside it ("the Kite
people", "from Kite", "Kite's", "Kite sent"), and against it an article before it or a small letter.
"""

from __future__ import annotations

from typing import Final

from features.assist.gazetteer import Hit
from features.assist.lexicon import (
    AFTER_NAME,
    ARTICLES,
    BEFORE_NAME,
    BUSINESS_ACRONYMS,
    ORDINARY_CAPITALS,
    PEOPLE,
    TITLES,
)
from features.assist.words import Words, frequency_rank

SURE: Final = 2.0
"""Points at which a name counts by itself."""

LIKELY: Final = 0.5
"""Points at which it counts if the partner was named beyond doubt, or speaks, in the same conversation."""

FREQUENT: Final = 1500
"""Frequency rank up to which a word in small letters is hardly ever a name."""

UNUSUAL: Final = 4000
"""Frequency rank from which a word is seldom said by chance where a name could stand."""


def points(text: Words, hit: Hit, people: frozenset[str] = frozenset()) -> float:
    """Points for a name; one that is no common word has more than it needs, unless it is part of another name.

    Parameters
    ----------
    text, hit : where the name stands.
    people : folded words of the names of people present.
    """
    against = _of_other_names(text, hit, people)
    if hit.is_acronym:
        return against + _of_acronym(text, hit)
    if hit.doubt is None or hit.kind == "domain":
        return against + SURE + 1
    raw = text.raw[hit.first : hit.last + 1]
    capital = all(word[0].isupper() for word in raw) and not text.text.isupper()
    return against + _of_case(text, hit, hit.doubt, capital=capital) + _of_neighbours(text, hit, hit.doubt)


def _of_acronym(text: Words, hit: Hit) -> float:
    letters = "".join(text.folded[hit.first : hit.last + 1])
    rank = frequency_rank(letters) if hit.n_words == 1 else None
    is_known_word = rank is not None and (rank < UNUSUAL or text.text.isupper())
    is_initials = hit.n_words > 1 and not {"&", "+"} & set(text.text[hit.start : hit.end])
    return LIKELY if is_known_word or is_initials or letters in BUSINESS_ACRONYMS else SURE


def _of_other_names(text: Words, hit: Hit, people: frozenset[str]) -> float:
    """Points against: "Mrs Thorn", a speaker called so, "Halcyon Freight", "Tri-Parish"."""
    if hit.kind == "domain":
        return 0.0
    is_word = hit.doubt is not None or hit.kind == "fuzzy"
    score = 0.0
    if hit.first and (text.folded[hit.first - 1] in TITLES or text.text[text.starts[hit.first] - 1] == "-"):
        score -= 3.0 if is_word else 1.0
    if hit.n_words == 1 and text.folded[hit.first] in people:
        score -= 1.5
    if hit.n_words == 1 and text.raw[hit.first][0].isupper():
        score -= 1.5 if is_word and _goes_on(text, hit.last) else 0.0
        score -= 1.0 if is_word and hit.first and _goes_on(text, hit.first - 1, back=True) else 0.0
    return score


def _goes_on(text: Words, place: int, *, back: bool = False) -> bool:
    """Whether a name goes on from ``place`` to the next word; ``back``: whether ``place`` itself begins one."""
    if place + 1 >= len(text.raw) or text.text[text.ends[place] : text.starts[place + 1]] != " ":
        return False
    other = place if back else place + 1
    raw, rank = text.raw[other], frequency_rank(text.folded[other])
    is_name = raw[0].isupper() and not raw.isupper() and len(raw) > 2 and (rank is None or rank >= (0 if back else 300))
    is_ordinary = text.folded[other] in ORDINARY_CAPITALS and not back
    return is_name and not is_ordinary and not text.opens_sentence(other)


def _of_case(text: Words, hit: Hit, rank: int, *, capital: bool) -> float:
    """Points for how the name is written; small letters count less against it where nothing has a capital."""
    if hit.n_words > 1:
        is_telling = capital or rank >= UNUSUAL or hit.n_words > 2 or (hit.is_split and rank >= FREQUENT)
        return 2.5 if is_telling else 1.5 if text.text.islower() else 0.5
    if not capital or text.folded[hit.first] in ORDINARY_CAPITALS:
        if text.folded[hit.first].endswith("s") and not capital:
            return -1.0
        small = 0.5 if rank >= UNUSUAL else -0.5 if rank >= FREQUENT else -1.0
        return small + (0.5 if text.text.islower() else 0.0)
    return 2.5 if not text.opens_sentence(hit.first) else 2.0 if rank >= UNUSUAL else 1.0


def _of_neighbours(text: Words, hit: Hit, rank: int) -> float:
    before = text.folded[hit.first - 1] if hit.first > 0 else ""
    after = text.folded[hit.last + 1] if hit.last + 1 < len(text.folded) else ""
    is_possessive = after == "s" and text.starts[hit.last + 1] == hit.end + 1
    if is_possessive:
        after = text.folded[hit.last + 2] if hit.last + 2 < len(text.folded) else ""
    score = 2.0 if after in PEOPLE else 0.0
    if before in ARTICLES and after not in PEOPLE and hit.n_words == 1:
        return score - 2.0
    score += 1.0 if is_possessive or after in AFTER_NAME or (len(after) > 4 and after.endswith("ed")) else 0.0
    alone = text.opens_sentence(hit.first) and text.text[hit.end : hit.end + 1] in {"", ".", "?", "!"}
    return score + (0.5 if before in BEFORE_NAME else 0.0) + (1.0 if alone and rank >= FREQUENT else 0.0)
