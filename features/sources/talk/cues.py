"""WebVTT (Zoom, Teams, Meet) and SubRip captions: cues with times and speakers, read block by block with webvtt-py.

Blocks are cut here, so that each keeps its line and a damaged one spoils nothing but itself; webvtt-py reads the times.
Voices and entities within a cue are read here: the library gives one voice a cue and leaves entities as they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from webvtt.vtt import WebVTTCueBlock

from features.sources.talk.names import clock_seconds, split_speaker
from features.sources.talk.rows import Talk, Turn, digest
from features.sources.talk.sentences import Piece, joined

__all__ = ["captions"]

_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)*\s+([^>]*)>")
_TAG: Final = re.compile(r"</?(?:[cibuv]|ruby|rt|lang|font)(?:[.\s][^<>]*)?>|<\d[\d:.]*>")
_SKIPPED: Final = ("NOTE", "STYLE", "REGION", "WEBVTT", "X-TIMESTAMP-MAP")
_PREFIXED: Final = 0.5


def captions(text: str, file: str, kind: str) -> Talk:
    """The call that a caption file, ``vtt`` or ``srt``, is of; its id stands for the text, wherever the file lies.

    Cues of one speaker are joined to sentences. Names come from voices (``<v Ann Li>``), else from ``Ann Li: `` before
    the words where at least half of the cues have it; a cue without goes on with the speaker before.
    """
    pieces: list[Piece] = []
    faults: list[Turn] = []
    for line, block in _blocks(text):
        fault = _read_block(line, block, kind, pieces)
        if fault:
            faults.append(Turn(" ".join(block)[:200], line=line, file=file, fault=fault))
    talk = Talk(f"{kind}-{digest([text])}", "call", kind, file)
    talk.turns = [*joined(_spoken(pieces)), *faults]
    if not pieces:
        talk.fault = "holds no cue with words"
    return talk


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines between blank ones, each with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            block.append(line.rstrip())
        elif block:
            yield number - len(block), block
            block = []


def _read_block(line: int, block: list[str], kind: str, pieces: list[Piece]) -> str | None:
    """Adds the block's pieces; gives why it cannot be used, if so."""
    if kind == "vtt" and block[0].startswith(_SKIPPED):
        return None
    block = [one.replace(",", ".") if "-->" in one else one for one in block]  # SubRip's times, as WebVTT has them
    if not WebVTTCueBlock.is_valid(block):
        return _without_times(line, block, pieces)
    cue = WebVTTCueBlock.from_lines(block)
    start, end = clock_seconds(str(cue.start)), clock_seconds(str(cue.end))
    if start is None or end is None or end < start:
        return f"cue has no usable times: '{cue.start} --> {cue.end}'"
    pieces += [Piece(name, words, start, end, line) for name, words in _voices("\n".join(cue.payload)) if words]
    return None


def _without_times(line: int, block: list[str], pieces: list[Piece]) -> str | None:
    """Text after a blank line inside a cue goes on with that cue; what has an arrow is a damaged cue."""
    if pieces and not any("-->" in one for one in block) and not (len(block) == 1 and block[0].strip().isdigit()):
        last = pieces[-1]
        pieces += [Piece(n, w, last.start_s, last.end_s, line) for n, w in _voices("\n".join(block)) if w]
        return None
    return "is no cue: its line of times is missing or damaged"


def _voices(payload: str) -> list[tuple[str, str]]:
    """Each voice of a cue with its words, without tags and entities."""
    parts = _VOICE.split(payload)
    names = ["", *parts[1::2]]
    return [(_plain(name), _plain(words)) for name, words in zip(names, parts[0::2], strict=True)]


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", text)).replace("\xa0", " ").split())


def _spoken(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces with the names that stand before the words, if most that have no voice begin so."""
    unnamed = [split_speaker(piece.text) for piece in pieces if not piece.speaker]
    is_prefixed = bool(unnamed) and sum(found is not None for found in unnamed) >= _PREFIXED * len(unnamed)
    last = ""
    for piece in pieces:
        found = split_speaker(piece.text) if is_prefixed and not piece.speaker else None
        name, words = found or (piece.speaker or (last if is_prefixed else ""), piece.text)
        last = name
        if words:
            yield Piece(name, words, piece.start_s, piece.end_s, piece.line)
