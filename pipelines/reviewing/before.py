"""What verbs that read judgements do first: bring them from the review database, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pipelines.config import Config
from pipelines.reviewing.place import has_database, opened_database
from pipelines.workspace import Workspace

__all__ = ["exchanged", "reviews_forgotten"]


def exchanged(workspace: Workspace, config: Config, *, wait: float = 0.0, now: datetime | None = None) -> None:
    """Exchanges with the review database; does nothing where none is configured or lies in the workspace.

    For a caller that does not hold the workspace's lock. Raises ``WorkspaceError`` when the database cannot be used or
    another run holds the workspace.
    """
    if not has_database(workspace, config):
        return
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.exchange import exchange

        exchange(workspace, engine, config, now or datetime.now(UTC), wait=wait)


@contextmanager
def reviews_forgotten(workspace: Workspace, config: Config, now: datetime) -> Iterator[None]:
    """Deletes from the review database, when the block ends well, what the table ``deletions`` then names.

    The database is opened first, so that nothing is deleted in the block when it cannot be used.
    """
    if not has_database(workspace, config):
        yield
        return
    with opened_database(workspace, config) as engine:
        yield
        from review.store.forgetting import forget_conversations

        forget_conversations(engine, workspace.read("deletions")["conversation_id"].tolist(), now)
