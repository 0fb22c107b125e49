"""The Shapley value of many small games at once: exact for few players, sampled orders for many.

Sums run over sorted numbers, so that neither the order in which players are named nor the number of games in a batch
changes a single bit of a result.

Source: L. S. Shapley, "A value for n-person games" (1953); antithetic orders: R. Mitchell, J. Cooper, E. Frank and
G. Holmes, "Sampling permutations for Shapley value estimation", JMLR 23 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

ERROR_Z: Final = 2.5758293035489004
"""Half-width of a sampled credit's bound in standard errors: the normal distribution's 99 % interval."""


def exact_shapley(values: Floats) -> Floats:
    """Exact Shapley values of games that all have the same number of players.

    Parameters
    ----------
    values : shape (games, 2**n). Bit j of the column's index says that player j is in the coalition; column 0 is the
        empty coalition, the last one all players.

    Returns
    -------
    Shape (games, n), in the unit of ``values``. A row adds up to its last value minus its first. A player that changes
    no coalition's value gets exactly 0.

    Raises
    ------
    ValueError
        When the number of columns is not a power of two.
    """
    n_coalitions = values.shape[1]
    n = n_coalitions.bit_length() - 1
    if n_coalitions != 1 << n:
        raise ValueError(f"A game of n players has 2**n coalitions, but the values have {n_coalitions} columns.")
    credit = np.zeros((values.shape[0], n))
    coalitions = np.arange(n_coalitions)
    for player in range(n):
        without = coalitions[(coalitions >> player) & 1 == 0]
        gain = values[:, without | (1 << player)] - values[:, without]
        credit[:, player] = _ordered_sum(gain * coalition_weights(n)[without])
    return credit


def mean_slopes(values: Floats) -> Floats:
    """How much a player's credit moves for a unit that it adds to the log-odds of every coalition it is in.

    ``values`` are probabilities, shaped as for ``exact_shapley``; returns shape (games, n): the mean of ``p (1 - p)``
    over the coalitions that the player has joined, weighted as its gains are.
    """
    n = values.shape[1].bit_length() - 1
    slope, coalitions, weights = values * (1 - values), np.arange(values.shape[1]), coalition_weights(n)
    result = np.empty((values.shape[0], n))
    for player in range(n):
        without = coalitions[(coalitions >> player) & 1 == 0]
        result[:, player] = _ordered_sum(slope[:, without | (1 << player)] * weights[without])
    return result


def coalition_weights(n: int) -> Floats:
    """Weight of a player's gain from joining each coalition, shape (2**n,), for a game of ``n`` players.

    The weights of all coalitions without a given player add up to 1; the full coalition, which nobody can join, has 0.
    """
    sizes = np.bitwise_count(np.arange(1 << n, dtype=np.uint64))
    by_size = [factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)]
    return np.array([*by_size, 0.0])[sizes]


def sampled_orders(deal_hashes: Hashes, n: int, samples: int, seed: int) -> Integers:
    """Random orders of ``n`` players, the second half being the first half reversed (antithetic pairs).

    They depend on ``seed`` and on each game's own hash alone, never on its position in the batch.

    Parameters
    ----------
    deal_hashes : shape (games,), one number that stands for a game's content.
    n : players of every game, > 0.
    samples : orders for each game; an odd number is raised by one.

    Returns
    -------
    Shape (games, orders, n): the player who comes first, second, ... in each order.
    """
    pairs = (samples + 1) // 2
    start = _mixed(deal_hashes ^ _mixed(np.array([seed], dtype=np.uint64)))
    keys = _mixed(start[:, None] + np.arange(1, pairs * n + 1, dtype=np.uint64)[None, :])
    orders = np.argsort(keys.reshape(len(deal_hashes), pairs, n), axis=2, kind="stable")
    return np.concatenate([orders, orders[:, :, ::-1]], axis=1)


@dataclass(frozen=True)
class Sampled:
    """Estimated Shapley values of games and their bounds, each of shape (games, n), in the unit of the values.

    ``error`` is ``ERROR_Z`` standard errors of the mean over antithetic pairs: the exact value lies within
    ``credit - error`` and ``credit + error`` for about 99 of 100 players.
    """

    credit: Floats
    error: Floats


def sampled_shapley(values: Floats, orders: Integers) -> Sampled:
    """Shapley values estimated from the values along sampled orders.

    Parameters
    ----------
    values : shape (games, orders, n + 1), the value before anyone came and after each player of the order.
    orders : shape (games, orders, n), as ``sampled_orders`` gives them.

    Returns
    -------
    The estimate. Along each order the gains telescope, so a game's credits add up to its full value minus its empty
    one whatever was sampled.
    """
    gains = np.take_along_axis(np.diff(values, axis=2), np.argsort(orders, axis=2, kind="stable"), axis=2)
    pairs = orders.shape[1] // 2
    by_pair = (gains[:, :pairs] + gains[:, pairs:]) / 2
    spread = by_pair.std(axis=1, ddof=1) if pairs > 1 else np.full(by_pair[:, 0].shape, np.inf)
    return Sampled(by_pair.mean(axis=1), ERROR_Z * spread / np.sqrt(pairs))


def equal_for_twins(sampled: Sampled, contents: Hashes) -> Sampled:
    """The estimate with players of equal content (shape (games, n)) given their mean.

    The exact value treats such players alike; sampling alone would not, and which of them fared better would hang on
    their names.
    """
    alike = (contents[:, :, None] == contents[:, None, :]).astype(np.float64)
    weights = alike / alike.sum(axis=2, keepdims=True)
    return Sampled(_weighted(weights, sampled.credit), _weighted(weights, sampled.error))


def _weighted(weights: Floats, values: Floats) -> Floats:
    return _ordered_sum(weights * values[:, None, :])


def _ordered_sum(terms: Floats) -> Floats:
    # In C order numpy adds each row up in the same way whatever the number of rows.
    return np.asarray(np.sort(np.ascontiguousarray(terms), axis=-1).sum(axis=-1))


def _mixed(keys: Hashes) -> Hashes:
    """SplitMix64's output function (G. Steele, D. Lea, C. Flood, 2014): near numbers in, unrelated numbers out."""
    with np.errstate(over="ignore"):
        mixed = keys + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
