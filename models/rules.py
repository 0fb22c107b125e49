"""Rules that divide a won deal by its touches: by their order, their time, and the milestones that they led to.

The vendor's own team is one more player (``__direct__``). Players of one moment share it equally, however many touches
each has and whatever they are called. A rule is one function and one entry in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from features.tables import DIRECT
from models.journeys import NEVER, OWN_TEAM, Codes, Flags, Floats, Journeys, Names

RULES_VERSION: Final = "rules-2"
"""Changes when a rule's result changes, so that deals are scored anew."""
Part = Literal["first", "lead", "opportunity", "last", "middle"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""What a position rule can give weight to, in the order of a journey."""
MICROSECONDS_PER_DAY: Final = 86_400_000_000

Weights = Mapping[Part, float]
U_SHAPE: Final[Weights] = {"first": 40.0, "middle": 20.0, "last": 40.0}
W_SHAPE: Final[Weights] = {"first": 30.0, "lead": 30.0, "opportunity": 30.0, "middle": 10.0}
FULL_PATH: Final[Weights] = {"first": 22.5, "lead": 22.5, "opportunity": 22.5, "last": 22.5, "middle": 10.0}


@dataclass(frozen=True)
class RuleSettings:
    """What the rules can be told.

    half_life_days : days (> 0) before the deal's last touch at which a touch has half of that one's weight.
    last_touch_scope : ``partner`` looks for the last touch of a partner (last non-direct touch) and gives the deal to
        the own team only when no partner touched it; ``any`` takes the last touch of all.
    u_shape, w_shape, full_path : weights (>= 0, ``first`` > 0) of ``PARTS``, on any scale; any rule may use any part.
    """

    half_life_days: float = 30.0
    last_touch_scope: Literal["any", "partner"] = "any"
    u_shape: Weights = field(default_factory=lambda: U_SHAPE)
    w_shape: Weights = field(default_factory=lambda: W_SHAPE)
    full_path: Weights = field(default_factory=lambda: FULL_PATH)


@dataclass(frozen=True)
class Split:
    """How each deal is divided.

    ``share`` : shape (pairs,), >= 0, adding up to 1 within each deal. ``rule_ids`` : shape (deals,), what the division
    rested on where that differs between deals; None for a rule that always rests on the same.
    """

    share: Floats
    rule_ids: Names | None = None


Rule = Callable[[Journeys, RuleSettings], Split]


def first_touch(journeys: Journeys, _: RuleSettings) -> Split:
    """Everything to the player who came first."""
    return Split(_among_players(journeys, _is_at(journeys, journeys.first_moments())))


def last_touch(journeys: Journeys, settings: RuleSettings) -> Split:
    """Everything to the player who came last; with the scope ``partner`` to the partner who did."""
    is_last = _is_at(journeys, journeys.last_moments())
    if settings.last_touch_scope == "any" or not len(is_last):
        return Split(_among_players(journeys, is_last))
    is_partner = journeys.player != OWN_TEAM
    last = np.maximum.reduceat(np.where(is_partner, np.arange(len(is_partner)), -1), journeys.starts[:-1])
    is_chosen = is_partner & _is_at(journeys, np.where(last >= 0, journeys.moment[last], np.int32(-1)))
    return Split(_among_players(journeys, np.where((last >= 0)[journeys.deal], is_chosen, is_last)))


def linear(journeys: Journeys, _: RuleSettings) -> Split:
    """The same part for every touch."""
    return Split(_by_touch(journeys, None))


def time_decay(journeys: Journeys, settings: RuleSettings) -> Split:
    """A touch weighs half as much for every ``half_life_days`` that it lies before the deal's last one."""
    age = journeys.time[journeys.starts[1:] - 1][journeys.deal] - journeys.time
    return Split(_by_touch(journeys, np.exp2(age / (-settings.half_life_days * MICROSECONDS_PER_DAY))))


def u_shape(journeys: Journeys, settings: RuleSettings) -> Split:
    """First and last moment 40 % each, the touches between them 20 % together."""
    return positions(journeys, settings.u_shape)


def w_shape(journeys: Journeys, settings: RuleSettings) -> Split:
    """First moment, lead creation and opportunity creation 30 % each, all other touches 10 % together."""
    return positions(journeys, settings.w_shape)


def full_path(journeys: Journeys, settings: RuleSettings) -> Split:
    """First moment, lead creation, opportunity creation and last moment 22.5 % each, all others 10 % together."""
    return positions(journeys, settings.full_path)


RULES: Final[dict[str, Rule]] = {
    rule.__name__: rule for rule in (first_touch, last_touch, linear, time_decay, u_shape, w_shape, full_path)
}
WITH_MILESTONES: Final = ("u_shape", "w_shape", "full_path")
"""Rules whose weights may name a milestone."""


def positions(journeys: Journeys, weights: Weights) -> Split:
    """Each deal by weights of its moments.

    ``first`` and ``last`` are the deal's first and last moment; ``lead`` and ``opportunity`` the last moment at or
    before the lead's or the opportunity's creation: the touches that led to it. ``middle`` is every touch at none of
    the moments that have weight, each alike. A moment that is several of these at once gets all their weights.

    A part that a deal lacks (no lead on record, none of the touches before it, nothing in the middle) leaves its weight
    to the parts that are there, in proportion to theirs. Which were there stands in ``rule_ids``, e.g.
    ``first+opportunity+middle``.
    """
    weighed = [part for part in PARTS if weights.get(part, 0.0) > 0]
    is_at = {part: _is_at(journeys, _moments(journeys, part)) for part in weighed if part != "middle"}
    split: dict[Part, Floats] = {part: _among_players(journeys, touches) for part, touches in is_at.items()}
    if "middle" in weighed:
        split["middle"] = _by_touch(journeys, ~np.logical_or.reduce(list(is_at.values())))
    is_there: dict[Part, Flags] = {
        part: np.add.reduceat(share, journeys.pairs.starts[:-1]) > 0 for part, share in split.items()
    }
    total = sum((weights[part] * is_there[part] for part in weighed), np.zeros(journeys.n_deals))
    summed = sum((weights[part] * split[part] for part in weighed), np.zeros(len(journeys.pairs.deal)))
    return Split(summed / total[journeys.pairs.deal], _named({part: is_there[part] for part in weighed}))


def rule_split(name: str, journeys: Journeys, settings: RuleSettings = RuleSettings()) -> Split:
    """Each journey's division by one of ``RULES``; raises ``ValueError`` when there is no such rule."""
    if name not in RULES:
        raise ValueError(f"There is no rule {name!r}; there are {', '.join(RULES)}.")
    return RULES[name](journeys, settings)


def countable_touches(touches: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """The touches at or before their deal's close (inclusive), own-team touches under ``__direct__``.

    Parameters
    ----------
    touches : ``deal_id``, ``partner_id`` (null for the vendor's own team), ``occurred_at`` (UTC).
    deals : ``deal_id``, ``closed_at`` (UTC); touches of other deals are left out.
    """
    joined = touches.merge(deals[["deal_id", "closed_at"]], on="deal_id", how="inner")
    counted = joined[joined["occurred_at"] <= joined["closed_at"]]
    return counted.assign(partner_id=counted["partner_id"].fillna(DIRECT))


def _moments(journeys: Journeys, part: Part) -> Codes:
    if part == "first":
        return journeys.first_moments()
    if part == "last":
        return journeys.last_moments()
    at = journeys.milestones.get(part, np.full(journeys.n_deals, NEVER))
    return journeys.moments_before(at)


def _is_at(journeys: Journeys, moments: Codes) -> Flags:
    """Whether each touch belongs to its deal's moment (shape (deals,); -1 for none)."""
    is_at: Flags = journeys.moment == moments[journeys.deal]
    return is_at


def _among_players(journeys: Journeys, is_chosen: Flags) -> Floats:
    """Each deal to the players of its chosen touches, equally, and to nobody where none is; shape (pairs,)."""
    pairs = journeys.pairs
    is_in = np.zeros(len(pairs.deal), dtype=np.bool_)
    is_in[pairs.of_touch[is_chosen]] = True
    players = np.bincount(pairs.deal[is_in], minlength=journeys.n_deals)
    return is_in / np.maximum(players, 1)[pairs.deal]


def _by_touch(journeys: Journeys, weights: Floats | Flags | None) -> Floats:
    """Each deal by the weights of its touches (all alike when None; nobody where they add up to 0); shape (pairs,)."""
    pairs = journeys.pairs
    summed = np.bincount(pairs.of_touch, weights, minlength=len(pairs.deal))
    total = np.bincount(journeys.deal, weights, minlength=journeys.n_deals)
    return summed / np.where(total > 0, total, 1.0)[pairs.deal]


def _named(is_there: Mapping[Part, Flags]) -> Names:
    """The parts that are there, joined by ``+``, for each deal."""
    codes = sum((flags.astype(np.int64) << place for place, flags in enumerate(is_there.values())), np.int64(0))
    names = [
        "+".join(part for place, part in enumerate(is_there) if code >> place & 1) for code in range(1 << len(is_there))
    ]
    named: Names = np.array(names, dtype=object)[codes]
    return named
