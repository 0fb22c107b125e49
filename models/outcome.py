"""The outcome model: how likely a deal is to be won, given the deal and the partners on it.

Three parts add up in log-odds, each fitted on what the ones before it leave:

1. LightGBM on the deal itself (base features);
2. partially pooled partner effects x saturating doses (``models.partner_effects``), with 1 as offset. Lost deals often
   die early and never receive the touches that were planned (immortal time), so while the effects are estimated the
   offset also knows how long the deal lived; a prediction does not;
3. LightGBM on the deal and its pooled partner features, started from 1 + 2, with as many trees as held-out deals
   justify, possibly none.

All of it is cross-fitted over account folds, then calibrated on out-of-fold predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.exceptions import NotFittedError

from features.frame import FrameSpec
from models.boosting import Bools, Booster, BoosterSpec, Floats, Rows
from models.calibration import PlattCalibrator
from models.columns import ColumnCoder, feature_names
from models.crossfit import TrainingDataError, cross_fit, fit_residual, inner_scores
from models.partner_effects import (
    EFFECT,
    EFFECT_SUM,
    MILLION,
    DoseDesign,
    PartnerEffects,
    anchored,
    fit_effects,
    structured_margin,
)
from models.persistence import Artifact
from models.pooling import deal_frame
from models.prepared import PreparedOutcome, PreparedResiduals
from models.saved import SavedModel
from models.splits import account_folds, account_hashes

KIND: Final = "outcome"
BIAS: Final = "bias"
RESIDUAL: Final[dict[str, Any]] = {"num_leaves": 4, "learning_rate": 0.05}
"""Part 3 corrects; it may not rebuild what parts 1 and 2 say."""

LIFETIME: Final = "deal_age_days"
"""The base feature that the offset of the partner effects sees even where the model itself must not."""


@dataclass(frozen=True)
class FoldModel:
    """The model of one fold: it predicts that fold's accounts and was fitted on all others."""

    base: Booster
    effects: PartnerEffects
    residual: Booster | None


