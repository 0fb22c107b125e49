"""Where sentences begin and end in a turn, by its punctuation, and long turns in pieces of a few sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

__all__ = ["Span", "pieces", "sentence_spans"]

Span = tuple[int, int]
"""First character, and one past the last."""

WHOLE_CHARS: Final = 400
"""Most characters of a turn that is one piece: 999 in 1,000 turns of the labelled conversations have fewer."""
PIECE_CHARS: Final = 240
"""Most characters of a piece of a longer turn: nine in ten labelled turns have fewer."""
_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])|\s*\n\s*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[Mm]rs?|[Mm]s|[Dd]r|[Pp]rof|[Ss]t|vs|[Nn]o|[Ii]nc|[Ll]td|[Cc]o|[Cc]orp|e\.g|i\.e|approx)\.\s+$"
)


def sentence_spans(text: str) -> list[Span]:
    """The sentences of a text, without the blanks around them, in order; none of an empty text."""
    ends = [match.end() for match in _END.finditer(text) if not _ABBREVIATION.search(text[: match.end()])]
    spans = zip([0, *ends], [*ends, len(text)], strict=True)
    return [span for start, end in spans if (span := _stripped(text, start, end))[0] < span[1]]


def pieces(utterances: pd.DataFrame) -> pd.DataFrame:
    """Utterances with those beyond ``WHOLE_CHARS`` characters divided into runs of whole sentences.

    Parameters
    ----------
    utterances : as the table of that name, ``text`` never missing.

    Returns
    -------
    A row a piece with the same columns, sorted by conversation and position, and

    - ``utterance_id``: the utterance's own where it is whole, else with ``#`` and the piece's number;
    - ``source_id``, ``source_seq``, ``source_text``: of the whole utterance; ``seq`` counts the pieces from 0;
    - ``char_start``, ``char_end``: where ``text`` lies in ``source_text``;
    - ``start_s``, ``end_s``: of the piece, in proportion to its characters where the utterance has both.
    """
    ordered = utterances.sort_values(["conversation_id", "seq", "utterance_id"], kind="stable", ignore_index=True)
    texts = ordered["text"].astype(str).tolist()
    cut = [(row, number, *span) for row, text in enumerate(texts) for number, span in enumerate(_runs(text))]
    places = pd.DataFrame(cut, columns=["row", "number", "char_start", "char_end"]).astype("int64")
    made = ordered.iloc[places["row"]].reset_index(drop=True)
    made = made.assign(
        source_id=made["utterance_id"],
        source_seq=made["seq"],
        source_text=made["text"],
        char_start=places["char_start"],
        char_end=places["char_end"],
        text=[texts[row][start:end] for row, _, start, end in cut],
    )
    length = pd.Series([max(len(texts[row]), 1) for row, *_ in cut], dtype="float64")
    is_whole = ~places["row"].duplicated(keep=False)
    return made.assign(
        utterance_id=made["source_id"].where(is_whole, made["source_id"] + "#" + places["number"].astype(str)),
        seq=made.groupby("conversation_id", sort=False).cumcount(),
        start_s=_within(made, made["char_start"] / length, "start_s").where(~is_whole, made["start_s"]),
        end_s=_within(made, made["char_end"] / length, "end_s").where(~is_whole, made["end_s"]),
    )


def _runs(text: str) -> Iterator[Span]:
    """The text's pieces; a sentence that is too long by itself is cut between words."""
    if len(text) <= WHOLE_CHARS:
        yield 0, len(text)
        return
    start = end = None
    for left, right in _short(text):
        if start is not None and end is not None and right - start > PIECE_CHARS:
            yield start, end
            start = None
        start = left if start is None else start
        end = right
    if start is not None and end is not None:
        yield start, end


def _short(text: str) -> Iterator[Span]:
    for left, right in sentence_spans(text):
        while right - left > PIECE_CHARS:
            blank = text.rfind(" ", left + 1, left + PIECE_CHARS)
            middle = blank if blank > left else left + PIECE_CHARS
            yield left, middle
            left = _stripped(text, middle, right)[0]
        yield left, right


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip()) if part.strip() else start


def _within(made: pd.DataFrame, share: pd.Series, otherwise: str) -> pd.Series:
    start, end = made["start_s"].astype("float64"), made["end_s"].astype("float64")
    return (start + (end - start) * share).round(2).fillna(made[otherwise].astype("float64"))
