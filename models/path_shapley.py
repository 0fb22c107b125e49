"""Shapley values of games over paths: what a set of players is worth is read off the journeys that lie inside it.

Two games. In the usual one a set is worth the *number* of won journeys whose players are all in it. Its Shapley value
is exactly an equal split of each won journey over the distinct players on it, because the game is a sum of one
unanimity game for each won journey; so that is how it is computed, for any number of players. In the other a set is
worth the *rate* at which closed journeys inside it are won. There a won journey is a game of its own players: the rate
of the journeys inside each subset of them, 2 to the number of the journey's players, whatever the number of all.

Source of the method: L. S. Shapley, "A value for n-person games" (1953).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.journeys import Flags, Floats, Integers, Journeys
from models.rules import Split
from models.shapley import exact_shapley

MOST_PLAYERS: Final = 16
"""Most players on one won journey whose subsets are all looked at."""
MOST_CELLS: Final = 2**22
"""About how many subsets are held at once."""
PATHS_VERSION: Final = "paths-1"
"""Changes when a result changes, so that deals are scored anew."""

Keys = npt.NDArray[np.uint64]


def equal_split(journeys: Journeys) -> Split:
    """Each journey equally over its distinct players: the Shapley value of the number of won journeys inside a set."""
    pairs = journeys.pairs
    return Split(1.0 / pairs.sizes[pairs.deal])


@dataclass(frozen=True)
class Rates:
    """The distinct sets of players that journeys had, and how they ended.

    ``keys`` : shape (sets, 2), 128 random bits that stand for a set, sorted. ``won``, ``closed`` : shape (sets,), its
    won and closed journeys. ``marks`` : shape (players, 2); a set's key is the sum of its players' marks.
    """

    keys: Keys
    won: Integers
    closed: Integers
    marks: Keys

    @classmethod
    def of(cls, journeys: Journeys, is_won: Flags) -> Rates:
        """The sets of all closed deals' journeys; ``is_won`` has shape (deals,)."""
        marks = _marks(len(journeys.players))
        pairs = journeys.pairs
        keys = np.add.reduceat(marks[pairs.player], pairs.starts[:-1], axis=0)
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        keys = keys[order]
        is_new = np.ones(len(keys), dtype=np.bool_)
        is_new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        begins = np.flatnonzero(is_new)
        won = np.add.reduceat(is_won[order].astype(np.int64), begins)
        closed = np.diff(np.concatenate([begins, [len(keys)]]))
        return cls(keys[begins], won, closed, marks)

    def found(self, keys: Keys) -> tuple[Integers, Integers]:
        """Won and closed journeys whose players are exactly each set (shape (..., 2)); 0 for a set that none had."""
        place = np.searchsorted(self.keys[:, 0], keys[..., 0])
        place = np.minimum(place, len(self.keys) - 1)
        is_there = (self.keys[place] == keys).all(axis=-1)
        return np.where(is_there, self.won[place], 0), np.where(is_there, self.closed[place], 0)


def rate_split(journeys: Journeys, rates: Rates) -> Split:
    """Each won journey by the exact Shapley value of the win rate inside each set of its own players.

    v(S) is the share of won ones among the closed journeys whose players all lie in S, and 0 where there are none. A
    player's share is its Shapley value divided by v of all the journey's players; it may be negative, and those of a
    journey add up to 1.

    Parameters
    ----------
    journeys : won ones, among those that ``rates`` was made of, their players numbered as there.

    Raises
    ------
    ValueError
        When a journey has more than ``MOST_PLAYERS`` players.
    """
    pairs = journeys.pairs
    crowded = np.flatnonzero(pairs.sizes > MOST_PLAYERS)
    if len(crowded):
        raise ValueError(
            f"{len(crowded):,} won deals have more than {MOST_PLAYERS} players, e.g. {journeys.deal_ids[crowded[0]]}, "
            "and the Shapley value of a rate needs every subset of them. Set credit.shapley_value to conversions."
        )
    share = np.zeros(len(pairs.deal))
    for n, deals in _by_size(pairs.sizes):
        rows = pairs.starts[deals][:, None] + np.arange(n)
        game = _game(rates, pairs.player[rows])
        share[rows] = exact_shapley(game) / game[:, -1:]
    return Split(share)


def _game(rates: Rates, players: npt.NDArray[np.int32]) -> Floats:
    """The rate inside every subset of each row's players, shape (rows, 2**n); bit j of a column is player j."""
    n_rows, n = players.shape
    keys = np.zeros((n_rows, 1 << n, 2), dtype=np.uint64)
    for place in range(n):
        half = 1 << place
        keys[:, half : 2 * half] = keys[:, :half] + rates.marks[players[:, place]][:, None, :]
    won, closed = rates.found(keys)
    for place in range(n):
        for counts in (won, closed):
            halves = counts.reshape(n_rows, -1, 2, 1 << place)
            halves[:, :, 1] += halves[:, :, 0]
    return np.divide(won, closed, out=np.zeros(won.shape), where=closed > 0)


def _by_size(sizes: Integers) -> Iterator[tuple[int, Integers]]:
    for n in map(int, np.unique(sizes)):
        deals = np.flatnonzero(sizes == n)
        at_once = max(1, MOST_CELLS >> n)
        for begin in range(0, len(deals), at_once):
            yield n, deals[begin : begin + at_once]


def _marks(n_players: int) -> Keys:
    """128 random bits for each player. Different sets have one sum with a chance of about 1 in 10 to the 38."""
    return np.random.default_rng(0).integers(0, 2**64, size=(n_players, 2), dtype=np.uint64, endpoint=False)
