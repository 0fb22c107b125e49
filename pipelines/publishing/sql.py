"""Tables into any database that SQLAlchemy knows, in one transaction, through a staging table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from features.tables import Column, Kind, Table
from pipelines.publishing.report import Published
from pipelines.workspace import Workspace, WorkspaceError

BATCH_ROWS: Final = 10_000
"""Rows that are held in memory at a time."""

_TEXT: Final = sa.Text()
_SHORT: Final = sa.Text().with_variant(sa.String(255), "mysql", "mariadb", "mssql", "oracle")
"""Ids and categories may be in a key, for which these databases take no text of any length."""
COLUMN_TYPES: Final[dict[Kind, TypeEngine[Any]]] = {
    Kind.ID: _SHORT,
    Kind.TEXT: _TEXT,
    Kind.CATEGORY: _SHORT,
    Kind.TIMESTAMP: sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"),
    Kind.MONEY: sa.Double(),
    Kind.NUMBER: sa.Double(),
    Kind.INTEGER: sa.BigInteger(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.LIST: _TEXT,  # as a JSON array
}


def publish_sql(workspace: Workspace, url: sa.URL, tables: Sequence[Table], schema: str | None) -> list[Published]:
    """Makes the tables in the database equal to the workspace's, all of them or none.

    Raises ``sqlalchemy.exc.SQLAlchemyError``, or ``WorkspaceError`` when a table there has other columns.
    """
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.NullPool)
    if url.get_backend_name() == "sqlite":
        _begin_at_once(engine)
    with engine.begin() as connection:
        if (
            schema is not None
            and url.get_backend_name() == "postgresql"
            and not sa.inspect(connection).has_schema(schema)
        ):
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        return [_published(workspace, connection, table, schema) for table in sorted(tables, key=lambda t: t.name)]


def declared(table: Table, metadata: sa.MetaData) -> sa.Table:
    """The table as ``features.tables`` declares it, with its key as primary key, or indexed where it may be empty."""
    nullable = {column.name for column in table.columns if column.nullable}
    has_primary = bool(table.key) and not nullable & set(table.key)
    columns = [
        sa.Column(
            column.name,
            COLUMN_TYPES[column.kind],
            primary_key=has_primary and column.name in table.key,
            autoincrement=False,
            nullable=column.nullable,
        )
        for column in table.columns
    ]
    made = sa.Table(table.name, metadata, *columns)
    if table.key and not has_primary:
        sa.Index(f"ix_{table.name}_key", *(made.c[name] for name in table.key if name not in nullable))
    return made


def _published(workspace: Workspace, connection: sa.Connection, table: Table, schema: str | None) -> Published:
    target = declared(table, sa.MetaData(schema=schema))
    _check_columns(connection, target)
    target.create(connection, checkfirst=True)
    if connection.dialect.name == "postgresql":  # another writer waits; readers do not
        connection.execute(sa.text(f"LOCK TABLE {_quoted(connection, target)} IN SHARE ROW EXCLUSIVE MODE"))
    staging = _staged(workspace, connection, table)
    counts = _merged(connection, table, target, staging)
    rows = connection.execute(sa.select(sa.func.count()).select_from(target)).scalar_one()
    staging.drop(connection)
    return Published(table.name, int(rows), *counts)


def _staged(workspace: Workspace, connection: sa.Connection, table: Table) -> sa.Table:
    """A temporary table with all rows of the workspace's table."""
    columns = [sa.Column(column.name, COLUMN_TYPES[column.kind]) for column in table.columns]
    staging = sa.Table(f"partnerlift_staging_{table.name}", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    staging.create(connection)
    _load(connection, staging, _batches(workspace, table))
    keys = [staging.c[column.name] for column in table.columns if column.name in table.key and not column.nullable]
    if keys:
        sa.Index(f"ix_{staging.name}", *keys).create(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"ANALYZE {_quoted(connection, staging)}"))
    return staging


def _load(connection: sa.Connection, staging: sa.Table, batches: Iterator[list[dict[str, Any]]]) -> None:
    """Fills the staging table; PostgreSQL by ``COPY``, which takes half the time of inserts."""
    if connection.dialect.driver != "psycopg":
        for rows in batches:
            connection.execute(staging.insert(), rows)
        return
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, staging.columns.keys()))
    statement = f"COPY {_quoted(connection, staging)} ({names}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for rows in batches:
                for row in rows:
                    copy.write_row(list(row.values()))
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError(statement, None, error) from error


def _batches(workspace: Workspace, table: Table) -> Iterator[list[dict[str, Any]]]:
    lists = [column.name for column in table.columns if column.kind is Kind.LIST]
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    with workspace.connect() as source:
        for batch in source.sql(f"SELECT {columns} FROM ({workspace.select(table.name)})").to_arrow_reader(BATCH_ROWS):
            rows = batch.to_pylist()
            for row in rows if lists else ():
                row.update({name: None if row[name] is None else json.dumps(row[name]) for name in lists})
            if rows:
                yield rows


def _merged(connection: sa.Connection, table: Table, target: sa.Table, staging: sa.Table) -> tuple[int, int, int]:
    """Brings the target to what is staged; rows inserted, changed and removed. Without a key all rows are replaced."""
    names = list(table.column_names)
    if not table.key:
        removed = _count(connection, target.delete())
        return _count(connection, target.insert().from_select(names, sa.select(staging))), 0, removed
    key = [table.column(name) for name in table.key]
    same = sa.and_(*(_equal(target.c[column.name], staging.c[column.name], column) for column in key))
    differs = sa.or_(*(target.c[name].is_distinct_from(staging.c[name]) for name in names if name not in table.key))
    removed = _count(connection, target.delete().where(~sa.exists().where(same)))
    changed = _count(connection, target.delete().where(sa.exists().where(same, differs)))
    missing = sa.select(staging).where(~sa.exists().where(same).correlate(staging))
    inserted = _count(connection, target.insert().from_select(names, missing))
    return inserted - changed, changed, removed


def _equal(left: sa.Column[Any], right: sa.Column[Any], column: Column) -> sa.ColumnElement[bool]:
    """Equality by which a database can join; only where a key may be empty the slower one that knows null."""
    return left.is_not_distinct_from(right) if column.nullable else left == right


def _count(connection: sa.Connection, statement: sa.Executable) -> int:
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _check_columns(connection: sa.Connection, target: sa.Table) -> None:
    inspector = sa.inspect(connection)
    if not inspector.has_table(target.name, schema=target.schema):
        return
    there = {str(column["name"]) for column in inspector.get_columns(target.name, schema=target.schema)}
    missing = [name for name in target.columns.keys() if name not in there]  # noqa: SIM118 - the collection holds columns
    if missing:
        raise WorkspaceError(
            f"The table {target.fullname} in the database lacks the column(s) {', '.join(missing)}. "
            "Add them, drop it so that it is made anew, or publish into another schema with --schema."
        )


def _quoted(connection: sa.Connection, table: sa.Table) -> str:
    return str(connection.dialect.identifier_preparer.format_table(table))


def _begin_at_once(engine: sa.Engine) -> None:
    """Has SQLite's driver leave transactions to us: they begin with the right to write, and hold DDL too."""

    @sa.event.listens_for(engine, "connect")
    def manual(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
