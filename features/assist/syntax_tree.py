"""A parsed utterance as plain lists: what reads clauses needs neither spaCy nor its objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from features.assist.syntax_lemmas import lemma

NAME = "(name)"


@dataclass(frozen=True, slots=True)
class Tree:
    """Tokens of one utterance with their dependencies; every list has one entry a token.

    ``heads`` holds token numbers, a root is its own head. ``deps`` are Universal Dependencies' relations in lower
    case, ``tags`` those of the Penn treebank. ``lemmas`` are base forms, ``(name)`` for whatever may be a proper name.
    ``roles`` names the tokens that stand for a masked name. ``sentences`` holds (first, one past last) token numbers;
    ``sentence_of`` the number of each token's sentence. ``starts`` and ``ends`` are character offsets in the parsed
    text.
    """

    words: list[str]
    lemmas: list[str]
    tags: list[str]
    deps: list[str]
    heads: list[int]
    children: list[list[int]]
    roles: Mapping[int, str]
    sentences: list[tuple[int, int]]
    sentence_of: list[int]
    starts: list[int]
    ends: list[int]

    def kids(self, token: int, *relations: str) -> Iterator[int]:
        """Children of a token in the order of the text, with one of the relations (any if none is given)."""
        return (kid for kid in self.children[token] if not relations or self.deps[kid] in relations)

    def first(self, token: int, *relations: str) -> int | None:
        """The first such child, if there is one."""
        return next(self.kids(token, *relations), None)

    def has_word(self, token: int, words: frozenset[str], *relations: str) -> bool:
        """Whether such a child is one of the words (lower case)."""
        return any(self.words[kid] in words for kid in self.kids(token, *relations))


def tree_of(doc: Doc, roles: Mapping[int, str]) -> Tree:
    """The plain tree of a parsed document.

    Parameters
    ----------
    doc : tagged and parsed by the pipeline of ``load_english``.
    roles : token number → role without brackets, such as ``PARTNER``.
    """
    strings = doc.vocab.strings
    table = doc.to_array(["LOWER", "TAG", "DEP"])
    heads = [token.head.i for token in doc]
    words, tags, deps = ([strings[int(code)] for code in table[:, column]] for column in range(3))
    openings = {sentence.start for sentence in doc.sents}
    starts = [token.idx for token in doc]
    sentences = [(sentence.start, sentence.end) for sentence in doc.sents]
    return Tree(
        words=words,
        lemmas=[
            NAME if _is_name(token.text, tag, at_start=token.i in openings) else lemma(word, tag)
            for token, word, tag in zip(doc, words, tags, strict=True)
        ],
        tags=tags,
        deps=[dep.lower() for dep in deps],
        heads=heads,
        children=_children(heads),
        roles=roles,
        sentences=sentences,
        sentence_of=np.repeat(np.arange(len(sentences)), [last - first for first, last in sentences]).tolist(),
        starts=starts,
        ends=[start + len(word) for start, word in zip(starts, words, strict=True)],
    )


def _children(heads: Sequence[int]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in heads]
    for token, head in enumerate(heads):
        if head != token:
            children[head].append(token)
    return children


def _is_name(text: str, tag: str, *, at_start: bool) -> bool:
    """Whether a word may be a proper name; a capital inside a sentence tells it even where the tag does not."""
    return tag.startswith("NNP") or (
        tag[:2] in {"NN", "VB", "JJ"} and not at_start and text[:1].isupper() and not text.isupper()
    )
