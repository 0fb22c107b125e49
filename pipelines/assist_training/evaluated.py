"""Held-out decisions of a model on other examples than its own, and how it grows with its data."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
import pandas as pd

from models.assist.classifier import AssistClassifier
from models.assist.training import Sample, trained
from models.assist_scores import HELD_COLUMNS, author_folds

__all__ = ["learning_curve", "said"]

SHARES: Final = (0.125, 0.25, 0.5, 1.0)
"""Shares of the training conversations at which the learning curve is measured."""
MIN_AUTHORS: Final = 2
"""Fewest authors of which one can be held out; smaller shares of few conversations are left out of the curve."""
logger: Final = logging.getLogger(__name__)


def said(model: AssistClassifier, sample: Sample) -> pd.DataFrame:
    """What a model says of the pairs, copies aside: ``HELD_COLUMNS``."""
    shown = sample.only(~sample.rows["is_copy"].to_numpy(dtype=bool))
    found = model.judged(shown.found, shown.rows["partner_id"])
    return shown.rows.assign(decided=found["label"], p_assist=found["p_assist"])[list(HELD_COLUMNS)]


def learning_curve(sample: Sample, n_folds: int, seed: int) -> pd.DataFrame:
    """Decisions on the first fold's authors by models of growing shares of the others' conversations.

    Returns ``HELD_COLUMNS`` and ``n_conversations``, how many the model had learned from.
    """
    is_test = author_folds(sample.rows["author"], n_folds) == 0
    test, conversation = sample.only(is_test), sample.rows["conversation_id"].astype(str)
    order = np.random.default_rng(seed).permutation(np.unique(conversation[~is_test]))
    parts = []
    for share in SHARES:
        n = round(share * len(order))
        part = sample.only(conversation.isin(order[:n]).to_numpy())
        if part.rows["author"].nunique() < MIN_AUTHORS:
            continue
        logger.info("Learning from %s conversations.", f"{n:,}")
        model = trained(part, n_folds).model
        parts.append(said(model, test).assign(n_conversations=n))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*HELD_COLUMNS, "n_conversations"])
