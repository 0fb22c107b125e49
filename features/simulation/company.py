"""A whole simulated company: what its systems know, and the truth that they do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.simulation.deals import Pipeline, pipeline
from features.simulation.life import after_close, lives, received
from features.simulation.partners import Partners, partners
from features.simulation.settings import Settings
from features.simulation.touches import dose, members, own_touches, partner_touches
from features.simulation.truth import credits_of, full_log_odds, intercept, sigmoid
from features.simulation.vocabulary import OWN_EFFECT


@dataclass(frozen=True)
class Company:
    """A company and its truth.

    Parameters
    ----------
    settings, seed : What it was made from; the same two give the same company.
    partners : Its partners with their true effects.
    accounts : As ``deals.Pipeline.accounts``.
    deals : As ``deals.Pipeline.deals``, with ``outcome``, ``closed``, ``died_early`` and ``probability`` (of winning,
        from the doses really received and hidden quality).
    touches : One row per touch: ``deal``, ``partner`` (-1: own team), ``kind``, ``minutes``, ``occurred`` and
        ``recorded`` (seconds since 1970).
    doses : One row per deal x partner with a touch before close: ``deal``, ``partner``, ``dose``.
    credits : True credit, ``deal``, ``partner`` (-1: own team), ``credit``; every deal, open ones included.
    """

    settings: Settings
    seed: int
    partners: Partners
    accounts: pd.DataFrame
    deals: pd.DataFrame
    touches: pd.DataFrame
    doses: pd.DataFrame
    credits: pd.DataFrame


def simulate(settings: Settings, seed: int = 0) -> Company:
    """The company of these settings and seed, about a second for each 10,000 deals.

    Outcomes are drawn from the planned doses. A lost deal that dies early never receives the rest of its plan; credit
    is computed from the doses that it did receive.
    """
    rngs = [np.random.default_rng([seed, step]) for step in range(7)]
    cast = partners(settings.n_partners, settings.structure, rngs[0])
    made = pipeline(settings, rngs[1])
    team = members(made.deals, cast, settings, rngs[2])
    planned = partner_touches(team, made.deals, cast, settings, rngs[3])
    own = own_touches(made.deals, rngs[4])
    shift, expected = _expected(planned, own, made, cast, settings)
    deals = lives(made.deals, expected, settings, rngs[5])
    helped, acted = received(planned, deals, settings, rngs[5]), received(own, deals, settings, rngs[5])
    doses = _doses(helped, settings)
    base = shift + _own_part(acted, deals, settings)
    credits_ = credits_of(doses, base, deals["segment"].to_numpy(), cast)
    probability = credits_.groupby("deal")["credit"].sum().to_numpy()
    after = after_close(team, deals, cast, settings, rngs[6])
    touches = pd.concat([helped, acted, after]).sort_values(
        ["occurred", "deal", "partner", "kind", "recorded"], ignore_index=True
    )
    columns = ["deal", "partner", "kind", "minutes", "occurred", "recorded"]
    deals = deals.assign(probability=probability)
    return Company(settings, seed, cast, made.accounts, deals, touches[columns], doses, credits_)


def _expected(
    planned: pd.DataFrame, own: pd.DataFrame, made: Pipeline, cast: Partners, settings: Settings
) -> tuple[float, np.ndarray]:
    """The intercept that gives the wanted win rate, and the win probability of each deal as planned."""
    base = _own_part(own, made.deals, settings)
    log_odds = full_log_odds(_doses(planned, settings), base, made.deals["segment"].to_numpy(), cast)
    shift = intercept(log_odds, settings.structure.win_rate)
    return shift, sigmoid(log_odds + shift)


def _own_part(own: pd.DataFrame, deals: pd.DataFrame, settings: Settings) -> np.ndarray:
    """(n_deals,) log-odds without partners and without the intercept."""
    effort = np.bincount(own["deal"], weights=own["effort"], minlength=len(deals))
    quality = settings.structure.quality * deals["quality"].to_numpy()
    return np.asarray(
        deals["own_log_odds"].to_numpy() + quality + OWN_EFFECT * dose(effort / 2.0, settings.structure.dose)
    )


def _doses(touches: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    effort = touches.groupby(["deal", "partner"], as_index=False)["effort"].sum()
    return pd.DataFrame(
        {
            "deal": effort["deal"],
            "partner": effort["partner"],
            "dose": dose(effort["effort"].to_numpy(), settings.structure.dose),
        }
    )
