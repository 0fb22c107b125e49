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


@contextmanager
def stoppable() -> Iterator[None]:
    """Raises ``Stopped`` in the block when SIGTERM arrives, so that locks and scratch files are given back.

    A library that runs native code may turn it into an error of its own; whatever leaves the block is ``Stopped`` then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Exception as error:
        if asked.is_set():
            raise Stopped from error
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
