"""Which words of a turn carry the evidence."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any, Final

import pandas as pd

from features.assist.sentences import Span, sentence_spans

__all__ = ["Named", "evidence", "named_at"]

FILLER_WORDS: Final = 3
"""A sentence of at most so many words at either end of a piece is no part of the quote, unless it names the partner."""
Named = Mapping[tuple[str, str], list[int]]
"""Piece and partner to where in the piece's text the partner is named."""
_WORD: Final = re.compile(r"\w+")


def named_at(mentions: pd.DataFrame) -> Named:
    """Where pieces name partners.

    Parameters
    ----------
    mentions : ``utterance_id`` (of a piece), ``partner_id`` and ``char_start``, missing where nothing is named.
    """
    placed = mentions[mentions["char_start"].notna() & mentions["partner_id"].notna()]
    found: dict[tuple[str, str], list[int]] = {}
    columns = (placed[name] for name in ("utterance_id", "partner_id", "char_start"))
    for piece, partner, at in zip(*columns, strict=True):
        found.setdefault((str(piece), str(partner)), []).append(int(at))
    return found


def evidence(turns: Iterable[Mapping[Hashable, Any]], named: Named) -> dict[str, Span]:
    """Utterance to where its evidence lies in its text, in the order of the turns.

    Parameters
    ----------
    turns : pieces about one act: ``utterance_id``, ``partner_id``, ``text``, ``source_id``, ``char_start``. Those of
        one utterance follow on each other.
    """
    found: dict[str, Span] = {}
    for turn in turns:
        source, offset = turn["source_id"], int(turn["char_start"])
        start, end = _carrying(turn["text"], named.get((turn["utterance_id"], turn["partner_id"]), ()))
        found[source] = (found.get(source, (offset + start,))[0], offset + end)
    return found


def _carrying(text: str, named: Collection[int]) -> Span:
    """Where the sentences lie that may carry the evidence: all but fillers at both ends."""
    spans = sentence_spans(text)
    matters = [(start, end) for start, end in spans if _matters(text, start, end, named)] or spans
    return (matters[0][0], matters[-1][1]) if matters else (0, len(text))


def _matters(text: str, start: int, end: int, named: Collection[int]) -> bool:
    return len(_WORD.findall(text[start:end])) > FILLER_WORDS or any(start <= at < end for at in named)
