"""Whether a partner helped, and how: one linear model a class over words, clauses and the turns around them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from features.assist.documents import Documents, documents
from features.assist.encoding import named_encoder
from features.assist.taxonomy import taxonomy
from features.assist.views import views
from models.assist.cues import Cue, cues
from models.assist.terms import Terms
from models.assist.thresholds import Thresholds
from models.calibration import PlattCalibrator

__all__ = ["AssistClassifier", "Linear", "probabilities"]

Floats = npt.NDArray[np.float64]
COST: Final = 4.0
"""Inverse strength of the ridge of each class's logistic regression; between 2 and 8 nothing changes."""
MAX_TERMS: Final = 150_000
"""Features that are kept: those with the greatest weight in any class. Fewer cost accuracy, more only size."""
THOUSAND: Final = np.float32(1000)
_TINY: Final = 1e-6


@dataclass(frozen=True)
class Linear:
    """A logistic regression a class of the taxonomy: ``weights`` (n_terms, n_classes), ``intercepts`` (n_classes,)."""

    terms: Terms
    weights: npt.NDArray[np.float32]
    intercepts: Floats

    @classmethod
    def fit(cls, found: Documents, labels: Sequence[str], importance: Floats) -> Linear:
        """Fits on all features, and keeps the ``MAX_TERMS`` with the greatest weights, in thousandths.

        Parameters
        ----------
        found : from ``features.assist.documents``, one list a row in every family.
        labels : class of each row. ``importance`` : weight of each row, > 0.
        """
        terms = Terms.fit(found)
        matrix, truth = terms.matrix(found), np.asarray(labels, dtype=object)
        fits = [_one(matrix, truth == name, importance) for name in taxonomy().ids]
        weights = np.stack([weight for weight, _ in fits], axis=1)
        is_kept = _greatest(np.abs(weights).max(axis=1), MAX_TERMS)
        rounded = (weights[is_kept] * THOUSAND).round().astype(np.int16).astype(np.float32) / THOUSAND
        return cls(terms.kept(is_kept), rounded, np.array([intercept for _, intercept in fits]).round(6))

    def thousandths(self) -> npt.NDArray[np.int16]:
        """The weights as they are saved, shape (n_terms, n_classes)."""
        return (self.weights * THOUSAND).round().astype(np.int16)

    def rounded_intercepts(self) -> list[float]:
        """The intercepts as they are saved."""
        return [round(float(value), 6) for value in self.intercepts]

    def margins(self, found: Documents) -> Floats:
        """Log-odds of each class against the others, shape (rows, n_classes)."""
        product: Floats = np.asarray(self.terms.matrix(found) @ self.weights, dtype=np.float64) + self.intercepts
        return product


@dataclass(frozen=True)
class AssistClassifier:
    """The model of assists: ``linear`` and how its sums become probabilities and decisions.

    An utterance's probability that it is an assist is the sum of its assist types', calibrated by a line on log-odds.
    It is trained on all classes at once, because what is no assist for one reason or another has little in common.
    ``encoder`` names the user's own encoder that it was trained with, if any.
    """

    linear: Linear
    calibrator: PlattCalibrator
    thresholds: Thresholds
    encoder: str | None = None

    @cached_property
    def version(self) -> str:
        """Twelve hex digits of a hash of everything that decides a probability."""
        line = [self.calibrator.slope, self.calibrator.intercept, self.thresholds.common, self.thresholds.unlisted]
        facts = [self.encoder, line, sorted(self.thresholds.of_type.items()), self.linear.rounded_intercepts()]
        names = {family: list(features) for family, features in self.linear.terms.known.items()}
        digest = hashlib.sha256(json.dumps([facts, names]).encode())
        digest.update(self.linear.terms.frequencies().tobytes())
        digest.update(self.linear.thousandths().tobytes())
        return digest.hexdigest()[:12]

    def predict(self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        """What the model says of each pair of an utterance and a candidate partner.

        Parameters
        ----------
        utterances, mentions, pairs : see ``features.assist.views.views``.

        Returns
        -------
        Indexed as ``pairs``: ``p_assist``, calibrated; ``label``, the class decided for; and a column for each class
        of the taxonomy: probabilities that add up to 1, those of the assist types to ``p_assist``.
        """
        own = None if self.encoder is None else named_encoder(self.encoder)
        return self.judged(documents(views(utterances, mentions, pairs), encoder=own), pairs["partner_id"])

    def why(
        self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame, labels: Sequence[str]
    ) -> list[list[Cue]]:
        """What in the words of each pair speaks for its label; see ``models.assist.cues.cues``."""
        own = None if self.encoder is None else named_encoder(self.encoder)
        seen = views(utterances, mentions, pairs)
        found = documents(seen, encoder=own)
        return cues(self.linear.terms, self.linear.weights, seen["text"].tolist(), found, labels)

    def judged(self, found: Documents, partners: pd.Series) -> pd.DataFrame:
        """The same of rows of features and their pairs' partners, missing where it is not known."""
        return decisions(self.linear.margins(found), self.calibrator, self.thresholds, partners)


def probabilities(margins: Floats) -> Floats:
    """Uncalibrated probabilities of the classes, each row adding up to 1."""
    each = expit(margins)
    shares: Floats = each / each.sum(axis=1, keepdims=True)
    return shares


def raw_logit(margins: Floats) -> Floats:
    """Uncalibrated log-odds that it is an assist, shape (rows,)."""
    assist = probabilities(margins)[:, : len(taxonomy().assist_ids)].sum(axis=1)
    odds: Floats = logit(np.clip(assist, _TINY, 1 - _TINY))
    return odds


def decisions(
    margins: Floats, calibrator: PlattCalibrator, thresholds: Thresholds, partners: pd.Series
) -> pd.DataFrame:
    """Calibrated probabilities and the class decided for; see ``AssistClassifier.predict``."""
    kinds = taxonomy()
    n_assists = len(kinds.assist_ids)
    shares = probabilities(margins)
    p_assist = calibrator.probability(raw_logit(margins))
    assist = shares[:, :n_assists] / shares[:, :n_assists].sum(axis=1, keepdims=True) * p_assist[:, None]
    other = shares[:, n_assists:] / shares[:, n_assists:].sum(axis=1, keepdims=True) * (1 - p_assist)[:, None]
    best = np.array(kinds.assist_ids, dtype=object)[assist.argmax(axis=1)]
    is_assist = p_assist >= thresholds.of(best, partners.notna().to_numpy(dtype=bool))
    label = np.where(is_assist, best, np.array(kinds.other_ids, dtype=object)[other.argmax(axis=1)])
    frame = pd.DataFrame(np.hstack([assist, other]), columns=list(kinds.ids), index=partners.index)
    frame.insert(0, "label", label)
    frame.insert(0, "p_assist", p_assist)
    return frame


def _greatest(strength: Floats, n: int) -> npt.NDArray[np.bool_]:
    """Mask of the ``n`` greatest; of equal ones the first."""
    is_kept = np.zeros(len(strength), dtype=bool)
    is_kept[np.argsort(-strength, kind="stable")[:n]] = True
    return is_kept


def _one(matrix: sp.csr_matrix, is_class: npt.NDArray[np.bool_], importance: Floats) -> tuple[Floats, float]:
    """Weights and intercept of one class; a class without an example is never likely."""
    if not is_class.any():
        return np.zeros(matrix.shape[1]), -20.0
    model = LogisticRegression(C=COST, solver="liblinear", dual=True, max_iter=200, tol=0.1, random_state=0)
    model.fit(matrix, is_class, sample_weight=importance)
    return model.coef_[0], float(model.intercept_[0])
