"""What becomes of planned deals: won or lost, dead early or not, and which touches really took place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.simulation.deals import DAY, export_second
from features.simulation.partners import Partners
from features.simulation.settings import Settings
from features.simulation.touches import durations
from features.simulation.vocabulary import AFTER_KINDS, KINDS


def lives(deals: pd.DataFrame, probability: np.ndarray, settings: Settings, rng: np.random.Generator) -> pd.DataFrame:
    """The deals with their end.

    Adds ``outcome`` (``won``, ``lost``, ``open``), ``closed`` (seconds since 1970, midnight; the planned close of an
    open deal) and ``died_early``. A lost deal that dies early ends between 15 and 70 % of its planned life.
    """
    is_won = rng.random(len(deals)) < probability
    died_early = ~is_won & (rng.random(len(deals)) < settings.early_loss)
    created, planned = deals["created"].to_numpy(), deals["planned_close"].to_numpy()
    early = created + (rng.uniform(0.15, 0.7, len(deals)) * (planned - created)).astype(np.int64)
    closed = np.where(died_early, np.minimum(early // DAY * DAY + 2 * DAY, planned), planned)
    is_open = closed >= export_second(settings)
    return deals.assign(
        outcome=np.where(is_open, "open", np.where(is_won, "won", "lost")),
        closed=np.where(is_open, planned, closed),
        died_early=died_early & ~is_open,
    )


def received(planned: pd.DataFrame, deals: pd.DataFrame, settings: Settings, rng: np.random.Generator) -> pd.DataFrame:
    """The planned touches that took place before the deal's close and the export, with ``occurred`` and ``recorded``.

    Both in seconds since 1970. Most are recorded within a day and before the close; a share ``late_entries`` of the
    touches of closed deals is recorded one and a half to thirty days after it.
    """
    created, goal, closed = (deals[c].to_numpy()[planned["deal"]] for c in ("created", "planned_close", "closed"))
    occurred = created + (planned["at"].to_numpy() * (goal - created)).astype(np.int64)
    export = export_second(settings)
    end = np.minimum(closed, export)
    prompt = np.minimum(occurred + (rng.exponential(0.3, len(planned)) * DAY).astype(np.int64), end - 1)
    late = closed + (rng.uniform(1.5, 30.0, len(planned)) * DAY).astype(np.int64)
    is_late = (rng.random(len(planned)) < settings.late_entries) & (late < export)
    recorded = np.where(is_late, late, prompt)
    touches = planned.assign(occurred=occurred, recorded=recorded)
    return touches.iloc[np.flatnonzero(occurred < end)].reset_index(drop=True)


@dataclass(frozen=True)
class _Visitors:
    deal: np.ndarray
    partner: np.ndarray


def after_close(
    members: pd.DataFrame, deals: pd.DataFrame, partners: Partners, settings: Settings, rng: np.random.Generator
) -> pd.DataFrame:
    """Touches after the close of won deals, by the deal's partners and, on one deal in ten, by one new to it.

    Columns as ``received``, ``kind`` counting on after ``KINDS``; they took place at least a day and a half after the
    close.
    """
    is_won = (deals["outcome"] == "won").to_numpy()
    known = members[is_won[members["deal"]]]
    counts = rng.poisson(0.8, len(known))
    guests = _newcomers(known, np.flatnonzero(is_won), len(partners.frame), rng)
    deal = np.concatenate([np.repeat(known["deal"].to_numpy(), counts), guests.deal])
    kind = rng.integers(0, len(AFTER_KINDS), len(deal))
    occurred = deals["closed"].to_numpy()[deal] + (rng.uniform(1.5, 90.0, len(deal)) * DAY).astype(np.int64)
    touches = pd.DataFrame(
        {
            "deal": deal,
            "partner": np.concatenate([np.repeat(known["partner"].to_numpy(), counts), guests.partner]),
            "kind": kind + len(KINDS),
            "minutes": durations(np.array([k.minutes for k in AFTER_KINDS])[kind], rng),
            "occurred": occurred,
            "recorded": occurred + (rng.exponential(0.3, len(deal)) * DAY).astype(np.int64),
        }
    )
    return touches.loc[touches["recorded"] < export_second(settings)].reset_index(drop=True)


def _newcomers(known: pd.DataFrame, won: np.ndarray, n_partners: int, rng: np.random.Generator) -> _Visitors:
    deal = won[rng.random(len(won)) < 0.1]
    partner = rng.integers(0, n_partners, len(deal))
    taken = set(zip(known["deal"], known["partner"], strict=True))
    is_new = np.array([pair not in taken for pair in zip(deal, partner, strict=True)], dtype=bool)
    return _Visitors(deal[is_new], partner[is_new])
