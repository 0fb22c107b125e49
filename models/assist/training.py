"""Fits the model of assists, and tells how it does on authors whom it has not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assist.documents import Documents, documents
from features.assist.encoding import named_encoder
from features.assist.examples import Examples, without_lists
from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier, Linear, decisions, raw_logit
from models.assist.thresholds import Thresholds
from models.assist_scores import author_folds
from models.calibration import PlattCalibrator

__all__ = ["Sample", "Trained", "held_margins", "sampled", "trained"]

Floats = npt.NDArray[np.float64]
FOLDS: Final = 5
UNLISTED_WEIGHT: Final = 0.5
"""Weight of a pair shown a second time, as if its partner stood on no list, beside 1 for the pair itself."""


@dataclass(frozen=True)
class Sample:
    """What is learned from: features, and a row each in ``rows``.

    ``rows`` has ``utterance_id``, ``partner_id``, ``conversation_id``, ``author``, ``label``, ``weight`` (> 0) and
    ``is_copy`` (a pair shown a second time, which is no further evidence to evaluate on). ``encoder`` names the user's
    own encoder that made some of the features.
    """

    rows: pd.DataFrame
    found: Documents
    encoder: str | None = None

    def only(self, is_kept: npt.NDArray[np.bool_]) -> Sample:
        """Some of the rows, by a mask."""
        places = np.flatnonzero(is_kept)
        kept = {family: [rows[place] for place in places] for family, rows in self.found.items()}
        return replace(self, rows=self.rows[is_kept].reset_index(drop=True), found=kept)


@dataclass(frozen=True)
class Trained:
    """The model, and its ``held`` decisions on authors that the deciding fit had not read.

    ``held`` has the columns of ``models.assist_scores.HELD_COLUMNS`` and ``author``.
    """

    model: AssistClassifier
    held: pd.DataFrame


def sampled(parts: Iterable[tuple[Examples, float]], encoder: str | None = None) -> Sample:
    """Features of examples, each part with its weight, and of named partners a second time as if unlisted.

    ``encoder`` is a user's own, as ``features.assist.encoding.named_encoder`` finds it.
    """
    rows, seen = [], []
    for made, weight in parts:
        for shown, factor in ((made, 1.0), (without_lists(made), UNLISTED_WEIGHT)):
            rows.append(shown.pairs.assign(weight=weight * factor, is_copy=factor < 1))
            seen.append(shown.seen)
    own = None if encoder is None else named_encoder(encoder)
    found = documents(pd.concat(seen, ignore_index=True), encoder=own)
    return Sample(pd.concat(rows, ignore_index=True), found, encoder)


def trained(sample: Sample, n_folds: int = FOLDS) -> Trained:
    """Fits the model on all rows; calibration and thresholds come from fits that left the row's author out.

    Raises
    ------
    ValueError
        When there are fewer authors than two.
    """
    margins = held_margins(sample, n_folds)
    rows = sample.rows[~sample.rows["is_copy"]].reset_index(drop=True)
    is_assist = rows["label"].isin(taxonomy().assist_ids).to_numpy()
    calibrator = PlattCalibrator.fit(raw_logit(margins), is_assist.astype(np.float64))
    undecided = decisions(margins, calibrator, Thresholds(), rows["partner_id"])
    best = undecided[list(taxonomy().assist_ids)].idxmax(axis=1).astype(object).to_numpy()
    is_listed = rows["partner_id"].notna().to_numpy(dtype=bool)
    thresholds = Thresholds.fit(undecided["p_assist"].to_numpy()[is_listed], best[is_listed], is_assist[is_listed])
    decided = decisions(margins, calibrator, thresholds, rows["partner_id"])
    held = rows[["utterance_id", "partner_id", "conversation_id", "author", "label"]].assign(
        decided=decided["label"], p_assist=decided["p_assist"]
    )
    return Trained(AssistClassifier(_fitted(sample), calibrator, thresholds, sample.encoder), held)


def held_margins(sample: Sample, n_folds: int = FOLDS) -> Floats:
    """Log-odds (rows that are no copy, n_classes) by fits on the other folds' authors."""
    if sample.rows["author"].nunique() < 2:
        raise ValueError("The labelled conversations have one author; give those of two or more, to hold one out.")
    folds = author_folds(sample.rows["author"], min(n_folds, sample.rows["author"].nunique()))
    is_copy = sample.rows["is_copy"].to_numpy(dtype=bool)
    margins = np.zeros((len(sample.rows), len(taxonomy().ids)))
    for fold in range(folds.max() + 1):
        is_held = (folds == fold) & ~is_copy
        margins[is_held] = _fitted(sample.only(folds != fold)).margins(sample.only(is_held).found)
    kept: Floats = margins[~is_copy]
    return kept


def _fitted(sample: Sample) -> Linear:
    return Linear.fit(sample.found, sample.rows["label"].tolist(), sample.rows["weight"].to_numpy(dtype=np.float64))
