"""Which moments get a second opinion."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["SHARE", "wants_second"]

SHARE: Final = 0.05
"""Share of the moments that get a second opinion where nothing else is set."""


def wants_second(moment_id: str, share: float) -> bool:
    """Whether a moment is one of the share (0 to 1) that a second person judges as well.

    It hangs on the id alone, so that neither what the moment is like nor what was said of it has any part in it, and a
    larger share holds every moment of a smaller one.
    """
    drawn = int.from_bytes(hashlib.sha256(f"second:{moment_id}".encode()).digest()[:8], "big")
    return drawn < share * 2**64
