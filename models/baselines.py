"""What a model has to beat: the overall win rate, and regularised linear models with and without partner features."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from models.columns import ColumnCoder
from models.metrics import Floats, log_losses
from models.splits import balanced_folds

STRENGTHS: Final = (0.03, 1.0)
"""Inverse penalties of the logistic regression, chosen by held-out log-loss."""
_INNER_FOLDS: Final = 3
_MIN_LEVEL_ROWS: Final = 10


def prior(won: Floats, n: int) -> Floats:
    """The training win rate for each of ``n`` deals."""
    return np.full(n, (won.sum() + 1) / (len(won) + 2))


def logistic(
    train: pd.DataFrame, won: Floats, test: pd.DataFrame, names: tuple[str, ...], coarsen: tuple[str, ...] = ()
) -> Floats:
    """Win probabilities of ``test`` by a logistic regression on the columns ``names``.

    Numbers are imputed by the median with an indicator, brought to a signed logarithm and scaled; categories, and the
    deciles of coarsened columns, are one-hot. The penalty is chosen over account-grouped folds of ``train``.
    """
    coder = ColumnCoder.fit(train, names, coarsen)
    matrix, folds = coder.matrix(train), balanced_folds(train["account_id"], _INNER_FOLDS)
    strength = min(STRENGTHS, key=lambda c: _held_out_loss(coder, matrix, won, folds, c))
    model = _fitted(_pipeline(coder, matrix, LogisticRegression(C=strength, max_iter=500)), matrix, won)
    probability: Floats = model.predict_proba(coder.matrix(test))[:, 1]
    return probability


def ridge_log_amount(train: pd.DataFrame, log_amount: Floats, test: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    """Predicted log amounts of ``test`` by a ridge regression on the columns ``names``, prepared alike."""
    coder = ColumnCoder.fit(train, names)
    matrix = coder.matrix(train)
    model = _fitted(_pipeline(coder, matrix, Ridge(alpha=10.0)), matrix, log_amount)
    predicted: Floats = model.predict(coder.matrix(test))
    return predicted


def _held_out_loss(
    coder: ColumnCoder, matrix: Floats, won: Floats, folds: npt.NDArray[np.int64], strength: float
) -> float:
    losses = []
    for fold in range(_INNER_FOLDS):
        kept = folds != fold
        if kept.all() or len(np.unique(won[kept])) < 2:
            continue
        model = _pipeline(coder, matrix[kept], LogisticRegression(C=strength, max_iter=500))
        probability = _fitted(model, matrix[kept], won[kept]).predict_proba(matrix[~kept])[:, 1]
        losses.append(log_losses(won[~kept], probability))
    return float(np.concatenate(losses).mean()) if losses else 0.0


def _fitted(model: Pipeline, matrix: Floats, target: Floats) -> Pipeline:
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # an all but converged baseline is still a baseline
        return model.fit(matrix, target)


def _pipeline(coder: ColumnCoder, matrix: Floats, estimator: Any) -> Pipeline:
    known = [i for i in range(len(coder.names)) if not np.isnan(matrix[:, i]).all()]
    discrete = set(coder.categorical) | {coder.names.index(name) for name in coder.edges}
    numeric = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), FunctionTransformer(_signed_log), StandardScaler()
    )
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=_MIN_LEVEL_ROWS)
    parts = [
        ("numbers", numeric, [i for i in known if i not in discrete]),
        ("categories", one_hot, [i for i in known if i in discrete]),
    ]
    return Pipeline([("columns", ColumnTransformer(parts)), ("model", estimator)])


def _signed_log(values: Floats) -> Floats:
    logs: Floats = np.sign(values) * np.log1p(np.abs(values))
    return logs
