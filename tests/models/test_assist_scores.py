"""Scores of held-out decisions about turns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.assist_scores import author_folds, compared, scored

CLASSES = ("save", "price", "neutral", "background")
ASSISTS = ("save", "price")


def held(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Label, decision and probability; each is a conversation of its own."""
    frame = pd.DataFrame(rows, columns=["label", "decided", "p_assist"])
    ids = [f"u{n}" for n in range(len(frame))]
    return frame.assign(utterance_id=ids, partner_id=None, conversation_id=ids)


ROWS = held(
    ("save", "save", 0.9),
    ("save", "price", 0.8),
    ("price", "neutral", 0.3),
    ("neutral", "neutral", 0.2),
    ("background", "save", 0.6),
    ("background", "background", 0.0),
)


def test_each_class_and_the_binary_decision_have_precision_recall_and_f1() -> None:
    scores = scored(ROWS, CLASSES, ASSISTS, samples=50, seed=0)
    assert list(scores.by_class.set_index("class").loc["save"]) == [2, 2, 0.5, 0.5, 0.5]
    assert list(scores.by_class.set_index("class").loc["price"]) == [1, 1, 0.0, 0.0, 0.0]
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert scores.macro_f1 == 0.25
    assert list(scores.confusion.loc["save"]) == [1, 1, 0, 0]
    assert (scores.n, scores.n_assists) == (6, 3)


def test_what_is_not_a_number_is_left_out_of_the_numbers() -> None:
    numbers = scored(held(("save", "save", 0.9), ("neutral", "neutral", 0.1)), CLASSES, ASSISTS, 50, 0).numbers()
    assert numbers["pr_auc"] == numbers["save.f1"] == 1.0
    assert "price.f1" not in numbers


def test_a_better_ranking_of_the_same_examples_shows_and_others_do_not_count() -> None:
    worse = ROWS.assign(p_assist=1 - ROWS["p_assist"]).iloc[::-1]
    gain = compared(ROWS, pd.concat([worse, held(("save", "save", 1.0)).assign(utterance_id="z")]), ASSISTS, 200, 0)
    assert gain["roc_auc"].value == pytest.approx(8 / 9 - 1 / 9)
    assert gain["roc_auc"].lo < gain["roc_auc"].value < gain["roc_auc"].hi
    same = compared(ROWS, ROWS, ASSISTS, 50, 0)["pr_auc"]
    assert (same.value, same.lo, same.hi) == (0, 0, 0)


def test_nothing_in_common_is_no_comparison() -> None:
    assert compared(ROWS, ROWS.assign(utterance_id="z"), ASSISTS, 50, 0) == {}


def test_authors_stay_whole_and_folds_are_filled_evenly() -> None:
    authors = pd.Series(list("aaaabbbccd"))
    folds = author_folds(authors, 2)
    assert pd.crosstab(authors, folds).gt(0).sum(axis=1).eq(1).all()
    assert np.bincount(folds).tolist() == [5, 5]
    assert author_folds(authors[::-1], 2)[::-1].tolist() == folds.tolist()
