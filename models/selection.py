"""How much of what coincides with partners is theirs: the part of coalition credit that survives a comparison of likes.

Partners are drawn to deals that promise to be won. A coalition value takes what the deal's own features do not tell for
the partners' doing, and so credits too much in all. Here the total is estimated a second time, by a linear probability
model of all partners' doses within strata of equally promising deals, and the ratio of the two totals is the part of
every partner's credit that is kept; the rest is the vendor's own. Ranks and proportions among partners stay.

What nobody recorded can draw partners as well. ``hidden`` says how strongly, in units of what can be seen: 0 nothing,
1 as much as what the deal's facts show ("equal selection": J. Altonji, T. Elder and C. Taber, "Selection on observed
and unobserved variables", J. Political Economy 113 (2005)). The truth is not in the data; the totals at 0 and at 1 are
published beside the credit, which takes the middle: the choice with the smallest error at worst when either may hold.

Source of the strata: B. Hansen, "The prognostic analogue of the propensity score", Biometrika 95 (2008).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

from models.boosting import Floats
from models.effect_fit import EffectFit, Evidence
from models.hierarchy import FIRST_SPREAD, LEAST_SPREAD
from models.team import Integers, Team

STRATA: Final = 20
_PRIOR_SD: Final = 0.5
"""Deviation of the kept part around 1 before the data speak: a total too uncertain to tell changes little."""
_LARGEST: Final = 1.5
_ROUNDS: Final = 30
_LEAST_NOISE: Final = 1e-3
"""Variance of outcomes within strata, at least: 0 where a deal's own facts give its outcome away."""
_TOTAL_SD: Final = 1.0


@dataclass(frozen=True)
class Selection:
    """The part of coalition credit that is the partners'.

    Attributes
    ----------
    part : factor on every partner's coalition credit, >= 0.
    deviation : its standard deviation from sampling alone.
    without_hidden, with_equal : the factor when nothing hidden draws partners, and when it does as much as what shows.
    """

    part: float = 1.0
    deviation: float = 0.0
    without_hidden: float = 1.0
    with_equal: float = 1.0

    @property
    def sentence(self) -> str:
        """What was done to the partners' credit, and what it would be under other assumptions."""
        if self.deviation == 0:
            return "Partners keep what coalitions say: they have no wins in all, or no facts tell deals apart."
        return (
            f"Partners keep {self.part:.0%} of what coalitions say (sampling alone: +/- {self.deviation:.0%}); that "
            f"would be {self.without_hidden:.0%} if nothing hidden drew them to good deals, and {self.with_equal:.0%} "
            "if that did as much as what shows."
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def selection(
    team: Team, fit: EffectFit, evidence: Evidence, facts_margin: Floats, total: float, hidden: float
) -> Selection:
    """The part kept, given the ``total`` of the coalition credit of all the team's deals (probability).

    Parameters
    ----------
    evidence : margins and weights as the effects were fitted on.
    facts_margin : (deals,) honest log-odds from the deal's facts alone, without what anybody did on it.
    hidden : how strongly hidden promise draws partners, in units of what shows, >= 0.
    """
    if total <= 0 or not len(team.deal):
        return Selection()
    drawn = _drawn(team.by_deal(fit.doses), facts_margin, evidence.weight)
    parts = [_part(team, fit, evidence, share * drawn, total) for share in (hidden, 0.0, 1.0)]
    (part, deviation), (without, _), (equal, _) = parts
    return Selection(*(round(value, 6) for value in (part, deviation, without, equal)))


def _drawn(doses: Floats, facts_margin: Floats, weight: Floats) -> Floats:
    """Hidden promise (deals,) in log-odds that partners' doses give away when hidden and visible promise draw alike."""
    promise = facts_margin - np.average(facts_margin, weights=weight)
    centred = doses - np.average(doses, weights=weight)
    together = np.average(centred * promise, weights=weight)
    spread = np.average(promise**2, weights=weight)
    if spread <= 0:
        return np.zeros(len(doses))
    rest = centred - promise * together / spread
    return np.asarray(rest * together / max(np.average(rest**2, weights=weight), 1e-12))


def _part(team: Team, fit: EffectFit, evidence: Evidence, hidden: Floats, total: float) -> tuple[float, float]:
    """The factor that leads from ``total`` to the linear model's, shrunk toward 1, and its standard deviation."""
    with threadpool_limits(limits=1, user_api="blas"):
        mean, deviation = _linear_total(team, fit, evidence, hidden)
    precision, prior = (total / max(deviation, 1e-9)) ** 2, 1 / _PRIOR_SD**2
    part = (precision * mean / total + prior) / (precision + prior)
    return float(np.clip(part, 0.0, _LARGEST)), float(np.sqrt(1 / (precision + prior)))


def _strata(promise: Floats, weight: Floats) -> Integers:
    edges = np.quantile(promise[weight > 0], np.linspace(0, 1, STRATA + 1)[1:-1])
    return np.unique(np.searchsorted(edges, promise), return_inverse=True)[1].astype(np.int64)


def _linear_total(team: Team, fit: EffectFit, evidence: Evidence, hidden: Floats) -> tuple[float, float]:
    """Mean and standard deviation of the sum of all deals' doses x effects on the probability of a win.

    Effects are the common one, the type's and the partner's, as in ``models.hierarchy``, but linear. What ``hidden``
    promise (deals,), in log-odds, adds to the probability is taken off the outcomes first.
    """
    strata = _strata(evidence.margin, evidence.weight)
    within = sparse.csr_matrix((evidence.weight, (strata, np.arange(len(strata)))))
    sizes = np.maximum(np.asarray(within.sum(axis=1)).ravel(), 1e-12)
    rates = within @ evidence.won / sizes
    won = evidence.won - (rates * (1 - rates))[strata] * hidden
    rates = within @ won / sizes
    layers = slice(0, team.groups["partner"].stop)
    doses = sparse.csr_matrix(team.design(fit.doses)[:, layers])
    means = np.asarray((within @ doses).toarray()) / sizes[:, None]
    weighted = sparse.csr_matrix(sparse.diags(evidence.weight) @ doses)
    squares = np.asarray((doses.T @ weighted).toarray()) - (means.T * sizes) @ means
    products = weighted.T @ won - means.T @ (sizes * rates)
    noise = max(_LEAST_NOISE, float(np.average((won - rates[strata]) ** 2, weights=evidence.weight)))
    effects, covariance = _shrunk(squares / noise, products / noise, team)
    totals = np.asarray(doses.sum(axis=0)).ravel()
    return float(totals @ effects), float(np.sqrt(totals @ covariance @ totals))


def _shrunk(squares: Floats, products: Floats, team: Team) -> tuple[Floats, Floats]:
    """Effects and covariance with the spread of types and of partners estimated from the data."""
    groups = [team.groups["type"], team.groups["partner"]]
    spreads = [FIRST_SPREAD] * len(groups)
    for _ in range(_ROUNDS):
        prior = np.full(len(products), 1 / _TOTAL_SD**2)
        for group, spread in zip(groups, spreads, strict=True):
            prior[group] = 1 / spread**2
        covariance = linalg.inv(squares + np.diag(prior))
        effects = covariance @ products
        second = effects**2 + np.diag(covariance)
        spreads = [max(LEAST_SPREAD, float(np.sqrt(second[group].mean()))) for group in groups]
    return effects, covariance
