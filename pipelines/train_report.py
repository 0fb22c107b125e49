"""What a training run found, for people and for the report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from models.evaluation import MODEL, PRIOR, WITH, WITHOUT, Evaluation
from models.leaks import Leak
from models.metrics import Estimate
from models.selection import Selection
from models.splits import Split
from pipelines.amounts import AmountResult
from pipelines.challenge import Challenge
from pipelines.console import text_table

TITLES: Final = {
    PRIOR: "overall win rate",
    WITHOUT: "logistic, no partners",
    WITH: "logistic, with partners",
    "median": "median amount",
    "ridge_without_partners": "ridge, no partners",
    "ridge_with_partners": "ridge, with partners",
    MODEL: "this model",
}
COLUMNS: Final = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log-loss",
    "brier": "Brier",
    "ece": "ECE",
    "rmse_log": "RMSE of log",
    "mae_log": "MAE of log",
    "r2_log": "R2 of log",
}


@dataclass(frozen=True)
class TrainReport:
    """The result of ``pipelines.train.train``."""

    run_id: str
    model_version: str
    trained_at: str
    data_fingerprint: str
    code_version: str
    n_deals: int
    n_won: int
    split: Split
    evaluation: Evaluation
    leaks: tuple[Leak, ...]
    allowed: frozenset[str]
    challenge: Challenge
    amount: AmountResult
    selection: Selection

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values; a number that is not one becomes null."""
        return {
            "run_id": self.run_id,
            "model_version": self.model_version,
            "trained_at": self.trained_at,
            "data_fingerprint": self.data_fingerprint,
            "code_version": self.code_version,
            "deals": {"closed": self.n_deals, "won": self.n_won},
            "split": {
                "train_deals": int(self.split.train.sum()),
                "test_deals": int(self.split.test.sum()),
                "dropped_deals": self.split.n_dropped,
                "test_from": None if self.split.cut_at is None else self.split.cut_at.isoformat(),
                "sentence": self.split.sentence,
            },
            "metrics": _metrics(self.evaluation),
            "gain": _estimates(self.evaluation.gain),
            "verdict": list(self.evaluation.verdict),
            "leaks": [self._leak(leak) for leak in self.leaks],
            "promotion": {"promoted": self.challenge.promote, "sentence": self.challenge.sentence},
            "amount": self._amount(),
            "selection": self.selection.to_dict(),
        }

    def text(self) -> str:
        """As a table and sentences."""
        lines = [self.split.sentence, "", _table(self.evaluation), "", *self.evaluation.verdict]
        if self.leaks:
            lines += ["", "Suspected leaks:", *(f"  {self._leak(leak)['reason']}" for leak in self.leaks)]
            lines += ["  Keep a column with --allow-leak COLUMN."] if self._has_barred() else []
        lines += ["", f"Outcome model {self.model_version}. {self.challenge.sentence}", "", self.selection.sentence]
        lines += ["", self.amount.sentence]
        if self.amount.evaluation is not None and self.amount.challenge is not None:
            lines += [
                "",
                _table(self.amount.evaluation),
                "",
                *self.amount.evaluation.verdict,
                self.amount.challenge.sentence,
            ]
        return "\n".join(lines)

    def _has_barred(self) -> bool:
        return any(leak.column not in self.allowed for leak in self.leaks)

    def _leak(self, leak: Leak) -> dict[str, Any]:
        is_allowed = leak.column in self.allowed
        done = "Kept, as allowed." if is_allowed else _REMEDIES[leak.remedy]
        return {**leak.to_dict(), "allowed": is_allowed, "reason": f"{leak.sentence} {done}"}

    def _amount(self) -> dict[str, Any]:
        evaluation, versus = self.amount.evaluation, self.amount.challenge
        if evaluation is None or versus is None or self.amount.model is None:
            return {"sentence": self.amount.sentence}
        return {
            "sentence": self.amount.sentence,
            "model_version": self.amount.model.version,
            "metrics": _metrics(evaluation),
            "gain": _estimates(evaluation.gain),
            "verdict": list(evaluation.verdict),
            "promotion": {"promoted": versus.promote, "sentence": versus.sentence},
        }


_REMEDIES: Final = {"drop": "Left out of the model.", "coarsen": "The model sees its decile only."}


def _metrics(evaluation: Evaluation) -> dict[str, dict[str, dict[str, float | None]]]:
    return {name: _estimates(metrics) for name, metrics in evaluation.metrics.items()}


def _estimates(estimates: dict[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"value": _finite(e.value), "lo": _finite(e.lo), "hi": _finite(e.hi)} for name, e in estimates.items()
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _table(evaluation: Evaluation) -> str:
    metrics = list(evaluation.metrics[MODEL])
    order = [name for name in TITLES if name in evaluation.metrics]
    rows = [[TITLES[name], *(_cell(evaluation.metrics[name][metric]) for metric in metrics)] for name in order]
    return text_table(["", *(COLUMNS[metric] for metric in metrics)], rows)


def _cell(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return "-"
    return f"{estimate.value:.3f} [{estimate.lo:.3f}, {estimate.hi:.3f}]"
