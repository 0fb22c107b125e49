"""Who is spoken of: the partner in focus, turn by turn, and what stands for it when its name is not said.

A rule of recency (as in Hobbs' and in centering-style resolvers, reduced to companies): a stand-in means the partner
that was last named, or that last spoke, if that was at most so many turns ago. The windows are measured by
``benchmarks/partner_links.py``: as far back as the answer is still right more often than not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

RIVAL: Final = "\0rival"
"""Stands in the focus for a competitor, who takes "they" to himself."""


class Mention(NamedTuple):
    """One link of an utterance to a partner; see `features.assist.links.link_partners` for the columns."""

    utterance_id: str
    partner_id: str | None
    char_start: int | None
    char_end: int | None
    kind: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Windows:
    """How many turns back a stand-in may reach for its partner: "they", "he", "your integrator", and nothing at all.

    ``ahead`` is how many turns ahead one may reach when nobody was spoken of before ("So they built me a screen." "Who
    is they?" "Peacock.").
    """

    they: int = 4
    person: int = 3
    description: int = 8
    addressed: int = 2
    ellipsis: int = 4
    ahead: int = 2


class Focus:
    """Partners of one conversation by how lately they were named or spoke.

    Parameters
    ----------
    types : type of each partner by id.
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._last: dict[str, tuple[int, int]] = {}

    def fits(self, partner_id: str, types: frozenset[str]) -> bool:
        """Whether the partner is of one of the types; no types: any partner is."""
        return not types or self._types.get(partner_id) in types

    def note(self, partner_id: str, turn: int, order: int) -> None:
        """Remembers that a partner was meant in a turn; within a turn the one noted with the lower order leads."""
        self._last[partner_id] = (turn, -order)

    def latest(
        self, turn: int, window: int, types: frozenset[str] = frozenset(), *, but: str | None = None
    ) -> tuple[str, int] | None:
        """The partner in focus and how many turns ago it came up, 0 for this turn; None when nobody is in the window.

        Parameters
        ----------
        turn : the turn from which to look back.
        window : how many turns back, inclusive.
        types : only partners of these types count; none: any, and a competitor as well.
        but : a partner that is not meant.
        """
        fitting = [
            (last, partner_id)
            for partner_id, last in self._last.items()
            if turn - last[0] <= window and partner_id != but and self.fits(partner_id, types)
        ]
        if not fitting:
            return None
        (at, _), partner_id = max(fitting)
        return partner_id, turn - at
