"""What training the model of assists found, for people and for the report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from models.assist_scores import Scores
from models.metrics import Estimate
from pipelines.challenge import Challenge
from pipelines.console import text_table

__all__ = ["AssistReport", "ReviewEffect"]

SHOWN: Final = {"pr_auc": "PR-AUC", "roc_auc": "ROC-AUC", "ece": "ECE", "log_loss": "log-loss"}


@dataclass(frozen=True)
class ReviewEffect:
    """What judgements changed against a model without them, on what neither had seen.

    ``n_examples`` turns come from ``n_reviews`` judgements; of these turns, ``n_changed`` are decided otherwise. The
    gains are differences of metrics, positive where the judgements made them greater, on the ``shipped`` conversations
    and on the ``reviewed`` ones.
    """

    n_reviews: int
    n_examples: int
    n_changed: int
    shipped: dict[str, Estimate]
    reviewed: dict[str, Estimate]

    @property
    def sentence(self) -> str:
        """In words."""
        gains = " and ".join(
            f"{_signed(gain['pr_auc'])} on {where}"
            for where, gain in (("the reviewed turns", self.reviewed), ("the shipped ones", self.shipped))
            if gain and math.isfinite(gain["pr_auc"].value)
        )
        changed = (
            f"{self.n_reviews:,} judgements of {self.n_examples:,} turns decide {self.n_changed:,} of them otherwise"
        )
        return f"{changed}; PR-AUC {gains}." if gains else f"{changed}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "reviews": self.n_reviews,
            "examples": self.n_examples,
            "changed": self.n_changed,
            "gain_on_shipped": _estimates(self.shipped),
            "gain_on_reviewed": _estimates(self.reviewed),
        }


@dataclass(frozen=True)
class AssistReport:
    """The result of ``pipelines.train_assist.train_assist``.

    ``scores`` are of held-out authors and conversations. ``curve`` has ``n_conversations``, ``pr_auc`` and ``f1``, a
    row a size; empty when it was not asked for.
    """

    run_id: str
    model_version: str
    trained_at: str
    code_version: str
    n_conversations: int
    n_authors: int
    scores: Scores
    challenge: Challenge
    reviews: ReviewEffect | None
    curve: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not a number is null."""
        scores = self.scores
        return {
            "run_id": self.run_id,
            "model_version": self.model_version,
            "trained_at": self.trained_at,
            "code_version": self.code_version,
            "conversations": self.n_conversations,
            "authors": self.n_authors,
            "examples": scores.n,
            "assists": scores.n_assists,
            "metrics": _estimates(scores.binary),
            "decisions": {name: _finite(getattr(scores, name)) for name in ("precision", "recall", "f1", "macro_f1")},
            "classes": [
                {str(k): _finite(v) if isinstance(v, float) else v for k, v in row.items()}
                for row in scores.by_class.to_dict("records")
            ],
            "reviews": None if self.reviews is None else self.reviews.to_dict(),
            "learning_curve": self.curve.to_dict("records"),
            "promotion": {"promoted": self.challenge.promote, "sentence": self.challenge.sentence},
        }

    def text(self) -> str:
        """As tables and sentences."""
        scores = self.scores
        lines = [
            f"{scores.n:,} turns and partners of {self.n_conversations:,} conversations, {scores.n_assists:,} assists.",
            "Each is judged by a model that saw nothing of its author.",
            "",
            text_table(["Is it an assist", "value", "95 % interval"], self._binary(), right=[1]),
            "",
            text_table(["Which class", "n", "precision", "recall", "F1"], self._classes(), right=[1, 2, 3, 4]),
            "",
            f"F1 of the decision {_number(scores.f1)}, mean F1 of the assist types {_number(scores.macro_f1)}.",
        ]
        if len(self.curve):
            columns = (self.curve[name] for name in ("n_conversations", "pr_auc", "f1"))
            rows = [[f"{n:,}", _number(area), _number(f1)] for n, area, f1 in zip(*columns, strict=True)]
            lines += ["", text_table(["Conversations", "PR-AUC", "F1"], rows, right=[0, 1, 2])]
        if self.reviews is not None:
            lines += ["", f"What reviews changed: {self.reviews.sentence}"]
        return "\n".join([*lines, "", f"Assist model {self.model_version}. {self.challenge.sentence}"])

    def _binary(self) -> list[list[str]]:
        return [
            [title, _number(self.scores.binary[name].value), _interval(self.scores.binary[name])]
            for name, title in SHOWN.items()
        ]

    def _classes(self) -> list[list[str]]:
        classes = taxonomy()
        return [
            [
                classes[row["class"]].name,
                f"{row['n']:,}",
                *(_number(row[name]) for name in ("precision", "recall", "f1")),
            ]
            for row in self.scores.by_class.to_dict("records")
            if row["n"]
        ]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.lo:+.3f}, {estimate.hi:+.3f}]"


def _interval(estimate: Estimate) -> str:
    return f"{_number(estimate.lo)} to {_number(estimate.hi)}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _estimates(estimates: dict[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {n: {"value": _finite(e.value), "lo": _finite(e.lo), "hi": _finite(e.hi)} for n, e in estimates.items()}
