"""The verb `train`: which models are trained, and what both found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.config import Config
from pipelines.reviewing.before import exchanged
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.assist_training.report import AssistReport
    from pipelines.train_report import TrainReport

__all__ = ["TrainedModels", "Wanted", "train_models"]


@dataclass(frozen=True)
class Wanted:
    """What to train: with neither ``outcome`` nor ``assist``, whatever there are data for.

    ``allow_leak`` and ``tune`` are the outcome model's, ``with_reviews`` (which asks for the assist model) and
    ``learning_curve`` the assist model's.
    """

    outcome: bool = False
    assist: bool = False
    with_reviews: bool = False
    learning_curve: bool = False
    allow_leak: tuple[str, ...] = ()
    tune: int = 0


@dataclass(frozen=True)
class TrainedModels:
    """What was found of each model that was trained."""

    outcome: TrainReport | None
    assist: AssistReport | None

    def to_dict(self) -> dict[str, Any]:
        """The outcome model's report, with that of the assist model under ``assist``."""
        outcome = {} if self.outcome is None else self.outcome.to_dict()
        return outcome if self.assist is None else {**outcome, "assist": self.assist.to_dict()}

    def text(self) -> str:
        """Both reports, one after the other."""
        return "\n\n".join(report.text() for report in (self.outcome, self.assist) if report is not None)


def train_models(workspace: Workspace, config: Config, wanted: Wanted) -> TrainedModels:
    """Trains what is wanted; raises as ``pipelines.train.train`` and ``pipelines.train_assist.train_assist`` do.

    Where nothing is named, the outcome model is trained, and the assist model with the reviews where there are any.
    """
    exchanged(workspace, config)
    is_open = not (wanted.outcome or wanted.assist or wanted.with_reviews)
    with_reviews = wanted.with_reviews or (is_open and len(workspace.read("reviews")) > 0)
    outcome, assist = None, None
    if wanted.outcome or (is_open and (workspace.has("deals") or not with_reviews)):
        from pipelines.train import train

        outcome = train(workspace, config, allow_leak=wanted.allow_leak, tune=wanted.tune)
    if wanted.assist or with_reviews:
        from pipelines.train_assist import train_assist

        assist = train_assist(workspace, config, with_reviews=with_reviews, with_curve=wanted.learning_curve)
    return TrainedModels(outcome, assist)
