"""The steps of the schema bring any database to the tables that are declared, and keep what lies in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

import review.store
from review.store.engine import DRIVERS, open_engine, writing
from review.store.events import chain
from review.store.schema import METADATA, events, moments
from review.store.triggers import create_triggers

FOLDER = Path(review.store.__file__).parent / "migrations"
SQLITE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite_%'"
POSTGRESQL = (
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'",
    "SELECT 'trigger', tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    (
        "SELECT table_name || '.' || column_name, data_type, is_nullable || coalesce(column_default, '') "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'alembic%'"
    ),
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of each kind without any table."""
    is_sqlite = request.param == "sqlite"
    url = sa.make_url(f"sqlite:///{tmp_path}/m.db" if is_sqlite else request.getfixturevalue("postgres_url"))
    engine = sa.create_engine(url.set(drivername=DRIVERS.get(url.drivername, url.drivername)))
    yield engine
    engine.dispose()


def go(engine: Engine, revision: str) -> None:
    """Brings the database to a step, up or down."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def shape(engine: Engine) -> set[tuple[str, ...]]:
    """Tables, columns, indexes and triggers as the database itself tells them."""
    queries = (SQLITE,) if engine.dialect.name == "sqlite" else POSTGRESQL
    with engine.connect() as connection:
        found = [tuple(map(str, row)) for query in queries for row in connection.execute(sa.text(query))]
    return {tuple(" ".join(part.split()) for part in row) for row in found}


def declared(engine: Engine) -> set[tuple[str, ...]]:
    """The shape of what is declared, made without any step; the database is empty before and after."""
    with engine.begin() as connection:
        METADATA.create_all(connection)
        create_triggers(connection)
    found = shape(engine)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("DROP FUNCTION events_refuse()"))
    return found


def test_all_steps_make_exactly_what_is_declared(empty: Engine) -> None:
    wanted = declared(empty)
    go(empty, "head")
    assert shape(empty) == wanted
    with empty.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLite does not tell of indexes on expressions; `shape` has them.
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert [step for step in found if "index" not in str(step[0])] == []


def test_up_down_and_up_again(empty: Engine) -> None:
    go(empty, "head")
    first = shape(empty)
    go(empty, "base")
    assert shape(empty) == set()
    go(empty, "head")
    assert shape(empty) == first


def test_a_database_of_the_first_step_keeps_its_rows(filled: Engine) -> None:
    with writing(filled) as connection:
        connection.execute(moments.update().values(state="judged", verdict="confirmed"))
    go(filled, "0001")
    again = open_engine(filled.url)
    with again.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(moments.c.verdict == "confirmed")) == 7
        assert chain(connection).first_break is None
        assert connection.scalar(sa.select(sa.func.count()).select_from(events)) == 0
    again.dispose()


def test_a_new_file_of_sqlite_is_its_owners_alone_to_read_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("new.db", "shared.db"):
        (tmp_path / "shared.db").touch(0o640)
        engine = open_engine(f"sqlite:///{tmp_path / name}")
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob(f"{name}*")}
        engine.dispose()

        assert modes == ({0o600} if name == "new.db" else {0o640})
