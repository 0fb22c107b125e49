"""Result tables kept equal in a database of the user's: PostgreSQL, SQLite, any other of SQLAlchemy's, or DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from features.tables import RESULT_TABLES, TABLES, Table
from pipelines.config import OutputConfig
from pipelines.publishing.report import PublishReport
from pipelines.workspace import Workspace, WorkspaceError

DUCKDB: Final = "duckdb"
DRIVERS: Final = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver of the extra ``database``, where the URL names none."""


def publish(
    workspace: Workspace, url: str, *, tables: Sequence[str] = (), schema: str | None = None, wait: float = 0.0
) -> PublishReport:
    """Brings tables of a database to what the workspace's tables hold, and says what was inserted, changed and removed.

    All tables change in one transaction, so that a reader never sees half of a run; doing it again changes nothing. A
    table that is not there yet is made, with the columns, types and key of ``features.tables``; of ``deals``, columns
    of the user's own are left out. Rows are told apart by their key; times are UTC; lists are JSON text except in
    DuckDB.

    Parameters
    ----------
    url : ``duckdb:///FILE`` or an URL of SQLAlchemy's, e.g. ``postgresql://user@host/name`` or ``sqlite:///FILE``.
    tables : names of ``features.tables.TABLES``; empty means every result table that the workspace has.
    schema : of the database; None means its default.
    wait : seconds to wait for another run that holds the workspace.

    Raises
    ------
    WorkspaceError
        When another run holds the workspace, it does not have a table, or the database refuses.
    ValueError
        For an unknown table or an URL that is none.
    """
    with workspace.lock("publish", wait=wait):
        return _published(workspace, url, tables, schema)


def publish_held(workspace: Workspace, output: OutputConfig) -> PublishReport:
    """``publish`` as configured, for a caller that holds the workspace's lock already."""
    assert output.url is not None
    return _published(workspace, output.url.get_secret_value(), output.tables, output.into)


def _published(workspace: Workspace, url: str, tables: Sequence[str], schema: str | None) -> PublishReport:
    chosen = _chosen(workspace, tables)
    import duckdb
    from sqlalchemy.exc import SQLAlchemyError

    from pipelines.publishing.duck import publish_duckdb
    from pipelines.publishing.sql import publish_sql

    parsed = _parsed(url)
    target = _without_secrets(parsed)
    try:
        if parsed.get_backend_name() == DUCKDB:
            done = publish_duckdb(workspace, Path(parsed.database or ""), chosen, schema)
        else:
            done = publish_sql(workspace, parsed, chosen, schema)
    except (SQLAlchemyError, duckdb.Error) as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split("\n\n")[0].split())
        raise WorkspaceError(
            f"Cannot publish to {target}: {cause.rstrip('.')}. Nothing was changed there; the workspace is complete. "
            "Run the same command again when it is mended."
        ) from error
    return PublishReport(target, tuple(done))


def _chosen(workspace: Workspace, names: Sequence[str]) -> list[Table]:
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise ValueError(f"There is no table {', '.join(map(repr, unknown))}. Tables: {', '.join(TABLES)}.")
    absent = [name for name in names if not workspace.has(name)]
    chosen = [TABLES[name] for name in names or RESULT_TABLES if workspace.has(name)]
    if absent or not chosen:
        what = ", ".join(absent) or "result table"
        raise WorkspaceError(f"{workspace.root} has no {what} yet. Ingest or compute it first.")
    return chosen


def _parsed(url: str) -> Any:
    """SQLAlchemy's form of the URL; raises ``ValueError`` without repeating it, since it may hold a password."""
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
        if parsed.get_backend_name() == DUCKDB:
            if not parsed.database:
                raise ValueError("The URL names no file. Write duckdb:///FILE.")
            return parsed
        parsed.get_dialect()
    except sa.exc.ArgumentError as error:
        raise ValueError(
            "The database's URL is not one that SQLAlchemy knows. Write it as postgresql://user@host/name, "
            "sqlite:///FILE or duckdb:///FILE."
        ) from error
    return parsed


def _without_secrets(url: Any) -> str:
    return f"{url.get_backend_name()}://{url.host or ''}/{url.database or ''}"
