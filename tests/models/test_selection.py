from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.effect_fit import EffectFit, Evidence, fit_effects
from models.selection import Selection, selection
from models.team import Team


class Company:
    """Deals whose visible and hidden promise both draw a partner by ``drawn``; the partner adds ``effect`` log-odds."""

    def __init__(self, drawn: float, effect: float, *, hidden: float = 0.8, n: int = 8000, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.facts, secret = rng.normal(0, 0.8, n), rng.normal(0, hidden, n)
        has = rng.random(n) < expit(drawn * (self.facts + secret))
        rows = np.flatnonzero(has)
        touches = rng.integers(1, 6, len(rows))
        added = np.zeros(n)
        added[rows] = effect * (1 - np.exp(-touches / 3))
        self.true_total = float((expit(self.facts + secret + added) - expit(self.facts + secret)).sum())
        won = (rng.random(n) < expit(self.facts + secret + added)).astype(float)
        members = pd.DataFrame(
            {
                "deal_id": [f"D{i}" for i in rows],
                "partner_id": [f"P{i % 4}" for i in rows],
                "partner_type": "si",
                "deal_segment": None,
                "touches": touches,
            }
        )
        self.team = Team.build(members, pd.Series([f"D{i}" for i in range(n)]))
        self.evidence = Evidence(self.facts, won, np.ones(n))
        self.fit: EffectFit = fit_effects(self.team, self.evidence)
        line = self.evidence.margin + self.fit.coefficients.mean[0] + self.fit.coefficients.mean[1] * self.facts
        self.total = float((expit(line + self.fit.sums(self.team)) - expit(line)).sum())

    def part(self, hidden: float) -> Selection:
        return selection(self.team, self.fit, self.evidence, self.facts, self.total, hidden)


@pytest.fixture(scope="module")
def drawn() -> Company:
    return Company(drawn=1.0, effect=0.8)


def test_without_selection_nearly_all_credit_is_kept() -> None:
    company = Company(drawn=0.0, effect=0.8)
    found = company.part(0.5)
    assert found.part == pytest.approx(1, abs=0.12)
    assert found.with_equal == pytest.approx(found.without_hidden, abs=0.1)


def test_hidden_selection_is_taken_off_as_far_as_it_is_assumed(drawn: Company) -> None:
    found = drawn.part(0.5)
    assert found.with_equal < found.part < found.without_hidden
    raw, equal = drawn.total / drawn.true_total, drawn.total * found.with_equal / drawn.true_total
    assert raw > 1.25
    assert abs(equal - 1) < 0.25 < raw - 1


def test_the_part_is_the_bound_at_the_ends_of_the_assumption(drawn: Company) -> None:
    assert drawn.part(0.0).part == drawn.part(0.0).without_hidden
    assert drawn.part(1.0).part == drawn.part(1.0).with_equal


def test_few_deals_change_little() -> None:
    found = Company(drawn=1.0, effect=0.3, n=120).part(1.0)
    assert found.deviation > 0.25
    assert 0.4 < found.part < 1.5


def test_no_credit_at_all_has_nothing_to_take_from() -> None:
    company = Company(drawn=0.0, effect=0.5, n=200)
    assert selection(company.team, company.fit, company.evidence, company.facts, -1.0, 0.5) == Selection()


def test_each_assumption_is_told_with_its_own_part_whichever_is_larger() -> None:
    said = Selection(part=1.15, deviation=0.45, without_hidden=1.0, with_equal=1.2).sentence
    assert "would be 100% if nothing hidden drew them to good deals, and 120% if that did as much" in said


def test_nothing_to_compare_is_not_told_as_a_sure_number() -> None:
    assert "+/-" not in Selection().sentence


def test_facts_that_give_every_outcome_away_leave_partners_nothing() -> None:
    company = Company(drawn=0.0, effect=0.5, n=200)
    told = Evidence(np.where(np.arange(200) < 100, -4.0, 4.0), (np.arange(200) >= 100).astype(float), np.ones(200))
    assert selection(company.team, company.fit, told, told.margin, company.total, 0.0).part < 0.05
