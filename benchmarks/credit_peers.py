"""Other ways to credit a deal's partners, on the product's own frames: what its model is measured against.

Each is the strongest simple form of a known method that we found; all see the deal's columns that the model may see.
``structured_glm``, ``partner_ridge``: a logit of the deal's facts and partners' doses, partially pooled (A. Gelman &
J. Hill, *Data Analysis Using Regression and Multilevel/Hierarchical Models*, 2007, chapters 12 and 13), credited by
exact Shapley values over coalitions (L. S. Shapley, 1953). ``double_ml``: partially linear double machine learning (V.
Chernozhukov et al., "Double/debiased machine learning for treatment and structural parameters", *The Econometrics
Journal* 21, 2018), effects pooled by type. ``glm_dml_mean``, ``glm_pulled``: coalition credit joined with it.
``tree_shap``: LightGBM with a column a partner, explained by TreeSHAP (S. M. Lundberg et al., *Nature Machine
Intelligence* 2, 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from pooled_weights import Block, pooled_by_type, pooled_logit
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import Ridge

from models.boosting import BoosterSpec, Floats, Rows
from models.calibration import PlattCalibrator
from models.columns import ColumnCoder, feature_names
from models.crossfit import cross_fit
from models.partner_effects import MILLION
from models.shapley import Integers, exact_shapley
from models.splits import account_folds

FOLDS: Final = 5
FACT_SD, COMMON_SD, INTERCEPT_SD = 1.0, 2.0, 20.0
"""Standard deviations of the priors of weights that are not pooled, in log-odds."""
DOSE_RIDGE: Final = 10.0
LEAST_MEAN, MOST_PULL = 0.02, 5.0
"""Mean credit a deal below which a partner's coalition total is not scaled, and the largest factor."""
SHAP_ROUNDS: Final = 150
SHAP_PARAMS: Final = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 0,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Deals:
    """Closed deals and the partners on them as arrays, both sorted by id.

    ``facts`` : (deals, columns), one-hot categories, and numbers standardised with missing ones marked. ``coder``,
    ``coded`` : the same columns as LightGBM reads them. ``won``, ``folds`` : (deals,); folds keep accounts together.
    ``row``, ``partner``, ``kind``, ``type_by_segment``, ``dose`` : (members,), numbers of the deal, the partner, its
    type, its type within the deal's segment, and the saturating dose. ``doses_by`` : (members, kinds and stages).
    ``type_of`` : (partners,), the type of each. ``n_segments`` : of the deals.
    """

    facts: Floats
    coder: ColumnCoder
    coded: Floats
    won: Floats
    folds: Integers
    row: Integers
    partner: Integers
    kind: Integers
    type_by_segment: Integers
    dose: Floats
    doses_by: Floats
    type_of: Integers
    n_segments: int

    @classmethod
    def of(
        cls,
        base: pd.DataFrame,
        members: pd.DataFrame,
        won: Floats,
        leave_out: tuple[str, ...],
        coarsen: tuple[str, ...],
    ) -> Self:
        """The deals of the product's frames (sorted by id), without the columns that its model must not see."""
        coder = ColumnCoder.fit(base, feature_names(base, leave_out), coarsen)
        row = pd.Index(base["deal_id"]).get_indexer(pd.Index(members["deal_id"])).astype(np.int64)
        partner, partners = pd.factorize(members["partner_id"], sort=True)
        kind = pd.factorize(members["partner_type"].fillna("other"), sort=True)[0]
        segment, segments = pd.factorize(base["segment"].fillna(""), sort=True)
        type_of = np.zeros(len(partners), dtype=np.int64)
        type_of[partner] = kind
        dosed = [name for name in members.columns if name.startswith(("dose_in_", "dose_of_"))]
        return cls(
            facts=_facts(coder, coder.matrix(base)),
            coder=coder,
            coded=coder.matrix(base),
            won=won,
            folds=account_folds(base["account_id"], FOLDS),
            row=row,
            partner=partner,
            kind=kind,
            type_by_segment=kind * len(segments) + segment[row],
            dose=members["dose"].to_numpy(dtype=np.float64) / MILLION,
            doses_by=members[dosed].to_numpy(dtype=np.float64) / MILLION,
            type_of=type_of,
            n_segments=len(segments),
        )

    @property
    def n_types(self) -> int:
        """How many types of partners there are."""
        return int(self.type_of.max()) + 1

    def dosed(self, codes: Integers, n: int) -> Floats:
        """The dose of each member in the column that its code names, 0 elsewhere: shape (members, n)."""
        return np.eye(n)[codes] * self.dose[:, None]

    def by_deal(self, values: Floats) -> Floats:
        """Sums over each deal's members of ``values`` (members, columns): shape (deals, columns)."""
        ones = np.ones(len(self.row))
        summed: Floats = (
            sparse.csr_matrix((ones, (self.row, np.arange(len(self.row)))), (len(self.won), len(ones))) @ values
        )
        return summed

    def partner_doses(self) -> Floats:
        """A column a partner: its dose on each deal, 0 where it is not."""
        return self.by_deal(self.dosed(self.partner, len(self.type_of)))


