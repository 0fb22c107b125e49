"""Short pieces of speech put together to what one person said at one go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from features.sources.talk.rows import Turn

__all__ = ["Piece", "cut", "joined"]

_ENOUGH: Final = 240
_MOST: Final = 1_200
_PAUSE_S: Final = 2.0
_LONG: Final = 600
_LEAST: Final = 80
_STOP: Final = re.compile(r"""[.?!…。]["'”’)\]]*\s+(?=["'“‘(\[]?[^\W_a-z])""")
_ABBREVIATED: Final = re.compile(r"\b(?:mr|mrs|ms|dr|st|no|vs|inc|[a-z])\.\s+$", re.IGNORECASE)
_END: Final = re.compile(r"""[.?!…。][)"'”’\]]*$""")


@dataclass(frozen=True, slots=True)
class Piece:
    """A cue or sentence: who, what, from when to when (seconds), and its line in the file."""

    speaker: str
    text: str
    start_s: float | None
    end_s: float | None
    line: int | None
    email: str = ""
    organisation: str = "unknown"


def joined(pieces: Iterable[Piece]) -> Iterator[Turn]:
    """Turns of one speaker each: pieces are joined until a sentence ends after 240 characters or before a pause of 2 s.

    A sentence is not cut before 1,200 characters. Joining puts one blank between pieces and changes no other character.
    """
    held: list[Piece] = []
    size = 0
    for piece in pieces:
        if held and (_is_other(held[-1], piece) or _is_whole(held[-1], piece, size)):
            yield _turn(held)
            held, size = [], 0
        held.append(piece)
        size += len(piece.text) + 1
    if held:
        yield _turn(held)


def cut(turn: Turn) -> list[Turn]:
    """The turn, or one of more than 600 characters in parts of at least 240 that end with a sentence.

    Parts joined by a blank are the text. Times are divided in proportion to characters, where the end is known.
    """
    if len(turn.text) <= _LONG:
        return [turn]
    places = [0]
    for stop in _STOP.finditer(turn.text):
        is_far = stop.end() - places[-1] > _ENOUGH and len(turn.text) - stop.end() >= _LEAST
        if is_far and not _ABBREVIATED.search(turn.text, max(0, stop.end() - 12), stop.end()):
            places.append(stop.end())
    spans = zip(places, [*places[1:], len(turn.text)], strict=True)
    return [_part(turn, first, last) for first, last in spans]


def _part(turn: Turn, first: int, last: int) -> Turn:
    text, start, end = turn.text[first:last].strip(), turn.start_s, turn.end_s
    if turn.start_s is not None and turn.end_s is not None:
        pace = (turn.end_s - turn.start_s) / len(turn.text)
        start, end = turn.start_s + pace * first, turn.start_s + pace * last
    return replace(turn, text=text, start_s=start, end_s=end)


def _is_other(last: Piece, piece: Piece) -> bool:
    return (last.speaker, last.email) != (piece.speaker, piece.email)


def _is_whole(last: Piece, piece: Piece, size: int) -> bool:
    if size >= _MOST:
        return True
    if not _END.search(last.text):
        return False
    pause = None if last.end_s is None or piece.start_s is None else piece.start_s - last.end_s
    return size >= _ENOUGH or (pause is not None and pause >= _PAUSE_S)


def _turn(held: list[Piece]) -> Turn:
    first = held[0]
    ends = [piece.end_s for piece in held if piece.end_s is not None]
    return Turn(
        " ".join(piece.text for piece in held),
        first.speaker,
        first.start_s,
        max(ends) if ends else None,
        first.email,
        first.organisation,
        line=first.line,
    )
