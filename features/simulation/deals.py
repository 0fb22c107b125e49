"""Accounts and deals of a simulated company, before anybody has touched them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from features.simulation.partners import record_id
from features.simulation.settings import Settings, Structure
from features.simulation.vocabulary import (
    AMOUNT_EFFECT,
    CURRENCIES,
    DEAL_TYPE_LOG_ODDS,
    DEAL_TYPE_SHARE,
    DEAL_TYPES,
    FX_RATES,
    INDUSTRIES,
    INDUSTRY_LOG_ODDS,
    REGION_SHARE,
    SEGMENT_AMOUNT,
    SEGMENT_CYCLE_DAYS,
    SEGMENT_LOG_ODDS,
    SEGMENT_SHARE,
    SOLUTIONS,
    SOURCE_LOG_ODDS,
    SOURCE_SHARE,
    SOURCES,
)

DAY: Final = 86_400
"""Seconds."""
START: Final = int(pd.Timestamp("2023-01-01", tz="UTC").timestamp())
"""First second of the history, in seconds since 1970-01-01 UTC."""
ACCOUNT_PART: Final = 0.35
"""Part of the variance of hidden quality that a customer's deals have in common."""
N_OWNERS: Final = 12


@dataclass(frozen=True)
class Pipeline:
    """Accounts and deals.

    Parameters
    ----------
    accounts : One row per account: ``account_id``, ``segment``, ``industry``, ``region`` (indices into the
        vocabulary), ``quality``.
    deals : One row per deal: ``deal_id``, ``account`` (row of ``accounts``), ``owner`` (0 to 11), ``segment``,
        ``industry``, ``region``, ``deal_type``, ``source``, ``solution`` (indices), ``amount`` (deal currency),
        ``fx_rate`` (US dollars), ``created`` and ``planned_close`` (seconds since 1970), ``quality`` (hidden, standard
        normal), ``own_log_odds`` (everything but touches and hidden quality), ``promise`` (how likely the deal looks to
        those who work on it, before any touch, standardised; ``Structure.promise`` says what it rests on).
    """

    accounts: pd.DataFrame
    deals: pd.DataFrame


def pipeline(settings: Settings, rng: np.random.Generator) -> Pipeline:
    """Accounts with about two and a half deals each, opened evenly over the years."""
    accounts = _accounts(max(1, round(settings.n_deals / 2.5)), rng)
    return Pipeline(accounts, _deals(accounts, settings, rng))


def export_second(settings: Settings) -> int:
    """The moment of the export, in seconds since 1970; what is planned for later is still open or unknown."""
    return START + (settings.years * 365 + 60) * DAY


def _accounts(n: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": [record_id("001", i + 1) for i in range(n)],
            "segment": rng.choice(len(SEGMENT_SHARE), n, p=SEGMENT_SHARE),
            "industry": rng.integers(0, len(INDUSTRIES), n),
            "region": rng.choice(len(REGION_SHARE), n, p=REGION_SHARE),
            "quality": rng.standard_normal(n),
        }
    )


def _deals(accounts: pd.DataFrame, settings: Settings, rng: np.random.Generator) -> pd.DataFrame:
    n = settings.n_deals
    account = rng.integers(0, len(accounts), n)
    of_account = accounts.iloc[account].reset_index(drop=True)
    segment, industry, region = (of_account[c].to_numpy() for c in ("segment", "industry", "region"))
    deal_type = rng.choice(len(DEAL_TYPES), n, p=DEAL_TYPE_SHARE)
    source = rng.choice(len(SOURCES), n, p=SOURCE_SHARE)
    size = rng.standard_normal(n)
    created = np.sort(START + rng.integers(0, settings.years * 365 * DAY, n))
    days = np.array(SEGMENT_CYCLE_DAYS)[segment] * rng.lognormal(0.0, 0.35, n)
    rate = np.array(FX_RATES)[region] * np.where(region == 0, 1.0, rng.uniform(0.95, 1.05, n))
    dollars = np.array(SEGMENT_AMOUNT)[segment] * np.exp(0.6 * size)
    own = np.array(SEGMENT_LOG_ODDS)[segment] + np.array(INDUSTRY_LOG_ODDS)[industry]
    own += np.array(DEAL_TYPE_LOG_ODDS)[deal_type] + np.array(SOURCE_LOG_ODDS)[source] + AMOUNT_EFFECT * size
    quality = np.sqrt(ACCOUNT_PART) * of_account["quality"].to_numpy()
    quality += np.sqrt(1 - ACCOUNT_PART) * rng.standard_normal(n)
    return pd.DataFrame(
        {
            "deal_id": [record_id("006", i + 1) for i in range(n)],
            "account": account,
            "owner": rng.integers(0, N_OWNERS, n),
            "segment": segment,
            "industry": industry,
            "region": region,
            "deal_type": deal_type,
            "source": source,
            "solution": rng.integers(0, len(SOLUTIONS), n),
            "amount": _rounded(dollars / rate, region),
            "fx_rate": rate.round(6),
            "created": created,
            "planned_close": (created + days * DAY) // DAY * DAY + 2 * DAY,
            "quality": quality,
            "own_log_odds": own,
            "promise": _standardised(_promise(own, quality, settings.structure)),
        }
    ).astype({"planned_close": "int64"})


def _promise(own: np.ndarray, quality: np.ndarray, structure: Structure) -> np.ndarray:
    """How likely each deal looks, on any scale: by what the CRM tells, by what nobody wrote down, or by both."""
    if structure.promise == "observed":
        return own
    return quality if structure.promise == "hidden" else own + structure.quality * quality


def _standardised(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))


def _rounded(amount: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Whole units for the yen, cents for the others."""
    is_whole = np.array([currency == "JPY" for currency in CURRENCIES])[region]
    return np.where(is_whole, amount.round(), amount.round(2))