@dataclass(frozen=True)
class Credited:
    """Credit of each deal x partner (members,) and what a deal's players share (deals,), in probability."""

    credit: Floats
    total: Floats


def credit_by_peers(deals: Deals) -> dict[str, Credited]:
    """Each method's credit; double machine learning, which predicts no deal, shares the structured GLM's total."""
    glm = structured_glm(deals)
    effects = double_ml(deals)[deals.partner] * deals.dose
    return {
        "structured_glm": glm,
        "partner_ridge": partner_ridge(deals),
        "double_ml": Credited(effects, glm.total),
        "glm_dml_mean": Credited((glm.credit + effects) / 2, glm.total),
        "glm_pulled": Credited(_pulled(deals, glm.credit, effects), glm.total),
        "tree_shap": tree_shap(deals),
    }


def structured_glm(deals: Deals) -> Credited:
    """Coalition credit of a logit of facts and of doses by type, partner, type x segment, kind, stage and type pair."""
    types, partners = deals.n_types, len(deals.type_of)
    members = [
        deals.dosed(np.zeros_like(deals.kind), 1),
        deals.dosed(deals.kind, types),
        deals.dosed(deals.partner, partners),
        deals.dosed(deals.type_by_segment, types * deals.n_segments),
        deals.doses_by,
    ]
    blocks = [Block(deals.by_deal(members[0]), COMMON_SD), *(Block(deals.by_deal(part)) for part in members[1:])]
    weights, base = _with_facts(deals, [*blocks, Block(_pair_doses(deals))])
    effects = np.sum([part @ weight for part, weight in zip(members, weights[:-1], strict=True)], axis=0)
    return coalition_credit(deals, base, effects, weights[-1][_pair_numbers(types)])


def partner_ridge(deals: Deals) -> Credited:
    """Coalition credit of a logit of facts and of a dose a partner, all partners drawn toward 0 alike."""
    members = deals.dosed(deals.partner, len(deals.type_of))
    (weights,), base = _with_facts(deals, [Block(deals.by_deal(members))])
    return coalition_credit(deals, base, members @ weights, np.zeros((deals.n_types, deals.n_types)))


def double_ml(deals: Deals) -> Floats:
    """Effect of each partner's dose on the probability of winning, (partners,).

    Outcomes are residualised by cross-fitted LightGBM, doses by cross-fitted ridge, on the deal's facts; all partners'
    residual doses enter one regression, so that each is also held against the others.
    """
    spec = BoosterSpec({}, {}, seed=0, threads=1)
    margin = cross_fit(deals.coder, Rows(deals.coded, deals.won), deals.folds, FOLDS, spec, 200).outer
    dose = deals.partner_doses()
    outcome = np.zeros(len(deals.won))
    for fold in range(FOLDS):
        here, rest = deals.folds == fold, deals.folds != fold
        outcome[here] = deals.won[here] - PlattCalibrator.fit(margin[rest], deals.won[rest]).probability(margin[here])
        dose[here] -= Ridge(DOSE_RIDGE).fit(deals.facts[rest], deals.partner_doses()[rest]).predict(deals.facts[here])
    variance = float(np.mean(outcome**2))
    return pooled_by_type(dose.T @ dose / variance, dose.T @ outcome / variance, deals.type_of)


def tree_shap(deals: Deals) -> Credited:
    """TreeSHAP of a LightGBM model with a column a partner, out of fold, scaled from log-odds to probability.

    A deal's partners share the difference that their columns make to the probability, in proportion to their values.
    """
    columns = np.hstack([deals.coded, deals.partner_doses()])
    n_facts = deals.coded.shape[1]
    values, total = np.zeros((len(deals.won), len(deals.type_of))), np.zeros(len(deals.won))
    for fold in range(FOLDS):
        here, rest = deals.folds == fold, deals.folds != fold
        data = lgb.Dataset(columns[rest], deals.won[rest])
        shap = np.asarray(lgb.train(SHAP_PARAMS, data, SHAP_ROUNDS).predict(columns[here], pred_contrib=True))
        log_odds, partners = shap.sum(axis=1), shap[:, n_facts:-1]
        of_partners = partners.sum(axis=1)
        gain = expit(log_odds) - expit(log_odds - of_partners)
        scale = np.divide(gain, of_partners, out=np.zeros_like(gain), where=np.abs(of_partners) > 1e-9)
        values[here], total[here] = partners * scale[:, None], expit(log_odds)
    return Credited(values[deals.row, deals.partner], total)


