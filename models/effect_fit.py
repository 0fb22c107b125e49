"""Fitting the partners' effects beside a margin that says what the deal itself promises.

Effects, the spread of each layer of them and what a touch of each kind is worth are found in turns: the first two by
``models.hierarchy``, the third by gradient descent on the penalised log-loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from models.boosting import Bools, Floats
from models.dose import FIRST_WEIGHT, TouchWeights, saturated
from models.hierarchy import Group, Logit, Posterior, estimated, posterior, with_spreads
from models.partner_effects import PartnerEffects, structured_margin
from models.team import Team

_LINE: Final = 2
"""Columns before the effects: intercept, and how far the slope of the margin is from 1."""
_INTERCEPT_SD: Final = 20.0
_SLOPE_SD: Final = 0.25
_COMMON_SD: Final = 2.0
_WEIGHT_SD: Final = 0.8
"""Prior deviation of the logarithm of a touch's weight around ``FIRST_WEIGHT``: a factor of about 2."""
_TURNS: Final = 3


@dataclass(frozen=True)
class Evidence:
    """What effects are estimated from, a row a deal: the deal's own ``margin`` (log-odds), ``won`` and ``weight``."""

    margin: Floats
    won: Floats
    weight: Floats

    def without(self, rows: Bools) -> Evidence:
        """The same with the deals of the mask given no weight."""
        return replace(self, weight=np.where(rows, 0.0, self.weight))


@dataclass(frozen=True)
class EffectFit:
    """Found effects (log-odds per dose), with all that a refit on fewer deals keeps: spreads and touch weights.

    ``unit`` : (members,) effect of each member row of the team, per unit of dose.
    """

    coefficients: Posterior
    spreads: dict[str, float]
    weights: Floats
    unit: Floats
    doses: Floats

    def sums(self, team: Team) -> Floats:
        """Sum of effect x dose over the members of each deal (deals,), in log-odds."""
        return team.by_deal(self.unit * self.doses)


def fit_effects(team: Team, evidence: Evidence) -> EffectFit:
    """Effects, spreads and touch weights from all deals that have a weight."""
    weights = np.full(team.counts.shape[1], FIRST_WEIGHT)
    for _ in range(_TURNS if len(team.deal) else 0):
        found = _fitted(team, evidence, weights)
        weights = _learned_weights(team, evidence, found)
    return _fitted(team, evidence, np.round(weights, 6))


def refit_effects(team: Team, evidence: Evidence, fitted: EffectFit) -> EffectFit:
    """Effects from other deals, with the spreads and touch weights of ``fitted``."""
    rows, deviations = (
        _logit(team, evidence, fitted.doses),
        with_spreads(_deviations(team), _groups(team), fitted.spreads),
    )
    found = posterior(rows, deviations, fitted.coefficients.mean)
    return replace(fitted, coefficients=found, unit=_unit(team, found))


def anchored(fit: EffectFit, team: Team, evidence: Evidence) -> PartnerEffects:
    """The effects with the line that puts ``evidence.margin`` beside them, refitted on its deals."""
    line = posterior(
        Logit(_line(evidence.margin), evidence.margin + fit.sums(team), evidence.won, evidence.weight),
        np.array([_INTERCEPT_SD, _SLOPE_SD]),
    )
    intercept, slope = line.mean
    means, deviations = _by_effect(fit, team)
    first = 1 + len(team.types)
    cells = means[team.groups["segment"]].reshape(len(team.types), len(team.segments))
    partner = means[1:first][team.type_of[: team.own]] + means[team.groups["partner"]]
    return PartnerEffects(
        intercept=_rounded(intercept),
        slope=_rounded(1 + slope),
        common=_rounded(means[0]),
        by_type={name: _rounded(means[0] + means[1 + i]) for i, name in enumerate(team.types)},
        by_partner={name: _rounded(means[0] + e) for name, e in zip(team.partners, partner, strict=False)},
        by_segment={
            name: {segment: _rounded(e) for segment, e in zip(team.segments, cells[i], strict=True)}
            for i, name in enumerate(team.types)
        },
        touch_weights=TouchWeights.of(team.columns, fit.weights),
        deviation_by_partner={name: _rounded(d) for name, d in zip(team.partners, deviations, strict=False)},
        deviation_of_new=_rounded(float(np.hypot(fit.spreads.get("type", 0.0), fit.spreads.get("partner", 0.0)))),
    )


