"""The amount model: what a won deal is worth, given the deal and the partners on it.

LightGBM with squared loss on the logarithm of the amount, cross-fitted over account folds like the outcome model.
"""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.exceptions import NotFittedError

from features.frame import FrameSpec
from models.boosting import Booster, BoosterSpec, Floats, Rows
from models.columns import ColumnCoder, feature_names
from models.crossfit import cross_fit
from models.persistence import Artifact
from models.pooling import deal_frame
from models.saved import SavedModel
from models.splits import account_folds

KIND: Final = "amount"
LEAVE_OUT: Final = ("amount",)


class AmountModel(RegressorMixin, SavedModel):  # type: ignore[misc]
    """Cross-fitted expected amount of a deal, should it be won.

    Parameters are those of ``OutcomeModel``. All amounts must be in one currency, and so are the predictions.

    Attributes
    ----------
    boosters_ : the booster of each fold, on log(1 + amount).
    smearing_ : mean of exp(residual) out of fold; turns exp(predicted log) into a mean. Duan (1983).
    coder_ : coder of the features.
    fitted_log_amount_ : (deals,) out-of-fold predictions of log(1 + amount), indexed by ``deal_id``; none when loaded.
    """

    kind = KIND
    extra_columns: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        folds: int = 5,
        seed: int = 0,
        threads: int = 1,
        params: dict[str, Any] | None = None,
        monotone: dict[str, int] | None = None,
        leave_out: tuple[str, ...] = (),
        max_rounds: int = 150,
        spec: FrameSpec | None = None,
    ) -> None:
        self.folds = folds
        self.seed = seed
        self.threads = threads
        self.params = params
        self.monotone = monotone
        self.leave_out = leave_out
        self.max_rounds = max_rounds
        self.spec = spec

    def fit(self, base: pd.DataFrame, members: pd.DataFrame, amount: pd.Series) -> Self:
        """Fits on won deals with an ``amount`` >= 0 for each row of ``base``, in its order.

        Raises ``TrainingDataError`` when their accounts are too few for the folds.
        """
        order = np.argsort(base["deal_id"].astype(str).to_numpy(), kind="stable")
        base, target = base.iloc[order].reset_index(drop=True), np.log1p(amount.to_numpy(dtype=np.float64)[order])
        frame = deal_frame(base, members[members["deal_id"].isin(base["deal_id"])])
        names = feature_names(frame, (*LEAVE_OUT, *self.leave_out))
        self.coder_ = ColumnCoder.fit(frame, names)
        spec = BoosterSpec(
            {"objective": "regression", **(self.params or {})}, self.monotone or {}, self.seed, self.threads
        )
        rows, folds = Rows(self.coder_.matrix(frame), target), account_folds(base["account_id"], self.folds)
        fitted = cross_fit(self.coder_, rows, folds, self.folds, spec, self.max_rounds)
        self.boosters_ = list(fitted.boosters)
        self.smearing_ = round(float(np.exp(target - fitted.outer).mean()), 6)
        self.fitted_log_amount_ = pd.Series(fitted.outer, index=pd.Index(base["deal_id"], name="deal_id"))
        return self

    def predict_log(self, frame: pd.DataFrame) -> Floats:
        """Predicted log(1 + amount) of each row (n,); ``frame`` has the features and ``account_id``."""
        if not hasattr(self, "boosters_"):
            raise NotFittedError("This AmountModel is not fitted. Call `fit`, or `load` a saved one.")
        matrix, folds = self.coder_.matrix(frame), account_folds(frame["account_id"], self.folds)
        predicted = np.empty(len(frame))
        for fold in np.unique(folds):
            predicted[folds == fold] = self.boosters_[fold].raw(matrix[folds == fold], self.threads)
        return predicted

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Expected amount of each row (n,), in the currency of the training amounts, > -1."""
        amounts: Floats = np.exp(self.predict_log(frame)) * self.smearing_ - 1
        return amounts

    @classmethod
    def _from(cls, artifact: Artifact, threads: int) -> Self:
        facts = artifact.facts
        model = cls._unfitted(facts, threads)
        model.coder_ = ColumnCoder.from_dict(facts["coder"])
        model.smearing_ = facts["smearing"]
        model.boosters_ = [Booster(model.coder_, artifact.texts[f"fold_{i}"]) for i in range(len(artifact.texts))]
        return model

    def _artifact(self) -> Artifact:
        facts = {**self._settings(), "coder": self.coder_.to_dict(), "smearing": self.smearing_}
        return Artifact(KIND, facts, {f"fold_{i}": booster.text for i, booster in enumerate(self.boosters_)})