def coalition_credit(deals: Deals, base: Floats, effects: Floats, pairs: Floats) -> Credited:
    """Exact Shapley credit of a logit of coalitions.

    ``base`` (deals,), ``effects`` (members,) are in log-odds; ``pairs`` (types, types) in log-odds per dose x dose.
    """
    credit, total = np.zeros(len(effects)), expit(base)
    sizes = np.bincount(deals.row, minlength=len(base))
    starts = np.cumsum(sizes) - sizes
    for n in map(int, np.unique(sizes[sizes > 0])):
        chosen = np.flatnonzero(sizes == n)
        rows = starts[chosen][:, None] + np.arange(n)
        inside = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
        log_odds = base[chosen][:, None] + effects[rows] @ inside.T
        kind, dose = deals.kind[rows], deals.dose[rows]
        for i, j in combinations(range(n), 2):
            together = pairs[kind[:, i], kind[:, j]] * dose[:, i] * dose[:, j]
            log_odds += together[:, None] * (inside[:, i] & inside[:, j])
        game = expit(log_odds)
        credit[rows], total[chosen] = exact_shapley(game), game[:, -1]
    return Credited(credit, total)


def _with_facts(deals: Deals, blocks: list[Block]) -> tuple[list[Floats], Floats]:
    """Weights of the blocks fitted beside the deal's facts, and what the facts say of each deal, (deals,) log-odds."""
    facts = [Block(deals.facts, FACT_SD), Block(np.ones((len(deals.won), 1)), INTERCEPT_SD)]
    *weights, of_facts, intercept = pooled_logit([*blocks, *facts], deals.won)
    return weights, deals.facts @ of_facts + intercept


def _pulled(deals: Deals, credit: Floats, effects: Floats) -> Floats:
    """Coalition credit scaled so that each partner's total is that of its ``effects`` rows (both (members,)).

    Where the coalition's total is all but nothing, or of the other sign, the rows themselves stand.
    """
    n_deals = np.bincount(deals.partner)
    of_coalitions, of_effects = (np.bincount(deals.partner, values) for values in (credit, effects))
    can_scale = (np.abs(of_coalitions) > LEAST_MEAN * n_deals) & (of_coalitions * of_effects > 0)
    factor = np.divide(of_effects, of_coalitions, out=np.zeros_like(of_effects), where=can_scale)
    scaled: Floats = credit * np.minimum(factor, MOST_PULL)[deals.partner]
    return np.where(can_scale[deals.partner], scaled, effects)


def _pair_numbers(n_types: int) -> Integers:
    """A number for each unordered pair of types, (types, types)."""
    numbers = np.zeros((n_types, n_types), dtype=np.int64)
    upper = np.triu_indices(n_types)
    numbers[upper] = np.arange(len(upper[0]))
    return np.maximum(numbers, numbers.T)


def _pair_doses(deals: Deals) -> Floats:
    """Sums of dose x dose over each deal's pairs of partners, a column a pair of types."""
    by_type = deals.by_deal(deals.dosed(deals.kind, deals.n_types))
    own_squares = deals.by_deal(deals.dosed(deals.kind, deals.n_types) * deals.dose[:, None])
    first, second = np.triu_indices(deals.n_types)
    products = by_type[:, first] * by_type[:, second]
    same = first == second
    products[:, same] = (products[:, same] - own_squares) / 2
    return products


def _facts(coder: ColumnCoder, coded: Floats) -> Floats:
    """One-hot categories (the missing one left out), and standardised numbers with an indicator of missing ones."""
    columns = []
    for values, name in zip(coded.T, coder.names, strict=True):
        if name in coder.levels:
            columns.append((values[:, None] == np.arange(len(coder.levels[name]))).astype(np.float64))
            continue
        is_missing = np.isnan(values)
        known = np.where(is_missing, np.median(values[~is_missing]), values)
        known = np.log1p(np.abs(known)) if name == "amount" else known
        columns.append(((known - known.mean()) / (known.std() or 1.0))[:, None])
        if is_missing.any():
            columns.append(is_missing[:, None].astype(np.float64))
    return np.hstack(columns)
