"""The page served, until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from pipelines.workspace import WorkspaceError

__all__ = ["listening", "serve"]

WAITING: Final = 2048
"""Connections that may wait to be taken."""
STOP_SECONDS: Final = 10
"""How long requests in progress are waited for at the end."""
KEEP_SECONDS: Final = 75
"""How long a connection is kept open without a request: longer than proxies do, so that they end them first."""


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there; raises ``WorkspaceError`` when the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(WAITING)
    except (OSError, OverflowError) as error:
        made.close()
        raise WorkspaceError(
            f"Cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}. "
            "Give another port with --port, or end what uses this one."
        ) from error
    try:
        yield made
    finally:
        made.close()


def serve(app: FastAPI, listener: socket.socket, started: Callable[[], None]) -> None:
    """Serves the page on a socket until SIGINT or SIGTERM; requests in progress are answered first.

    Who a request comes from is told by the page itself, which knows its proxies.
    """
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=KEEP_SECONDS,
    )
    server = _Server(settings, started)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that says when it takes requests, and leaves the process running when it has ended."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take requests."""
        await super().startup(sockets)
        self._tell()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes the signals that end it for its own, so that ending is no error."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
