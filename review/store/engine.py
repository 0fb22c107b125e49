"""A database opened, and brought to the present schema."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection, Engine

__all__ = ["lock_writers", "migrate", "open_engine", "reading", "writing"]

DRIVERS: Final = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver where the URL names none."""
BUSY_SECONDS: Final = 30
"""How long a writer waits in SQLite for one of another process."""
POOL: Final = 20
"""Connections that are kept open, and how many more there may be: together one for each thread that answers."""
WRITERS: Final = 0x70617274
"""The number of the lock that writers hold in PostgreSQL, one after the other."""
_TURNS: Final[WeakKeyDictionary[Engine, Lock]] = WeakKeyDictionary()
"""What writers of this process wait for, one after the other."""


def open_engine(url: str | sa.URL) -> Engine:
    """The database of a SQLAlchemy URL, at the present schema.

    In SQLite a commit is on the disk before it returns (write-ahead log, full synchronisation), and readers never wait
    for writers. A file that is made is its owner's alone to read.
    """
    parsed = sa.make_url(url)
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    is_sqlite = parsed.get_backend_name() == "sqlite"
    engine = sa.create_engine(
        parsed,
        pool_size=POOL,
        max_overflow=POOL,
        pool_pre_ping=not is_sqlite,
        hide_parameters=True,  # Errors are logged, and what people said is for no log.
    )
    if is_sqlite:
        _make_private(parsed.database)
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Brings the database to the present schema; does nothing where it is there already."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads one state of the database throughout, whatever others write meanwhile.

    For numbers of several queries that have to fit each other; a single query needs none.
    """
    is_postgres = engine.dialect.name == "postgresql"  # SQLite's transactions are so by themselves.
    options = {"isolation_level": "REPEATABLE READ"} if is_postgres else {}
    with engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is going to write.

    It has the writer's place from its beginning, so that what it reads stays as it was until it commits, and no two
    writers wait for each other.
    """
    turn = _TURNS.setdefault(engine, Lock())  # SQLite's own way of waiting is to try again, and some wait for ever.
    with turn, engine.connect().execution_options(is_writer=True) as connection, connection.begin():
        lock_writers(connection)
        yield connection


def lock_writers(connection: Connection) -> None:
    """Waits in PostgreSQL for the writer's place, held to the end of the transaction; SQLite gives it by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS)))


def _make_private(file: str | None) -> None:
    """Makes the file, where there is none, unreadable for others: it holds the page's secret, and what people said.

    The log that SQLite keeps beside it is as readable as the file.
    """
    if file and not file.startswith((":", "file:")):
        with suppress(OSError):  # It is there; or SQLite says why it cannot be made.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # Transactions begin where SQLAlchemy says so, not at the first change.
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_SECONDS}000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows the letters of ASCII alone.


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
