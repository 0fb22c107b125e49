"""Which columns of a frame a model sees, and how they become the numbers that LightGBM reads.

Types and levels are fixed at fit: a category that was not seen then, or was too rare to keep, becomes missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.coalitions import COALITION
from features.registry import KEYS, MEMBER_KEYS

NON_FEATURES: Final = frozenset({*KEYS, *MEMBER_KEYS, COALITION})
"""Columns of a frame that identify, date or answer, and are never features."""

_NUMBERS: Final = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}
MAX_LEVELS: Final = 200
DECILES: Final = 10


def feature_names(frame: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Sorted names of the numeric, boolean and text columns that may be features."""
    usable = [
        str(name)
        for name in frame.columns
        if name not in NON_FEATURES and name not in leave_out and not _is_time(frame[name])
    ]
    return tuple(sorted(usable))


@dataclass(frozen=True)
class ColumnCoder:
    """Turns a frame into a float matrix, columns in the order of ``names``.

    Attributes
    ----------
    names : columns, in the matrix's order.
    levels : categorical column to its levels; a value's code is its position, NaN for any other value.
    edges : coarsened numeric column to its inner decile edges; the matrix holds the decile (0 to 9), NaN for missing.
    """

    names: tuple[str, ...]
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    edges: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def fit(cls, frame: pd.DataFrame, names: tuple[str, ...], coarsen: tuple[str, ...] = ()) -> Self:
        """Learns types, levels (the 200 most frequent, sorted) and deciles from the training rows.

        Columns with one value only (missing counts as one) are left out.
        """
        names = tuple(name for name in names if not frame[name].isin(frame[name].head(1)).all())
        levels = {name: _levels(frame[name]) for name in names if is_categorical(frame[name])}
        edges = {name: _deciles(frame[name]) for name in coarsen if name in names and name not in levels}
        return cls(names, levels, edges)

    def with_column(self, name: str) -> Self:
        """The same with a numeric column at its end, where it is not there yet."""
        return self if name in self.names else replace(self, names=(*self.names, name))

    @property
    def categorical(self) -> list[int]:
        """Positions of the categorical columns."""
        return [i for i, name in enumerate(self.names) if name in self.levels]

    def matrix(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """(rows, columns) floats, NaN where missing; raises ``ValueError`` naming the columns that ``frame`` lacks."""
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise ValueError(
                f"The frame lacks the column(s) {', '.join(missing)} that the model was trained on. "
                "Build it from the model's own `spec` with `features.frame`."
            )
        return self.columns(frame, self.names)

    def columns(self, frame: pd.DataFrame, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Those of the matrix's columns, in the order of ``names``, all of which ``frame`` has."""
        matrix = np.empty((len(frame), len(names)), dtype=np.float64)
        for i, name in enumerate(names):
            matrix[:, i] = self._coded(frame[name], name)
        return matrix

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {"names": list(self.names), "levels": _lists(self.levels), "edges": _lists(self.edges)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The coder that ``to_dict`` describes."""
        levels = {name: tuple(column) for name, column in values["levels"].items()}
        edges = {name: tuple(column) for name, column in values["edges"].items()}
        return cls(tuple(values["names"]), levels, edges)

    def _coded(self, column: pd.Series, name: str) -> npt.NDArray[np.float64]:
        if name in self.levels:
            codes = pd.Index(self.levels[name], dtype=object).get_indexer(pd.Index(_text(column))).astype(np.float64)
            return np.where(codes < 0, np.nan, codes)
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        if name not in self.edges:
            return numbers
        deciles = np.searchsorted(np.array(self.edges[name]), numbers, side="right").astype(np.float64)
        return np.where(np.isnan(numbers), np.nan, deciles)


def _is_time(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)


def is_categorical(column: pd.Series) -> bool:
    """Whether a column holds text; numbers or booleans kept as ``object``, and all-missing ones, are numbers."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    return pd.api.types.infer_dtype(column, skipna=True) not in _NUMBERS


def _text(column: pd.Series) -> pd.Series:
    return column.astype("string").astype(object)


def _levels(column: pd.Series) -> tuple[str, ...]:
    counts = _text(column).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return tuple(sorted(str(level) for level in counts.index[:MAX_LEVELS]))


def _deciles(column: pd.Series) -> tuple[float, ...]:
    numbers = pd.to_numeric(column, errors="coerce").dropna().to_numpy(dtype=np.float64)
    if not len(numbers):
        return ()
    return tuple(float(edge) for edge in np.unique(np.quantile(numbers, np.linspace(0, 1, DECILES + 1)[1:-1])))


def _lists(columns: dict[str, tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in columns.items()}
