"""A message to a deal's owner, and what a channel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from features.shown import clean

__all__ = ["Channel", "Message", "Topic", "UndeliverableError", "UnreachableError", "one_line"]


class UndeliverableError(Exception):
    """A message that the channel did not take; the text says why, and holds no password, link or address."""


class UnreachableError(UndeliverableError):
    """The channel itself cannot be used, so that no other message will be taken either.

    ``is_unsent``: nothing was handed over for sure, so that the same message may be tried again at once.
    """

    def __init__(self, text: str, *, is_unsent: bool) -> None:
        super().__init__(text)
        self.is_unsent = is_unsent


@dataclass(frozen=True)
class Topic:
    """What one question is about; ``partner`` is None where it is not known which one."""

    partner: str | None
    deal: str
    on: datetime


@dataclass(frozen=True)
class Message:
    """All questions to one person on one day.

    It tells partners, deals and dates. The words themselves stand only on the page behind the link.
    """

    message_id: int
    recipient: str
    name: str | None
    topics: tuple[Topic, ...]
    asked_by: tuple[str, ...]
    link: str
    at: datetime
    expires_at: datetime
    is_reminder: bool = False

    def address(self, addresses: Mapping[str, str]) -> str:
        """Where it goes: the address that the recipient has in ``addresses``, else the recipient."""
        return addresses.get(self.recipient, self.recipient)


class Channel(Protocol):
    """A way by which messages reach people."""

    @property
    def name(self) -> str:
        """What it is called, e.g. ``smtp``."""

    def send(self, message: Message) -> None:
        """Hands a message over; raises ``UndeliverableError`` when it was not taken."""


def one_line(text: str, most: int = 80) -> str:
    """A name from outside on one line, without characters that reorder it, cut to ``most`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
