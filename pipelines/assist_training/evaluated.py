"""Held-out decisions: each author's, and each reviewed conversation's, by a model that saw nothing of theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from features.assist.reviewed import NOT_AN_ASSIST
from features.assist.taxonomy import taxonomy
from models.assist_scores import HELD_COLUMNS, author_folds
from pipelines.assist_training.examples import Examples
from pipelines.detecting.judge import Judge

__all__ = ["Fit", "held_out", "learning_curve", "said", "with_classes"]

Fit = Callable[[Examples], Judge]
"""Makes a model from examples."""
SHARES: Final = (0.125, 0.25, 0.5, 1.0)
"""Shares of the training conversations at which the learning curve is measured."""
logger: Final = logging.getLogger(__name__)


def held_out(fit: Fit, examples: Examples, n_folds: int, more: Examples | None = None) -> pd.DataFrame:
    """Decisions on every labelled pair by a model that saw nothing of its author: ``HELD_COLUMNS``.

    ``more`` are examples that every model may learn from and that are not judged.
    """
    folds = author_folds(examples.pairs["author"], n_folds)
    parts = []
    for fold in range(n_folds):
        is_test = folds == fold
        if not is_test.any():
            continue
        logger.info("Judging fold %s of %s.", fold + 1, n_folds)
        rest = examples.of(examples.pairs.loc[~is_test, "conversation_id"].unique())
        model = fit(rest if more is None else rest.joined(more))
        parts.append(said(model, examples.of(examples.pairs.loc[is_test, "conversation_id"].unique())))
    return pd.concat(parts, ignore_index=True)


def said(model: Judge, examples: Examples) -> pd.DataFrame:
    """What a model says of the labelled pairs: ``HELD_COLUMNS``."""
    found = model.predict(examples.utterances, examples.mentions, examples.pairs)
    held = examples.pairs.assign(decided=found["label"].to_numpy(), p_assist=found["p_assist"].to_numpy())
    return held.loc[examples.labelled, list(HELD_COLUMNS)].reset_index(drop=True)


def with_classes(model: Judge, examples: Examples) -> Examples:
    """Examples of which it is only known that they are no assist, with the class that the model finds likeliest."""
    unnamed = examples.pairs["label"].eq(NOT_AN_ASSIST)
    if not unnamed.any():
        return examples
    others = list(taxonomy().other_ids)
    found = model.predict(examples.utterances, examples.mentions, examples.pairs)
    likeliest = found[others].idxmax(axis=1).to_numpy()
    label = examples.pairs["label"].mask(unnamed, pd.Series(likeliest, index=examples.pairs.index))
    return Examples(examples.utterances, examples.mentions, examples.pairs.assign(label=label))


def learning_curve(fit: Fit, examples: Examples, n_folds: int, seed: int) -> pd.DataFrame:
    """Decisions on the first fold's authors by models of growing shares of the others' conversations.

    Returns ``HELD_COLUMNS`` and ``n_conversations``, how many the model had learned from.
    """
    is_test = author_folds(examples.pairs["author"], n_folds) == 0
    test = examples.of(examples.pairs.loc[is_test, "conversation_id"].unique())
    rest = np.sort(examples.pairs.loc[~is_test, "conversation_id"].unique().astype(str))
    order = np.random.default_rng(seed).permutation(rest)
    parts = []
    for share in SHARES:
        n = max(1, round(share * len(order)))
        logger.info("Learning from %s conversations.", f"{n:,}")
        parts.append(said(fit(examples.of(order[:n])), test).assign(n_conversations=n))
    return pd.concat(parts, ignore_index=True)
