"""How far people who judge the same moments say the same, beyond what chance alone would bring about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["ENOUGH", "Agreement", "Confused", "PairAgreement", "agreement", "confused", "in_words", "pairs"]

ENOUGH: Final = 10
"""Moments judged twice below which nothing is said of agreement."""
RESAMPLES: Final = 1_000
SEED: Final = 20_260
RELIABLE: Final = 0.8
"""Alpha from which data are held to be reliable (Krippendorff, 2004)."""
TENTATIVE: Final = 0.667
"""Alpha from which tentative conclusions are held to be possible."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha (nominal) over all who judged: 1 is perfect, 0 is chance, below is worse.

    n : moments judged by two or more. n_people : who judged them. same : share of these moments of which all said the
    same. alpha : None where all answers are the same one, so that chance explains everything. lo, hi : ends of the 95 %
    interval (percentiles of moments drawn anew); None with fewer than ``ENOUGH`` moments.
    """

    n: int
    n_people: int
    same: float | None = None
    alpha: float | None = None
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class PairAgreement:
    """Cohen's kappa of two people on the ``n`` moments that both judged; else as ``Agreement``."""

    one: str
    other: str
    n: int
    same: float
    kappa: float | None
    lo: float | None
    hi: float | None


@dataclass(frozen=True)
class Confused:
    """How often one person said the one thing and another the other, of the same moment."""

    one: str
    other: str
    n: int


def agreement(said: pd.DataFrame, says: str, *, seed: int = SEED) -> Agreement:
    """The agreement of all.

    Parameters
    ----------
    said : one row per moment and person: ``moment_id``, ``reviewer`` and the column ``says``; moments that only one
        person judged count for nothing.
    """
    counts = pd.crosstab(said["moment_id"], said[says]).to_numpy(np.float64)
    counts = counts[counts.sum(axis=1) > 1] if counts.size else counts
    n = len(counts)
    if not n:
        return Agreement(0, 0)
    people = said.loc[said["moment_id"].duplicated(keep=False), "reviewer"].nunique()
    same = float((counts.max(axis=1) == counts.sum(axis=1)).mean())
    if (counts.sum(axis=0) > 0).sum() < 2:
        return Agreement(n, people, same)
    import krippendorff  # Slow to import, and wanted on one page alone.

    alpha = float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    return Agreement(n, people, same, alpha, *_interval(times, lambda drawn: _alphas(drawn, patterns), seed))


def pairs(said: pd.DataFrame, says: str, *, seed: int = SEED) -> list[PairAgreement]:
    """The agreement of every two people who judged a moment in common; those with most in common first."""
    wide = said.pivot_table(index="moment_id", columns="reviewer", values=says, aggfunc="last")
    found = [
        _pair(str(one), str(other), both, seed)
        for one, other in combinations(sorted(wide.columns), 2)
        if len(both := wide[[one, other]].dropna().to_numpy(str))
    ]
    return sorted(found, key=lambda pair: (-pair.n, pair.one, pair.other))


def confused(said: pd.DataFrame, says: str) -> list[Confused]:
    """What people took for one another, the most frequent first; each two people on a moment count once."""
    tally = Counter(
        pair
        for _, values in said.groupby("moment_id")[says]
        for pair in map(tuple, map(sorted, combinations(values, 2)))
        if pair[0] != pair[1]
    )
    ordered = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    return [Confused(one, other, n) for (one, other), n in ordered]


def in_words(found: Agreement) -> str:
    """What the agreement allows to say, carefully."""
    if found.n < ENOUGH:
        return f"Too few to say: at least {ENOUGH} moments that two people judged are needed."
    if found.alpha is None:
        return "Everybody said the same of every moment, so it cannot be told from chance."
    if found.lo is None or found.lo >= RELIABLE:
        return "People agree well enough to rely on what they say."
    if found.alpha >= RELIABLE:
        return "People seem to agree well, but so few moments leave it open."
    if found.alpha >= TENTATIVE:
        return "People agree enough for tentative conclusions; talk about the kinds that they confuse."
    return "People agree too little to rely on one person's word; talk about the kinds that they confuse."


def _pair(one: str, other: str, both: NDArray[Any], seed: int) -> PairAgreement:
    kinds, codes = np.unique(both, return_inverse=True)
    codes = codes.reshape(both.shape)
    same = float((codes[:, 0] == codes[:, 1]).mean())
    if len(kinds) < 2:
        return PairAgreement(one, other, len(both), same, None, None, None)
    from sklearn.metrics import cohen_kappa_score  # Slow to import, and wanted on one page alone.

    kappa = float(cohen_kappa_score(codes[:, 0], codes[:, 1]))
    cells, times = np.unique(codes, axis=0, return_counts=True)
    return PairAgreement(
        one, other, len(both), same, kappa, *_interval(times, lambda drawn: _kappas(drawn, cells, len(kinds)), seed)
    )


def _interval(
    times: NDArray[np.int64], of: Callable[[Floats], Floats], seed: int
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of a statistic when moments are drawn anew; ``times``: how many moments look alike."""
    n = int(times.sum())
    if n < ENOUGH:
        return None, None
    drawn = np.random.default_rng(seed).multinomial(n, times / n, size=RESAMPLES).astype(np.float64)
    values = of(drawn)
    values = values[np.isfinite(values)]
    if not len(values):
        return None, None
    lo, hi = np.percentile(values, [2.5, 97.5])
    return float(lo), float(hi)


def _alphas(drawn: Floats, patterns: Floats) -> Floats:
    """Alpha of each draw; ``patterns`` (n_patterns, n_values) counts the answers of moments that look alike."""
    answers = patterns.sum(axis=1)
    apart = (answers**2 - (patterns**2).sum(axis=1)) / (answers - 1)
    total, by_value = drawn @ answers, drawn @ patterns
    expected = (total**2 - (by_value**2).sum(axis=1)) / (total - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (drawn @ apart) / expected)


def _kappas(drawn: Floats, cells: NDArray[np.int64], n_kinds: int) -> Floats:
    """Kappa of each draw; ``cells`` (n_cells, 2): what the one and the other said."""
    n = drawn.sum(axis=1)
    observed = drawn[:, cells[:, 0] == cells[:, 1]].sum(axis=1) / n
    by_one, by_other = (drawn @ (cells[:, [at]] == np.arange(n_kinds)).astype(np.float64) for at in (0, 1))
    chance = (by_one * by_other).sum(axis=1) / n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((observed - chance) / (1 - chance))
