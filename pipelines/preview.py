"""What the verb `score` would do, found out without writing anything into the workspace: not a lock, not a draft."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipelines.backfill import Pass
from pipelines.config import Config
from pipelines.console import text_table
from pipelines.score import checked_methods, not_creditable, passes, recipes, scorer_of
from pipelines.scoring import plan
from pipelines.scoring.bucket import MODEL_METHODS
from pipelines.scoring.report import most
from pipelines.scoring.run import JOURNAL
from pipelines.scoring.stage import FeatureStage
from pipelines.workspace import Workspace, WorkspaceError

REASONS: Final = {
    "new": "not scored by this method yet",
    "data": "the deal or its touches changed",
    "rest": "the model, its features or the settings changed",
    "all": "unchanged, but --all was asked for",
}
_REASONS: Final = """
SELECT w.method, CASE
        WHEN s.deal_id IS NULL THEN 'new'
        WHEN s.content <> w.content THEN 'data'
        WHEN s.fingerprint <> w.fingerprint THEN 'rest'
        ELSE 'all' END AS reason,
    list(w.deal_id) AS deals
FROM score_changed w LEFT JOIN score_scored s USING (deal_id, method) GROUP BY ALL
"""


@dataclass(frozen=True)
class Preview:
    """What a scoring run would do.

    ``deals_in`` closed deals = ``to_score`` + ``unchanged``. ``reasons`` counts deals by method and by why they would
    be scored, ``models`` those that each model version would score; ``removed`` and ``rejected`` are as in the report
    of a scoring run.
    """

    methods: tuple[str, ...]
    models: dict[str, int]
    deals_in: int
    to_score: int
    unchanged: int
    removed: int
    reasons: dict[str, dict[str, int]]
    rejected: dict[str, int]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "methods": list(self.methods), "notes": list(self.notes)}

    def text(self) -> str:
        """The preview in plain lines."""
        lines = [f"{self.deals_in:,} closed deals: {self.to_score:,} would be scored, {self.unchanged:,} unchanged."]
        rows = [
            [method, REASONS[reason], f"{counts[reason]:,}"]
            for method, counts in self.reasons.items()
            for reason in REASONS
            if reason in counts
        ]
        if rows:
            lines += ["", text_table(["method", "because", "deals"], rows, right=[2]), ""]
        lines += [f"Model {version} would score {count:,} deals." for version, count in self.models.items()]
        if self.removed:
            lines.append(f"{self.removed:,} deals would lose their credit, because they are gone or open again.")
        lines += [f"Not to be credited: {count:,} deals: {reason}." for reason, count in self.rejected.items()]
        return "\n".join([*lines, *self.notes, "Nothing was written."])


def preview(
    workspace: Workspace,
    config: Config,
    *,
    all_deals: bool = False,
    methods: Sequence[str] | None = None,
    since: datetime | None = None,
    model: str | None = None,
) -> Preview:
    """What ``score`` with the same arguments would do, at the moment of asking; nothing in the workspace is touched.

    Raises
    ------
    WorkspaceError
        As ``score`` does, and when a write that was cut short has to be finished first, which is writing.
    """
    chosen = checked_methods(tuple(methods) if methods is not None else config.credit.methods)
    _check_readable(workspace)
    with tempfile.TemporaryDirectory(prefix="partnerlift-") as folder:
        workspace = replace(workspace, spill=Path(folder))
        if set(chosen) & set(MODEL_METHODS):
            config = _with_a_copy_of_the_registry(workspace, config, Path(folder))
        parts, notes = passes(workspace, config, chosen, since, model or config.credit.model)
        seen = [_Look.of(workspace, config, part, all_deals=all_deals) for part in parts]
    if (workspace.root / JOURNAL).exists():
        notes = (*notes, "A run was cut short; `partnerlift score` goes on with it if it is the same one.")
    return _added_up(seen, chosen, notes)


@dataclass(frozen=True)
class _Look:
    """What one pass would do: deals by method and reason."""

    version: str | None
    deals_in: frozenset[str]
    removed: frozenset[str]
    reasons: dict[tuple[str, str], frozenset[str]]
    rejected: dict[str, int]

    @classmethod
    def of(cls, workspace: Workspace, config: Config, part: Pass, *, all_deals: bool) -> _Look:
        """What the pass would do, asked of the workspace."""
        scorer, spec = scorer_of(config, part)
        with workspace.connect() as connection:
            plan.stage_deals(connection, 1, part.window, scorer.credit.eligibility())
            scorer = scorer.with_paths(connection, part.methods)
            if spec is None or workspace.spill is None:
                plan.stage_frames(connection, None)
            else:
                FeatureStage(connection, spec, workspace.spill).stage_digests(workspace)
            plan.stage_claims(connection)
            plan.stage_wanted(connection, recipes(scorer, part.methods))
            plan.stage_changes(connection, workspace, all_deals=all_deals)
            found = connection.execute(_REASONS).fetchall()
            return cls(
                scorer.model_version or None,
                _ids(connection, "score_closed"),
                _ids(connection, "score_gone WHERE is_removed"),
                {(method, reason): frozenset(deals) for method, reason, deals in found},
                not_creditable(connection, with_features=spec is not None),
            )


def _added_up(seen: Sequence[_Look], methods: tuple[str, ...], notes: tuple[str, ...]) -> Preview:
    deals_in = _union(look.deals_in for look in seen)
    to_score = _union(deals for look in seen for deals in look.reasons.values())
    reasons: dict[str, Counter[str]] = {method: Counter() for method in methods}
    models: Counter[str] = Counter()
    for look in seen:
        for (method, reason), deals in look.reasons.items():
            reasons[method][reason] += len(deals)
        if look.version is not None:
            models[look.version] += len(_union(look.reasons.values()))
    return Preview(
        methods=methods,
        models=dict(models),
        deals_in=len(deals_in),
        to_score=len(to_score),
        unchanged=len(deals_in) - len(to_score),
        removed=len(_union(look.removed for look in seen)),
        reasons={method: dict(counts) for method, counts in reasons.items()},
        rejected=most([(look.version is None, look.rejected) for look in seen]),
        notes=notes,
    )


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


def _ids(connection: Any, table: str) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute(f"SELECT DISTINCT deal_id FROM {table}").fetchall())


def _check_readable(workspace: Workspace) -> None:
    if not workspace.root.is_dir() or not workspace.has("deals"):
        raise WorkspaceError(f"{workspace.root} has no deals. Fill it with `partnerlift ingest` first.")
    if workspace.is_unfinished:
        raise WorkspaceError(
            f"A write to {workspace.root} was cut short and must be finished first, which a dry run does not do. "
            "Run `partnerlift doctor` or any other verb, then this again."
        )


def _with_a_copy_of_the_registry(workspace: Workspace, config: Config, folder: Path) -> Config:
    """The configuration with the workspace's own MLflow database copied away, because opening it may write to it."""
    from pipelines.tracking import DATABASE

    if config.tracking.uri is not None or not (workspace.root / DATABASE).is_file():
        return config
    for file in workspace.root.glob(f"{DATABASE}*"):
        shutil.copy(file, folder / file.name)
    tracking = config.tracking.model_copy(update={"uri": f"sqlite:///{folder / DATABASE}"})
    return config.model_copy(update={"tracking": tracking})
