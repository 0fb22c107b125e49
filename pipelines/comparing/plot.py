"""The comparison as one figure: who gets how much by each method, and how far the methods agree."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from models.journeys import Floats
from pipelines.comparing.report import Comparison

MOST_PARTNERS: Final = 12
_COLOURS: Final = ("#1b6ca8", "#d1495b", "#2e8b57", "#edae49", "#6a4c93", "#5c6b73")
_MARKERS: Final = ("o", "s", "^", "D", "v")
_LIGHT: Final = 0.55


def comparison_figure(comparison: Comparison) -> Figure:
    """Left: credited wins of the first partners, a mark a method. Right: rank correlation of every two methods.

    On the right the upper half is per deal and partner, the lower half per partner; undefined ones are blank.
    """
    n = len(comparison.methods)
    rows = min(len(comparison.players), MOST_PARTNERS)
    height = max(4.5, 0.42 * max(rows, n) + 2.2)
    figure = Figure(figsize=(7.5 + 0.55 * n, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[5.5, 0.5 * n + 2.5])
    _draw_wins(left, comparison, rows)
    _draw_agreement(right, comparison)
    return figure


def _draw_wins(axes: Any, comparison: Comparison, rows: int) -> None:
    places = np.arange(rows)[::-1]
    axes.hlines(places, 0, comparison.wins[:rows].max(initial=1.0), color="#e3e6e8", linewidth=0.8, zorder=0)
    for number, label in enumerate(comparison.labels):
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number // len(_COLOURS) % len(_MARKERS)]
        axes.scatter(comparison.wins[:rows, number], places, s=26, color=colour, marker=marker, label=label, alpha=0.85)
    axes.set_yticks(places, [player.name[:28] for player in comparison.players[:rows]], fontsize=8)
    axes.set_xlabel(f"credited wins of {comparison.n_deals:,} won deals", fontsize=9)
    hidden = len(comparison.players) - rows
    axes.set_title(
        "Who gets how much" + (f" (first {rows} of {rows + hidden} partners)" if hidden else ""), fontsize=10
    )
    axes.legend(fontsize=7, frameon=False, loc="upper center", bbox_to_anchor=(0.45, -0.09), ncols=4)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params("both", length=0, labelsize=8)


def _draw_agreement(axes: Any, comparison: Comparison) -> None:
    values, labels = _halves(comparison), comparison.labels
    axes.imshow(np.ma.masked_invalid(values), cmap="RdBu", vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if abs(value) > _LIGHT else "#222222"
            axes.text(column, row, f"{value + 0.0:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_title("Rank correlation: above the diagonal per deal and partner,\nbelow it per partner", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params("both", length=0)


def _halves(comparison: Comparison) -> Floats:
    """Per pair above the diagonal, per partner below it, NaN on it; shape (methods, methods)."""
    n = len(comparison.methods)
    values = np.full((n, n), np.nan)
    values[: len(comparison.by_pair), : len(comparison.by_pair)] = comparison.by_pair
    values[np.tril_indices(n)] = comparison.by_partner[np.tril_indices(n)]
    np.fill_diagonal(values, np.nan)
    return np.round(values, 2)
