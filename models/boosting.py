"""LightGBM as the product uses it: deterministic, with explicit threads, kept as text.

The same rows in the same order give the same text whatever the number of threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from models.columns import ColumnCoder

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DEFAULTS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 8,
    "lambda_l2": 5.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 127,
    "cat_smooth": 20.0,
    "cat_l2": 20.0,
}
"""Shallow and strongly regularised: deals are few and noisy."""
LEAF_SHARE: Final = 1 / 40
LEAST_LEAF, GREATEST_LEAF = 10, 60
"""A leaf, or a group of categories, needs this share of the rows, within these bounds."""

ROWS_A_THREAD: Final = 20_000
"""Training rows for which another thread is worth having: on fewer, threads wait for each other longer than they work,
and on a machine whose cores are busy that wait is long (14 times as much time for 1,500 deals was measured)."""

_FIXED: Final[dict[str, Any]] = {
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "feature_pre_filter": False,
}
_THREADS = re.compile(r"^\[num_threads: \d+\]\n", flags=re.MULTILINE)


@dataclass(frozen=True)
class BoosterSpec:
    """What a booster is fitted with: LightGBM parameters, directions by column, seed, and threads at most."""

    params: dict[str, Any]
    monotone: dict[str, int]
    seed: int
    threads: int

    def resolved(self, names: tuple[str, ...], n_rows: int) -> dict[str, Any]:
        """All LightGBM parameters for columns ``names`` and ``n_rows`` training rows."""
        leaf = int(min(max(n_rows * LEAF_SHARE, LEAST_LEAF), GREATEST_LEAF))
        directions = [int(self.monotone.get(name, 0)) for name in names]
        constraints = {"monotone_constraints": directions} if any(directions) else {}
        return {
            **DEFAULTS,
            "min_data_in_leaf": leaf,
            "min_data_per_group": leaf,
            **self.params,
            **_FIXED,
            **constraints,
            "seed": self.seed,
            "num_threads": min(self.threads, 1 + n_rows // ROWS_A_THREAD),
        }


@dataclass(frozen=True)
class Booster:
    """A fitted LightGBM model as text, with the coder of its columns."""

    coder: ColumnCoder
    text: str

    @cached_property
    def _model(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.text)

    @cached_property
    def used(self) -> tuple[int, ...]:
        """Positions of the columns on which some tree splits, ascending."""
        return tuple(np.flatnonzero(self._model.feature_importance("split")).tolist())

    def raw(self, matrix: Floats, threads: int = 1) -> Floats:
        """Raw score (log-odds, or the target's unit) of each row of a coded matrix."""
        score: Floats = np.asarray(self._model.predict(matrix, raw_score=True, num_threads=threads))
        return score

    def contributions(self, matrix: Floats, threads: int = 1) -> Floats:
        """TreeSHAP of the raw score, (rows, columns + 1); the last column is the bias; rows add up to ``raw``."""
        values: Floats = np.asarray(self._model.predict(matrix, pred_contrib=True, num_threads=threads))
        return values


@dataclass(frozen=True)
class Rows:
    """Training rows: coded matrix (n, columns), target (n,) and, optionally, the score to start from and the weight."""

    matrix: Floats
    target: Floats
    start: Floats | None = None
    weight: Floats | None = None

    def where(self, mask: Bools) -> Rows:
        """The rows of the mask."""
        start, weight = (None if part is None else part[mask] for part in (self.start, self.weight))
        return Rows(self.matrix[mask], self.target[mask], start, weight)


def fit_booster(coder: ColumnCoder, rows: Rows, spec: BoosterSpec, rounds: int) -> Booster:
    """A booster of ``rounds`` trees."""
    return booster_of(coder, _train(coder, rows, spec, rounds, [], {}), rounds)


def held_out_curves(
    coder: ColumnCoder, rows: Rows, spec: BoosterSpec, rounds: int, held_out: list[Rows]
) -> tuple[list[Floats], lgb.Booster]:
    """Mean loss on each of ``held_out`` after 1, 2, ... ``rounds`` trees, (rounds,) each, and the LightGBM model."""
    history: dict[str, dict[str, list[float]]] = {}
    model = _train(coder, rows, spec, rounds, held_out, history)
    curves = [np.asarray(next(iter(metrics.values()))) for metrics in history.values()]
    return curves, model


def booster_of(coder: ColumnCoder, model: lgb.Booster, rounds: int) -> Booster:
    """The first ``rounds`` trees of a LightGBM model."""
    return Booster(coder, _text(model, rounds))


def _train(
    coder: ColumnCoder,
    rows: Rows,
    spec: BoosterSpec,
    rounds: int,
    held_out: list[Rows],
    history: dict[str, dict[str, list[float]]],
) -> lgb.Booster:
    params = spec.resolved(coder.names, len(rows.target))
    data = _dataset(coder, rows, params)
    return lgb.train(
        params,
        data,
        num_boost_round=rounds,
        valid_sets=[_dataset(coder, other, params, data) for other in held_out],
        valid_names=[f"held_out_{i}" for i in range(len(held_out))],
        callbacks=[lgb.record_evaluation(history)] if held_out else [],
    )


def _dataset(
    coder: ColumnCoder, rows: Rows, params: dict[str, Any], reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    return lgb.Dataset(
        rows.matrix,
        label=rows.target,
        weight=rows.weight,
        init_score=rows.start,
        reference=reference,
        feature_name=[f"f{i}" for i in range(len(coder.names))],
        categorical_feature=coder.categorical,
        params=params,
    )


def _text(model: lgb.Booster, rounds: int | None = None) -> str:
    return _THREADS.sub("", model.model_to_string(num_iteration=rounds))
