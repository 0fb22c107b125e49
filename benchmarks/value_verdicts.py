"""Whether the model's credit meets its bars, worked out from what ``value_function.py`` measured."""

from __future__ import annotations

from typing import Final

import pandas as pd

MODEL: Final = "model"
RIVALS: Final = ("structured_glm", "double_ml", "glm_dml_mean", "glm_pulled", "tree_shap")
"""Methods of ``credit_peers.py`` that the model has to beat; all others are there for orientation."""
FIGURES: Final = ["spearman", "share_error", "total_bias"]
GROUP: Final = ["structure", "early_loss", "bias"]
LABELS: Final = [*GROUP, "seed", "method"]

USUAL_LOSS: Final = 0.2
"""Share of lost deals that die early, where nothing else is said."""
RANK_BAR: Final = 0.010
ERROR_BAR: Final = 0.003
LOSS_BAR: Final = 0.08
TOTAL_BARS: Final = {"none": 0.10, "moderate": 0.10, "strong": 0.15}


def verdicts(table: pd.DataFrame) -> list[str]:
    """A line a bar, from the figures of each company (``LABELS`` and ``FIGURES``), and how many bars were met."""
    lines = []
    for (structure, early_loss, bias), rows in table.groupby(GROUP, sort=False):
        place, ranks = f"{structure!s}, {bias!s}", _by_method(rows, "spearman")
        if early_loss == USUAL_LOSS:
            lines += [
                _against_peers(place, ranks, "Spearman", RANK_BAR),
                _against_peers(place, -_by_method(rows, "share_error"), "share error", ERROR_BAR),
                _against_truth(place, _by_method(rows, "total_bias")[MODEL], TOTAL_BARS[str(bias)]),
            ]
        else:
            usual = table[(table["structure"] == structure) & (table["bias"] == bias)]
            usual = _by_method(usual[usual["early_loss"] == USUAL_LOSS], "spearman")
            lines += [_against_usual(f"{place}, {early_loss!s} of lost deals die early", usual[MODEL], ranks[MODEL])]
    met = sum(line.endswith(": met") for line in lines)
    return [*lines, f"{met} of {len(lines)} bars met"]


def _by_method(rows: pd.DataFrame, figure: str) -> pd.DataFrame:
    """One figure of some companies, a row a seed, a column a method."""
    return rows.pivot_table(index="seed", columns="method", values=figure)


def _against_peers(place: str, merit: pd.DataFrame, name: str, bar: float) -> str:
    """The model against the best rival in a figure of which more is better; (seeds, methods)."""
    means = merit.drop(columns=MODEL).mean()
    best = str(means[list(RIVALS)].idxmax())
    gain = merit[MODEL] - merit[best]
    text = f"{place}: {name} {abs(merit[MODEL].mean()):.3f}, {best} {abs(means[best]):.3f}"
    if means.max() > means[best]:
        text += f" ({means.idxmax()!s}, not a rival, {abs(means.max()):.3f})"
    return _verdict(
        f"{text}; better by {gain.mean():+.4f}{_error(gain)}, bar {bar:.3f}", is_met=bool(gain.mean() >= bar)
    )


def _against_truth(place: str, bias: pd.Series, bar: float) -> str:
    within = int((bias.abs() <= bar).sum())
    text = f"{place}: total {bias.mean():+.1%} off the truth{_error(bias)}, bar {bar:.0%}"
    return _verdict(f"{text} ({within} of {len(bias)} companies within it)", is_met=bool(abs(bias.mean()) <= bar))


def _against_usual(place: str, usual: pd.Series, early: pd.Series) -> str:
    loss = usual - early
    text = f"{place}: Spearman {early.mean():.3f}, {usual.mean():.3f} where {USUAL_LOSS} do"
    text += f"; loses {loss.mean():.4f}{_error(loss)}, bar {LOSS_BAR:.2f}"
    return _verdict(text, is_met=bool(loss.mean() <= LOSS_BAR))


def _verdict(text: str, *, is_met: bool) -> str:
    return f"{text}: {'met' if is_met else 'NOT met'}"


def _error(values: pd.Series) -> str:
    """The standard error of a mean over companies, where there are several."""
    n = len(values)
    return f" (s.e. {float(values.std()) / n**0.5:.4f}, n {n})" if n > 1 else ""
