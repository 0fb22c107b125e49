"""The partners of a simulated company, their true effects, and which pairs only work together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.simulation.settings import Structure
from features.simulation.vocabulary import (
    PAIR_EFFECT,
    PARTNER_KINDS,
    SUFFIXES,
    SYLLABLES,
    TIER_SHARE,
    TIERS,
    TYPE_SYNERGY,
)

ROLES: Final = ("regular", "no_effect", "harmful", "only_in_pairs")


@dataclass(frozen=True)
class Partners:
    """Partners and what they do to a deal.

    Parameters
    ----------
    frame : One row per partner: ``partner_id``, ``name``, ``kind`` (index into ``PARTNER_KINDS``), ``tier``,
        ``activity`` (relative weight), ``role`` (one of ``ROLES``), ``joins`` (fraction of the history, [0, 1)).
    effect : (n_partners, n_segments) log-odds of winning that a full dose adds.
    synergy : (n_partners, n_partners) symmetric log-odds that two full doses add together; zero on the diagonal.
    pairs : (n_pairs, 2) positions of partners that only work together.
    """

    frame: pd.DataFrame
    effect: np.ndarray
    synergy: np.ndarray
    pairs: np.ndarray


def partners(n_partners: int, structure: Structure, rng: np.random.Generator) -> Partners:
    """Partners of all types (each at least once where there are enough), with effects drawn around their type's."""
    kind = _kinds(n_partners, rng)
    role = _roles(n_partners, structure, rng)
    pairs = _pairs(role)
    activity = 1.0 / np.arange(2, n_partners + 2) ** 0.7
    rng.shuffle(activity)
    frame = pd.DataFrame(
        {
            "partner_id": [record_id("001", 900_000_000 + i) for i in range(n_partners)],
            "name": _names(n_partners, rng),
            "kind": kind,
            "tier": _tiers(activity, rng),
            "activity": activity / activity.sum(),
            "role": np.array(ROLES)[role],
            "joins": np.where(rng.random(n_partners) < 0.75, 0.0, rng.uniform(0.0, 0.6, n_partners)),
        }
    )
    effect = _effects(kind, role, structure, rng)
    return Partners(frame, effect, _synergy(kind, role, pairs, structure), pairs)


def record_id(prefix: str, number: int) -> str:
    """A CRM record id: key prefix, twelve digits, and the checksum that 18-character ids of digits only end in."""
    return f"{prefix}{number:012d}AAA"


def _kinds(n_partners: int, rng: np.random.Generator) -> np.ndarray:
    shares = np.array([kind.share for kind in PARTNER_KINDS])
    kinds = np.arange(n_partners) % len(shares)
    rest = max(0, n_partners - len(shares))
    kinds[len(kinds) - rest :] = rng.choice(len(shares), rest, p=shares / shares.sum())
    return rng.permutation(kinds)


def _roles(n_partners: int, structure: Structure, rng: np.random.Generator) -> np.ndarray:
    n_pairs = round(structure.only_in_pairs * n_partners / 2) if structure.synergy else 0
    sizes = (round(structure.no_effect * n_partners), round(structure.harmful * n_partners), 2 * n_pairs)
    roles = np.repeat([1, 2, 3], sizes)[:n_partners]
    return rng.permutation(np.concatenate([roles, np.zeros(n_partners - len(roles), dtype=int)]))


def _pairs(role: np.ndarray) -> np.ndarray:
    members = np.flatnonzero(role == ROLES.index("only_in_pairs"))
    return members[: len(members) // 2 * 2].reshape(-1, 2)


def _effects(kind: np.ndarray, role: np.ndarray, structure: Structure, rng: np.random.Generator) -> np.ndarray:
    own = rng.normal(0.0, structure.partner_spread, len(kind))
    base = np.array([k.effect for k in PARTNER_KINDS])[kind] + own - own.mean()
    base = np.where(role == ROLES.index("harmful"), -rng.uniform(0.5, 1.1, len(kind)), base)
    by_segment = np.array([k.by_segment for k in PARTNER_KINDS])[kind] * structure.segment_effects
    effect = base[:, None] + np.where((role == ROLES.index("harmful"))[:, None], 0.0, by_segment)
    is_idle = (role == ROLES.index("no_effect")) | (role == ROLES.index("only_in_pairs"))
    return structure.effect_scale * np.where(is_idle[:, None], 0.0, effect)


def _synergy(kind: np.ndarray, role: np.ndarray, pairs: np.ndarray, structure: Structure) -> np.ndarray:
    names = [k.name for k in PARTNER_KINDS]
    of_types = np.zeros((len(names), len(names)))
    for (first, second), value in TYPE_SYNERGY.items():
        of_types[names.index(first), names.index(second)] = value
        of_types[names.index(second), names.index(first)] = value
    is_regular = role == ROLES.index("regular")
    synergy = of_types[np.ix_(kind, kind)] * np.outer(is_regular, is_regular) * structure.synergy
    synergy[pairs[:, 0], pairs[:, 1]] = PAIR_EFFECT
    synergy[pairs[:, 1], pairs[:, 0]] = PAIR_EFFECT
    np.fill_diagonal(synergy, 0.0)
    return np.asarray(structure.effect_scale * synergy)


def _names(n_partners: int, rng: np.random.Generator) -> list[str]:
    stems = [a + b for a in SYLLABLES for b in SYLLABLES if a != b]
    combinations = [f"{stem.capitalize()} {suffix}" for suffix in SUFFIXES for stem in stems]
    order = rng.permutation(len(combinations))
    names = [combinations[i] for i in order[:n_partners]]
    return names + [f"Partner {i}" for i in range(len(names), n_partners)]


def _tiers(activity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rank = np.argsort(np.argsort(-activity * rng.lognormal(0.0, 0.5, len(activity)))) / len(activity)
    place = np.searchsorted(np.cumsum(TIER_SHARE), rank, side="right").clip(0, len(TIERS) - 1)
    return np.asarray(np.array(TIERS)[place])
