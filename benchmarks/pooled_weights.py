"""Weights whose spread is itself estimated from the data: partial pooling, for a logit and for given effects.

Empirical Bayes by expectation-maximisation; see A. Gelman & J. Hill, *Data Analysis Using Regression and
Multilevel/Hierarchical Models* (2007), chapters 12 and 18. The logit's posterior is taken as normal around its mode
(Laplace's method: C. Rasmussen & C. Williams, *Gaussian Processes for Machine Learning*, 2006, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from models.boosting import Floats
from models.shapley import Integers

START_SD: Final = 0.5
LEAST_SD: Final = 1e-3
EM_STEPS: Final = 15
STEADY: Final = 0.02
"""Relative change of the spreads at which they have settled."""


@dataclass(frozen=True)
class Block:
    """Columns of a logit (deals, columns) whose weights share a spread: the given ``sd``, or one that is estimated."""

    columns: Floats
    sd: float | None = None


def pooled_logit(blocks: list[Block], won: Floats) -> list[Floats]:
    """Weights of each block: the posterior mode under normal priors around 0 whose spreads are estimated.

    Newton's method for the mode; expectation-maximisation, with the posterior taken as normal around the mode, for the
    spreads.
    """
    design = np.hstack([block.columns for block in blocks])
    sizes = [block.columns.shape[1] for block in blocks]
    ends = np.cumsum(sizes)[:-1]
    sd, weights = [block.sd or START_SD for block in blocks], np.zeros(design.shape[1])
    for _ in range(EM_STEPS):
        weights, hessian = _mode(design, won, np.repeat(sd, sizes) ** -2.0, weights)
        moments = np.split(weights**2 + np.diag(np.linalg.inv(hessian)), ends)
        fresh = [b.sd or max(LEAST_SD, float(np.sqrt(m.mean()))) for b, m in zip(blocks, moments, strict=True)]
        change = np.abs(np.log(fresh) - np.log(sd)).max()
        sd = fresh
        if change < STEADY:
            break
    return np.split(weights, ends)


def _mode(design: Floats, won: Floats, precision: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The mode of a logit's posterior from a start, and the Hessian there."""

    def loss(at: Floats) -> float:
        log_odds = design @ at
        return float(np.sum(np.logaddexp(0, log_odds) - won * log_odds) + precision @ at**2 / 2)

    value = loss(weights)
    for _ in range(30):
        gradient, hessian = _slopes(design, won, precision, weights)
        step = np.linalg.solve(hessian, gradient)
        while loss(weights - step) > value + 1e-12 and np.abs(step).max() > 1e-6:
            step = step / 2
        weights = weights - step
        before, value = value, loss(weights)
        if before - value < 1e-7:
            break
    return weights, _slopes(design, won, precision, weights)[1]


def _slopes(design: Floats, won: Floats, precision: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian of the loss whose minimum is the mode."""
    probability = expit(design @ weights)
    curvature = (design.T * (probability * (1 - probability))) @ design
    return design.T @ (probability - won) + precision * weights, curvature + np.diag(precision)


def pooled_by_type(precision: Floats, moment: Floats, type_of: Integers) -> Floats:
    """Effects (partners,) whose likelihood is normal, drawn toward their type's and that toward a common one.

    ``precision`` (partners, partners) and ``moment`` (partners,) are of the likelihood. Spreads by
    expectation-maximisation.
    """
    n_types, partners = int(type_of.max()) + 1, len(type_of)
    loads = np.hstack([np.ones((partners, 1)), np.eye(n_types)[type_of], np.eye(partners)])
    sizes, sd = [1, n_types, partners], [1.0, 0.1, 0.1]
    for _ in range(30):
        spread = np.linalg.inv(loads.T @ precision @ loads + np.diag(np.repeat(sd, sizes) ** -2.0))
        weights = spread @ (loads.T @ moment)
        moments = np.split(weights**2 + np.diag(spread), np.cumsum(sizes)[:-1])
        sd = [1.0, *(max(LEAST_SD, float(np.sqrt(part.mean()))) for part in moments[1:])]
    effects: Floats = loads @ weights
    return effects
