"""The outcome model with some deals at hand, so that a coalition costs only what it changes.

The base booster, the deals' coded columns and the choice of the fold's model are worked out once for each deal. What is
left for a coalition is the sum of its members' effects and, where there is one, the residual booster, for which only
the columns are filled that its trees split on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from models.boosting import Bools, Booster, Floats
from models.calibration import PlattCalibrator
from models.columns import ColumnCoder
from models.partner_effects import EFFECT_SUM, MILLION
from models.shapley import Integers

Judges = Sequence[tuple[Sequence[Booster | None], Bools]]
"""Residual boosters (None: no residual) whose mean counts, and the mask (deals,) of the deals that they judge."""


class PreparedOutcome:
    """The outcome model's predictions for the deals of one base frame; see ``models.value.PreparedModel``.

    Parameters
    ----------
    start : (deals,) log-odds without partners and before the residual.
    residuals : what the residual boosters add; None where no fold has one.
    calibrator : from log-odds to the probability.
    """

    def __init__(self, start: Floats, residuals: PreparedResiduals | None, calibrator: PlattCalibrator) -> None:
        self._start, self._residuals, self._calibrator = start, residuals, calibrator
        needed = residuals.pools if residuals else ()
        self.pools: tuple[str, ...] | None = tuple(dict.fromkeys((EFFECT_SUM, *needed)))

    def predict(self, deals: Integers, pools: Mapping[str, Floats]) -> Floats:
        """Win probability (rows,) of the deals (positions in the base frame) with the pools (rows,) of a coalition."""
        margin = self._start[deals] + pools[EFFECT_SUM] / MILLION
        if self._residuals is not None:
            margin += self._residuals.raw(deals, pools)
        return self._calibrator.probability(margin)


class PreparedResiduals:
    """The residual boosters of some deals, their base columns coded once.

    Parameters
    ----------
    coder : of the boosters' columns.
    base : the deals; what it lacks of the columns that trees split on is expected among the pools (``pools``).
    judges : which boosters judge which deals; every deal has one entry.
    threads : LightGBM threads.
    """

    def __init__(self, coder: ColumnCoder, base: pd.DataFrame, judges: Judges, threads: int) -> None:
        self._boosters = [[b for b in boosters if b is not None] for boosters, _ in judges]
        self._counts = [len(boosters) for boosters, _ in judges]
        self._judge_of = np.zeros(len(base), dtype=np.int64)
        for place, (_, mask) in enumerate(judges):
            self._judge_of[mask] = place
        used = sorted({at for boosters in self._boosters for booster in boosters for at in booster.used})
        self._base_at = [at for at in used if coder.names[at] in base.columns]
        self._pool_at = [at for at in used if coder.names[at] not in base.columns]
        self._names, self._threads = coder.names, threads
        self._base = coder.columns(base, [coder.names[at] for at in self._base_at])

    @property
    def pools(self) -> tuple[str, ...]:
        """Pooled columns that some tree splits on."""
        return tuple(self._names[at] for at in self._pool_at)

    def raw(self, deals: Integers, pools: Mapping[str, Floats]) -> Floats:
        """Log-odds (rows,) that the residual boosters add."""
        matrix = np.zeros((len(deals), len(self._names)))
        matrix[:, self._base_at] = self._base[deals]
        for at in self._pool_at:
            matrix[:, at] = pools[self._names[at]]
        judge_of, raw = self._judge_of[deals], np.zeros(len(deals))
        for place, boosters in enumerate(self._boosters):
            rows = judge_of == place
            if boosters and rows.any():
                part = matrix if rows.all() else matrix[rows]
                raw[rows] = sum(booster.raw(part, self._threads) for booster in boosters) / self._counts[place]
        return raw