class OutcomeModel(ClassifierMixin, SavedModel):  # type: ignore[misc]
    """Calibrated, cross-fitted win probability.

    A deal of an account that was trained on is predicted by the model of the account's fold (a hash of ``account_id``),
    which never saw it; a deal of any other account by the mean, in log-odds, of all the folds' models. So no deal is
    ever predicted by a model that saw its account.

    scikit-learn's ``get_params``, ``set_params`` and ``clone`` hold. Its generic estimator checks do not apply, because
    a deal's partners are a second frame of another length: ``fit`` takes two frames, and ``predict`` gives the
    probability itself (``predict_proba`` gives both columns).

    Parameters
    ----------
    folds : account folds, >= 3.
    seed : of LightGBM's sampling of rows and columns.
    threads : LightGBM threads; they change speed only.
    params : LightGBM parameters that replace the defaults of ``models.boosting``.
    monotone : feature name to the only direction (-1 or 1) in which it may push.
    coarsen : numeric base features of which the model sees only the decile.
    leave_out : columns that the model must not see.
    max_rounds, residual_rounds : most trees of parts 1 and 3; 0 residual rounds leave part 3 out.
    spec : the recipe of the frames, kept so that scoring builds the same features.

    Attributes
    ----------
    models_ : ``FoldModel`` of each fold.
    accounts_ : sorted hashes of the accounts that were trained on.
    calibrator_ : line from raw to calibrated log-odds.
    base_coder_, coder_ : coders of the base features, and of the base and pooled ones.
    fitted_probability_ : (deals,) calibrated out-of-fold predictions of the training deals, indexed by ``deal_id``;
        absent from a loaded model.
    """

    kind = KIND
    extra_columns: tuple[str, ...] = (EFFECT,)

    def __init__(
        self,
        *,
        folds: int = 5,
        seed: int = 0,
        threads: int = 1,
        params: dict[str, Any] | None = None,
        monotone: dict[str, int] | None = None,
        coarsen: tuple[str, ...] = (),
        leave_out: tuple[str, ...] = (),
        max_rounds: int = 200,
        residual_rounds: int = 60,
        spec: FrameSpec | None = None,
    ) -> None:
        self.folds = folds
        self.seed = seed
        self.threads = threads
        self.params = params
        self.monotone = monotone
        self.coarsen = coarsen
        self.leave_out = leave_out
        self.max_rounds = max_rounds
        self.residual_rounds = residual_rounds
        self.spec = spec

    def fit(self, base: pd.DataFrame, members: pd.DataFrame, won: pd.Series) -> Self:
        """Fits on closed deals.

        Parameters
        ----------
        base : a row a deal, as ``features.frame.base`` gives it.
        members : a row a deal x partner, as ``features.frame.members`` gives it; may be empty.
        won : 0 or 1 (or boolean) for each row of ``base``, in its order.

        Raises
        ------
        TrainingDataError
            When all deals have one outcome, or their accounts are too few for the folds.
        """
        order = np.argsort(base["deal_id"].astype(str).to_numpy(), kind="stable")
        base, target = base.iloc[order].reset_index(drop=True), won.to_numpy(dtype=np.float64)[order]
        check_outcomes(target)
        members = members[members["deal_id"].isin(base["deal_id"])]
        folds = account_folds(base["account_id"], self.folds)
        frame = deal_frame(base, members).assign(**{EFFECT_SUM: 0})
        self.base_coder_ = ColumnCoder.fit(base, feature_names(base, self.leave_out), self.coarsen)
        self.coder_ = ColumnCoder.fit(frame, feature_names(frame, self.leave_out), self.coarsen).with_column(EFFECT_SUM)
        data = Training(DoseDesign.build(members, base["deal_id"]), frame, target, folds)
        self.models_, margin = self._cross_fit(data)
        self.accounts_ = np.unique(account_hashes(base["account_id"]))
        self.calibrator_ = PlattCalibrator.fit(margin, target)
        probability = self.calibrator_.probability(margin)
        self.fitted_probability_ = pd.Series(probability, index=pd.Index(base["deal_id"], name="deal_id"))
        self.classes_ = np.array([0, 1])
        return self

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        """``members`` with the model's own columns (``extra_columns``) added: whole millionths, to be pooled by sum.

        Needs ``account_id`` (which decides whose effects apply), ``partner_id``, ``partner_type`` and the dose.
        """
        self._require_fitted()
        encoded = np.zeros(len(members), dtype=np.int64)
        for models, mask in self._judges(members):
            each = [model.effects.encoded(members[mask]) for model in models]
            encoded[mask] = np.rint(np.mean(each, axis=0)).astype(np.int64)
        return members.assign(**{EFFECT: encoded})

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Calibrated win probability of each row (n,), in (0, 1).

        ``frame`` has the base and pooled features and ``account_id``, any index. Raises ``ValueError`` naming the
        columns that it lacks.
        """
        margin = self._margin(frame)
        return self.calibrator_.probability(margin)

    def prepared(self, base: pd.DataFrame) -> PreparedOutcome:
        """The model with the base rows of some deals at hand, for predictions of their coalitions."""
        self._require_fitted()
        base_matrix, judges = self.base_coder_.matrix(base), self._judges(base)
        start = np.empty(len(base))
        for models, mask in judges:
            margins = [
                structured_margin(m.effects, m.base.raw(base_matrix[mask], self.threads), np.zeros(int(mask.sum())))
                for m in models
            ]
            start[mask] = np.mean(margins, axis=0)
        by_judge = [([model.residual for model in models], mask) for models, mask in judges]
        has_residual = any(booster is not None for boosters, _ in by_judge for booster in boosters)
        residuals = PreparedResiduals(self.coder_, base, by_judge, self.threads) if has_residual else None
        return PreparedOutcome(start, residuals, self.calibrator_)

    def predict_proba(self, frame: pd.DataFrame) -> Floats:
        """Probability of losing and of winning, (n, 2)."""
        won = self.predict(frame)
        return np.column_stack([1 - won, won])

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """TreeSHAP of the calibrated log-odds, a column a feature and ``bias``, indexed as ``frame``.

        A row adds up to the log-odds of ``predict``. The partner effects enter linearly: their pooled sum stands in
        ``partner_effect_millionths_sum``, beside what part 3 makes of it. Effects on log-odds, not causes.
        """
        self._require_fitted()
        names = [*self.coder_.names, BIAS]
        matrix, base_matrix = self.coder_.matrix(frame), self.base_coder_.matrix(frame)
        base_positions = [names.index(name) for name in [*self.base_coder_.names, BIAS]]
        values = np.zeros((len(frame), len(names)))
        for models, mask in self._judges(frame):
            part = np.zeros((int(mask.sum()), len(names)))
            for model in models:
                base = model.base.contributions(base_matrix[mask], self.threads)
                part[:, base_positions] += model.effects.slope * base
                part[:, -1] += model.effects.intercept
                if model.residual is not None:
                    part += model.residual.contributions(matrix[mask], self.threads)
            part /= len(models)
            part[:, names.index(EFFECT_SUM)] += _effect_sum(frame[mask])
            values[mask] = part
        values *= self.calibrator_.slope
        values[:, -1] += self.calibrator_.intercept
        return pd.DataFrame(values, columns=names, index=frame.index)

    @classmethod
    def _from(cls, artifact: Artifact, threads: int) -> Self:
        facts, texts = artifact.facts, artifact.texts
        model = cls._unfitted(facts, threads)
        model.coder_ = ColumnCoder.from_dict(facts["coder"])
        model.base_coder_ = ColumnCoder.from_dict(facts["base_coder"])
        model.calibrator_ = PlattCalibrator(**facts["calibrator"])
        model.models_ = [
            FoldModel(
                Booster(model.base_coder_, texts[f"fold_{fold}_base"]),
                PartnerEffects.from_dict(effects),
                Booster(model.coder_, texts[f"fold_{fold}_residual"]) if f"fold_{fold}_residual" in texts else None,
            )
            for fold, effects in enumerate(facts["effects"])
        ]
        model.accounts_ = np.array([int(account, 16) for account in facts["accounts"]], dtype=np.uint64)
        model.classes_ = np.array([0, 1])
        return model

    def _cross_fit(self, data: Training) -> tuple[list[FoldModel], Floats]:
        """The models of the folds and the out-of-fold log-odds (deals,)."""
        base_rows = Rows(self.base_coder_.matrix(data.frame), data.won)
        spec = BoosterSpec(self.params or {}, self.monotone or {}, self.seed, self.threads)
        base = cross_fit(self.base_coder_, base_rows, data.folds, self.folds, spec, self.max_rounds)
        offset = self._lifetime_margin(data, spec)
        matrix, effect_at = self.coder_.matrix(data.frame), self.coder_.names.index(EFFECT_SUM)
        monotone = {**(self.monotone or {}), EFFECT_SUM: 1}
        spec = BoosterSpec({**(self.params or {}), **RESIDUAL}, monotone, self.seed, self.threads)
        models, margin = [], np.empty(len(data.won))
        for fold in range(self.folds):
            if offset is None:
                fitted = fit_effects(data.design, base.inner[fold], data.won, data.folds, fold)
            else:
                aware = fit_effects(data.design, offset[fold], data.won, data.folds, fold)
                fitted = anchored(aware, base.inner[fold], data.won, data.folds != fold)
            matrix[:, effect_at] = np.rint(fitted.sums * MILLION)
            rows = Rows(matrix, data.won, fitted.margin)
            residual = fit_residual(self.coder_, rows, data.folds, fold, spec, self.residual_rounds)
            mask = data.folds == fold
            sums = data.design.sums(fitted.effects)[mask]
            margin[mask] = structured_margin(fitted.effects, base.outer[mask], sums)
            if residual is not None:
                held_out = matrix[mask]
                held_out[:, effect_at] = np.rint(sums * MILLION)
                margin[mask] += residual.raw(held_out, self.threads)
            models.append(FoldModel(base.boosters[fold], fitted.effects, residual))
        return models, margin

    def _lifetime_margin(self, data: Training, spec: BoosterSpec) -> Floats | None:
        """Honest base log-odds that know ``LIFETIME``, (folds, deals); None where there is nothing to be gained."""
        if not data.design.partners or LIFETIME not in data.frame or LIFETIME not in self.leave_out:
            return None
        coder = ColumnCoder.fit(data.frame, (*self.base_coder_.names, LIFETIME), self.coarsen)
        rows = Rows(coder.matrix(data.frame), data.won)
        return inner_scores(coder, rows, data.folds, self.folds, spec, self.max_rounds)[0]

    def _margin(self, frame: pd.DataFrame) -> Floats:
        self._require_fitted()
        matrix, base_matrix = self.coder_.matrix(frame), self.base_coder_.matrix(frame)
        effect_sum = _effect_sum(frame)
        margin = np.empty(len(frame))
        for models, mask in self._judges(frame):
            total = np.zeros(int(mask.sum()))
            for model in models:
                base = model.base.raw(base_matrix[mask], self.threads)
                total += structured_margin(model.effects, base, effect_sum[mask])
                if model.residual is not None:
                    total += model.residual.raw(matrix[mask], self.threads)
            margin[mask] = total / len(models)
        return margin

    def _judges(self, frame: pd.DataFrame) -> list[tuple[list[FoldModel], Bools]]:
        """Which models predict which rows."""
        folds = account_folds(frame["account_id"], self.folds)
        is_known = np.isin(account_hashes(frame["account_id"]), self.accounts_)
        judges = [([model], is_known & (folds == fold)) for fold, model in enumerate(self.models_)]
        return [(models, mask) for models, mask in [*judges, (self.models_, ~is_known)] if mask.any()]

    def _artifact(self) -> Artifact:
        self._require_fitted()
        texts = {f"fold_{fold}_base": model.base.text for fold, model in enumerate(self.models_)}
        texts |= {f"fold_{f}_residual": m.residual.text for f, m in enumerate(self.models_) if m.residual is not None}
        facts = {
            **self._settings(),
            "coder": self.coder_.to_dict(),
            "base_coder": self.base_coder_.to_dict(),
            "accounts": [f"{account:016x}" for account in self.accounts_.tolist()],
            "calibrator": {"slope": self.calibrator_.slope, "intercept": self.calibrator_.intercept},
            "effects": [model.effects.to_dict() for model in self.models_],
        }
        return Artifact(KIND, facts, texts)

    def _require_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise NotFittedError("This OutcomeModel is not fitted. Call `fit`, or `load` a saved one.")


@dataclass(frozen=True)
class Training:
    """What a fit works on, all in the order of the deals: doses, frame, outcomes (deals,), folds (deals,)."""

    design: DoseDesign
    frame: pd.DataFrame
    won: Floats
    folds: npt.NDArray[np.int64]


def check_outcomes(won: Floats) -> None:
    """Raises ``TrainingDataError`` when there are no won or no lost deals."""
    for value, name in ((0.0, "lost"), (1.0, "won")):
        if not (won == value).any():
            raise TrainingDataError(
                f"There are no {name} deals among the {len(won):,} closed ones: a model cannot be trained. "
                "The rule methods (first_touch, last_touch, linear) still work."
            )


def _effect_sum(frame: pd.DataFrame) -> Floats:
    return frame[EFFECT_SUM].to_numpy(dtype=np.float64, na_value=0.0) / MILLION
