"""Names that are also words (Summit, Orange, Side): how much in a sentence says that the partner is meant.

Points for and against, by hand: a capital where none is needed counts most, then the words beside it ("the Kite
people", "from Kite", "Kite's", "Kite sent"), and against it an article before it or a small letter.
"""

from __future__ import annotations

from typing import Final

from features.assist.gazetteer import Hit
from features.assist.lexicon import AFTER_NAME, ARTICLES, BEFORE_NAME, PEOPLE
from features.assist.words import Words

SURE: Final = 2.0
"""Points at which a name counts by itself."""

LIKELY: Final = 0.5
"""Points at which it counts if the partner was named beyond doubt, or speaks, in the same conversation."""


def points(text: Words, hit: Hit) -> float:
    """Points for a name that is also a common word; an uncommon name has more than it needs."""
    if hit.doubt is None and not hit.is_acronym:
        return SURE + 1
    if hit.is_acronym:
        return SURE if hit.end - hit.start > 2 or hit.doubt is None else LIKELY
    capitals = [text.raw[i][0].isupper() for i in range(hit.first, hit.last + 1)]
    shouted = all(text.raw[i].isupper() for i in range(hit.first, hit.last + 1)) and text.text.isupper()
    score = _of_case(text, hit, all(capitals) and not shouted) + _of_neighbours(text, hit)
    common = hit.doubt is not None and hit.doubt < 1500 and hit.n_words == 1
    return score - (0.5 if common and not (all(capitals) and not text.opens_sentence(hit.first)) else 0.0)


def _of_case(text: Words, hit: Hit, capital: bool) -> float:  # noqa: FBT001 - private, one caller
    if not capital:
        return -0.5 if hit.n_words == 1 else 0.5
    if hit.n_words > 1:
        return 2.5
    return 1.0 if text.opens_sentence(hit.first) else 2.5


def _of_neighbours(text: Words, hit: Hit) -> float:
    before = text.folded[hit.first - 1] if hit.first > 0 else ""
    after = text.folded[hit.last + 1] if hit.last + 1 < len(text.folded) else ""
    is_possessive = after == "s" and text.starts[hit.last + 1] == hit.end + 1
    if is_possessive:
        after = text.folded[hit.last + 2] if hit.last + 2 < len(text.folded) else ""
    score = 2.0 if after in PEOPLE else 0.0
    if before in ARTICLES and after not in PEOPLE:
        return score - 2.0
    score += 1.0 if is_possessive or after in AFTER_NAME else 0.0
    return score + (0.5 if before in BEFORE_NAME else 0.0)
