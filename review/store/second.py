"""Which moments get a second opinion."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy.engine import Connection

from review.store.settings import keep, kept

__all__ = ["SHARE", "keep_share", "kept_share", "wants_second"]

SHARE: Final = 0.05
"""Share of the moments that get a second opinion where nothing else is set."""
NAME: Final = "second_share"


def wants_second(moment_id: str, share: float) -> bool:
    """Whether a moment is one of the share (0 to 1) that a second person judges as well.

    It hangs on the id alone, so that neither what the moment is like nor what was said of it has any part in it, and a
    larger share holds every moment of a smaller one.
    """
    drawn = int.from_bytes(hashlib.sha256(f"second:{moment_id}".encode()).digest()[:8], "big")
    return drawn < share * 2**64


def kept_share(connection: Connection) -> float:
    """The share that the page was last started with."""
    found = kept(connection, NAME)
    return SHARE if found is None else float(found)


def keep_share(connection: Connection, share: float) -> None:
    """Keeps the share beside the judgements, so that whoever takes some down goes by it."""
    if kept(connection, NAME) != repr(share):
        keep(connection, NAME, repr(share))
