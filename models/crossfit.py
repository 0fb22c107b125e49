"""Cross-fitting of a booster: for each fold a model that never saw its rows, and so an honest score for every row.

Each fold's model is fitted on all other folds and its loss followed on the fold; how many trees it keeps is the number
that was best on the *other* folds, so that no row has a say in its own score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.boosting import Booster, BoosterSpec, Floats, Rows, booster_of, held_out_curves
from models.columns import ColumnCoder
from models.metrics import log_losses

MIN_TRAINING_ROWS: Final = 20
SURE: Final = 2.0
"""Standard errors by which trees on a given start must help held-out rows to be kept: they also cost speed."""


class TrainingDataError(ValueError):
    """Data from which no model can be trained; the message says what is missing and what still works."""


@dataclass(frozen=True)
class CrossFitted:
    """Result of ``cross_fit``.

    Attributes
    ----------
    boosters : one a fold, fitted on all other folds.
    outer : (rows,), the raw score of each row by its own fold's booster.
    """

    boosters: tuple[Booster, ...]
    outer: Floats


def cross_fit(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], n_folds: int, spec: BoosterSpec, max_rounds: int
) -> CrossFitted:
    """Cross-fits a booster over ``folds`` (n,), each with at least one tree and at most ``max_rounds``.

    Raises ``TrainingDataError`` when a fold is empty or leaves too few rows to fit on.
    """
    check_folds(folds, n_folds)
    models, curves = _followed(coder, rows, folds, n_folds, spec, max_rounds)
    others = curves.sum(axis=0) - curves
    return _cut(coder, models, 1 + np.argmin(others, axis=1), rows, folds)


def cross_fit_rest(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], n_folds: int, spec: BoosterSpec, max_rounds: int
) -> CrossFitted | None:
    """The same for what ``rows.start`` leaves; ``None`` when trees do not help held-out rows.

    They must save more weighted log-loss than ``SURE`` standard errors of the saving.
    """
    assert rows.start is not None
    assert rows.weight is not None
    if max_rounds == 0:
        return None
    models, curves = _followed(coder, rows.where(rows.weight > 0), folds[rows.weight > 0], n_folds, spec, max_rounds)
    fitted = _cut(coder, models, np.full(n_folds, 1 + np.argmin(curves.sum(axis=0))), rows, folds)
    saved = log_losses(rows.target, expit(rows.start)) - log_losses(rows.target, expit(rows.start + fitted.outer))
    saved = saved * rows.weight
    return fitted if saved.mean() > SURE * saved.std() / np.sqrt(len(saved)) else None


def check_folds(folds: npt.NDArray[np.int64], n_folds: int) -> None:
    """Raises ``TrainingDataError`` when a fold is empty or leaves too few rows to fit on."""
    sizes = np.bincount(folds, minlength=n_folds)
    if sizes.min() == 0 or len(folds) - sizes.max() < MIN_TRAINING_ROWS:
        raise TrainingDataError(
            f"The closed deals belong to too few accounts for {n_folds} account folds (deals by fold: "
            f"{', '.join(str(size) for size in sizes)}). Use fewer folds (`outcome.folds`), or check `account_id`."
        )


def _followed(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], n_folds: int, spec: BoosterSpec, max_rounds: int
) -> tuple[list[lgb.Booster], Floats]:
    """Each fold's LightGBM model, and the loss summed over the fold's rows after each tree (folds, rounds)."""
    models, curves = [], np.empty((n_folds, max_rounds))
    for fold in range(n_folds):
        held_out = rows.where(folds == fold)
        (curve,), model = held_out_curves(coder, rows.where(folds != fold), spec, max_rounds, [held_out])
        models.append(model)
        curves[fold] = curve * (len(held_out.target) if held_out.weight is None else held_out.weight.sum())
    return models, curves


def _cut(
    coder: ColumnCoder,
    models: list[lgb.Booster],
    rounds: npt.NDArray[np.int64],
    rows: Rows,
    folds: npt.NDArray[np.int64],
) -> CrossFitted:
    """Each fold's model cut to its number of trees, and the folds' rows scored by it."""
    boosters = tuple(booster_of(coder, model, int(n)) for model, n in zip(models, rounds, strict=True))
    outer = np.empty(len(folds))
    for fold, booster in enumerate(boosters):
        outer[folds == fold] = booster.raw(rows.matrix[folds == fold])
    return CrossFitted(boosters, outer)
