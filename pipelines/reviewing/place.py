"""Where the review database is, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.config import Config
from pipelines.workspace import Workspace, WorkspaceError

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import Engine

__all__ = ["FILE", "database_file", "database_url", "has_database", "opened_database", "reachable"]

FILE: Final = "review.db"
NEEDED: Final = (
    "The review database needs packages that are not installed. Install them: pip install 'partnerlift[review]'."
)


def database_url(workspace: Workspace, config: Config) -> sa.URL:
    """The database's URL: that of the configuration, or else a file of the workspace.

    Raises ``WorkspaceError`` where SQLAlchemy is not installed, and ``ValueError`` for what is no URL of SQLite's or
    PostgreSQL's; neither repeats the URL, which may hold a password.
    """
    try:
        import sqlalchemy as sa
    except ModuleNotFoundError as error:
        raise WorkspaceError(NEEDED) from error
    told = _told(config)
    if told is None:
        return sa.URL.create("sqlite", database=str(workspace.root / FILE))
    try:
        url = sa.make_url(told)
    except sa.exc.ArgumentError as error:
        raise ValueError(
            "review.url is not an URL. Write it as postgresql://user@host/name or sqlite:///FILE."
        ) from error
    if url.get_backend_name() not in ("postgres", "postgresql", "sqlite"):
        raise ValueError(
            f"review.url is of {url.get_backend_name()}, but the review database is of SQLite or PostgreSQL. "
            "Write it as postgresql://user@host/name or sqlite:///FILE."
        )
    return url


def database_file(url: sa.URL) -> Path | None:
    """The file of a SQLite database; None for another one."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def has_database(workspace: Workspace, config: Config) -> bool:
    """Whether there is a review database: one that is configured, or a file that `partnerlift review` has made."""
    return _told(config) is not None or (workspace.root / FILE).exists()


@contextmanager
def opened_database(workspace: Workspace, config: Config) -> Iterator[Engine]:
    """The database at the present schema, for as long as the block lasts; raises ``WorkspaceError`` when it fails."""
    url = database_url(workspace, config)
    try:
        from review.store.engine import open_engine
    except ModuleNotFoundError as error:
        raise WorkspaceError(NEEDED) from error
    with reachable(url):
        engine = open_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def reachable(url: sa.URL) -> Iterator[None]:
    """Turns what the database refuses into one line without the URL's secrets."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split("\n\n")[0].split())
        raise WorkspaceError(
            f"Cannot use the review database {_shown(url)}: {cause.rstrip('.')}. Mend it, then run this again; "
            "judgements that were given are kept there."
        ) from error


def _told(config: Config) -> str | None:
    return None if config.review.url is None else config.review.url.get_secret_value()


def _shown(url: sa.URL) -> str:
    return str(database_file(url) or f"{url.host or 'local'}/{url.database or ''}")
