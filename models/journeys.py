"""Touches as arrays of whole numbers, encoded once, on which every rule and path method runs.

A journey is one closed deal's touches in the order of time. The vendor's own team is a player like any other, always
with the number 0. A deal without a touch is a journey with one touch of the own team, so that no method needs a case
for it. Touches of one moment have no order among themselves: a *moment* is what can come first or last, and the players
in it are treated alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.tables import DIRECT

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

OWN_TEAM: Final = 0
NEVER: Final = int(np.iinfo(np.int64).min)
"""The time of a milestone that a deal does not have."""
MILESTONES: Final = ("lead", "opportunity")


@dataclass(frozen=True)
class Pairs:
    """Each player once in each deal, sorted by deal and player's number.

    ``deal``, ``player`` : shape (pairs,). ``of_touch`` : shape (touches,), the pair of each touch. ``starts`` : shape
    (deals + 1,), where each deal's pairs begin.
    """

    deal: Codes
    player: Codes
    of_touch: Codes
    starts: Integers

    @property
    def sizes(self) -> Integers:
        """Players of each deal, shape (deals,), >= 1."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Journeys:
    """Touches sorted by deal and time; each deal has at least one.

    ``deal``, ``player`` : shape (touches,), numbers of the deal and of who acted. ``time`` : microseconds since 1970,
    UTC. ``deal_ids``, ``players`` : what the numbers stand for; ``players[0]`` is ``__direct__``. ``milestones`` :
    ``lead`` and ``opportunity`` to each deal's time of it, shape (deals,), ``NEVER`` where there is none.
    """

    deal: Codes
    player: Codes
    time: Integers
    deal_ids: Names
    players: Names
    milestones: Mapping[str, Integers] = field(default_factory=dict)

    @classmethod
    def of(cls, touches: pd.DataFrame, deals: pd.DataFrame) -> Self:
        """The journeys of ``deals``, whatever the order of the rows.

        Parameters
        ----------
        touches : ``deal_id``, ``partner_id`` (``__direct__`` for the own team), ``occurred_at`` (UTC); those of other
            deals are left out.
        deals : ``deal_id`` (distinct), ``closed_at`` and, where they are known, ``lead_at`` and ``opportunity_at``.
        """
        deal_ids = np.sort(deals["deal_id"].to_numpy(dtype=object))
        ordered = deals.set_index("deal_id").loc[deal_ids]
        touches = touches[touches["deal_id"].isin(ordered.index)]
        partners = sorted(set(touches["partner_id"].unique()) - {DIRECT})
        players = np.array([DIRECT, *partners], dtype=object)
        deal = pd.Index(deal_ids).get_indexer(touches["deal_id"])
        player = pd.Index(players).get_indexer(touches["partner_id"])
        known = {name: microseconds(ordered[f"{name}_at"]) for name in MILESTONES if f"{name}_at" in ordered}
        time = microseconds(touches["occurred_at"])
        return cls.from_codes(deal, player, time, microseconds(ordered["closed_at"]), deal_ids, players, known)

    @classmethod
    def from_codes(
        cls,
        deal: npt.NDArray[np.signedinteger],
        player: npt.NDArray[np.signedinteger],
        time: Integers,
        closed_at: Integers,
        deal_ids: Names,
        players: Names,
        milestones: Mapping[str, Integers] | None = None,
    ) -> Self:
        """The journeys of touches that are numbers already, in any order; a deal without one gets the own team's."""
        bare = np.flatnonzero(np.bincount(deal, minlength=len(deal_ids)) == 0)
        if len(bare):
            deal = np.concatenate([deal, bare])
            player = np.concatenate([player, np.full(len(bare), OWN_TEAM)])
            time = np.concatenate([time, closed_at[bare]])
        order = np.lexsort((time, deal))
        return cls(
            deal[order].astype(np.int32),
            player[order].astype(np.int32),
            time[order],
            deal_ids,
            players,
            dict(milestones or {}),
        )

    @property
    def n_deals(self) -> int:
        """How many journeys there are."""
        return len(self.deal_ids)

    @cached_property
    def starts(self) -> Integers:
        """Where each deal's touches begin, and the number of touches; shape (deals + 1,)."""
        sizes = np.bincount(self.deal, minlength=self.n_deals)
        return np.concatenate([[0], np.cumsum(sizes)])

    @cached_property
    def moment(self) -> Codes:
        """The number of each touch's moment, shape (touches,), counted through all deals."""
        is_new = np.empty(len(self.deal), dtype=np.int8)
        is_new[:1] = 0
        is_new[1:] = (self.deal[1:] != self.deal[:-1]) | (self.time[1:] != self.time[:-1])
        return np.cumsum(is_new, dtype=np.int32)

    @cached_property
    def pairs(self) -> Pairs:
        """Each player once in each deal."""
        keys = self.deal.astype(np.int64) * len(self.players) + self.player
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        is_new = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.bool_)
        of_touch = np.empty(len(keys), dtype=np.int32)
        of_touch[order] = np.cumsum(is_new, dtype=np.int32) - 1
        deal, player = np.divmod(keys[is_new], len(self.players))
        starts = np.concatenate([[0], np.cumsum(np.bincount(deal, minlength=self.n_deals))])
        return Pairs(deal.astype(np.int32), player.astype(np.int32), of_touch, starts)

    def only(self, is_chosen: Flags) -> Self:
        """The journeys of some deals (shape (deals,)), the players numbered as before."""
        number = np.cumsum(is_chosen, dtype=np.int32) - 1
        stays = is_chosen[self.deal]
        return replace(
            self,
            deal=number[self.deal[stays]],
            player=self.player[stays],
            time=self.time[stays],
            deal_ids=self.deal_ids[is_chosen],
            milestones={name: at[is_chosen] for name, at in self.milestones.items()},
        )

    def first_moments(self) -> Codes:
        """Each deal's first moment, shape (deals,)."""
        return self.moment[self.starts[:-1]]

    def last_moments(self) -> Codes:
        """Each deal's last moment, shape (deals,)."""
        return self.moment[self.starts[1:] - 1]

    def moments_before(self, at: Integers) -> Codes:
        """Each deal's last moment at or before ``at`` (shape (deals,)); -1 where all its touches came later."""
        came = np.bincount(self.deal[self.time <= at[self.deal]], minlength=self.n_deals)
        last = np.maximum(self.starts[:-1] + came - 1, 0)
        return np.where(came > 0, self.moment[last], np.int32(-1))

    def by_pair(self, share: Floats) -> pd.DataFrame:
        """A number for each pair (shape (pairs,)) as ``deal_id``, ``partner_id``, ``share``, sorted by both."""
        return pd.DataFrame(
            {
                "deal_id": self.deal_ids[self.pairs.deal],
                "partner_id": self.players[self.pairs.player],
                "share": share,
            }
        )


def microseconds(times: pd.Series) -> Integers:
    """UTC moments as whole microseconds since 1970; ``NEVER`` where there is none."""
    values = times.dt.as_unit("us")
    return np.where(values.isna(), NEVER, values.astype("int64"))
