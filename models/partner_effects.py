"""What each partner's presence adds to the log-odds of a win: a partially pooled logit over saturating doses.

Few deals carry any one partner, so a partner's effect is drawn toward the effect of its type, and a type's toward the
common one, by as much as predicts held-out deals best. A ridge logit in hierarchical form; see Gelman & Hill, *Data
Analysis Using Regression and Multilevel/Hierarchical Models* (2007), chapter 12, on partial pooling.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.boosting import Bools, Floats
from models.metrics import log_losses

DOSE: Final = "dose"
"""Member column that holds a partner's total saturating dose on a deal, in millionths."""
EFFECT: Final = "partner_effect_millionths"
"""Member column that an outcome model adds: effect x dose, in millionths of log-odds."""
EFFECT_SUM: Final = f"{EFFECT}_sum"
"""Its sum over a deal's members, as ``features.frame.pooled`` names it."""
MILLION: Final = 1_000_000

_COMMON_SD: Final = 2.0
_SLOPE_SD: Final = 0.25


@dataclass(frozen=True)
class Spread:
    """How far effects may lie apart, as standard deviations in log-odds per unit of dose.

    ``types`` around the common effect, ``partners`` around their type's; 0 means that all are equal.
    """

    types: float
    partners: float


SPREADS: Final = tuple(Spread(types, partners) for types in (0.15, 0.5) for partners in (0.0, 0.2, 0.45, 1.0))


