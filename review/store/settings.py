"""What the page keeps for itself, by name."""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from review.store.engine import writing
from review.store.schema import settings

__all__ = ["EXCHANGE", "keep", "kept", "secret"]

EXCHANGE: Final = "exchange"
"""The setting that says what of the workspace was taken in: it changes with the moments that are found."""


def kept(connection: Connection, name: str) -> str | None:
    """The value kept under a name; None when there is none."""
    return connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))


def keep(connection: Connection, name: str, value: str) -> None:
    """Keeps a value under a name, in place of the one before."""
    changed = connection.execute(settings.update().where(settings.c.name == name).values(value=value))
    if not changed.rowcount:
        connection.execute(settings.insert().values(name=name, value=value))


def secret(engine: Engine) -> str:
    """The database's own secret, made at the first call; links and forms are signed with it."""
    with writing(engine) as connection:
        found = kept(connection, "secret")
        if found is None:
            found = secrets.token_urlsafe(32)
            keep(connection, "secret", found)
    return found
