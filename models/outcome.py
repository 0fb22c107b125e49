"""The outcome model: how likely a deal is to be won, given the deal and the partners on it.

Three parts add up in log-odds, each fitted on what the ones before it leave:

1. LightGBM on the deal itself (base features), cross-fitted over account folds;
2. partially pooled partner effects x saturating doses (``models.partner_effects``), with the honest margin of 1 as
   offset, estimated among deals that lived alike (``models.comparable``);
3. if wished, LightGBM on the deal and its pooled partner features, started from 1 + 2, among the same deals, where
   held-out ones justify it.

The sum is calibrated on out-of-fold predictions. How much of the partners' coalition credit is theirs, and how much is
selection, is found beside it (``models.selection``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.exceptions import NotFittedError

from features.frame import FrameSpec
from models.boosting import Bools, Booster, BoosterSpec, Floats
from models.calibration import PlattCalibrator
from models.columns import ColumnCoder, feature_names
from models.crossfit import TrainingDataError
from models.partner_effects import EFFECT, EFFECT_SUM, MILLION, PartnerEffects, structured_margin
from models.parts import Recipe, Training, fit_parts
from models.persistence import Artifact
from models.pooling import deal_frame
from models.prepared import PreparedOutcome, PreparedResiduals
from models.saved import SavedModel
from models.selection import Selection
from models.splits import account_folds, account_hashes, among
from models.team import Team

KIND: Final = "outcome"
BIAS: Final = "bias"
SEGMENT: Final = "segment"


@dataclass(frozen=True)
class FoldModel:
    """The boosters of one fold: they predict that fold's accounts and were fitted on all others."""

    base: Booster
    residual: Booster | None


class OutcomeModel(ClassifierMixin, SavedModel):  # type: ignore[misc]
    """Calibrated, cross-fitted win probability.

    A deal of an account that was trained on is predicted by the boosters of the account's fold (a hash of
    ``account_id``), which never saw it; a deal of any other account by the mean, in log-odds, of all the folds'. So no
    deal is ever predicted by trees that saw its account. The partner effects, one number a partner drawn toward its
    type, are estimated from all deals.

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
    max_rounds, residual_rounds : most trees of parts 1 and 3. Without residual rounds, which is usual, there is no part
        3: where it predicted better, by what recency and pace tell of a deal's end, credit was farther from the truth.
    hidden_selection : how strongly hidden promise is taken to draw partners, in units of what shows; >= 0. See
        ``models.selection``; it moves credit, not predictions.
    spec : the recipe of the frames, kept so that scoring builds the same features.

    Attributes
    ----------
    models_ : ``FoldModel`` of each fold.
    effects_ : the partners' effects.
    selection_ : the part of the partners' coalition credit that is theirs.
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
        residual_rounds: int = 0,
        hidden_selection: float = 0.5,
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
        self.hidden_selection = hidden_selection
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
        team = Team.build(members, base["deal_id"], by_segment=SEGMENT not in self.leave_out)
        data = Training(team, frame, frozenset(map(str, base.columns)), target, folds)
        parts = fit_parts(data, self._recipe(), self.base_coder_, self.coder_)
        self.models_ = [FoldModel(*boosters) for boosters in zip(parts.base, parts.residuals, strict=True)]
        self.effects_, self.calibrator_, self.selection_ = parts.effects, parts.calibrator, parts.selection
        self.accounts_ = np.unique(account_hashes(base["account_id"]))
        probability = self.calibrator_.probability(parts.margin)
        self.fitted_probability_ = pd.Series(probability, index=pd.Index(base["deal_id"], name="deal_id"))
        self.classes_ = np.array([0, 1])
        return self

    @property
    def partners_part(self) -> float:
        """The part of coalition credit that is the partners' own; the rest is selection."""
        self._require_fitted()
        return self.selection_.part

    @property
    def part_deviation(self) -> float:
        """Standard deviation of ``partners_part``."""
        self._require_fitted()
        return self.selection_.deviation

    def member_deviations(self, members: pd.DataFrame) -> Floats:
        """Standard deviation of what each member row adds to the calibrated log-odds (n,), by the sampling of deals."""
        self._require_fitted()
        return self.calibrator_.slope * self.effects_.deviations(members)

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        """``members`` with the model's own columns (``extra_columns``) added: whole millionths, to be pooled by sum.

        Needs ``partner_id``, ``partner_type``, ``deal_segment`` and the touches by kind.
        """
        self._require_fitted()
        return members.assign(**{EFFECT: self.effects_.encoded(members)})

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
                structured_margin(self.effects_, m.base.raw(base_matrix[mask], self.threads), np.zeros(mask.sum()))
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
                part[:, base_positions] += self.effects_.slope * base
                part[:, -1] += self.effects_.intercept
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
        model.effects_ = PartnerEffects.from_dict(facts["effects"])
        model.selection_ = Selection(**facts["selection"])
        model.models_ = [
            FoldModel(
                Booster(model.base_coder_, texts[f"fold_{fold}_base"]),
                Booster(model.coder_, texts[f"fold_{fold}_residual"]) if f"fold_{fold}_residual" in texts else None,
            )
            for fold in range(model.folds)
        ]
        model.accounts_ = np.array([int(account, 16) for account in facts["accounts"]], dtype=np.uint64)
        model.classes_ = np.array([0, 1])
        return model

    def _recipe(self) -> Recipe:
        spec = BoosterSpec(self.params or {}, self.monotone or {}, self.seed, self.threads)
        return Recipe(
            folds=self.folds,
            spec=spec,
            coarsen=self.coarsen,
            leave_out=self.leave_out,
            max_rounds=self.max_rounds,
            residual_rounds=self.residual_rounds,
            hidden_selection=self.hidden_selection,
        )

    def _margin(self, frame: pd.DataFrame) -> Floats:
        self._require_fitted()
        matrix, base_matrix = self.coder_.matrix(frame), self.base_coder_.matrix(frame)
        effect_sum = _effect_sum(frame)
        margin = np.empty(len(frame))
        for models, mask in self._judges(frame):
            total = np.zeros(int(mask.sum()))
            for model in models:
                base = model.base.raw(base_matrix[mask], self.threads)
                total += structured_margin(self.effects_, base, effect_sum[mask])
                if model.residual is not None:
                    total += model.residual.raw(matrix[mask], self.threads)
            margin[mask] = total / len(models)
        return margin

    def _judges(self, frame: pd.DataFrame) -> list[tuple[list[FoldModel], Bools]]:
        """Which models predict which rows."""
        folds = account_folds(frame["account_id"], self.folds)
        is_known = among(account_hashes(frame["account_id"]), self.accounts_)
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
            "effects": self.effects_.to_dict(),
            "selection": self.selection_.to_dict(),
        }
        return Artifact(KIND, facts, texts)

    def _require_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise NotFittedError("This OutcomeModel is not fitted. Call `fit`, or `load` a saved one.")


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