@dataclass(frozen=True)
class PartnerEffects:
    """Effects in log-odds per unit of dose, and the line that puts the deal's own margin beside them.

    The structured margin of a deal is ``intercept + slope * base margin + sum of effect * dose`` over its members.
    A partner that was not seen has its type's effect; an unseen type has the common one.
    """

    intercept: float
    slope: float
    common: float
    by_type: dict[str, float]
    by_partner: dict[str, float]

    def of(self, members: pd.DataFrame) -> Floats:
        """Effect of each member row (n,); needs ``partner_id`` and ``partner_type``."""
        by_type = members["partner_type"].map(self.by_type).fillna(self.common)
        effects = members["partner_id"].map(self.by_partner).fillna(by_type)
        return np.asarray(effects, dtype=np.float64)

    def encoded(self, members: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Effect x dose of each member row, in millionths of log-odds; needs ``dose`` as well."""
        doses = np.asarray(members[DOSE], dtype=np.float64)
        encoded: npt.NDArray[np.int64] = np.rint(self.of(members) * doses).astype(np.int64)
        return encoded

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "intercept": self.intercept,
            "slope": self.slope,
            "common": self.common,
            "by_type": self.by_type,
            "by_partner": self.by_partner,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The effects that ``to_dict`` describes."""
        return cls(**values)


@dataclass(frozen=True)
class DoseDesign:
    """Doses of all deals as a sparse matrix: a column for all partners, one a type, one a partner.

    Partners stand in an order that depends only on what they did, so that their ids change no result.
    """

    matrix: sparse.csr_matrix
    types: tuple[str, ...]
    partners: tuple[str, ...]
    type_of: npt.NDArray[np.int64]

    @classmethod
    def build(cls, members: pd.DataFrame, deal_ids: pd.Series) -> Self:
        """Design over the deals in the order of ``deal_ids`` (unique); members of other deals are left out."""
        row = pd.Index(deal_ids).get_indexer(pd.Index(members["deal_id"]))
        known, row = members[row >= 0], row[row >= 0]
        dose = known[DOSE].to_numpy(dtype=np.float64) / MILLION
        type_codes, types = pd.factorize(known["partner_type"].fillna("other").astype(str), sort=True)
        codes, partners = _by_content(known["partner_id"].astype(str), row, dose, type_codes)
        type_of = np.zeros(len(partners), dtype=np.int64)
        type_of[codes] = type_codes
        blocks = [np.zeros_like(codes), 1 + type_codes, 1 + len(types) + codes]
        columns, rows = np.concatenate(blocks), np.tile(row, 3)
        shape = (len(deal_ids), 1 + len(types) + len(partners))
        matrix = sparse.coo_matrix((np.tile(dose, 3), (rows, columns)), shape=shape).tocsr()
        return cls(matrix, tuple(types), tuple(partners), type_of)

    def fit(self, rows: Bools, margin: Floats, won: Floats, spread: Spread) -> PartnerEffects:
        """Effects from the deals of the mask ``rows``, with the base ``margin`` (n,) as offset."""
        scale = self._scale(spread)
        design = self.matrix[rows] @ sparse.diags(scale)
        weights = _penalised_logit(design, margin[rows], won[rows])
        effects = np.round(weights[2:] * scale, 6)
        n_types = len(self.types)
        common, by_type, by_partner = effects[0], effects[1 : 1 + n_types], effects[1 + n_types :]
        partner_effects = common + by_type[self.type_of] + by_partner
        seen = np.asarray(self.matrix[rows].sum(axis=0)).ravel()[1 + n_types :] > 0
        return PartnerEffects(
            intercept=round(float(weights[0]), 6),
            slope=round(float(weights[1]), 6),
            common=float(common),
            by_type={name: round(float(common + e), 6) for name, e in zip(self.types, by_type, strict=True)},
            by_partner={self.partners[i]: round(float(partner_effects[i]), 6) for i in np.flatnonzero(seen)},
        )

    def sums(self, effects: PartnerEffects) -> Floats:
        """Sum of effect x dose over the members of each deal (deals,), in log-odds."""
        by_type = [effects.by_type.get(name, effects.common) for name in self.types]
        each = [
            effects.by_partner.get(name, by_type[kind]) for name, kind in zip(self.partners, self.type_of, strict=True)
        ]
        total: Floats = self.matrix[:, 1 + len(self.types) :] @ np.array(each, dtype=np.float64)
        return total

    def _scale(self, spread: Spread) -> Floats:
        sizes = [1, len(self.types), len(self.partners)]
        return np.repeat([_COMMON_SD, spread.types, spread.partners], sizes)


@dataclass(frozen=True)
class FoldEffects:
    """Effects for one fold, fitted on all others, and what they honestly say about their own training deals.

    Attributes
    ----------
    effects : fitted on every deal outside the fold.
    sums : (deals,) sum of effect x dose, in log-odds, by effects that did not see the deal's fold; 0 in the fold.
    margin : (deals,) the structured log-odds that go with them; 0 in the fold.
    spread : the spread that predicted held-out deals best.
    """

    effects: PartnerEffects
    sums: Floats
    margin: Floats
    spread: Spread


def fit_effects(
    design: DoseDesign, margin: Floats, won: Floats, folds: npt.NDArray[np.int64], fold: int
) -> FoldEffects:
    """Effects for ``fold`` with the spread chosen by held-out log-loss; nothing of ``fold`` is used.

    ``margin`` (deals,) are honest base log-odds of the deals outside ``fold``.
    """
    others = sorted(set(folds.tolist()) - {fold})
    used = folds != fold
    with threadpool_limits(limits=1, user_api="blas"):  # on vectors this short, BLAS threads do nothing but wait
        trials = {s: _held_out(design, margin, won, folds, fold, others, s) for s in _candidates(design)}
        spread = min(trials, key=lambda s: mean_log_loss(trials[s][1][used], won[used]))
        effects = design.fit(used, margin, won, spread)
    return FoldEffects(effects, *trials[spread], spread)


def anchored(fitted: FoldEffects, margin: Floats, won: Floats, rows: Bools) -> FoldEffects:
    """The same effects beside another base ``margin`` (deals,): intercept and slope refitted on the mask ``rows``.

    Serves where the effects were estimated beside a margin that prediction must not use.
    """
    line = _penalised_logit(_no_columns(rows), margin[rows], won[rows], fitted.sums[rows])
    intercept, slope = (round(float(weight), 6) for weight in line)
    effects = replace(fitted.effects, intercept=intercept, slope=slope)
    structured = np.where(rows, structured_margin(effects, np.where(rows, margin, 0.0), fitted.sums), 0.0)
    return replace(fitted, effects=effects, margin=structured)


def structured_margin(effects: PartnerEffects, margin: Floats, effect_sum: Floats) -> Floats:
    """Log-odds of each deal from its base margin and the sum of effect x dose over its members, both in log-odds."""
    return effects.intercept + effects.slope * margin + effect_sum


def mean_log_loss(margin: Floats, won: Floats) -> float:
    """Mean log-loss of uncalibrated log-odds, in nats."""
    return float(log_losses(won, expit(margin)).mean())


def _candidates(design: DoseDesign) -> tuple[Spread, ...]:
    return SPREADS if design.partners else SPREADS[:1]


def _held_out(
    design: DoseDesign,
    margin: Floats,
    won: Floats,
    folds: npt.NDArray[np.int64],
    fold: int,
    others: list[int],
    spread: Spread,
) -> tuple[Floats, Floats]:
    """Sums and structured margins of each other fold, by effects fitted without it and without ``fold``."""
    sums, structured = np.zeros(len(won)), np.zeros(len(won))
    for other in others:
        mask = folds == other
        effects = design.fit((folds != fold) & ~mask, margin, won, spread)
        sums[mask] = design.sums(effects)[mask]
        structured[mask] = structured_margin(effects, margin[mask], sums[mask])
    return sums, structured


def _no_columns(rows: Bools) -> sparse.csr_matrix:
    return sparse.csr_matrix((int(rows.sum()), 0))


def _penalised_logit(design: sparse.csr_matrix, margin: Floats, won: Floats, known: Floats | float = 0.0) -> Floats:
    """Intercept, slope of the margin, and unit-variance weights of the design's columns; the mode of the posterior.

    ``known`` log-odds are added as they are.
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        logit = known + weights[0] + weights[1] * margin + design @ weights[2:]
        slack = expit(logit) - won
        drift = (weights[1] - 1) / _SLOPE_SD
        value = np.sum(np.logaddexp(0, logit) - won * logit) + (weights[2:] @ weights[2:] + drift**2) / 2
        gradient = np.concatenate([[slack.sum(), slack @ margin + drift / _SLOPE_SD], design.T @ slack + weights[2:]])
        return float(value), gradient

    start = np.zeros(2 + design.shape[1])
    start[1] = 1.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-9, "gtol": 1e-3})
    weights: Floats = found.x
    return weights


def _by_content(
    partner_ids: pd.Series, row: npt.NDArray[np.int64], dose: Floats, type_codes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes of the partners in the order of a digest of their rows, and the partners in that order."""
    codes, partners = pd.factorize(partner_ids)
    order = np.lexsort((dose, row, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    facts = np.column_stack([row[order], np.rint(dose[order] * MILLION), type_codes[order]]).astype(np.int64)
    digests = [hashlib.blake2b(part.tobytes(), digest_size=16).digest() for part in np.split(facts, starts[1:])]
    ranked = sorted(range(len(partners)), key=lambda code: digests[code])
    rank = np.empty(len(partners), dtype=np.int64)
    rank[ranked] = np.arange(len(partners))
    return rank[codes], [str(partners[code]) for code in ranked]
