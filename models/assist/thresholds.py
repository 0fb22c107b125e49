"""From which probability on an utterance counts as an assist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["PRECISION", "Thresholds"]

Floats = npt.NDArray[np.float64]
PRECISION: Final = 0.75
"""Share of true assists among those decided for, of each type, at which thresholds aim."""
_BOUNDS: Final = (0.4, 0.6)
_MIN_EXAMPLES: Final = 30
UNLISTED: Final = 0.75
"""Threshold of a pair whose partner stands on no list. In the labelled text such help is told as often as any; in real
calls, mail and meetings nearly all that sounds like it is none (``docs/measured.md``)."""


@dataclass(frozen=True)
class Thresholds:
    """Probability of an assist at or above which it is one: ``common``, or that ``of_type`` where there is one.

    Both hold where the partner is known; ``unlisted`` where it is not.
    """

    common: float = 0.5
    of_type: Mapping[str, float] = field(default_factory=dict)
    unlisted: float = UNLISTED

    @classmethod
    def fit(
        cls, probability: Floats, best_type: npt.NDArray[np.object_], is_assist: npt.NDArray[np.bool_]
    ) -> Thresholds:
        """Thresholds for ``PRECISION`` on held-out decisions.

        Parameters
        ----------
        probability : calibrated, of each held-out row whose partner is known.
        best_type, is_assist : its likeliest type, and the truth.

        Returns
        -------
        The least threshold from which on the stated precision holds, overall and for each type with 30 or more
        assists, kept within 0.4 and 0.6 lest few examples decide.
        """
        of_type = {
            str(name): _least(probability[best_type == name], is_assist[best_type == name])
            for name in np.unique(best_type.astype(str))
            if (is_assist & (best_type == name)).sum() >= _MIN_EXAMPLES
        }
        return cls(_least(probability, is_assist), of_type)

    def of(self, best_type: npt.NDArray[np.object_], is_listed: npt.NDArray[np.bool_]) -> Floats:
        """The threshold of each row, by its likeliest type and whether its partner is known."""
        by_type = np.array([self.of_type.get(str(name), self.common) for name in best_type], dtype=np.float64)
        return np.where(is_listed, by_type, self.unlisted)


def _least(probability: Floats, is_assist: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(-probability, kind="stable")
    precision = np.cumsum(is_assist[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= PRECISION)
    least = probability[order][good[-1]] if len(good) else _BOUNDS[1]
    return float(round(np.clip(least, *_BOUNDS), 4))
