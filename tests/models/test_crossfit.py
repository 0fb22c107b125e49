from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.boosting import Booster, BoosterSpec, Rows, fit_booster
from models.columns import ColumnCoder
from models.crossfit import TrainingDataError, cross_fit, cross_fit_rest

RNG = np.random.default_rng(0)
X = RNG.normal(0, 1, (300, 2))
WON = (RNG.random(300) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(float)
FOLDS = np.arange(300) % 3
CODER = ColumnCoder.fit(pd.DataFrame(X, columns=["a", "b"]), ("a", "b"))
ALL = np.ones(300)
SPEC = BoosterSpec({}, {}, 0, 1)


def trees(booster: Booster) -> int:
    return booster.text.count("\nTree=")


def test_every_score_comes_from_a_model_that_did_not_see_the_row() -> None:
    made = cross_fit(CODER, Rows(X, WON), FOLDS, 3, SPEC, 1)
    turned = cross_fit(CODER, Rows(X, np.where(FOLDS == 1, 1 - WON, WON)), FOLDS, 3, SPEC, 1)
    np.testing.assert_array_equal(made.outer[FOLDS == 1], turned.outer[FOLDS == 1])
    assert made.boosters[1].text == turned.boosters[1].text
    assert (made.outer[FOLDS == 0] != turned.outer[FOLDS == 0]).any()


def test_the_rows_of_a_fold_do_not_choose_how_many_trees_score_them() -> None:
    only_fold_0_is_noise = np.where(FOLDS == 0, np.random.default_rng(1).permutation(WON), WON)
    made = cross_fit(CODER, Rows(X, only_fold_0_is_noise), FOLDS, 3, SPEC, 60)
    assert trees(made.boosters[0]) > max(trees(made.boosters[1]), trees(made.boosters[2]))


def test_the_number_of_trees_is_the_best_held_out_one() -> None:
    noise = cross_fit(CODER, Rows(X, np.random.default_rng(1).permutation(WON)), FOLDS, 3, SPEC, 60)
    signal = cross_fit(CODER, Rows(X, WON), FOLDS, 3, SPEC, 60)
    assert max(trees(b) for b in noise.boosters) < min(trees(b) for b in signal.boosters)


def test_trees_on_a_start_are_kept_only_where_they_help_held_out_rows() -> None:
    blind = np.full(300, np.log(WON.mean() / (1 - WON.mean())))
    signal = cross_fit_rest(CODER, Rows(X, WON, blind, ALL), FOLDS, 3, SPEC, 40)
    noise = [np.random.default_rng(seed).normal(0, 1, (300, 2)) for seed in range(8)]
    left = [cross_fit_rest(CODER, Rows(x, WON, blind, ALL), FOLDS, 3, SPEC, 40) for x in noise]
    assert signal is not None
    assert min(trees(booster) for booster in signal.boosters) > 15
    assert sum(made is None for made in left) >= 5
    assert cross_fit_rest(CODER, Rows(X, WON, blind, ALL), FOLDS, 3, SPEC, 0) is None


def test_trees_on_a_start_learn_nothing_from_rows_without_weight() -> None:
    blind, half = np.zeros(300), np.arange(300) % 2 == 0
    turned = np.where(half, WON, 1 - WON)
    first, second = (
        cross_fit_rest(CODER, Rows(X, target, blind, half.astype(float)), FOLDS, 3, SPEC, 10)
        for target in (WON, turned)
    )
    assert first is not None
    assert second is not None
    assert [booster.text for booster in first.boosters] == [booster.text for booster in second.boosters]


def test_contributions_add_up_to_the_raw_score() -> None:
    booster = fit_booster(CODER, Rows(X, WON), SPEC, 10)
    np.testing.assert_allclose(booster.contributions(X).sum(axis=1), booster.raw(X), atol=1e-9)


def test_the_text_says_nothing_of_threads() -> None:
    one, two = (fit_booster(CODER, Rows(X, WON), BoosterSpec({}, {}, 0, n), 5).text for n in (1, 2))
    assert one == two


def test_an_empty_fold_is_refused_with_the_sizes() -> None:
    with pytest.raises(TrainingDataError, match=r"deals by fold: 300, 0, 0"):
        cross_fit(CODER, Rows(X, WON), FOLDS * 0, 3, SPEC, 5)
