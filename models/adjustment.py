"""From coalition Shapley values to credit: the partners' own part of them, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from models.shapley import Floats

INTERVAL_Z: Final = 1.959963984540054
"""Half-width of a credit's interval in standard deviations: the normal distribution's 95 % interval."""


@runtime_checkable
class UncertainModel(Protocol):
    """A model that says how much of the partners' coalition credit is theirs, and how sure it is of their effects."""

    @property
    def partners_part(self) -> float:
        """The part of coalition credit that is the partners' own, >= 0; the rest is selection."""
        ...

    @property
    def part_deviation(self) -> float:
        """Its standard deviation."""
        ...

    def member_deviations(self, members: pd.DataFrame) -> Floats:
        """Standard deviation of what each member row adds to its deal's log-odds, shape (members,)."""
        ...


@dataclass(frozen=True)
class Adjustment:
    """What becomes of the Shapley values of a batch's members.

    Attributes
    ----------
    part : the partners' own part of a Shapley value.
    part_deviation : its standard deviation.
    deviations : (members,) standard deviation of each member's own log-odds; NaN where the model does not know it.
    """

    part: float
    part_deviation: float
    deviations: Floats

    @classmethod
    def of(cls, model: object, members: pd.DataFrame) -> Self:
        """The model's adjustment; none of a model that knows nothing of it."""
        if not isinstance(model, UncertainModel):
            return cls(1.0, 0.0, np.full(len(members), np.nan))
        return cls(model.partners_part, model.part_deviation, model.member_deviations(members))

    def margins(self, shapley: Floats, slopes: Floats, errors: Floats) -> Floats:
        """Half-widths of the 95 % intervals of the credits (members,); NaN where nothing is uncertain or known.

        Parameters
        ----------
        shapley : (members,) Shapley values in probability.
        slopes : (members,) how much they move for a unit of the member's log-odds.
        errors : (members,) bounds of sampled values; NaN for exact ones.
        """
        of_effect = self.part * self.deviations * slopes
        spread = INTERVAL_Z * np.hypot(of_effect, shapley * self.part_deviation)
        sampled = self.part * errors
        both = np.nan_to_num(spread) + np.nan_to_num(sampled)
        return np.asarray(np.where(np.isnan(spread) & np.isnan(sampled), np.nan, both))
