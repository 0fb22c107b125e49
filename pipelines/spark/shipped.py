"""What scores, on its way to the workers: the model as its saved JSON and LightGBM text, read once by each worker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from models.saved import SavedModel
from pipelines.scoring.bucket import Scorer

Texts = tuple[tuple[str, str], ...]
"""Names and contents of a saved model's files."""
THREADS: Final = 1
"""LightGBM's threads in a worker: Spark runs a worker on each core."""


@dataclass(frozen=True)
class Saved:
    """A model as its class and the files that it saves, ``texts``; no object of LightGBM or scikit-learn travels."""

    kind: type[SavedModel]
    texts: Texts

    def loaded(self) -> Any:
        """The model, read once in the life of a worker's process."""
        return _loaded(self)


@dataclass(frozen=True)
class Shipped:
    """A scorer without its model, and the model as it travels; None when only rules are asked for."""

    scorer: Scorer
    model: Saved | None

    @classmethod
    def of(cls, scorer: Scorer) -> Shipped:
        """The scorer in the form in which it travels."""
        return cls(replace(scorer, model=None), None if scorer.model is None else _saved(scorer.model))

    def unpacked(self) -> Scorer:
        """The scorer with its model."""
        return self.scorer if self.model is None else replace(self.scorer, model=self.model.loaded())


def _saved(model: Any) -> Saved:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        texts = tuple((path.name, path.read_text(encoding="utf-8")) for path in sorted(Path(folder).iterdir()))
    return Saved(type(model), texts)


@lru_cache(maxsize=2)
def _loaded(saved: Saved) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in saved.texts:
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return saved.kind.load(Path(folder), threads=THREADS)


def broadcast(session: Any, value: Any) -> Callable[[], Any]:
    """A function that gives ``value`` on any worker, to which it travels once.

    A session of Spark Connect has no broadcast variables; there the value travels with the function.
    """
    from pyspark.sql import SparkSession

    if not isinstance(session, SparkSession):
        return lambda: value
    variable = session.sparkContext.broadcast(value)
    return lambda: variable.value
