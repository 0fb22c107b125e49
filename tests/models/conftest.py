"""Deals with partners of known effect, in the shape of ``features.frame``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest


class Deals(NamedTuple):
    """Frames and outcomes; ``effects`` are the true log-odds of each partner's full dose."""

    base: pd.DataFrame
    members: pd.DataFrame
    won: pd.Series
    effects: dict[str, float]


def make_deals(n: int = 400, n_partners: int = 8, seed: int = 0, *, spread: float = 1.0) -> Deals:
    """``n`` deals of about ``n / 2`` accounts, each with 0 to 2 of the partners, whose effects differ by ``spread``."""
    rng = np.random.default_rng(seed)
    partners = [f"P{i}" for i in range(n_partners)]
    types = {p: ("si" if i % 2 else "isv") for i, p in enumerate(partners)}
    effects = {p: spread * (1.5 if i < n_partners / 2 else -0.5) for i, p in enumerate(partners)}
    size = rng.normal(0, 1, n)
    base = pd.DataFrame(
        {
            "deal_id": [f"D{i:05d}" for i in range(n)],
            "account_id": [f"A{a}" for a in rng.integers(0, max(2, n // 2), n)],
            "amount": np.round(np.exp(10 + size), 2),
            "segment": rng.choice(["small", "large"], n),
            "x_size": size,
            "closed_at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="D"),
            "cutoff_at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="D"),
        }
    )
    rows = [(d, p) for d in range(n) for p in rng.choice(partners, rng.integers(0, 3), replace=False)]
    touches = rng.integers(1, 6, len(rows))
    dose = 1 - np.exp(-touches / 3)
    members = pd.DataFrame(
        {
            "deal_id": [base["deal_id"][d] for d, _ in rows],
            "account_id": [base["account_id"][d] for d, _ in rows],
            "partner_id": [p for _, p in rows],
            "partner_type": [types[p] for _, p in rows],
            "deal_segment": [base["segment"][d] for d, _ in rows],
            "touches": touches,
            "dose": np.rint(dose * 1e6).astype(np.int64),
        }
    )
    logit = 0.6 * size + np.where(base["segment"] == "large", 0.4, -0.4)
    np.add.at(logit, [d for d, _ in rows], [effects[p] * e for (_, p), e in zip(rows, dose, strict=True)])
    won = pd.Series((rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int))
    return Deals(base.assign(outcome=np.where(won == 1, "won", "lost")), members, won, effects)


@pytest.fixture(scope="session")
def deals_of() -> Callable[..., Deals]:
    """The factory of deals."""
    return make_deals
