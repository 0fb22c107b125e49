"""The exchange: workspace and review database brought to the same state, in both directions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Engine

from pipelines.config import Config
from pipelines.reviewing.inward import copied
from pipelines.workspace import Workspace
from review.store.claims import regrade_all
from review.store.engine import writing

__all__ = ["Exchanged", "exchange"]


@dataclass(frozen=True)
class Exchanged:
    """What an exchange did: rows that were written or taken away, by table of the database."""

    copied: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def text(self) -> str:
        """The report in plain lines."""
        told = [f"{n:,} {name.replace('_', ' ')}" for name, n in self.copied.items() if n]
        return f"Copied {', '.join(told)}." if told else "Nothing had changed."


def exchange(workspace: Workspace, engine: Engine, config: Config, now: datetime, *, wait: float = 0.0) -> Exchanged:
    """Brings the review database up to date with the workspace, and the workspace's judgements with the database."""
    with workspace.lock("review", wait=wait), workspace.connect() as connection:
        done = copied(connection, engine, config.report_currency)
    if any(done.values()):
        with writing(engine) as writer:
            regrade_all(writer)
    return Exchanged(done)
