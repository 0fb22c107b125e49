"""How often the model was right, in the eyes of those who judged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pandas as pd

__all__ = ["BANDS", "Precision", "by_band", "by_type", "by_week", "precision", "wilson"]

BANDS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Ends of the bands of confidence; each begins with its lower end, and the last holds 1 as well."""


@dataclass(frozen=True)
class Precision:
    """Of ``n`` judged moments, how many were confirmed as they were flagged, and in how many a partner helped at all.

    lo, hi : ends of the 95 % interval (Wilson) of ``share``, the confirmed ones among all. confidence : their mean
    confidence, which is the share that is to be expected of ``helped`` where the confidence is calibrated.
    helped_lo, helped_hi : ends of the interval of ``helped``.
    """

    name: str
    n: int
    n_confirmed: int
    n_relabelled: int
    n_rejected: int
    share: float
    lo: float
    hi: float
    helped: float
    helped_lo: float
    helped_hi: float
    confidence: float


def precision(name: str, judged: pd.DataFrame) -> Precision:
    """The precision of some judged moments; at least one.

    Parameters
    ----------
    judged : one row per moment: ``is_confirmed`` (as flagged), ``is_help`` (help of some kind), ``confidence``.
    """
    n, confirmed, helped = len(judged), int(judged["is_confirmed"].sum()), int(judged["is_help"].sum())
    lo, hi = wilson(confirmed, n)
    helped_lo, helped_hi = wilson(helped, n)
    return Precision(
        name,
        n,
        confirmed,
        helped - confirmed,
        n - helped,
        confirmed / n,
        lo,
        hi,
        helped / n,
        helped_lo,
        helped_hi,
        float(judged["confidence"].mean()),
    )


def by_type(judged: pd.DataFrame) -> list[Precision]:
    """By the type that was flagged (``assist_type``), the most often judged first."""
    found = _by(judged, judged["assist_type"])
    return sorted(found, key=lambda one: (-one.n, one.name))


def by_week(judged: pd.DataFrame) -> list[Precision]:
    """By the ISO week, e.g. ``2026-W03``, in which it was judged (``judged_at``, UTC); the newest first."""
    return _by(judged, judged["judged_at"].dt.strftime("%G-W%V"))[::-1]


def by_band(judged: pd.DataFrame) -> list[Precision]:
    """By band of confidence, the lowest first; bands without a moment are left out."""
    names = [f"{lo:.0%} to {hi:.0%}" for lo, hi in pairwise(BANDS)]
    ends = (*BANDS[:-1], float("inf"))
    bands = pd.cut(judged["confidence"], ends, right=False, labels=names).cat.remove_unused_categories()
    return [precision(str(band), judged[bands == band]) for band in bands.cat.categories]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson; ``n`` is at least 1."""
    from scipy.stats import binomtest  # Slow to import, and wanted on one page alone.

    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _by(judged: pd.DataFrame, names: pd.Series[str]) -> list[Precision]:
    return [precision(str(name), some) for name, some in judged.groupby(names, sort=True)]
