"""Figures of a training run: calibration, and the beeswarm of SHAP values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

BEESWARM_FEATURES: Final = 15
_BLUE: Final = "#2b5c8a"


def calibration_figure(
    points: pd.DataFrame, predicted: str = "predicted win probability", observed: str = "share of deals won"
) -> Figure:
    """Observed against predicted share, from ``models.calibration.calibration_points``; both names label the axes."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linestyle="--", linewidth=1, label="predicted = observed")
    low = points["observed"] - points["observed_lo"]
    high = points["observed_hi"] - points["observed"]
    axes.errorbar(points["predicted"], points["observed"], yerr=[low, high], fmt="o", color=_BLUE, capsize=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=predicted, ylabel=observed, aspect="equal")
    axes.set_title("Calibration on what was held out (95 % intervals)", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    return figure


def beeswarm_figure(contributions: pd.DataFrame, frame: pd.DataFrame, seed: int) -> Figure:
    """SHAP's beeswarm: a dot a deal and feature at its TreeSHAP value in log-odds, coloured by the feature's value.

    ``contributions`` comes from ``OutcomeModel.contributions`` and ``frame`` has the same rows. The 15 features with
    the greatest mean absolute contribution are shown, the last of them being all others together. ``seed`` decides in
    which order dots are laid.
    """
    values = contributions.drop(columns="bias")
    shown = pd.DataFrame({name: _values(frame.get(name), len(values)) for name in values})
    figure = Figure(figsize=(9, 0.4 * min(len(values.columns), BEESWARM_FEATURES) + 1.5), layout="constrained")
    axes = figure.subplots()
    with _shap(seed) as shap:
        explanation = shap.Explanation(values.to_numpy(), data=shown, feature_names=list(values))
        shap.plots.beeswarm(explanation, max_display=BEESWARM_FEATURES, ax=axes, show=False, plot_size=None)
    axes.set_xlabel("contribution to the log-odds of winning", fontsize=10)
    axes.tick_params("y", labelsize=9)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Writes the figure as PNG without a date in it; returns ``path``."""
    figure.savefig(path, dpi=130, metadata={"Software": None})
    return path


@contextmanager
def _shap(seed: int) -> Iterator[Any]:
    """The module SHAP; it takes seconds to import, draws from NumPy's global state and uses Matplotlib's old names."""
    before = np.random.get_state()  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        import shap

        np.random.seed(seed)  # noqa: NPY002
        try:
            yield shap
        finally:
            np.random.set_state(before)  # noqa: NPY002


def _values(column: pd.Series | None, n: int) -> pd.Series:
    """A column's numbers as floats; text, and what has no two values to tell apart by colour, as text (drawn grey)."""
    if column is None or not pd.api.types.is_numeric_dtype(column) or column.nunique() < 2:
        return pd.Series([""] * n, dtype=object)
    return column.astype("float64").reset_index(drop=True)
