"""What every page works with, made once when the page is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.engine import Engine

from review.channels.message import Channel
from review.store.second import SHARE

__all__ = ["AtDesk", "Clock", "Desk", "Options", "desk_of"]

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""


@dataclass(frozen=True)
class Options:
    """What the page can be told.

    base_url : where people reach the page, without a slash at the end; links in messages begin with it.
    session_hours : after which somebody has to log in again.
    link_days : for which a link to a deal's owner is valid.
    remind_days : after which an owner who has not answered is reminded.
    most_reminders : of one question.
    header : name of the request header by which a proxy says who somebody is; None means log-in with a password.
    proxies : addresses from which that header is believed.
    is_https : whether people reach the page by HTTPS, so that cookies are sent by no other way.
    attempts_per_minute : log-ins and answers by link from one address; further ones are refused.
    requests_per_minute : of one user or address.
    second_share : of the moments, which a second person judges as well, to see how far people agree.
    report_currency : of amounts that are added up; empty means that of the deals.
    """

    base_url: str = "http://127.0.0.1:8765"
    session_hours: float = 12.0
    link_days: float = 14.0
    remind_days: float = 3.0
    most_reminders: int = 2
    header: str | None = None
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    is_https: bool = False
    attempts_per_minute: int = 10
    requests_per_minute: int = 1200
    second_share: float = SHARE
    report_currency: str = ""


@dataclass(frozen=True)
class Desk:
    """The database, the options, the clock, and the secret with which links and forms are signed.

    channel : by which messages reach people; None means that none is set up.
    """

    engine: Engine
    options: Options
    clock: Clock
    secret: str
    channel: Channel | None = None


def desk_of(request: Request) -> Desk:
    """The desk of the page that serves a request."""
    desk: Desk = request.app.state.desk
    return desk


async def at_desk(request: Request) -> Desk:
    """The desk of the page that serves a request, for endpoints; without a thread, which costs more than this does."""
    return desk_of(request)


AtDesk = Annotated[Desk, Depends(at_desk)]
