"""Cross-fitting of a booster: for each fold a model that never saw it, with honest scores for its own training rows.

For each pair of folds one model is fitted without both. Within "all folds but k" the pair models (k, j) then give every
training row a score from a model that saw neither its fold nor fold k, and the number of trees is chosen there as well,
so nothing of fold k is ever used for fold k. K folds cost K (K + 1) / 2 fits instead of K².
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.boosting import Booster, BoosterSpec, Floats, Rows, booster_of, fit_booster, held_out_curves
from models.columns import ColumnCoder
from models.metrics import log_losses

MIN_TRAINING_ROWS: Final = 20


class TrainingDataError(ValueError):
    """Data from which no model can be trained; the message says what is missing and what still works."""


@dataclass(frozen=True)
class CrossFitted:
    """Result of ``cross_fit``.

    Attributes
    ----------
    boosters : one a fold, fitted on all other folds.
    inner : (folds, rows), in row k the raw score of each row outside fold k by a model that saw neither its fold nor k;
        NaN for the rows of fold k.
    outer : (rows,), the raw score of each row by its own fold's booster.
    """

    boosters: tuple[Booster, ...]
    inner: Floats
    outer: Floats


def cross_fit(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], n_folds: int, spec: BoosterSpec, max_rounds: int
) -> CrossFitted:
    """Cross-fits a booster over ``folds`` (n,), the number of trees chosen by held-out loss, at most ``max_rounds``.

    Fits a booster for each pair of folds and for each fold. Raises ``TrainingDataError`` when the rows outside two
    folds are too few.
    """
    inner, rounds = inner_scores(coder, rows, folds, n_folds, spec, max_rounds)
    boosters, outer = [], np.full(len(folds), np.nan)
    for fold in range(n_folds):
        boosters.append(fit_booster(coder, rows.where(folds != fold), spec, rounds[fold]))
        outer[folds == fold] = boosters[fold].raw(rows.matrix[folds == fold])
    return CrossFitted(tuple(boosters), inner, outer)


def inner_scores(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], n_folds: int, spec: BoosterSpec, max_rounds: int
) -> tuple[Floats, list[int]]:
    """The ``inner`` scores of ``CrossFitted``, and for each fold the number of trees that predicts the others best.

    Fits a booster for each pair of folds. Raises ``TrainingDataError`` when the rows outside two folds are too few.
    """
    check_folds(folds, n_folds)
    curves = np.zeros((n_folds, n_folds, max_rounds))
    pairs = {}
    for first, second in combinations(range(n_folds), 2):
        kept = (folds != first) & (folds != second)
        held_out = [rows.where(folds == first), rows.where(folds == second)]
        (of_first, of_second), pairs[first, second] = held_out_curves(
            coder, rows.where(kept), spec, max_rounds, held_out
        )
        curves[second, first], curves[first, second] = of_first, of_second
    sizes = np.bincount(folds, minlength=n_folds)
    rounds = [1 + int(np.argmin(sizes @ curves[fold])) for fold in range(n_folds)]
    inner = np.full((n_folds, len(folds)), np.nan)
    for fold in range(n_folds):
        for other in set(range(n_folds)) - {fold}:
            pair = booster_of(coder, pairs[min(fold, other), max(fold, other)], rounds[fold])
            inner[fold, folds == other] = pair.raw(rows.matrix[folds == other])
    return inner, rounds


def fit_residual(
    coder: ColumnCoder, rows: Rows, folds: npt.NDArray[np.int64], fold: int, spec: BoosterSpec, max_rounds: int
) -> Booster | None:
    """A booster for ``fold`` on what ``rows.start`` leaves, fitted on all other folds; ``None`` when no tree helps.

    The number of trees, 0 included, is the one with the smallest mean held-out loss over the other folds.
    """
    assert rows.start is not None
    if max_rounds == 0:
        return None
    curve = np.zeros(1 + max_rounds)
    for other in sorted(set(folds.tolist()) - {fold}):
        held_out = rows.where(folds == other)
        kept = rows.where((folds != other) & (folds != fold))
        (trees,), _ = held_out_curves(coder, kept, spec, max_rounds, [held_out])
        assert held_out.start is not None
        unchanged = log_losses(held_out.target, expit(held_out.start)).mean()
        curve += len(held_out.target) * np.concatenate([[unchanged], trees])
    rounds = int(np.argmin(curve))
    return fit_booster(coder, rows.where(folds != fold), spec, rounds) if rounds else None


def check_folds(folds: npt.NDArray[np.int64], n_folds: int) -> None:
    """Raises ``TrainingDataError`` when a fold is empty or leaves too few rows to the models of two folds."""
    sizes = np.bincount(folds, minlength=n_folds)
    rest = len(folds) - np.sort(sizes)[-2:].sum()
    if sizes.min() == 0 or rest < MIN_TRAINING_ROWS:
        raise TrainingDataError(
            f"The closed deals belong to too few accounts for {n_folds} account folds (deals by fold: "
            f"{', '.join(str(size) for size in sizes)}). Use fewer folds (`outcome.folds`), or check `account_id`."
        )
