"""Plain transcripts: ``Name: text`` lines, with or without times and companies, as people paste and tools save them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from features.sources.talk.names import clock_seconds, split_speaker
from features.sources.talk.rows import Talk, Turn, digest

__all__ = ["dialogue", "is_dialogue"]

_TIME: Final = r"[\[(]?((?:\d+:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?)[\])]?"
_BEFORE: Final = re.compile(rf"\s*{_TIME}\s*(?:[-–|]\s+)?(?=\S)")
_AFTER: Final = re.compile(rf"(.*?\S)\s+{_TIME}\s*$")
_SAMPLE: Final = 200
_ENOUGH: Final = 0.5


def is_dialogue(text: str) -> bool:
    """Whether at least two, and half, of the first 200 lines or paragraphs begin with a speaker.

    Some speaker has to speak twice, or each turn has its time, or each line a speaker; a list of headers is none.
    """
    lines = [line for line in text.split("\n", _SAMPLE * 3)[: _SAMPLE * 3] if line.strip()][:_SAMPLE]
    found = [begun for line in lines if (begun := _begun(line)) is not None]
    paragraphs = sum(1 for block in re.split(r"\n\s*\n", text[:20_000]) if block.strip())
    if len(found) < 2 or len(found) < _ENOUGH * min(len(lines), paragraphs):
        return False
    speakers = {speaker for speaker, _, _ in found}
    is_timed = all(start is not None for _, _, start in found)
    return len(speakers) < len(found) or is_timed or len(found) == len(lines)


def dialogue(text: str, file: str) -> Talk:
    """The call that a plain transcript is of; its id stands for the text, wherever the file lies.

    A turn begins with ``Name: words``, ``[05:10] Name: words`` or a line ``Name  05:10`` over its words; it has a time
    only where one is written. Lines that begin none go on with the turn above; those above the first are rejected.
    """
    talk = Talk(f"dialogue-{digest([text])}", "call", "dialogue", file)
    talk.turns = list(_turns(text, file))
    if all(turn.fault for turn in talk.turns):
        talk.fault = "holds no turn: no line begins with 'Name: '"
    return talk


def _turns(text: str, file: str) -> Iterator[Turn]:
    held: tuple[int, str, float | None] | None = None
    words: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        begun = _begun(line)
        if begun is None:
            if held is None and line.strip():
                yield Turn(line.strip()[:200], line=number, file=file, fault="stands above the first speaker")
            words.append(line)
            continue
        if held is not None:
            yield from _whole(held, words)
        held, words = (number, begun[0], begun[2]), [begun[1]]
    if held is not None:
        yield from _whole(held, words)


def _whole(held: tuple[int, str, float | None], words: list[str]) -> Iterator[Turn]:
    number, speaker, start = held
    if text := " ".join(" ".join(words).split()):
        yield Turn(text, speaker, start, line=number)


def _begun(line: str) -> tuple[str, str, float | None] | None:
    """Speaker, words and time of a line that begins a turn."""
    found = _BEFORE.match(line)
    start = clock_seconds(found[1]) if found else None
    rest = line[found.end() :] if found and start is not None else line
    named = split_speaker(rest)
    if named is not None:
        return _timed(*named, start)
    head = _AFTER.match(line)
    if head and (start := clock_seconds(head[2])) is not None and split_speaker(f"{head[1]}: "):
        return head[1], "", start
    return None


def _timed(name: str, words: str, start: float | None) -> tuple[str, str, float | None]:
    """Also takes a time from behind the name: ``Ann Li (05:10): words`` or ``Ann Li 05:10 : words``."""
    found = _AFTER.match(name)
    after = clock_seconds(found[2]) if found and start is None else None
    return (found[1], words, after) if found and after is not None else (name, words, start)
