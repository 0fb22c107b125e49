"""Fitting the parts of the outcome model, each on what the ones before it leave.

What predicts is fitted with out-of-fold scores of what came before, so that no part makes up for another's memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.registry import OWN, ageing
from models.boosting import Booster, BoosterSpec, Floats, Rows
from models.calibration import PlattCalibrator
from models.columns import ColumnCoder
from models.comparable import life_weights
from models.crossfit import CrossFitted, cross_fit, cross_fit_rest
from models.effect_fit import EffectFit, Evidence, anchored, fit_effects, margin_of, refit_effects
from models.partner_effects import EFFECT_SUM, MILLION, PartnerEffects, structured_margin
from models.selection import Selection, selection
from models.team import Team

RESIDUAL: Final[dict[str, Any]] = {"num_leaves": 4, "learning_rate": 0.05}
"""The residual trees correct; they may not rebuild what the other parts say."""
LIFETIME: Final = "deal_age_days"
"""What is asked alone where the stages that a deal reached give its outcome away."""


@dataclass(frozen=True)
class Recipe:
    """How the parts are fitted; the fields are those parameters of ``OutcomeModel``, ``spec`` that of its boosters."""

    folds: int
    spec: BoosterSpec
    coarsen: tuple[str, ...]
    leave_out: tuple[str, ...]
    max_rounds: int
    residual_rounds: int
    hidden_selection: float


@dataclass(frozen=True)
class Training:
    """What a fit works on, all in the order of the deals: partners, frame, outcomes (deals,), folds (deals,).

    ``base_columns`` are the columns of the deal itself, among those of ``frame``.
    """

    team: Team
    frame: pd.DataFrame
    base_columns: frozenset[str]
    won: Floats
    folds: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """The fitted parts: boosters by fold, effects, calibration, selection, and the out-of-fold log-odds (deals,)."""

    base: tuple[Booster, ...]
    residuals: tuple[Booster | None, ...]
    effects: PartnerEffects
    calibrator: PlattCalibrator
    selection: Selection
    margin: Floats


def fit_parts(data: Training, recipe: Recipe, base_coder: ColumnCoder, coder: ColumnCoder) -> Parts:
    """All parts; ``base_coder`` is of the deal's own columns, ``coder`` of those and the pooled ones."""
    base = _cross_fit(data, recipe, base_coder)
    everybody = Evidence(base.outer, data.won, np.ones(len(data.won)))
    evidence = replace(everybody, weight=_life_weights(data, recipe, base_coder, base.outer))
    fit = fit_effects(data.team, evidence)
    effects = anchored(fit, data.team, everybody)
    sums, structured = _out_of_fold(data, recipe, fit, evidence)
    rest = _fit_rest(data, recipe, coder, sums, replace(evidence, margin=structured))
    margin = structured + (rest.outer if rest else 0.0)
    calibrator = PlattCalibrator.fit(margin, data.won)
    together, alone = margin_of(effects, fit, data.team, base.outer), structured_margin(effects, base.outer, 0.0)
    gains = calibrator.probability(together) - calibrator.probability(alone)
    return Parts(
        base=base.boosters,
        residuals=rest.boosters if rest else (None,) * recipe.folds,
        effects=effects,
        calibrator=calibrator,
        selection=_selection(data, recipe, base_coder, fit, evidence, float(gains.sum())),
        margin=margin,
    )


def _cross_fit(data: Training, recipe: Recipe, coder: ColumnCoder) -> CrossFitted:
    rows = Rows(coder.matrix(data.frame), data.won)
    return cross_fit(coder, rows, data.folds, recipe.folds, recipe.spec, recipe.max_rounds)


def _life_weights(data: Training, recipe: Recipe, base_coder: ColumnCoder, margin: Floats) -> Floats:
    """Weights of comparable lives; 1 for all where the model knows a deal's life, or has no partners."""
    aged = [name for name in ageing(map(str, data.frame.columns)) if not name.startswith(OWN)]
    life = tuple(name for name in aged if name in recipe.leave_out and name in data.base_columns)
    everybody = np.ones(len(data.won))
    if not life or not data.team.partners:
        return everybody
    for names in (life, (LIFETIME,) if LIFETIME in life else ()):
        coder = ColumnCoder.fit(data.frame, (*base_coder.names, *names), recipe.coarsen)
        weights = life_weights(margin, _cross_fit(data, recipe, coder).outer, data.won)
        if (weights < 1).any():
            return weights
    return everybody


def _out_of_fold(data: Training, recipe: Recipe, fit: EffectFit, evidence: Evidence) -> tuple[Floats, Floats]:
    """Sums of effect x dose and structured log-odds (deals,) by effects that did not see the deal's fold."""
    everybody = replace(evidence, weight=np.ones(len(data.won)))
    sums, structured = np.empty(len(data.won)), np.empty(len(data.won))
    for fold in range(recipe.folds):
        mask = data.folds == fold
        refitted = refit_effects(data.team, evidence.without(mask), fit)
        effects = anchored(refitted, data.team, everybody.without(mask))
        sums[mask] = refitted.sums(data.team)[mask]
        structured[mask] = margin_of(effects, refitted, data.team, everybody.margin)[mask]
    return sums, structured


def _fit_rest(data: Training, recipe: Recipe, coder: ColumnCoder, sums: Floats, start: Evidence) -> CrossFitted | None:
    """The residual trees on what the margin of ``start`` leaves; None where they do not surely help."""
    matrix = coder.matrix(data.frame)
    matrix[:, coder.names.index(EFFECT_SUM)] = np.rint(sums * MILLION)
    rows, given = Rows(matrix, start.won, start.margin, start.weight), recipe.spec
    spec = replace(given, params={**given.params, **RESIDUAL}, monotone={**given.monotone, EFFECT_SUM: 1})
    return cross_fit_rest(coder, rows, data.folds, recipe.folds, spec, recipe.residual_rounds)


def _selection(
    data: Training, recipe: Recipe, base_coder: ColumnCoder, fit: EffectFit, evidence: Evidence, total: float
) -> Selection:
    """The part of the coalition credit's ``total`` that is the partners'; all where there is nothing to compare by."""
    names = tuple(name for name in base_coder.names if not name.startswith(OWN))
    if not names or not data.team.partners:
        return Selection()
    facts = _cross_fit(data, recipe, ColumnCoder.fit(data.frame, names, recipe.coarsen))
    return selection(data.team, fit, evidence, facts.outer, total, recipe.hidden_selection)
