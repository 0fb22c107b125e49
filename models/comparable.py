"""Which lost deals are comparable with won ones: the cure for immortal time.

A deal that is lost early never lives to receive the touches that were planned for later, so a mere count of touches
tells that it was lost. Effects are therefore estimated among deals that lived alike: a lost deal counts by how much
likelier its life (its age, the stages it reached) is for a won deal than the typical life is, and not at all where
hardly any won deal lived so. Predictions never see the life of a deal.

The weights are density ratios by a classifier, cut off where there is no overlap. Sources: S. Suissa, "Immortal time
bias in pharmacoepidemiology", Am. J. Epidemiology 167 (2008); R. Crump et al., "Dealing with limited overlap in
estimation of average treatment effects", Biometrika 96 (2009).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.boosting import Floats

LEAST_WEIGHT: Final = 0.15
"""A lost deal whose life is less likely than this, beside the typical life of a won one, does not count."""
LEAST_SHARE: Final = 0.1
"""Weights that leave less of the lost deals than this are void: the life itself gives the outcome away."""


def life_weights(margin: Floats, life_margin: Floats, won: Floats) -> Floats:
    """Weight of each deal (deals,) in [0, 1]; 1 for a won deal.

    Parameters
    ----------
    margin : (deals,) honest log-odds of a win, without the deal's life.
    life_margin : the same, knowing it.
    won : 0 or 1.
    """
    gained = life_margin - margin
    ratio = np.exp(np.minimum(gained - np.median(gained[won == 1]), 0.0))
    weights = np.where(won == 1, 1.0, np.where(ratio < LEAST_WEIGHT, 0.0, ratio))
    is_lost = won == 0
    return weights if weights[is_lost].mean() >= LEAST_SHARE else np.ones(len(won))
