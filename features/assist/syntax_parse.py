"""The shipped English parser, and utterances with masked names through it."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from features.assist.syntax_tree import Tree, tree_of

MASK = re.compile(r"\[(PARTNER|OTHER_PARTNER|RIVAL|CUSTOMER|VENDOR|NAME)\]")
# All masked names are parsed as this one, a company's, so that a tree does not depend on who is who.
STAND_IN = "Enron"
BATCH = 256
CHUNK = 4096


@lru_cache(maxsize=2)
def load_english(path: Path | None = None) -> Language:
    """The English tagger and dependency parser, loaded once.

    Parameters
    ----------
    path : a pipeline's directory as spaCy's ``to_disk`` writes it, with a tagger of Penn tags and a parser of Universal
        Dependencies; None for the one that is shipped (``features/assist/english/README.md``).

    Raises
    ------
    OSError : no pipeline is there.
    """
    if path is None:
        with resources.as_file(resources.files("features.assist").joinpath("english", "pipeline")) as shipped:
            return _loaded(shipped)
    return _loaded(path)


def trees(texts: Sequence[str], english: Language | None = None) -> Iterator[Tree]:
    """Trees of utterances in their order; one that comes again soon, with other names masked, is parsed once.

    Parameters
    ----------
    texts : utterances, names masked as ``[PARTNER]``, ``[OTHER_PARTNER]``, ``[RIVAL]``, ``[CUSTOMER]``, ``[VENDOR]``,
        ``[NAME]``.
    english : as from ``load_english``, the default.
    """
    english = english or load_english()
    for first in range(0, len(texts), CHUNK):
        chunk = texts[first : first + CHUNK]
        plain = [MASK.sub(STAND_IN, text) for text in chunk]
        unique = list(dict.fromkeys(plain))
        docs = dict(zip(unique, english.pipe(unique, batch_size=BATCH), strict=True))
        yield from (
            tree_of(docs[stand_in], roles_of(text, docs[stand_in])) for text, stand_in in zip(chunk, plain, strict=True)
        )


def roles_of(text: str, doc: Doc) -> dict[int, str]:
    """Token number → role of each masked name of a text whose names were replaced before it was parsed."""
    starts = [token.idx for token in doc]
    roles: dict[int, str] = {}
    shift = 0
    for match in MASK.finditer(text):
        place = bisect_left(starts, match.start() - shift + 1) - 1
        roles[place] = match[1]
        shift += len(match[0]) - len(STAND_IN)
    return roles


def _loaded(path: Path) -> Language:
    english = spacy.load(path)
    vectors = english.vocab.vectors
    vectors.data = vectors.data.astype(np.float32)
    return english
