"""How much a partner did on a deal: touches weighed by kind, saturating.

``dose = 1 - exp(-effort)`` with ``effort = sum of weight x touches of a kind``, so a dose lies in [0, 1). What a touch
of each kind is worth is learned with the partners' effects (``models.effect_fit``); before, all kinds count alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pandas as pd

from features.registry import find
from features.touchpoints import DOSE_TOUCHES
from models.boosting import Floats

TOUCHES: Final = "touches"
"""Member column with the number of all touches."""
REST: Final = "other"
"""Touches of kinds that have no column of their own."""
FIRST_WEIGHT: Final = 1 / DOSE_TOUCHES


def touch_columns(members: pd.DataFrame) -> tuple[str, ...]:
    """Member columns that count the touches of one kind, in order."""
    named = {str(name): find(str(name)) for name in members.columns}
    return tuple(
        name for name, feature in sorted(named.items()) if feature is not None and feature.name == "touches_of_{}"
    )


def touch_counts(members: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    """Touches by kind (members, kinds + 1), those of other kinds last."""
    counts = members.reindex(columns=list(columns)).to_numpy(dtype=np.float64, na_value=0.0)
    rest = members[TOUCHES].to_numpy(dtype=np.float64, na_value=0.0) - counts.sum(axis=1)
    return np.column_stack([counts, np.maximum(rest, 0.0)])


@dataclass(frozen=True)
class TouchWeights:
    """What one touch adds to the effort: ``by_column``, a member column to its weight, and ``rest`` for all others."""

    by_column: dict[str, float]
    rest: float = FIRST_WEIGHT

    @classmethod
    def of(cls, columns: tuple[str, ...], weights: Floats) -> Self:
        """Weights (kinds + 1,) in the order of ``touch_counts``."""
        rounded = [round(float(weight), 6) for weight in weights]
        return cls(dict(zip(columns, rounded, strict=False)), rounded[-1])

    @property
    def columns(self) -> tuple[str, ...]:
        """The member columns with weights of their own."""
        return tuple(self.by_column)

    @property
    def values(self) -> Floats:
        """Weights (kinds + 1,) in the order of ``touch_counts``."""
        return np.array([*self.by_column.values(), self.rest])

    def doses(self, members: pd.DataFrame) -> Floats:
        """Dose of each member row (n,), in [0, 1)."""
        return saturated(touch_counts(members, self.columns) @ self.values)


def saturated(effort: Floats) -> Floats:
    """``1 - exp(-effort)``."""
    return np.asarray(-np.expm1(-effort))
