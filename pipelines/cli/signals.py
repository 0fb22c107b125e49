"""SIGTERM, by which cron's wrappers, systemd and containers end a run, as an orderly stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPED: Final = 128 + signal.SIGTERM


class Stopped(BaseException):
    """The run was asked to stop; like ``KeyboardInterrupt``, no ordinary error."""

    exit_code = STOPPED


_asked: Final = threading.Event()
"""Whether SIGTERM has arrived in the block of ``stoppable``."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raises ``Stopped`` in the block when SIGTERM arrives, so that locks and scratch files are given back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with stopped_as_such():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _asked.clear()


@contextmanager
def stopped_as_such() -> Iterator[None]:
    """Lets an error leave the block as ``Stopped`` once SIGTERM has arrived.

    A library that runs native code may turn ``Stopped`` into an error of its own.
    """
    try:
        yield
    except Exception as error:
        if _asked.is_set():
            raise Stopped from error
        raise


def _stop(_number: int, _frame: FrameType | None) -> None:
    _asked.set()
    raise Stopped
