"""Which model scores which deals: the champion, one version, or for each deal the model in force when it closed.

A back-fill is a row of passes, each an ordinary scoring run over the deals of its window: one for the rules, which know
no model, and one for each reign of a champion. Each is resumable, and finds unchanged what an earlier one has scored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from features.tables import INPUT_TABLES
from pipelines.config import Config
from pipelines.scoring.plan import Window
from pipelines.workspace import Workspace, WorkspaceError

if TYPE_CHECKING:
    from models.outcome import OutcomeModel

CHAMPION: Final = "champion"
IN_FORCE: Final = "in-force"
BACKFILL: Final = "results/backfill.json"


@dataclass(frozen=True)
class Pass:
    """One run over the deals of a window by some methods; ``model`` is None when all of them are rules."""

    methods: tuple[str, ...]
    window: Window
    model: OutcomeModel | None = None


@dataclass(frozen=True)
class Registered:
    """A registered version of the outcome model: its number, its content's version, and when it became the champion."""

    number: str
    model_version: str
    champion_since: tuple[datetime, ...] = ()

    @property
    def words(self) -> str:
        """Both versions, as they may be asked for."""
        return f"{self.number} ({self.model_version})"


@dataclass(frozen=True)
class Reign:
    """A registered version and the window of close dates for which it is the model in force."""

    version: Registered
    window: Window

    @property
    def words(self) -> str:
        """The reign as part of a sentence."""
        since, until = self.window.since, self.window.until
        begin = "" if since is None else f" at or after {since:%Y-%m-%d %H:%M} UTC"
        end = "" if until is None else f" before {until:%Y-%m-%d %H:%M} UTC"
        if not begin and not end:
            return f"Model {self.version.words} scores all deals."
        return f"Model {self.version.words} scores deals closed{begin}{' and' if begin and end else ''}{end}."


def reigns(versions: Sequence[Registered], since: datetime | None = None) -> list[Reign]:
    """The windows of the versions that were champion, oldest first; the first one's has no beginning but ``since``.

    Windows that end at or before ``since`` are left out. Raises ``WorkspaceError`` when no version ever was.
    """
    changes = [(moment, version) for version in versions for moment in version.champion_since]
    changes.sort(key=lambda change: (change[0], int(change[1].number)))
    if not changes:
        raise WorkspaceError(
            "No model was ever made the champion, so that none was in force. Train one with `partnerlift train`, or "
            f"name a version with --model: {_list(versions)}."
        )
    kept = [changes[0], *(after for before, after in pairwise(changes) if before[1] != after[1])]
    begins = [None, *(moment for moment, _ in kept[1:])]
    found = []
    for (_, version), begin, end in zip(kept, begins, [*begins[1:], None], strict=True):
        if since is None or end is None or end > since:
            later = begin if since is None or (begin is not None and begin > since) else since
            found.append(Reign(version, Window(later, end)))
    return found


def begun_at(workspace: Workspace, settings: Any, now: datetime) -> datetime:
    """The time under which a back-fill writes its rows: that of the same one, when it was cut short, else ``now``.

    The same is one with the same settings over the same input files. Needs the workspace's lock.
    """
    stats = [(name, file.stat()) for name in INPUT_TABLES for file in workspace.files(name)]
    inputs = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    identity = hashlib.sha256(json.dumps([inputs, settings], default=str).encode()).hexdigest()
    journal = workspace.root / BACKFILL
    if journal.exists():
        before = json.loads(journal.read_text(encoding="utf-8"))
        if before["identity"] == identity:
            return datetime.fromisoformat(before["scored_at"])
    with workspace.transaction() as transaction:
        text = json.dumps({"identity": identity, "scored_at": now.isoformat()})
        transaction.file(BACKFILL).write_text(text, encoding="utf-8")
    return now


def passes_in_force(
    workspace: Workspace, config: Config, rules: tuple[str, ...], modelled: tuple[str, ...], since: datetime | None
) -> tuple[list[Pass], tuple[str, ...]]:
    """A pass for the rules, where there are any, and one for each reign; and what the report must say of them."""
    known = registered(workspace, config)
    found = reigns(known, since)
    by_rules = [Pass(rules, Window(since))] if rules else []
    by_models = [Pass(modelled, reign.window, loaded(workspace, config, reign.version)) for reign in found]
    return [*by_rules, *by_models], (*(reign.words for reign in found), *_early(workspace, known, since))


def version_of(workspace: Workspace, config: Config, wanted: str) -> OutcomeModel:
    """The model of that number in the registry, or of that content; raises ``WorkspaceError`` listing those known."""
    known = registered(workspace, config)
    for version in reversed(known):
        if wanted in {version.number, version.model_version}:
            return loaded(workspace, config, version)
    raise WorkspaceError(
        f"There is no model version {wanted!r}. Choose {CHAMPION}, {IN_FORCE}, or one of: {_list(known)}."
    )


def registered(workspace: Workspace, config: Config) -> list[Registered]:
    """The registered versions; raises ``WorkspaceError`` when no model has been trained."""
    from pipelines.tracking import NoChampionError, versions

    try:
        return versions(workspace, config)
    except NoChampionError as error:
        raise WorkspaceError(str(error)) from error


def loaded(workspace: Workspace, config: Config, version: Registered) -> OutcomeModel:
    """That version; raises ``WorkspaceError`` when its files are gone."""
    from pipelines.tracking import NoChampionError, load_version

    try:
        return load_version(workspace, config, version.number)
    except NoChampionError as error:
        raise WorkspaceError(str(error)) from error


def _early(workspace: Workspace, versions: Sequence[Registered], since: datetime | None) -> tuple[str, ...]:
    """A sentence on the deals that closed before any model was in force."""
    first, version = min((moment, version.words) for version in versions for moment in version.champion_since)
    with workspace.connect() as connection:
        query = (
            "SELECT count(*) FROM deals WHERE outcome <> 'open' AND closed_at < $first "
            "AND closed_at >= coalesce($since::TIMESTAMPTZ, '-infinity')"
        )
        (count,) = connection.execute(query, {"first": first, "since": since}).fetchall()[0]
    at = f"{first:%Y-%m-%d %H:%M} UTC"
    early = f"{count:,} deals closed before any model was in force ({at}); the first, {version}, scores them."
    return (early,) if count else ()


def _list(versions: Sequence[Registered]) -> str:
    return ", ".join(version.words for version in versions)
