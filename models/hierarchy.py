"""A logit whose coefficients come in groups, each drawn toward 0 by as much as its own spread says.

The spread of a group is estimated from the data with the coefficients' posterior (Laplace's approximation), so that
nothing has to be tuned: a group whose members do not differ shrinks to 0, one whose members do stays.

Source: D. MacKay, "Bayesian interpolation", Neural Computation 4 (1992), section 4 (the evidence procedure);
A. Gelman and J. Hill, *Data Analysis Using Regression and Multilevel/Hierarchical Models* (2007), chapter 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import linalg, sparse
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.boosting import Floats

Group = slice
"""The columns of coefficients that share a spread."""

FIRST_SPREAD: Final = 0.5
LEAST_SPREAD: Final = 1e-3
"""A group at this spread is as good as absent."""
_ROUNDS: Final = 20
_STEPS: Final = 30
_SETTLED: Final = 0.02
"""Change in the logarithm of the spreads at which they count as found."""


@dataclass(frozen=True)
class Logit:
    """The rows of a weighted logit: ``design`` (n, columns), known log-odds ``offset``, ``target`` and ``weight`` (n,).

    ``target`` is 0 or 1; ``weight`` is >= 0.
    """

    design: sparse.csr_matrix
    offset: Floats
    target: Floats
    weight: Floats

    def where(self, mask: np.ndarray) -> Logit:
        """The rows of the mask."""
        return Logit(self.design[mask], self.offset[mask], self.target[mask], self.weight[mask])


@dataclass(frozen=True)
class Posterior:
    """Coefficients (columns,) at their mode and their covariance (columns, columns)."""

    mean: Floats
    covariance: Floats


def posterior(rows: Logit, deviations: Floats, start: Floats | None = None) -> Posterior:
    """Mode and curvature for given prior standard ``deviations`` (columns,) around 0, all > 0; Newton's method."""
    with threadpool_limits(limits=1, user_api="blas"):  # one thread gives the same bits on every machine
        return _newton(rows, 1 / np.square(deviations), np.zeros(len(deviations)) if start is None else start)


def estimated(rows: Logit, deviations: Floats, groups: dict[str, Group]) -> tuple[Posterior, dict[str, float]]:
    """The posterior with the spread of each of ``groups`` estimated, and those spreads.

    ``deviations`` (columns,) holds the fixed prior deviations; those of the groups' columns are replaced.
    """
    spreads = {name: FIRST_SPREAD for name, columns in groups.items() if columns.stop > columns.start}
    found = None
    for _ in range(_ROUNDS):
        found = posterior(rows, with_spreads(deviations, groups, spreads), None if found is None else found.mean)
        fresh = {name: _spread(found, groups[name]) for name in spreads}
        moved = max((abs(np.log(fresh[name] / spreads[name])) for name in spreads), default=0.0)
        spreads = fresh
        if moved < _SETTLED:
            break
    spreads = {name: round(spread, 6) for name, spread in spreads.items()}
    return posterior(rows, with_spreads(deviations, groups, spreads), found.mean if found else None), spreads


def with_spreads(deviations: Floats, groups: dict[str, Group], spreads: dict[str, float]) -> Floats:
    """The prior deviations with each group's columns at its spread."""
    made = deviations.copy()
    for name, spread in spreads.items():
        made[groups[name]] = spread
    return made


def _spread(found: Posterior, columns: Group) -> float:
    """Root mean square of a group's coefficients, their uncertainty counted in."""
    squares = np.square(found.mean[columns]) + np.diag(found.covariance)[columns]
    return max(LEAST_SPREAD, float(np.sqrt(squares.mean())))


def _newton(rows: Logit, precision: Floats, weights: Floats) -> Posterior:
    loss, margin = _loss(rows, precision, weights)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(rows, precision, weights, margin)
        step = linalg.cho_solve(curvature, gradient)
        size = 1.0
        while (new := _loss(rows, precision, weights - size * step))[0] > loss + 1e-10 and size > 1e-4:
            size /= 2
        gain = loss - new[0]
        weights = weights - size * step
        loss, margin = new
        if gain < 1e-8 * max(1.0, abs(loss)):
            break
    _, curvature = _derivatives(rows, precision, weights, margin)
    return Posterior(weights, linalg.cho_solve(curvature, np.eye(len(weights))))


def _loss(rows: Logit, precision: Floats, weights: Floats) -> tuple[float, Floats]:
    margin = rows.offset + rows.design @ weights
    fit = np.sum(rows.weight * (np.logaddexp(0, margin) - rows.target * margin))
    return float(fit + np.sum(precision * weights**2) / 2), margin


def _derivatives(rows: Logit, precision: Floats, weights: Floats, margin: Floats) -> tuple[Floats, tuple[Floats, bool]]:
    """Gradient (columns,) and the Cholesky factor of the Hessian."""
    probability = expit(margin)
    gradient = rows.design.T @ (rows.weight * (probability - rows.target)) + precision * weights
    scaled = sparse.diags(rows.weight * probability * (1 - probability)) @ rows.design
    hessian = np.asarray((rows.design.T @ scaled).toarray()) + np.diag(precision)
    return np.asarray(gradient), linalg.cho_factor(hessian, lower=True)
