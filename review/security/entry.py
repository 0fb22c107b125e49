"""Logging in with a name and a password."""

from __future__ import annotations

from datetime import timedelta

from review.desk import Desk
from review.roles import Viewer
from review.security import passwords
from review.store.engine import writing
from review.store.events import Event, record
from review.store.sessions import open_session
from review.store.users import keep_hash, user_named

__all__ = ["log_in", "start_session"]


def log_in(desk: Desk, name: str, password: str) -> str | None:
    """The token of a new session; None where name and password are not those of a user who may log in.

    It takes as long for a name that nobody has. Hashes are worked out outside the transaction, which other writers
    wait for.
    """
    with desk.engine.connect() as connection:
        user = user_named(connection, name)
    is_right = passwords.is_right(user.password_hash if user else None, password)
    if user is None or not is_right:
        return None
    fresh = passwords.hash_of(password) if passwords.is_stale(user.password_hash or "") else None
    with writing(desk.engine) as connection:
        now = user_named(connection, user.name)
        if now is None or now.disabled_at is not None or now.password_hash != user.password_hash:
            return None
        if fresh is not None:
            keep_hash(connection, user.name, fresh)
        token = open_session(connection, user.name, desk.clock(), timedelta(hours=desk.options.session_hours))
        record(connection, Event(user.name, user.role, "logged_in", "user", user.name), desk.clock())
    return token


def start_session(desk: Desk, viewer: Viewer) -> str:
    """The token of a new session of somebody who has just proved to be that user."""
    with writing(desk.engine) as connection:
        return open_session(connection, viewer.name, desk.clock(), timedelta(hours=desk.options.session_hours))
