"""The model on its way to the workers: its saved JSON and LightGBM text, broadcast once, read once by each worker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from models.saved import SavedModel

Texts = tuple[tuple[str, str], ...]
"""Names and contents of a saved model's files."""
THREADS: Final = 1
"""LightGBM's threads in a worker: Spark runs a worker on each core."""


@dataclass(frozen=True)
class Shipped:
    """A model as its class and the files that it saves, ``texts``; no object of LightGBM or scikit-learn travels."""

    kind: type[SavedModel]
    texts: Texts

    def loaded(self) -> Any:
        """The model, read once in the life of a worker's process."""
        return _loaded(self)


def saved(model: Any) -> Shipped:
    """The model in the form in which it travels."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        texts = tuple((path.name, path.read_text(encoding="utf-8")) for path in sorted(Path(folder).iterdir()))
    return Shipped(type(model), texts)


@lru_cache(maxsize=2)
def _loaded(shipped: Shipped) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in shipped.texts:
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return shipped.kind.load(Path(folder), threads=THREADS)


def broadcast(session: Any, value: Any) -> Callable[[], Any]:
    """A function that gives ``value`` on any worker, to which it travels once.

    A session of Spark Connect has no broadcast variables; there the value travels with the function.
    """
    from pyspark.sql import SparkSession

    if not isinstance(session, SparkSession):
        return lambda: value
    variable = session.sparkContext.broadcast(value)
    return lambda: variable.value
