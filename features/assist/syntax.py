"""Who did what, and did it happen: clauses of utterances with masked names, as records, strings and numbers.

>>> from features.assist.syntax import read_clauses
>>> [clause] = read_clauses(["[PARTNER] introduced us to the buyer."], ["internal"])[0]
>>> clause.actor, clause.act, clause.status, clause.object
('PARTNER', 'introduce', 'happened', 'WE')
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from features.assist.syntax_clauses import Clause, clauses, clauses_of
from features.assist.syntax_dense import counts, dense_names
from features.assist.syntax_parse import load_english, trees
from features.assist.syntax_strings import strings
from features.assist.syntax_tree import Tree

__all__ = [
    "Clause",
    "Syntax",
    "clauses",
    "dense_names",
    "dense_syntax",
    "load_english",
    "read_clauses",
    "read_syntax",
    "syntax_features",
]


@dataclass(frozen=True, slots=True)
class Syntax:
    """All that was read of some utterances in one pass; each list has one entry an utterance."""

    clauses: list[list[Clause]]
    strings: list[list[str]]
    dense: NDArray[np.float32]


def read_syntax(texts: Sequence[str], sides: Sequence[str], english: Language | None = None) -> Syntax:
    """Clauses, feature strings and counts of utterances.

    Parameters
    ----------
    texts : utterances; names masked as ``[PARTNER]``, ``[OTHER_PARTNER]``, ``[RIVAL]``, ``[CUSTOMER]``, ``[VENDOR]``
        or ``[NAME]``. The same utterance with other names masked costs no second parse.
    sides : organisation of each speaker: ``internal``, ``customer``, ``partner`` or ``unknown``.
    english : the parser, by default the shipped one.

    Raises
    ------
    ValueError : there are not as many sides as texts.
    """
    found: list[list[Clause]] = []
    named: list[list[str]] = []
    numbers: list[NDArray[np.float32]] = []
    for tree, read, side in _each(texts, sides, english):
        found.append(read)
        named.append(strings(tree, read, side))
        numbers.append(counts(read))
    return Syntax(found, named, _table(numbers))


def read_clauses(texts: Sequence[str], sides: Sequence[str], english: Language | None = None) -> list[list[Clause]]:
    """The clauses of each utterance; parameters as of ``read_syntax``."""
    return [read for _, read, _ in _each(texts, sides, english)]


def syntax_features(texts: Sequence[str], sides: Sequence[str], english: Language | None = None) -> list[list[str]]:
    """Feature strings of each utterance for a sparse linear model; parameters as of ``read_syntax``."""
    return [strings(tree, read, side) for tree, read, side in _each(texts, sides, english)]


def dense_syntax(texts: Sequence[str], sides: Sequence[str], english: Language | None = None) -> NDArray[np.float32]:
    """Counts, shape (utterances, len(dense_names())); parameters as of ``read_syntax``."""
    return _table([counts(read) for _, read, _ in _each(texts, sides, english)])


def _each(
    texts: Sequence[str], sides: Sequence[str], english: Language | None
) -> Iterator[tuple[Tree, list[Clause], str]]:
    """Tree, clauses and side of one utterance after the other."""
    if len(texts) != len(sides):
        raise ValueError(f"{len(texts)} texts but {len(sides)} speakers' sides: give one side for each text.")
    for tree, side in zip(trees(texts, english), sides, strict=True):
        yield tree, clauses_of(tree, side), side


def _table(rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(rows) if rows else np.zeros((0, len(dense_names())), np.float32)
