"""How examples become a model of assists."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pipelines.assist_training.examples import Examples
from pipelines.detecting.judge import Judge

__all__ = ["TrainedJudge", "fitted"]


class TrainedJudge(Judge, Protocol):
    """A judge that can be kept."""

    def save(self, directory: Path) -> None:
        """Writes the model into ``directory``, which is made when missing."""
        ...


def fitted(examples: Examples) -> TrainedJudge:
    """The model that is fitted on all labelled pairs."""
    raise NotImplementedError
