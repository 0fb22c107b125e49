"""From journeys to a Markov chain whose states are the latest touches of a journey, up to ``order`` of them.

Only states that occur are kept. Touches of one moment have no order among themselves: all their orders count alike, so
that a transition may count as a fraction, and neither names nor the order of rows decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.journeys import Codes, Flags, Floats, Integers, Journeys

LARGEST_KEY: Final = 2**62
DENSE_KEYS: Final = 2**22
"""Up to this many possible transitions are counted in a table of all of them."""
MOST_ROWS: Final = 2**20
"""About how many orders of simultaneous touches are held at once."""


@dataclass(frozen=True)
class Transitions:
    """What was seen, as counts. State 0 is the start of a journey, before any touch.

    ``player`` : shape (states,), who made a state's latest touch; -1 for the start. ``source``, ``target``, ``count`` :
    shape (transitions,), between states. ``won``, ``lost`` : shape (states,), how often a journey ended there.
    """

    player: Codes
    source: Integers
    target: Integers
    count: Floats
    won: Floats
    lost: Floats

    @property
    def n_states(self) -> int:
        """States, the start among them."""
        return len(self.player)

    @property
    def leaving(self) -> Floats:
        """How often each state was left, for another or for the end; shape (states,), > 0."""
        left = np.bincount(self.source, self.count, minlength=self.n_states)
        return np.asarray(left + self.won + self.lost)


def transitions(journeys: Journeys, is_won: Flags, order: int = 1) -> Transitions:
    """The transitions of all journeys.

    Parameters
    ----------
    journeys : at least one.
    is_won : shape (deals,).
    order : how many latest touches make a state, >= 1.

    Raises
    ------
    ValueError
        When ``order`` is below 1, or so large that its states cannot be numbered.
    """
    base = len(journeys.players) + 1
    if order < 1 or base**order * (base + 2) >= LARGEST_KEY:
        raise ValueError(
            f"A Markov order of {order} cannot be counted with {base - 1} players. Choose an order of at least 1, and "
            "a smaller one where there are many partners."
        )
    keys, counts = _Counter(journeys, np.where(is_won, base, base + 1), order, base).totals()
    codes, following = np.divmod(keys, base + 2)
    states, source = np.unique(codes, return_inverse=True)
    goes_on = following < base
    target = np.searchsorted(states, (codes * base + following)[goes_on] % base**order)
    won, lost = (_at(source, counts, following == end, len(states)) for end in (base, base + 1))
    player = (states % base - 1).astype(np.int32)
    return Transitions(player, source[goes_on], target, counts[goes_on], won, lost)


def _at(source: Integers, counts: Floats, chosen: Flags, n_states: int) -> Floats:
    return np.asarray(np.bincount(source[chosen], counts[chosen], minlength=n_states), dtype=np.float64)


@dataclass(frozen=True)
class _Counter:
    """Counts transitions, each a whole number made of a state's code and of what follows.

    A state's code has one digit in ``base`` for each of its touches (the player's number + 1), the latest one lowest.
    What follows is such a digit, or ``ends`` (shape (deals,)): ``base`` for a won deal, ``base + 1`` for a lost one.
    """

    journeys: Journeys
    ends: Integers
    order: int
    base: int

    def totals(self) -> tuple[Integers, Floats]:
        """Distinct transitions, ascending, and how often they were seen."""
        is_mixed = _is_mixed(self.journeys)
        if not is_mixed.any():
            return _summed(self._plain(None), self._n_keys)
        return _summed((*self._plain(is_mixed), *self._spread(is_mixed)), self._n_keys)

    @property
    def _n_keys(self) -> int:
        return int(self.base**self.order * (self.base + 2))

    def _plain(self, is_mixed: Flags | None) -> list[tuple[Integers, None]]:
        """Transitions that no mixed moment reaches into, each seen once."""
        starts = self.journeys.starts
        digits = self.journeys.player.astype(np.int64) + 1
        after = digits.copy()
        for back in range(1, self.order):
            after[back:] += self._within(back) * digits[:-back] * self.base**back
        before = np.concatenate([[0], after[:-1]])
        before[starts[:-1]] = 0
        within = before * (self.base + 2) + digits
        ending = after[starts[1:] - 1] * (self.base + 2) + self.ends
        if is_mixed is None:
            return [(within, None), (ending, None)]
        return [
            (within[~self._reached(is_mixed, self.order)], None),
            (ending[~self._reached(is_mixed, self.order - 1)[starts[1:] - 1]], None),
        ]

    def _within(self, back: int) -> Flags:
        """Whether the touch ``back`` places before is of the same deal; shape (touches - back,)."""
        return np.asarray(self.journeys.deal[back:] == self.journeys.deal[:-back])

    def _reached(self, is_mixed: Flags, back: int) -> Flags:
        """Whether a mixed moment has the touch or one of the ``back`` before it in its deal."""
        reached = is_mixed.copy()
        for step in range(1, back + 1):
            reached[step:] |= self._within(step) & is_mixed[:-step]
        return reached

    def _spread(self, is_mixed: Flags) -> Iterator[tuple[Integers, Floats]]:
        """Transitions that a mixed moment reaches into, for each order of its touches, as fractions."""
        starts, deal = self.journeys.starts, self.journeys.deal
        touches = np.flatnonzero(self._reached(is_mixed, self.order))
        lasts = starts[1:] - 1
        lasts = lasts[self._reached(is_mixed, self.order - 1)[lasts]]
        for is_end, last, reach in ((False, touches, self.order), (True, lasts, self.order - 1)):
            first = np.maximum(last - reach, starts[:-1][deal[last]])
            for length in map(int, np.unique(last - first + 1)):
                chosen = last - first + 1 == length
                for window, weight in _orders(self.journeys, is_mixed, first[chosen], length):
                    yield self._keys(window, self.ends[deal[window[:, -1]]] if is_end else None), weight

    def _keys(self, window: Integers, following: Integers | None) -> Integers:
        digits = self.journeys.player[window].astype(np.int64) + 1
        known = digits if following is not None else digits[:, :-1]
        code = np.zeros(len(window), dtype=np.int64)
        for place in range(known.shape[1]):
            code = code * self.base + known[:, place]
        return code * (self.base + 2) + (following if following is not None else digits[:, -1])


def _is_mixed(journeys: Journeys) -> Flags:
    """Whether a touch's moment has touches of several players."""
    moment, player = journeys.moment, journeys.player
    differs = np.flatnonzero((moment[1:] == moment[:-1]) & (player[1:] != player[:-1]))
    is_mixed = np.zeros(int(moment[-1]) + 1, dtype=np.bool_)
    is_mixed[moment[differs]] = True
    return is_mixed[moment]


