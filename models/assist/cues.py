"""Why a moment was flagged: the words and clauses of a turn that speak most for the class decided for."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from features.assist.documents import Documents
from features.assist.lexis import characters, classes, tokens
from features.assist.taxonomy import taxonomy
from models.assist.terms import Terms

__all__ = ["Cue", "cues"]

Floats = npt.NDArray[np.float64]
MOST_PHRASES: Final = 3
MOST_CLAUSES: Final = 2
LEAST: Final = 0.15
"""Log-odds from which on a word or clause is worth naming."""
STRONG: Final = 0.4
"""Part of the strongest word's log-odds that the words at a phrase's ends must have."""
_SIZES: Final = {"coarse": 150, "middle": 600, "fine": 2000}
"""Families of runs of word classes, and how many classes each tells apart."""
_WORD: Final = re.compile(r"[^\W\d_]")
_ROLE: Final = re.compile(r"\[(\w+)\]")
_WHO: Final = {
    "PARTNER": "the partner",
    "a partner": "the partner",
    "PARTNER_SELF": "the partner, who speaks,",
    "OTHER_PARTNER": "another partner",
    "RIVAL": "a rival",
    "CUSTOMER": "the customer",
    "WE": "we",
    "I_WE": "the speaker",
    "THEY": "they",
    "YOU": "you",
    "NOBODY": "nobody",
}
_DID: Final = {
    "happened": "it happened",
    "present": "it is under way",
    "planned": "it is planned",
    "denied": "it is denied",
    "asked": "it is asked for",
    "conditional": "it depends",
}


@dataclass(frozen=True)
class Cue:
    """One thing that speaks for the class, and by how much: ``weight`` in log-odds, > 0.

    ``words`` are a phrase of the turn in lower case, names by role; a ``clause`` is who did what, and whether it
    happened.
    """

    kind: Literal["words", "clause"]
    text: str
    weight: float


def cues(
    terms: Terms,
    weights: npt.NDArray[np.float32],
    texts: Sequence[str],
    found: Documents,
    labels: Sequence[str],
) -> list[list[Cue]]:
    """The strongest cues of each row, phrases first, each kind by falling weight.

    A linear model's log-odds are a sum, and each feature's part in it is known. What counts is how much more a feature
    speaks for the row's class than, on average, for the classes that are no assist (for one of these: than for the
    assists). The part of a run of words, or of a word's characters, is spread evenly over its words; neighbouring words
    make a phrase.

    Parameters
    ----------
    terms, weights : of ``models.assist.classifier.Linear``.
    texts : masked words of each row (column ``text`` of ``features.assist.views.views``).
    found : the same rows' features. ``labels`` : class decided for.
    """
    matrix, ends = terms.matrix(found), np.cumsum([len(features) for features in terms.known.values()])
    families = list(terms.known)
    told = []
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        columns = matrix.indices[start:end]
        parts = matrix.data[start:end] * _contrast(weights[columns], label)
        of_row = {family: dict[str, float]() for family in found}
        of_family = np.searchsorted(ends, columns, side="right")
        for column, place, part in zip(columns.tolist(), of_family.tolist(), parts.tolist(), strict=True):
            features = terms.known[families[place]]
            of_row[families[place]][features[column - int(ends[place])]] = part
        told.append([*_phrases(tokens(text), of_row), *_clauses(of_row["clauses"])])
    return told


def _contrast(weights: npt.NDArray[np.float32], label: str) -> Floats:
    """How much more each feature speaks for the class than for those of the other side, shape (features,)."""
    kinds = taxonomy()
    is_assist = np.arange(len(kinds.ids)) < len(kinds.assist_ids)
    other = weights[:, is_assist != is_assist[kinds.ids.index(label)]].mean(axis=1)
    contrast: Floats = (weights[:, kinds.ids.index(label)] - other).astype(np.float64)
    return contrast


def _phrases(words: list[str], of_row: dict[str, dict[str, float]]) -> list[Cue]:
    heat = np.zeros(len(words))
    for run, places in _runs(words):
        family, feature = run
        part = of_row[family].get(feature, 0.0) / len(places)
        for place, length in places:
            heat[place : place + length] += part / length
    heat += _of_characters(words, of_row["characters"])
    spans = sorted(_hot(words, heat), key=lambda span: (-heat[span].sum(), span.start))[:MOST_PHRASES]
    return [Cue("words", _shown(words[span]), round(float(heat[span].sum()), 3)) for span in spans]


def _runs(words: list[str]) -> Iterator[tuple[tuple[str, str], list[tuple[int, int]]]]:
    """Each run of words or of their classes that is a feature, and where it stands: place and length."""
    longest = {"words": 3, "fine": 3, "middle": 4, "coarse": 5}
    for family, most in longest.items():
        sequence = classes(words, _SIZES[family]) if family in _SIZES else words
        places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for length in range(1, most + 1):
            for place in range(len(sequence) - length + 1):
                places[" ".join(sequence[place : place + length])].append((place, length))
        for feature, where in places.items():
            yield (family, feature), where


def _of_characters(words: list[str], parts: dict[str, float]) -> Floats:
    """What runs of characters say, at the words in which they stand, shape (words,)."""
    inside = [set(characters([word])) for word in words]
    times = Counter(piece for pieces in inside for piece in pieces)
    return np.array([sum(parts.get(piece, 0.0) / times[piece] for piece in sorted(pieces)) for pieces in inside])


def _hot(words: list[str], heat: Floats) -> Iterator[slice]:
    """Runs of words that are worth naming, and that hold letters."""
    start = 0
    for end in range(len(words) + 1):
        if end == len(words) or heat[end] < LEAST:
            span = _trimmed(heat, start, end)
            if any(_WORD.search(word) for word in words[span]):
                yield span
            start = end + 1


def _trimmed(heat: Floats, start: int, end: int) -> slice:
    """The run without its weak ends, so that a phrase begins and ends with words that matter."""
    strong = np.flatnonzero(heat[start:end] >= STRONG * heat[start:end].max(initial=0.0))
    return slice(start + int(strong[0]), start + int(strong[-1]) + 1) if len(strong) else slice(start, start)


def _shown(words: Sequence[str]) -> str:
    text = re.sub(r" ([.,;:!?%'’])", r"\1", " ".join(words)).strip(" .,;:!?")
    return _ROLE.sub(lambda match: f"({match[1].replace('_', ' ').lower()})", text)


def _clauses(parts: dict[str, float]) -> list[Cue]:
    """What the clauses say that has a verb and tells whether it happened, with who did it where that is known."""
    weights: defaultdict[tuple[str, str], float] = defaultdict(float)
    doers: dict[tuple[str, str], tuple[float, str]] = {}
    for feature, part in parts.items():
        facts = dict(fact.split("=", 1) for fact in feature.split("|") if "=" in fact)
        if "act" in facts and facts.get("did") in _DID:
            clause = facts["act"], facts["did"]
            weights[clause] += part
            if facts.get("who") in _WHO:
                doers[clause] = max(doers.get(clause, (0.0, "")), (part, _WHO[facts["who"]]))
    best = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:MOST_CLAUSES]
    return [Cue("clause", _told(*clause, doers), round(part, 3)) for clause, part in best if part >= LEAST]


def _told(act: str, did: str, doers: dict[tuple[str, str], tuple[float, str]]) -> str:
    doer = doers.get((act, did), (0.0, ""))[1]
    return f"{doer} “{act}”: {_DID[did]}".strip()
