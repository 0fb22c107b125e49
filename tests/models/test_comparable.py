from __future__ import annotations

import numpy as np

from models.comparable import life_weights

WON = np.array([1.0, 1.0, 0.0, 0.0, 0.0])


def test_a_lost_deal_counts_by_how_likely_its_life_is_for_a_won_one() -> None:
    gained = np.array([0.0, 0.0, np.log(0.5), np.log(0.1), 0.7])
    np.testing.assert_allclose(life_weights(np.zeros(5), gained, WON), [1, 1, 0.5, 0, 1])


def test_the_typical_life_of_won_deals_is_the_measure() -> None:
    gained = np.array([0.3, 0.3, 0.3, 0.3 + np.log(0.4), 0.3])
    np.testing.assert_allclose(life_weights(np.zeros(5), gained, WON), [1, 1, 1, 0.4, 1])


def test_a_life_that_gives_the_outcome_away_is_not_used() -> None:
    gained = np.array([4.0, 4.0, -4.0, -4.0, -4.0])
    assert life_weights(np.zeros(5), gained, WON).tolist() == [1, 1, 1, 1, 1]
