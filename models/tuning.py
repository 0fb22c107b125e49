"""A bounded search over LightGBM's parameters; needs the ``tune`` extra, which is imported only here."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from models.boosting import BoosterSpec, Floats, Rows, held_out_curves
from models.columns import ColumnCoder, feature_names
from models.splits import balanced_folds

_FOLDS: Final = 4


def tuned_params(
    frame: pd.DataFrame,
    won: Floats,
    *,
    trials: int,
    seed: int,
    threads: int = 1,
    coarsen: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    max_rounds: int = 300,
) -> dict[str, Any]:
    """LightGBM parameters with the smallest account-grouped held-out log-loss among ``trials`` tried ones.

    ``frame`` holds one row a deal of the training part only, with ``account_id``. Same seed, same result. Raises
    ``ImportError`` with the install command when Optuna is missing.
    """
    optuna = _optuna()
    frame, won = _by_deal(frame, won)
    coder = ColumnCoder.fit(frame, feature_names(frame, leave_out), coarsen)
    rows, folds = Rows(coder.matrix(frame), won), balanced_folds(frame["account_id"], _FOLDS)

    def loss(trial: Any) -> float:
        spec = BoosterSpec(_suggested(trial), {}, seed, threads)
        curves = np.zeros(max_rounds)
        for fold in range(_FOLDS):
            held_out = rows.where(folds == fold)
            (curve,), _ = held_out_curves(coder, rows.where(folds != fold), spec, max_rounds, [held_out])
            curves += curve * len(held_out.target) / len(won)
        return float(curves.min())

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(loss, n_trials=trials)
    return dict(study.best_params)


def _suggested(trial: Any) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 3, 31),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.1, log=True),
    }


def _by_deal(frame: pd.DataFrame, won: Floats) -> tuple[pd.DataFrame, Floats]:
    order = np.argsort(frame["deal_id"].astype(str).to_numpy(), kind="stable")
    return frame.iloc[order], won[order]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ImportError("Tuning needs Optuna. Install it with: pip install 'partnerlift[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
