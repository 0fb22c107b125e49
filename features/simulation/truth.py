"""The structural win probability of a simulated company, and the exact Shapley credit that follows from it.

Log-odds of a deal with the partners in S::

    intercept + own team's part + hidden quality + sum over S of effect(partner, segment) x dose
              + sum over pairs in S of synergy x dose x dose

The players are the deal's partners; the value of a coalition is the win probability with only its partners' doses, and
the value of the empty one is the own team's credit (``__direct__``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from features.simulation.partners import Partners


@dataclass(frozen=True)
class Coalitions:
    """Deals with the same number ``n`` of partners.

    Parameters
    ----------
    deal : (d,) positions of the deals.
    partner : (d, n) positions of their partners.
    log_odds : (d, 2**n) log-odds of each coalition; bit i of the column says whether partner i is in.
    """

    deal: np.ndarray
    partner: np.ndarray
    log_odds: np.ndarray


def coalitions(doses: pd.DataFrame, base: np.ndarray, segment: np.ndarray, partners: Partners) -> Iterator[Coalitions]:
    """Every deal once, in groups of equally many partners, those without any included.

    Parameters
    ----------
    doses : One row per deal x partner, sorted by ``deal``: ``deal``, ``partner`` (positions), ``dose`` >= 0.
    base : (n_deals,) log-odds without partners.
    segment : (n_deals,) position of the deal's segment.
    """
    counts = np.bincount(doses["deal"], minlength=len(base))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    partner, dose = doses["partner"].to_numpy(), doses["dose"].to_numpy()
    for n in np.unique(counts):
        deal = np.flatnonzero(counts == n)
        rows = starts[deal][:, None] + np.arange(n)[None, :]
        effect = partners.effect[partner[rows], segment[deal][:, None]] * dose[rows]
        inside = _inside(int(n))
        log_odds = base[deal][:, None] + effect @ inside.T
        for i, j in combinations(range(int(n)), 2):
            together = partners.synergy[partner[rows[:, i]], partner[rows[:, j]]] * dose[rows[:, i]] * dose[rows[:, j]]
            log_odds += together[:, None] * (inside[:, i] * inside[:, j])[None, :]
        yield Coalitions(deal, partner[rows], log_odds)


def full_log_odds(doses: pd.DataFrame, base: np.ndarray, segment: np.ndarray, partners: Partners) -> np.ndarray:
    """(n_deals,) log-odds of winning with all partners."""
    full = np.empty(len(base))
    for group in coalitions(doses, base, segment, partners):
        full[group.deal] = group.log_odds[:, -1]
    return full


def credits_of(doses: pd.DataFrame, base: np.ndarray, segment: np.ndarray, partners: Partners) -> pd.DataFrame:
    """The true credit of every player of every deal.

    Returns
    -------
    ``deal``, ``partner`` (positions; -1 for the own team) and ``credit`` (probability; a deal's credits add up to its
    win probability), the own team first, then partners by position.
    """
    parts = []
    for group in coalitions(doses, base, segment, partners):
        value = sigmoid(group.log_odds)
        credit = np.column_stack([value[:, 0], shapley(value)])
        player = np.column_stack([np.full(len(group.deal), -1), group.partner])
        deal = np.repeat(group.deal, credit.shape[1])
        parts.append(pd.DataFrame({"deal": deal, "partner": player.ravel(), "credit": credit.ravel()}))
    return pd.concat(parts).sort_values(["deal", "partner"], ignore_index=True)


def shapley(value: np.ndarray) -> np.ndarray:
    """Exact Shapley values of n players.

    Parameters
    ----------
    value : (d, 2**n) value of each coalition; bit i of the column says whether player i is in.

    Returns
    -------
    (d, n) values; a row adds up to the value of all minus the value of none.
    """
    n = value.shape[1].bit_length() - 1
    masks = np.arange(2**n)
    size = _inside(n).sum(axis=1).astype(int)
    weight = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    result = np.empty((len(value), n))
    for i in range(n):
        without = masks[(masks >> i) & 1 == 0]
        result[:, i] = (value[:, without | (1 << i)] - value[:, without]) @ weight[size[without]]
    return result


def intercept(log_odds: np.ndarray, win_rate: float) -> float:
    """The number to add to log-odds so that the mean probability is ``win_rate``; by bisection, to 1e-12."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(log_odds + middle).mean() < win_rate else (low, middle)
    return (low + high) / 2


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Probability of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


def _inside(n: int) -> np.ndarray:
    """(2**n, n) whether each player is in each coalition, as 0.0 or 1.0."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)[None, :]) & 1).astype(float)
