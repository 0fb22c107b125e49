"""How long the phases of a run took, for its log and its metrics, without handing a clock through every function."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

logger: Final = logging.getLogger(__name__)

_SECONDS: ContextVar[dict[str, float] | None] = ContextVar("seconds", default=None)


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Collects, while the block runs, the seconds of each phase by name, in the order of their first end."""
    seconds: dict[str, float] = {}
    token = _SECONDS.set(seconds)
    try:
        yield seconds
    finally:
        _SECONDS.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Adds the wall time of the block to phase ``name``, whether it ends well or not; times of one name add up."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        took = time.perf_counter() - begun
        seconds = _SECONDS.get()
        if seconds is not None:
            seconds[name] = seconds.get(name, 0.0) + took
        logger.debug("Phase %s took %.3f s.", name, took, extra={"phase": name, "seconds": round(took, 3)})
