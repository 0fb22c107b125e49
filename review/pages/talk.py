"""The conversation beside a moment: the turns that are shown, with the evidence in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from review.highlight import Piece, Window, clipped, pieces, places, shown_offset
from review.rendering import clock_time
from review.scripts import mixes_scripts
from review.store.moments import Moment
from review.store.turns import Span, Turn
from review.store.turns import places as places_of_span

__all__ = ["AROUND", "Shown", "TurnLine", "evidence_of", "lines", "shown_turns", "whole_span"]

AROUND: Final = 4
"""Turns shown before and after the evidence."""
SIDES: Final = {"internal": "Us", "customer": "Customer", "partner": "Partner", "unknown": "Side not known"}
Place = tuple[int, int]


@dataclass(frozen=True)
class Shown:
    """Which turns are shown: from ``start`` to before ``end``, counted from 0, of ``total``."""

    start: int
    end: int
    total: int


@dataclass(frozen=True)
class TurnLine:
    """A turn as it is shown; ``before`` and ``after`` are characters of it that are left out."""

    number: int
    speaker: str
    is_mixed: bool
    side: str
    side_name: str
    time: str
    is_quoted: bool
    is_evidence: bool
    pieces: list[Piece]
    shown_from: int
    before: int
    after: int


def evidence_of(moment: Moment, found: Sequence[Turn], span: Span | None) -> dict[int, Place]:
    """Place of a turn in the conversation, from 0, to that of the evidence in its raw text.

    ``span`` takes the place of the words that were found; turns that the conversation has no more are left out.
    """
    order = {turn.utterance_id: at for at, turn in enumerate(found)}
    if span is not None and all(name in order for name in span["utterance_ids"]):
        return {order[name]: place for name, place in places_of_span(span, found).items()}
    at = [order[name] for name in moment.utterance_ids if name in order]
    if len(at) < len(moment.utterance_ids):
        return {place: (0, len(found[place].text)) for place in at}
    texts = [found[place].text for place in at]
    return dict(zip(at, places(moment.quote, (moment.char_start, moment.char_end), texts), strict=True))


def whole_span(moment: Moment, found: Sequence[Turn]) -> Span:
    """All words of a moment as people left them; raises ``ValueError`` where the conversation has them no more."""
    evidence = evidence_of(moment, found, moment.told_span)
    if not evidence:
        raise ValueError("The words of this moment stand in its conversation no more.")
    first, last = min(evidence), max(evidence)
    ids = [turn.utterance_id for turn in found[first : last + 1]]
    return Span(utterance_ids=ids, char_start=evidence[first][0], char_end=evidence[last][1])


def shown_turns(evidence: Mapping[int, Place], total: int, before: int, after: int) -> Shown:
    """So many turns before the evidence and after it; the conversation's beginning where there is none."""
    first, last = (min(evidence), max(evidence)) if evidence else (0, 0)
    return Shown(max(0, first - before), min(total, last + after + 1), total)


def lines(
    found: Sequence[Turn], shown: Shown, evidence: Mapping[int, Place], whole: frozenset[int] = frozenset()
) -> list[TurnLine]:
    """The shown turns; those of the numbers in ``whole`` (from 1) without anything left out."""
    return [
        _line(found[at], at + 1, evidence.get(at), is_whole=at + 1 in whole) for at in range(shown.start, shown.end)
    ]


def _line(turn: Turn, number: int, evidence: Place | None, *, is_whole: bool) -> TurnLine:
    length = len(turn.text)
    window = Window(0, length, length) if is_whole else clipped(turn.text, evidence)
    side = turn.speaker_org if turn.speaker_org in SIDES else "unknown"
    return TurnLine(
        number,
        turn.speaker or "Speaker not known",
        mixes_scripts(turn.speaker or ""),
        side,
        SIDES[side],
        clock_time(turn.start_s),
        turn.is_quoted,
        evidence is not None,
        pieces(turn.text, window, evidence),
        shown_offset(turn.text, window.start),
        window.start,
        length - window.end,
    )
