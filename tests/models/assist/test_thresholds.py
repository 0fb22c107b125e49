from __future__ import annotations

import numpy as np

from models.assist.thresholds import PRECISION, Thresholds


def held(n: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=n)
    best = np.where(rng.uniform(size=n) < 0.5, "risk_save", "technical_validation").astype(object)
    is_assist = rng.uniform(size=n) < np.where(best == "risk_save", probability, probability**1.25)
    return probability, best, is_assist


def test_decisions_have_the_stated_precision_of_each_type() -> None:
    probability, best, is_assist = held()
    limits = Thresholds.fit(probability, best, is_assist)
    decided = probability >= limits.of(best, np.ones(len(best), dtype=bool))
    for name in ("risk_save", "technical_validation"):
        assert is_assist[decided & (best == name)].mean() >= PRECISION - 0.01


def test_a_type_whose_probabilities_promise_too_much_has_a_higher_threshold() -> None:
    limits = Thresholds.fit(*held())
    assert limits.of_type["technical_validation"] > limits.of_type["risk_save"]


def test_a_type_with_few_examples_is_judged_by_the_common_threshold() -> None:
    probability, best, is_assist = held(20)
    limits = Thresholds.fit(probability, best, is_assist)
    assert limits.of_type == {}
    assert set(limits.of(best, np.ones(len(best), dtype=bool))) == {limits.common}


def test_help_by_a_partner_on_no_list_must_be_surer() -> None:
    probability, best, is_assist = held()
    limits = Thresholds.fit(probability, best, is_assist)
    assert (limits.of(best, np.zeros(len(best), dtype=bool)) > limits.of(best, np.ones(len(best), dtype=bool))).all()
