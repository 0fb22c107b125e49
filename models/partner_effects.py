"""What each partner's presence adds to the log-odds of a win: effect x saturating dose.

An effect has up to three layers: the common one with the partner's type, what the deal's customer segment adds for that
type, and the partner's own difference from its type. Few deals carry any one partner, so each layer is drawn toward the
one before it (``models.effect_fit``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.partners import UNLISTED
from models.boosting import Floats
from models.dose import TouchWeights

EFFECT: Final = "partner_effect_millionths"
"""Member column that an outcome model adds: effect x dose, in millionths of log-odds."""
EFFECT_SUM: Final = f"{EFFECT}_sum"
"""Its sum over a deal's members, as ``features.frame.pooled`` names it."""
MILLION: Final = 1_000_000


@dataclass(frozen=True)
class PartnerEffects:
    """Effects in log-odds per unit of dose, and the line that puts the deal's own margin beside them.

    The structured margin of a deal is ``intercept + slope * base margin + sum of effect * dose`` over its members.

    Attributes
    ----------
    common : effect of a partner of a type that was not seen.
    by_type : effect of a partner that was not seen, by its type.
    by_partner : effect of a partner, its type's included, in the average segment.
    by_segment : type to segment to what is added there.
    touch_weights : what a touch of each kind adds to the dose.
    deviation_by_partner, deviation_of_new : standard deviation of the effect of a partner, and of one not seen.
    """

    intercept: float
    slope: float
    common: float
    by_type: dict[str, float]
    by_partner: dict[str, float]
    by_segment: dict[str, dict[str, float]]
    touch_weights: TouchWeights
    deviation_by_partner: dict[str, float]
    deviation_of_new: float

    def of(self, members: pd.DataFrame) -> Floats:
        """Effect of each member row (n,); needs ``partner_id``, ``partner_type`` and ``deal_segment``."""
        types = members["partner_type"].fillna(UNLISTED).astype(str)
        by_type = types.map(self.by_type).fillna(self.common)
        effects = members["partner_id"].map(self.by_partner).fillna(by_type)
        return np.asarray(effects, dtype=np.float64) + self._of_segment(types, members["deal_segment"])

    def encoded(self, members: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Effect x dose of each member row, in millionths of log-odds; needs the touches by kind as well."""
        doses = self.touch_weights.doses(members)
        encoded: npt.NDArray[np.int64] = np.rint(self.of(members) * doses * MILLION).astype(np.int64)
        return encoded

    def deviations(self, members: pd.DataFrame) -> Floats:
        """Standard deviation of effect x dose of each member row (n,), in log-odds, as far as the data decide it."""
        of_effect = members["partner_id"].map(self.deviation_by_partner).fillna(self.deviation_of_new)
        return np.asarray(of_effect, dtype=np.float64) * self.touch_weights.doses(members)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The effects that ``to_dict`` describes."""
        return cls(**{**values, "touch_weights": TouchWeights(**values["touch_weights"])})

    def _of_segment(self, types: pd.Series, segments: pd.Series) -> Floats:
        type_codes, type_names = pd.factorize(types)
        segment_codes, segment_names = pd.factorize(segments)  # a missing segment has the code -1, the last row below
        table = np.zeros((len(segment_names) + 1, len(type_names)))
        for column, type_name in enumerate(type_names):
            added = self.by_segment.get(type_name, {})
            table[:-1, column] = [added.get(segment, 0.0) for segment in segment_names]
        return table[segment_codes, type_codes]


def structured_margin(effects: PartnerEffects, margin: Floats, effect_sum: Floats | float) -> Floats:
    """Log-odds of each deal from its base margin and the sum of effect x dose over its members, both in log-odds."""
    return effects.intercept + effects.slope * margin + effect_sum
