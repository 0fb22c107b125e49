"""Conversations as the database keeps them, and spans of words in them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypedDict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.store.schema import conversations

__all__ = ["Span", "Turn", "checked_span", "deflated", "packed", "places", "quote_of", "turns", "unpacked"]

LEVEL: Final = 1
"""Of deflation: a higher one takes more than twice as long and saves 6 %."""
Place = tuple[int, int]


class Span(TypedDict):
    """Words of a conversation that follow on each other.

    They begin at ``char_start`` of the first turn's text and end before ``char_end`` of the last one's; turns between
    belong to it as a whole. Characters are Unicode code points, counted from 0; the turns are in their order.
    """

    utterance_ids: list[str]
    char_start: int
    char_end: int


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation, as a row of ``utterances``; times in seconds."""

    utterance_id: str
    seq: int
    text: str
    speaker_org: str
    speaker: str | None = None
    partner_id: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    is_quoted: bool = False


def packed(found: Iterable[Turn]) -> bytes:
    """Turns as the column ``turns`` of ``conversations`` holds them: JSON, deflated; the same turns, the same bytes."""
    return deflated(json.dumps([asdict(turn) for turn in found], separators=(",", ":")))


def deflated(text: str) -> bytes:
    """The same of turns that are JSON already: a list of objects with the fields of ``Turn``."""
    return zlib.compress(text.encode(), LEVEL)


def unpacked(content: bytes) -> list[Turn]:
    """The turns that ``packed`` has written."""
    return [Turn(**row) for row in json.loads(zlib.decompress(content))]


def turns(connection: Connection, conversation_id: str) -> list[Turn]:
    """The turns of a conversation in their order; none of an unknown one."""
    content = connection.scalar(
        sa.select(conversations.c.turns).where(conversations.c.conversation_id == conversation_id)
    )
    return [] if content is None else unpacked(content)


def checked_span(span: Mapping[str, Any], found: Sequence[Turn]) -> Span:
    """The span, if it lies within these turns; raises ``ValueError`` that says where it does not."""
    ids = list(span["utterance_ids"])
    start, end = int(span["char_start"]), int(span["char_end"])
    order = {turn.utterance_id: at for at, turn in enumerate(found)}
    strangers = [name for name in ids if name not in order]
    if not ids or strangers:
        raise ValueError(f"The span names turns that the conversation has not: {strangers[:3]}. Name its own turns.")
    at = [order[name] for name in ids]
    if at != sorted(set(at)):
        raise ValueError("The span's turns do not stand in the order of the conversation, each once.")
    first, last = found[at[0]].text, found[at[-1]].text
    if not (0 <= start < len(first) and 0 < end <= len(last) and (len(ids) > 1 or start < end)):
        raise ValueError(
            f"The span goes from character {start} of a turn with {len(first)} to {end} of one with {len(last)}. "
            "Begin and end within the turns, the end after the beginning."
        )
    made = Span(utterance_ids=ids, char_start=start, char_end=end)
    if not quote_of(made, found).strip():
        raise ValueError("The span holds no words. Choose some.")
    return made


def places(span: Span, found: Iterable[Turn]) -> dict[str, Place]:
    """Turn to the place of the span's words in its text: first character, and one past the last."""
    ids = span["utterance_ids"]
    whole = {turn.utterance_id: (0, len(turn.text)) for turn in found}
    made = {name: whole[name] for name in ids}
    made[ids[-1]] = (made[ids[-1]][0], span["char_end"])
    made[ids[0]] = (span["char_start"], made[ids[0]][1])
    return made


def quote_of(span: Span, found: Sequence[Turn]) -> str:
    """The span's words, those of each turn on a line of their own."""
    texts = {turn.utterance_id: turn.text for turn in found}
    return "\n".join(texts[name][start:end] for name, (start, end) in places(span, found).items())
