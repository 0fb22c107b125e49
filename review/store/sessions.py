"""Sessions: who is logged in. Only a hash of each token is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.roles import Viewer
from review.security.cookies import hashed, new_token
from review.store.schema import sessions, users

__all__ = ["close_session", "open_session", "session_viewer"]


def open_session(connection: Connection, name: str, at: datetime, lasts: timedelta) -> str:
    """The token of a new session of that user; sessions that have ended are cleared away."""
    connection.execute(sessions.delete().where(sessions.c.expires_at <= at))
    token = new_token()
    row = {"token_hash": hashed(token), "user": name, "created_at": at, "expires_at": at + lasts}
    connection.execute(sessions.insert().values(**row))
    return token


def close_session(connection: Connection, token: str) -> None:
    """Ends a session."""
    connection.execute(sessions.delete().where(sessions.c.token_hash == hashed(token)))


def session_viewer(connection: Connection, token: str, at: datetime) -> Viewer | None:
    """Whose session a token is; None where it is nobody's, has expired, or the user is disabled."""
    row = connection.execute(
        sa.select(users.c.name, users.c.role, users.c.partner_id)
        .join(sessions, sessions.c.user == users.c.name)
        .where(sessions.c.token_hash == hashed(token), sessions.c.expires_at > at, users.c.disabled_at.is_(None))
    ).one_or_none()
    return None if row is None else Viewer(*row)
