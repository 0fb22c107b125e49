"""What goes on beside a page that is served: the exchange whenever something has changed, and the day's messages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.engine import Engine

from pipelines.config import Config
from pipelines.reviewing.exchange import exchange, has_changed, was_filled
from pipelines.reviewing.sending import send_messages
from pipelines.workspace import Workspace, WorkspaceError
from review.channels.message import Channel
from review.desk import Clock, Options
from review.store.engine import writing
from review.store.settings import keep, kept

__all__ = ["Chores", "ticking"]

SENT_ON: Final = "sent_on"
"""The setting that holds the last day (UTC) of which all messages were sent."""
logger: Final = logging.getLogger(__name__)


class Chores:
    """What a serving page does from time to time; each chore that fails is logged, and tried again the next time."""

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        config: Config,
        options: Options,
        clock: Clock,
        channel: Channel | None,
    ) -> None:
        self._workspace, self._engine, self._config = workspace, engine, config
        self._options, self._clock, self._channel = options, clock, channel

    def __call__(self) -> None:
        """Does what is to be done now."""
        for chore in (self.exchange, self.send):
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - the page is served on, whatever a chore meets
                logger.warning("Put off by %g s: %s", self._config.review.sync_seconds, error)

    def begin(self) -> None:
        """Exchanges before anybody looks; when that cannot be now, what was copied before must do for a while."""
        try:
            self.exchange()
        except WorkspaceError as error:
            if not was_filled(self._engine):
                raise
            logger.warning("%s Until then the page shows what it has.", error)

    def exchange(self) -> None:
        """Exchanges with the workspace when something has changed; raises ``WorkspaceError`` when it is in use."""
        if has_changed(self._workspace, self._engine, self._config):
            done = exchange(self._workspace, self._engine, self._config, self._clock())
            if done.has_changed:
                logger.info("%s", done.text())

    def send(self) -> None:
        """Sends the day's messages from the configured hour on, once, unless the channel cannot be reached."""
        now = self._clock()
        today = now.date().isoformat()
        with self._engine.connect() as reader:
            is_done = kept(reader, SENT_ON) == today
        if is_done or self._channel is None or now.hour < self._config.review.channels.send_hour:
            return
        done = send_messages(self._engine, self._options, self._clock, self._channel)
        if done.sent or done.failed or done.left:
            logger.info("%s", done.text())
        if not done.left:
            with writing(self._engine) as writer:
                keep(writer, SENT_ON, today)


@contextmanager
def ticking(chores: Callable[[], None], seconds: float) -> Iterator[None]:
    """Does the chores every so many seconds while the block lasts, and once more at its end."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            chores()

    thread = threading.Thread(target=run, name="chores", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        chores()
