"""Figures of training the model of assists."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

__all__ = ["confusion_figure", "curve_figure"]

_BLUE: Final = "#2b5c8a"


def confusion_figure(confusion: pd.DataFrame) -> Figure:
    """The share of each label's examples (rows) that was decided for each class (columns), with the counts."""
    counts = confusion.to_numpy(dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(11, 10), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [str(name) for name in confusion.columns]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="decided", ylabel="label")
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=6, color=colour)
    axes.set_title("Held-out decisions by label", fontsize=10)
    return figure


def curve_figure(curve: pd.DataFrame) -> Figure:
    """PR-AUC and F1 on held-out authors against the number of conversations learned from."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve["n_conversations"], curve["pr_auc"], marker="o", color=_BLUE, label="PR-AUC")
    axes.plot(curve["n_conversations"], curve["f1"], marker="s", color="#999999", label="F1")
    axes.set_xscale("log")
    axes.set(xlabel="conversations learned from", ylabel="on other authors", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    return figure
