"""Who works on which deal, and what is done when: the plan of a simulated company before outcomes are known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from features.simulation.deals import DAY, START
from features.simulation.partners import Partners
from features.simulation.settings import SELECTION, DoseForm, Settings
from features.simulation.vocabulary import KINDS, OWN_KIND_SHARE, PARTNER_KINDS

CELLS: Final = 4_000_000
"""Deals times partners that are drawn in one step; bounds memory."""
SPREAD: Final = 4.0
"""Concentration of the moments of one kind of touch around its peak (sum of the beta distribution's parameters)."""


def members(deals: pd.DataFrame, partners: Partners, settings: Settings, rng: np.random.Generator) -> pd.DataFrame:
    """Which partners are brought into which deals: ``deal``, ``partner`` (positions), sorted, each pair once.

    With selection bias, a promising deal draws more partners, and the better partners more often. The two
    of a pair that only works together meet more often than by chance.
    """
    selection = SELECTION[settings.bias]
    standing = _standing(partners)
    chunks = []
    step = max(1, CELLS // len(partners.frame))
    for begin in range(0, len(deals), step):
        part = deals.iloc[begin : begin + step]
        promise = part["promise"].to_numpy()
        appeal = _appeal(part, partners, settings, rng)
        appeal += selection * 0.8 * np.outer(promise, standing)
        chosen = _choose(appeal, _how_many(promise, selection, settings.max_partners, rng), rng)
        chunks.append(chosen.assign(deal=chosen["deal"] + begin))
    return pd.concat(chunks).sort_values(["deal", "partner"], ignore_index=True)


def partner_touches(
    members: pd.DataFrame, deals: pd.DataFrame, partners: Partners, settings: Settings, rng: np.random.Generator
) -> pd.DataFrame:
    """What each partner plans on its deals: at least one touch for each row of ``members``.

    Columns: ``deal``, ``partner``, ``kind`` (position in ``KINDS``), ``at`` (fraction of the planned life, (0, 1)),
    ``minutes`` (NaN where the kind has none), ``effort``.
    """
    promise = deals["promise"].to_numpy()[members["deal"]]
    counts = 1 + rng.poisson(1.9 * np.exp(0.15 * SELECTION[settings.bias] * promise))
    rows = members.loc[members.index.repeat(counts)].reset_index(drop=True)
    shares = np.array([kind.kind_share for kind in PARTNER_KINDS])
    of_type = shares[partners.frame["kind"].to_numpy()[rows["partner"]]]
    return rows.assign(**_planned(of_type, rng))


def own_touches(deals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What the own team plans, a little more on the promising deals; columns as ``partner_touches``, ``partner`` -1."""
    counts = 2 + rng.poisson(4.0 * np.exp(0.15 * deals["promise"].to_numpy()))
    deal = np.repeat(np.arange(len(deals)), counts)
    rows = pd.DataFrame({"deal": deal, "partner": -1})
    return rows.assign(**_planned(np.broadcast_to(OWN_KIND_SHARE, (len(rows), len(KINDS))), rng))


def dose(effort: np.ndarray, form: DoseForm) -> np.ndarray:
    """Dose of an effort >= 0: 1 - exp(-effort / 2) when saturating, effort / 4 when linear."""
    return 1.0 - np.exp(-effort / 2.0) if form == "saturating" else effort / 4.0


def kind_choice(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A position drawn from each row of ``shares`` (n, n_kinds), whose rows add up to 1."""
    draw = rng.random(len(shares))
    return np.asarray((draw[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1))


def durations(usual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Minutes around the usual ones, in steps of five and at least five; NaN where 0 is usual."""
    minutes = 5.0 * np.maximum(1.0, np.round(usual * rng.lognormal(0.0, 0.35, len(usual)) / 5.0))
    return np.where(usual > 0, minutes, np.nan)


def _planned(shares: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    kind = kind_choice(shares, rng)
    peak = np.array([k.peak for k in KINDS])[kind]
    usual = np.array([k.minutes for k in KINDS])[kind]
    minutes = durations(usual, rng)
    length = np.sqrt(np.where(usual > 0, minutes / np.maximum(usual, 1.0), 1.0)).clip(0.5, 2.0)
    return {
        "kind": kind,
        "at": rng.beta(SPREAD * peak, SPREAD * (1.0 - peak)).clip(0.001, 0.999),
        "minutes": minutes,
        "effort": np.array([k.effort for k in KINDS])[kind] * length,
    }


def _standing(partners: Partners) -> np.ndarray:
    """How good each partner is thought to be, in standard deviations."""
    mean = partners.effect.mean(axis=1)
    return np.asarray((mean - mean.mean()) / max(float(mean.std()), 1e-9))


def _appeal(deals: pd.DataFrame, partners: Partners, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """(n_deals, n_partners) log-weight of being brought in; minus infinity before the partner has joined."""
    kind = partners.frame["kind"].to_numpy()
    fit = 0.8 * np.array([k.by_segment for k in PARTNER_KINDS])[kind].T[deals["segment"].to_numpy()]
    appeal = np.log(partners.frame["activity"].to_numpy())[None, :] + fit
    together = rng.normal(0.0, 1.5, (len(deals), len(partners.pairs)))
    for side in (0, 1):
        appeal[:, partners.pairs[:, side]] += together
    joined = partners.frame["joins"].to_numpy()
    opened = (deals["created"].to_numpy() - START) / (settings.years * 365 * DAY)
    return np.asarray(np.where(joined[None, :] <= opened[:, None] + 1e-12, appeal, -np.inf))


def _how_many(promise: np.ndarray, selection: float, most: int, rng: np.random.Generator) -> np.ndarray:
    has_any = rng.random(len(promise)) < 1.0 / (1.0 + np.exp(-0.6 - 0.6 * selection * promise))
    return np.where(has_any, 1 + rng.poisson(0.9 * np.exp(0.25 * selection * promise)), 0).clip(0, most)


def _choose(appeal: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Draws without replacement, by the largest of log-weight plus Gumbel noise."""
    noisy = appeal + rng.gumbel(size=appeal.shape)
    most = min(int(counts.max(initial=0)), noisy.shape[1])
    order = np.argsort(-noisy, axis=1, kind="stable")[:, :most]
    is_in = (np.arange(most)[None, :] < counts[:, None]) & np.isfinite(np.take_along_axis(noisy, order, axis=1))
    deal, place = np.nonzero(is_in)
    return pd.DataFrame({"deal": deal, "partner": order[deal, place]})