def margin_of(effects: PartnerEffects, fit: EffectFit, team: Team, margin: Floats) -> Floats:
    """The structured log-odds of the team's deals (deals,)."""
    return structured_margin(effects, margin, fit.sums(team))


def _fitted(team: Team, evidence: Evidence, weights: Floats) -> EffectFit:
    doses = saturated(team.counts @ weights)
    found, spreads = estimated(_logit(team, evidence, doses), _deviations(team), _groups(team))
    return EffectFit(found, spreads, weights, _unit(team, found), doses)


def _learned_weights(team: Team, evidence: Evidence, fit: EffectFit) -> Floats:
    """Touch weights (kinds + 1,) that suit the effects best, drawn toward ``FIRST_WEIGHT``."""
    first = np.full(team.counts.shape[1], np.log(FIRST_WEIGHT))
    line = evidence.margin + _line(evidence.margin) @ fit.coefficients.mean[:_LINE]

    def loss(logs: Floats) -> tuple[float, Floats]:
        effort = team.counts @ np.exp(logs)
        margin = line + team.by_deal(fit.unit * saturated(effort))
        slack = evidence.weight * (expit(margin) - evidence.won)
        drift = (logs - first) / _WEIGHT_SD
        value = np.sum(evidence.weight * (np.logaddexp(0, margin) - evidence.won * margin)) + drift @ drift / 2
        pull = team.counts.T @ (fit.unit * np.exp(-effort) * slack[team.deal])
        return float(value), np.asarray(pull * np.exp(logs) + drift / _WEIGHT_SD)

    found = minimize(loss, np.log(fit.weights), jac=True, method="L-BFGS-B", options={"maxiter": 30})
    return np.asarray(np.exp(found.x))


def _logit(team: Team, evidence: Evidence, doses: Floats) -> Logit:
    used = evidence.weight > 0
    design = sparse.csr_matrix(sparse.hstack([_line(evidence.margin), team.design(doses)]))
    return Logit(design, evidence.margin, evidence.won, evidence.weight).where(used)


def _line(margin: Floats) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.column_stack([np.ones(len(margin)), margin]))


def _deviations(team: Team) -> Floats:
    return np.array([_INTERCEPT_SD, _SLOPE_SD, *([_COMMON_SD] * team.incidence.shape[1])])


def _groups(team: Team) -> dict[str, Group]:
    return {name: slice(part.start + _LINE, part.stop + _LINE) for name, part in team.groups.items()}


def _unit(team: Team, found: Posterior) -> Floats:
    return np.asarray(team.incidence @ found.mean[_LINE:])


def _by_effect(fit: EffectFit, team: Team) -> tuple[Floats, Floats]:
    """Means of all effects, and the standard deviation of each own partner's effect in its average segment."""
    covariance = fit.coefficients.covariance[_LINE:, _LINE:]
    own = team.groups["partner"]
    of_partner = sparse.csr_matrix(team.incidence[:, own])
    applies = np.asarray((of_partner.T @ team.incidence).toarray()) / np.maximum(of_partner.sum(axis=0).A1, 1)[:, None]
    variances = np.einsum("ij,jk,ik->i", applies, covariance, applies, optimize=True)
    return fit.coefficients.mean[_LINE:], np.sqrt(np.maximum(variances, 0.0))


def _rounded(value: float) -> float:
    return round(float(value), 6)
