"""What the product's models have in common as estimators: settings, a version, and their saved form."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator

from features.frame import FrameSpec
from models.persistence import Artifact, read_artifact, whole, write_artifact


class SavedModel(BaseEstimator):  # type: ignore[misc]
    """An estimator with the parameters ``spec`` and ``threads``, kept as an artifact of its ``kind``."""

    kind: ClassVar[str]
    spec: FrameSpec | None

    @property
    def version(self) -> str:
        """Twelve hex digits of a hash of everything that decides a prediction."""
        return self._artifact().version

    def save(self, directory: Path) -> None:
        """Writes the model as JSON and LightGBM text into ``directory``, which is made when missing."""
        write_artifact(self._artifact(), directory)

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """The model that ``save`` wrote; raises ``ArtifactError`` when it is none or of an unknown format."""
        with whole(directory):
            return cls._from(read_artifact(directory, cls.kind), threads)

    def _settings(self) -> dict[str, Any]:
        """The facts of an artifact from which ``_unfitted`` makes the estimator again."""
        params = {k: v for k, v in self.get_params(deep=False).items() if k not in {"spec", "threads"}}
        return {"params": params, "spec": None if self.spec is None else self.spec.to_dict()}

    @classmethod
    def _unfitted(cls, facts: dict[str, Any], threads: int) -> Self:
        """The estimator with the settings that an artifact's facts hold."""
        params = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["params"].items()}
        spec = None if facts["spec"] is None else FrameSpec.from_dict(facts["spec"])
        return cls(**params, threads=threads, spec=spec)

    @classmethod
    @abstractmethod
    def _from(cls, artifact: Artifact, threads: int) -> Self:
        """The fitted model of an artifact."""

    @abstractmethod
    def _artifact(self) -> Artifact:
        """All that decides a prediction; raises ``NotFittedError`` before ``fit``."""
