"""Removal effects in the Markov chain of all closed deals' journeys: how many wins the chain loses without a player.

The chain starts before the first touch and ends won or lost; its transition probabilities are the observed shares.
Everything is solved, nothing simulated. Repeated touches need no treatment: at order 1 a state's transitions to itself
change no effect.

Source of the method: E. Anderl, I. Becker, F. von Wangenheim and J. H. Schumann, "Mapping the customer journey",
International Journal of Research in Marketing 33 (2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

from models.journeys import Flags, Floats, Integers, Journeys
from models.rules import Split
from models.transitions import Transitions, transitions

Removal = Literal["to_null", "fail", "renormalise"]
REMOVALS: Final[tuple[str, ...]] = get_args(Removal)
MARKOV_VERSION: Final = "markov-1"
"""Changes when a removal effect changes, so that deals are scored anew."""
DENSE_STATES: Final = 4_000
"""Up to this many states a dense inverse costs less than a sparse factorisation."""
MOST_STATES: Final = 20_000
"""Beyond this the solution no longer fits a few gigabytes and minutes."""
DECIMALS: Final = 12
"""Effects are rounded to as many decimals, so that they do not hang on the order in which players are numbered."""
NO_EFFECT: Final = "no_effect"
"""The rule id of a deal none of whose players has an effect."""


@dataclass(frozen=True)
class Removals:
    """What the journeys lose without each player.

    ``effect`` : shape (players,), 1 - P(won without the player) / P(won), to 12 decimals; at most 1, 0 for a player on
    no journey, and below 0 only where the journeys would be won more often without it (``renormalise``). ``journeys`` :
    shape (players,), how many journeys have the player. ``n_won`` : won journeys.
    """

    effect: Floats
    journeys: Integers
    n_won: int

    @property
    def total_credit(self) -> Floats:
        """Won journeys x effect / sum of effects, shape (players,); adds up to ``n_won``. Below 0 counts as 0."""
        counted = _units(self.effect)
        return self.n_won * counted / max(float(counted.sum()), 1.0)


def removals(journeys: Journeys, is_won: Flags, order: int = 1, removal: Removal = "to_null") -> Removals:
    """The removal effect of every player.

    Parameters
    ----------
    journeys : all closed deals, lost ones too.
    is_won : shape (deals,).
    order : latest touches that make a state, >= 1; ``fail`` does not look at it.
    removal : what becomes of the journeys.
        ``to_null``: one that comes to the player is lost there; effects lie in [0, 1].
        ``fail``: every won journey with the player on it is lost, all else stays; the effect is the share of won
        journeys that have the player.
        ``renormalise``: one that would have come to the player goes wherever else it could have gone from there, in
        proportion; where there was nowhere else, it is lost. Effects may be negative.

    Returns
    -------
    All effects are 0 when no journey is won.

    Raises
    ------
    ValueError
        For an unknown ``removal``, an impossible ``order``, or more than ``MOST_STATES`` states.
    """
    if removal not in REMOVALS:
        raise ValueError(f"There is no removal {removal!r}; choose among {', '.join(REMOVALS)}.")
    pairs, n_players = journeys.pairs, len(journeys.players)
    seen = np.bincount(pairs.player, minlength=n_players)
    n_won = int(is_won.sum())
    if n_won == 0:
        return Removals(np.zeros(n_players), seen, 0)
    if removal == "fail":
        won = np.bincount(pairs.player[is_won[pairs.deal]], minlength=n_players)
        return Removals(np.round(won / n_won, DECIMALS), seen, n_won)
    chain = _Chain.of(transitions(journeys, is_won, order))
    effect = chain.to_null(n_players) if removal == "to_null" else chain.renormalised(n_players)
    return Removals(np.round(effect, DECIMALS) + 0.0, seen, n_won)


def markov_split(journeys: Journeys, effect: Floats) -> Split:
    """Each journey over its own players in proportion to their removal effects (shape (players,)).

    Effects below 0 count as 0. A journey whose players all have none is divided equally, and its ``rule_ids`` is
    ``no_effect``; that of all others is None.
    """
    pairs = journeys.pairs
    weight = _units(effect)[pairs.player]
    total = np.bincount(pairs.deal, weight, minlength=journeys.n_deals)
    is_void = total == 0
    weight = np.where(is_void[pairs.deal], 1.0, weight)
    names = np.array([None, NO_EFFECT], dtype=object)
    return Split(weight / np.where(is_void, pairs.sizes, total)[pairs.deal], names[is_void.astype(np.int64)])


@dataclass(frozen=True)
class _Chain:
    """``system`` is I - Q over the states, with Q their transition probabilities; ``win`` those of being won next."""

    seen: Transitions
    system: sparse.csc_array
    win: Floats

    @classmethod
    def of(cls, seen: Transitions) -> _Chain:
        """The chain of observed shares."""
        if seen.n_states > MOST_STATES:
            raise ValueError(
                f"The Markov chain has {seen.n_states:,} states, more than {MOST_STATES:,}. Choose a smaller order."
            )
        leaving = seen.leaving
        shape = (seen.n_states, seen.n_states)
        shares = sparse.csc_array((seen.count / leaving[seen.source], (seen.source, seen.target)), shape)
        return cls(seen, sparse.csc_array(sparse.eye_array(seen.n_states) - shares), seen.won / leaving)

    def to_null(self, n_players: int) -> Floats:
        """Effects when whoever comes to the player is lost.

        Lost are exactly the wins of the journeys that ever come to the player: the chance of coming to it first in each
        of its states, times that state's chance of being won. Both follow from one factorisation: with N the expected
        visits (the inverse of I - Q) and A the player's states, the first is N[start, A] times the inverse of N[A, A].
        """
        chance, visits, among = self._solved()
        effect = np.zeros(n_players)
        for player in range(n_players):
            states = np.flatnonzero(self.seen.player == player)
            if len(states):
                first = np.linalg.solve(among(states).T, visits[states])
                effect[player] = first @ chance[states] / chance[0]
        return np.clip(effect, 0.0, 1.0)

    def _solved(self) -> tuple[Floats, Floats, Callable[[Integers], Floats]]:
        """Each state's chance of being won, N[start], and N[A, A] for any states A."""
        n = self.seen.n_states
        if n <= DENSE_STATES:
            inverse = np.linalg.inv(self.system.toarray())
            return inverse @ self.win, inverse[0], lambda states: inverse[np.ix_(states, states)]
        solver = splu(self.system)
        start = _unit(n, np.zeros(1, dtype=np.int64))[:, 0]
        return solver.solve(self.win), solver.solve(start, trans="T"), lambda a: solver.solve(_unit(n, a))[a]

    def renormalised(self, n_players: int) -> Floats:
        """Effects when whoever would come to the player goes elsewhere.

        Dividing a state's other transitions by their sum is the same as staying in that state instead of coming to the
        player, and trying again. States from which every way leads to the player, or round in circles, are lost.
        """
        chance = float(splu(self.system).solve(self.win)[0])
        effect = np.zeros(n_players)
        for player in range(n_players):
            is_removed = self.seen.player == player
            if is_removed.any():
                effect[player] = 1.0 - self._without(is_removed) / chance
        return effect

    def _without(self, is_removed: Flags) -> float:
        """Chance of being won from the start when the other transitions are renormalised."""
        stays = self._ends(~is_removed)
        if not stays[0]:
            return 0.0
        rows = self.system[stays]
        to_removed = -np.asarray(rows[:, is_removed].sum(axis=1)).ravel()
        kept = sparse.csc_array(rows[:, stays] - sparse.diags_array(to_removed))
        return float(splu(kept).solve(self.win[stays])[0])

    def _ends(self, stays: Flags) -> Flags:
        """The states among those that stay from which a journey can still end, won or lost."""
        seen, end = self.seen, self.seen.n_states
        is_kept = stays[seen.source] & stays[seen.target]
        final = np.flatnonzero(stays & (seen.won + seen.lost > 0))
        back = np.concatenate([seen.target[is_kept], np.full(len(final), end)])
        to = np.concatenate([seen.source[is_kept], final])
        graph = sparse.csr_array((np.ones(len(back)), (back, to)), shape=(end + 1, end + 1))
        found = np.zeros(end + 1, dtype=np.bool_)
        found[breadth_first_order(graph, end, return_predecessors=False)] = True
        return found[:-1]


def _units(effect: Floats) -> Floats:
    """Effects as whole numbers, below 0 as 0, whose sums are the same in whatever order they are added up."""
    return np.asarray(np.rint(np.maximum(effect, 0.0) * 10**DECIMALS))


def _unit(n: int, places: Integers) -> Floats:
    """Columns of the unit matrix, shape (n, places)."""
    columns = np.zeros((n, len(places)))
    columns[places, np.arange(len(places))] = 1.0
    return columns
