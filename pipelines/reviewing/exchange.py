"""The exchange: workspace and review database brought to the same state, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipelines.config import Config
from pipelines.reviewing.belonging import belong
from pipelines.reviewing.handed import followed
from pipelines.reviewing.inward import copied
from pipelines.reviewing.judged import taken, written
from pipelines.workspace import BRIEF, Workspace
from review.store.claims import regrade_all
from review.store.engine import writing
from review.store.forgetting import forget_conversations
from review.store.settings import EXCHANGE, keep, kept
from review.store.workspace_tables import corrected_partners, last_change

__all__ = ["Exchanged", "exchange", "has_changed", "was_filled"]

FORMAT: Final = 1
"""Goes up when the same tables make other rows of the database."""
PLACE: Final = 0x65786368
"""The number of the lock that an exchange holds in PostgreSQL."""
READ: Final = (
    *("moments", "signals", "judged_moments", "moment_cues", "reviews", "deletions", "deals", "stage_history"),
    *(
        "partners",
        "partner_aliases",
        "contacts",
        "participants",
        "touchpoints",
        "leads",
        "quotes",
        "conversations",
        "utterances",
        "conversation_links",
    ),
    *("credits", "partner_scores"),
)
"""The tables of the workspace that an exchange reads."""


@dataclass(frozen=True)
class Exchanged:
    """What an exchange did.

    Parameters
    ----------
    copied : rows written or taken away, by table of the database.
    taken : moments that other programs had judged in the table ``reviews``.
    written : rows of the workspace's tables that were written.
    forgotten : conversations that had been deleted in the workspace.
    """

    copied: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    written: dict[str, int] = field(default_factory=dict)
    forgotten: int = 0

    @property
    def has_changed(self) -> bool:
        """Whether anything was other than before."""
        return any(self.copied.values()) or bool(self.taken or self.written or self.forgotten)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def text(self) -> str:
        """The report in plain lines."""
        told = [f"{n:,} {name.replace('_', ' ')}" for name, n in self.copied.items() if n]
        lines = [f"Into the database: {', '.join(told)}."] if told else []
        if self.taken:
            lines.append(f"Judgements of {self.taken:,} moments were taken from the table reviews.")
        lines += [f"Table {name} has {n:,} rows now." for name, n in self.written.items()]
        if self.forgotten:
            lines.append(f"{self.forgotten:,} deleted conversations were forgotten.")
        return "\n".join(lines or ["Nothing had changed."])


def exchange(
    workspace: Workspace,
    engine: Engine,
    config: Config,
    now: datetime,
    *,
    wait: float = 0.0,
    adopt: bool = False,
) -> Exchanged:
    """Brings the database up to date with the workspace, and the workspace's judgements with the database.

    Doing it again changes nothing; one that was cut short at any moment is finished by the next.

    Parameters
    ----------
    config : its ``report_currency`` and ``company`` are used.
    now : written into the audit, where judgements of other programs are taken in.
    wait : seconds to wait for another run that holds the workspace.
    adopt : take over a database that another workspace has filled.

    Raises
    ------
    WorkspaceError
        When another run holds the workspace, or another workspace has filled the database.
    """
    with workspace.lock(BRIEF, wait=wait), _alone(engine):
        belong(workspace, engine, adopt=adopt)
        before, files = _seen(engine), _files(workspace, config)
        with engine.connect() as reader:
            people, partners = last_change(reader), corrected_partners(reader)
        if (before.get("files"), before.get("people")) == (files, people):
            return Exchanged()
        is_same = (before.get("files"), before.get("partners")) == (files, partners)
        done = Exchanged() if is_same else _inward(workspace, engine, config, now)
        followed(workspace, engine, now)
        with engine.connect() as reader:
            people = last_change(reader)
        tables = written(workspace, engine)
        seen = {"files": _files(workspace, config) if tables else files, "people": people, "partners": partners}
        _note(engine, seen)
    return Exchanged(done.copied, done.taken, tables, done.forgotten)


def has_changed(workspace: Workspace, engine: Engine, config: Config) -> bool:
    """Whether there is something to exchange, told from the files' times and the audit without reading either."""
    with engine.connect() as reader:
        people = last_change(reader)
    seen = _seen(engine)
    return (seen.get("files"), seen.get("people")) != (_files(workspace, config), people)


def was_filled(engine: Engine) -> bool:
    """Whether an exchange has filled the database before."""
    return bool(_seen(engine))


def _inward(workspace: Workspace, engine: Engine, config: Config, now: datetime) -> Exchanged:
    with workspace.connect() as connection:
        deleted = connection.execute("SELECT conversation_id FROM deletions").fetchall()
        forgotten = forget_conversations(engine, (row[0] for row in deleted), now)
        about = taken(connection, engine, now)
        done = copied(connection, engine, config.report_currency, config.company.to_own())
    with writing(engine) as writer:
        regrade_all(writer)
    return Exchanged(done, len(about), {}, forgotten)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Keeps exchanges of workspaces in other places away from the same database."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PLACE)))
        yield


def _files(workspace: Workspace, config: Config) -> str:
    """The tables' files with size and time, and what else the copies rest on, as text."""
    found = [(str(path.relative_to(workspace.root)), path.stat()) for name in READ for path in workspace.files(name)]
    files = [(name, status.st_size, status.st_mtime_ns) for name, status in found]
    return json.dumps([FORMAT, config.report_currency, config.company.model_dump(), files])


def _seen(engine: Engine) -> dict[str, Any]:
    with engine.connect() as reader:
        text = kept(reader, EXCHANGE)
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def _note(engine: Engine, seen: dict[str, Any]) -> None:
    with writing(engine) as writer:
        keep(writer, EXCHANGE, json.dumps(seen))
