"""What the readers of conversations hand over: talks with their turns and people, and what cannot be used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Person", "Talk", "Turn", "digest", "rejected"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person said or wrote at one go; empty text where the source tells nothing.

    ``unit`` is the document that the turn belongs to and that a later import replaces as a whole: empty for the talk
    itself, else e.g. one mail of a thread. One with a ``fault`` is rejected. Times are seconds from the talk's start.
    """

    text: str
    speaker: str = ""
    start_s: float | None = None
    end_s: float | None = None
    email: str = ""
    organisation: str = "unknown"
    is_quoted: bool = False
    unit: str = ""
    file: str = ""
    line: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who took part, whether or not they spoke; ``key`` is their id where the source gives a stable one."""

    name: str = ""
    email: str = ""
    organisation: str = "unknown"
    role: str = "attendee"
    key: str = ""


@dataclass(slots=True)
class Talk:
    """One conversation. ``started_at`` is ISO 8601 in UTC; one with a ``fault`` is rejected, and its turns with it."""

    key: str
    channel: str
    source_system: str
    file: str
    started_at: str = ""
    line: int | None = 1
    account_id: str = ""
    deal_id: str = ""
    url: str = ""
    consent: str = ""
    delete_after: str = ""
    fault: str | None = None
    turns: list[Turn] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)


def rejected(file: str, line: int | None, fault: str, *, channel: str = "", source_system: str = "") -> Talk:
    """A talk that stands for something in a file that is none: a row of rejects and nothing else."""
    return Talk("", channel, source_system, file, line=line, fault=fault)


def digest(parts: Iterable[str]) -> str:
    """16 hexadecimal digits that stand for these texts in this order."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:16]
