"""A view as lists of features, by family: words, their classes, who stands near whom, clauses, and the turns around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd
from spacy.language import Language

from features.assist.encoding import Encoder, signs
from features.assist.lexis import characters, classes, grams, neighbours, tokens
from features.assist.syntax import syntax_features

__all__ = ["ENCODED", "FAMILIES", "Documents", "Family", "documents"]

Documents = dict[str, list[list[str]]]
"""Family to one list of features a row."""


@dataclass(frozen=True)
class Family:
    """One kind of features: its ``weight`` beside the others, and in how many rows at least a feature must occur."""

    weight: float
    min_rows: int


ENCODED: Final = "encoded"
"""The family of a user's own encoder, which is there only where one is given."""
FAMILIES: Final = {
    "words": Family(1.0, 3),
    "characters": Family(1.0, 3),
    "clauses": Family(1.0, 3),
    "coarse": Family(0.6, 5),
    "middle": Family(0.6, 5),
    "fine": Family(0.6, 4),
    "neighbours": Family(0.6, 3),
    "class_neighbours": Family(0.6, 3),
    "side_words": Family(0.6, 3),
    "sides": Family(0.6, 2),
    "before": Family(0.5, 3),
    "after": Family(0.4, 3),
    "earlier": Family(0.3, 3),
    ENCODED: Family(1.0, 3),
}


def documents(seen: pd.DataFrame, english: Language | None = None, encoder: Encoder | None = None) -> Documents:
    """Features of views.

    Parameters
    ----------
    seen : from ``features.assist.views.views``.
    english : the parser, by default the shipped one.
    encoder : a user's own, whose features are a further family.

    Returns
    -------
    For each of ``FAMILIES`` a list of features a row, with repetitions. The length of a text is no feature.
    """
    words = {turn: [tokens(text) for text in seen[turn]] for turn in ("text", "before", "earlier", "after")}
    text = words["text"]
    sides = seen["side"].replace({"other_partner": "unknown"}).tolist()
    encoded = {} if encoder is None else {ENCODED: signs(seen["text"].tolist(), encoder)}
    return {
        "words": _each(text, lambda row: grams(row, 1, 3)),
        "characters": _each(text, characters),
        "clauses": syntax_features(seen["text"].tolist(), sides, english),
        "coarse": _each(text, lambda row: grams(classes(row, 150), 1, 5)),
        "middle": _each(text, lambda row: grams(classes(row, 600), 1, 4)),
        "fine": _each(text, lambda row: grams(classes(row, 2000), 1, 3)),
        "neighbours": _each(text, neighbours),
        "class_neighbours": _each(text, lambda row: neighbours(classes(row, 150))),
        "side_words": [[f"{side} {word}" for word in row] for side, row in zip(seen["side"], text, strict=True)],
        "sides": _sides(seen),
        "before": _each(words["before"], lambda row: grams(row, 1, 2)),
        "after": _each(words["after"], lambda row: grams(row, 1, 2)),
        "earlier": words["earlier"],
        **encoded,
    }


def _each(rows: list[list[str]], features: Callable[[list[str]], list[str]]) -> list[list[str]]:
    return [features(row) for row in rows]


def _sides(seen: pd.DataFrame) -> list[list[str]]:
    columns = [seen[name].tolist() for name in ("side", "before_side", "after_side", "link")]
    return [
        [
            f"side={side}",
            f"before={before}",
            f"after={after}",
            f"link={link}",
            f"{side} after {before}",
            f"{side} {link}",
        ]
        for side, before, after, link in zip(*columns, strict=True)
    ]
