"""Figures of a training run: calibration, and the beeswarm of SHAP values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

BEESWARM_FEATURES: Final = 15
_BLUE: Final = "#2b5c8a"


def calibration_figure(points: pd.DataFrame) -> Figure:
    """Observed against predicted share of won deals, from ``models.calibration.calibration_points``."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linestyle="--", linewidth=1, label="predicted = observed")
    low = points["observed"] - points["observed_lo"]
    high = points["observed_hi"] - points["observed"]
    axes.errorbar(points["predicted"], points["observed"], yerr=[low, high], fmt="o", color=_BLUE, capsize=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted win probability", ylabel="share of deals won", aspect="equal")
    axes.set_title("Calibration on test deals (95 % intervals)", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    return figure


def beeswarm_figure(contributions: pd.DataFrame, frame: pd.DataFrame, seed: int) -> Figure:
    """A dot a deal and feature, at the feature's TreeSHAP value in log-odds, coloured from its least to greatest value.

    ``contributions`` comes from ``OutcomeModel.contributions`` and ``frame`` has the same rows. The 15 features with
    the greatest mean absolute contribution are shown.
    """
    values = contributions.drop(columns="bias")
    top = values.abs().mean().sort_values(ascending=False, kind="stable").index[:BEESWARM_FEATURES][::-1]
    rng = np.random.default_rng(seed)
    figure = Figure(figsize=(8, 0.35 * len(top) + 1.2), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(top):
        jitter = row + rng.normal(0, 0.12, len(values)).clip(-0.35, 0.35)
        dots = axes.scatter(values[name], jitter, s=5, **_colours(frame.get(name)))
        dots.set_rasterized(True)
    axes.axvline(0, color="#999999", linewidth=1)
    axes.set_yticks(range(len(top)), labels=list(top), fontsize=8)
    axes.set_xlabel("contribution to the log-odds of winning (blue: small value, red: great value)", fontsize=8)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Writes the figure as PNG without a date in it; returns ``path``."""
    figure.savefig(path, dpi=130, metadata={"Software": None})
    return path


def _colours(column: pd.Series | None) -> dict[str, Any]:
    """Colours by the rank of a number; one grey for everything else."""
    if column is None or not pd.api.types.is_numeric_dtype(column) or column.isna().all():
        return {"color": "#777777"}
    ranks = column.astype("float64").rank(pct=True).fillna(0.5).to_numpy()
    return {"c": ranks, "cmap": "coolwarm", "vmin": 0, "vmax": 1}