def _orders(journeys: Journeys, is_mixed: Flags, first: Integers, length: int) -> Iterator[tuple[Integers, Floats]]:
    """What ``length`` touches in a row can be, beginning at each place in ``first``, and with which probability.

    Gives windows of touches, shape (rows, length), and their weights, shape (rows,), a part of ``first`` at a time.
    """
    moment = journeys.moment
    sizes, places = np.bincount(moment), np.arange(len(moment))
    begins = np.cumsum(sizes) - sizes
    size, begin = np.where(is_mixed, sizes[moment], 1), np.where(is_mixed, begins[moment], places)
    rows = np.ones(len(first))
    for place in range(length):
        rows *= size[first + place]
    parts = np.cumsum(rows) // MOST_ROWS
    for part in np.split(first, np.flatnonzero(np.diff(parts)) + 1):
        window, weight, position = np.empty((len(part), 0), dtype=np.int64), np.ones(len(part)), part
        for _ in range(length):
            n = size[position]
            row = np.repeat(np.arange(len(position)), n)
            candidate = begin[position][row] + np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)
            earlier = moment[window] == moment[position][:, None]
            weight = weight / np.where(is_mixed[position], n - earlier.sum(axis=1), 1)
            is_new = (window[row] != candidate[:, None]).all(axis=1)
            row, candidate = row[is_new], candidate[is_new]
            window, weight = np.column_stack([window[row], candidate]), weight[row]
            position = position[row] + 1
        yield window, weight


def _summed(parts: Iterable[tuple[Integers, Floats | None]], n_keys: int) -> tuple[Integers, Floats]:
    """The distinct keys, ascending, with the sum of their weights (1 each where there are none)."""
    if n_keys <= DENSE_KEYS:
        total = np.zeros(n_keys)
        for keys, weights in parts:
            total += np.bincount(keys, weights, minlength=n_keys)
        found = np.flatnonzero(total)
        return found, total[found]
    sums = [_distinct(keys, weights) for keys, weights in parts]
    return _distinct(np.concatenate([keys for keys, _ in sums]), np.concatenate([sums_ for _, sums_ in sums]))


def _distinct(keys: Integers, weights: Floats | None) -> tuple[Integers, Floats]:
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(place, weights, minlength=len(distinct)).astype(np.float64)
