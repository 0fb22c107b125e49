"""What the models may see: the columns left out by rule or by wish, and those that look like leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from features.frame import FrameSpec
from features.registry import ageing
from models.columns import feature_names
from models.leaks import Leak, suspected_leaks
from models.metrics import Floats
from models.partner_effects import EFFECT_SUM
from models.pooling import deal_frame
from pipelines.config import Config, ConfigError
from pipelines.frames import Frames

CLOSE_DATES: Final = ("cutoff_quarter",)
"""Features of the cutoff's date, which is, or is counted from, a close that nobody knew before."""
FINAL_VALUES: Final = ("amount",)
"""Columns that hold what was true at the end, and so later than a landmark."""
CLOCKS: Final = ("overall_win_rate", "owner_past_deals")
"""Features that mostly tell the date."""
SAYS_PARTNER: Final = ("route",)
"""Columns that tell that a partner is on the deal: beside partner touches they would take the partners' credit."""
logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What the model may see, decided before fitting: columns left out, columns coarsened, and why."""

    leave_out: tuple[str, ...]
    coarsen: tuple[str, ...]
    leaks: tuple[Leak, ...]
    allowed: frozenset[str]


def left_out(spec: FrameSpec, config: Config, names: Iterable[str]) -> tuple[str, ...]:
    """Columns that the model must not see, leaks apart: those ignored by wish, and those that mislead by their nature.

    Always ``CLOCKS``. At a landmark ``FINAL_VALUES``; at any other cutoff ``CLOSE_DATES`` and, of ``names``, the
    features that grow with a deal's life: lost deals that die early would otherwise give themselves away (immortal
    time). Where partners have touches, ``SAYS_PARTNER``.
    """
    by_cutoff = FINAL_VALUES if spec.cutoff.is_landmark else (*ageing(names), *CLOSE_DATES)
    by_partners = SAYS_PARTNER if spec.partner_types else ()
    return tuple(dict.fromkeys((*config.outcome.ignore, *CLOCKS, *by_cutoff, *by_partners)))


def what_to_see(frames: Frames, won: Floats, config: Config) -> Plan:
    """Asks the leak doctor, and leaves out what it suspects unless that is allowed by name, and ``left_out``.

    Raises ``ConfigError`` when the configuration names a column that does not exist.
    """
    names = [str(name) for name in deal_frame(frames.base.head(1), frames.members.head(1)).columns]
    check_names(config, frames, names)
    leave_out = left_out(frames.spec, config, names)
    allowed = frozenset(config.outcome.allow_leak)
    leaks = tuple(suspected_leaks(frames.base, won, leave_out))
    for leak in leaks:
        logger.warning("Suspected leak%s: %s", " (kept as allowed)" if leak.column in allowed else "", leak.sentence)
    barred = [leak for leak in leaks if leak.column not in allowed]
    dropped = tuple(sorted({leak.column for leak in barred if leak.remedy == "drop"}))
    coarsened = tuple(sorted({leak.column for leak in barred if leak.remedy == "coarsen"} - set(dropped)))
    return Plan((*leave_out, *dropped), coarsened, leaks, allowed)


def check_names(config: Config, frames: Frames, names: list[str]) -> None:
    """Raises one ``ConfigError`` for all columns that the configuration names and the frame (``names``) lacks."""
    features = {*feature_names(frames.base), *(name for name in names if name not in frames.base), EFFECT_SUM}
    columns = {*frames.deal_columns, *features}
    wished = {
        "ignore": (config.outcome.ignore, columns),
        "allow_leak": (config.outcome.allow_leak, columns),
        "monotone": (tuple(config.outcome.monotone), features),
    }
    faults = [_unknown(f"outcome.{key}", name, known) for key, (all_, known) in wished.items() for name in all_]
    if any(faults):
        raise ConfigError("; ".join(fault for fault in faults if fault) + ".")


def _unknown(key: str, name: str, known: set[str]) -> str:
    if name in known:
        return ""
    near = get_close_matches(name, sorted(known), n=3)
    return f"{key} names {name!r}, which is no column of this data" + (f" (near: {', '.join(near)})" if near else "")
