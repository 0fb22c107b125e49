from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.effect_fit import Evidence, anchored, fit_effects, refit_effects
from models.partner_effects import PartnerEffects
from models.team import MOST_PARTNERS, Team

pytestmark = pytest.mark.slow


def evidence_of(deals: Any) -> Evidence:
    margin = 0.6 * deals.base["x_size"].to_numpy() + np.where(deals.base["segment"] == "large", 0.4, -0.4)
    return Evidence(margin, deals.won.to_numpy(dtype=float), np.ones(len(margin)))


def effects_of(members: pd.DataFrame, deals: Any) -> PartnerEffects:
    team, evidence = Team.build(members, deals.base["deal_id"]), evidence_of(deals)
    return anchored(fit_effects(team, evidence), team, evidence)


def test_known_effects_are_found(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(3000, seed=3)
    found = effects_of(deals.members, deals)
    for partner, effect in deals.effects.items():
        assert found.by_partner[partner] == pytest.approx(effect, abs=3.5 * found.deviation_by_partner[partner] + 0.1)
    assert found.slope == pytest.approx(1, abs=0.3)


def test_partners_that_are_alike_are_drawn_together(deals_of: Callable[..., Any]) -> None:
    alike, unlike = (effects_of(d.members, d) for d in (deals_of(1500, spread=0.0), deals_of(1500)))
    assert np.ptp(list(alike.by_partner.values())) < 0.35 < 1 < np.ptp(list(unlike.by_partner.values()))


def test_a_kind_of_touch_that_does_more_gets_more_weight() -> None:
    rng = np.random.default_rng(5)
    n = 6000
    kinds = rng.integers(0, 3, (n, 2))
    won = (rng.random(n) < expit(-0.5 + 2.0 * (1 - np.exp(-kinds @ [1.0, 0.05])))).astype(float)
    members = pd.DataFrame(
        {
            "deal_id": [f"D{i}" for i in range(n)],
            "partner_id": [f"P{i % 5}" for i in range(n)],
            "partner_type": "si",
            "deal_segment": "all",
            "touches": kinds.sum(axis=1),
            "touches_of_demo": kinds[:, 0],
            "touches_of_email": kinds[:, 1],
        }
    )
    team = Team.build(members, members["deal_id"])
    weights = fit_effects(team, Evidence(np.zeros(n), won, np.ones(n))).weights
    assert weights[0] > 4 * weights[1]


def test_deals_without_weight_change_nothing(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(400)
    team, evidence = Team.build(deals.members, deals.base["deal_id"]), evidence_of(deals)
    out = np.arange(400) % 4 == 0
    turned = Evidence(evidence.margin, np.where(out, 1 - evidence.won, evidence.won), evidence.weight)
    fit = fit_effects(team, evidence)
    first, second = (refit_effects(team, each.without(out), fit) for each in (evidence, turned))
    np.testing.assert_array_equal(first.unit, second.unit)


def test_partner_ids_and_row_order_change_no_effect(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(300)
    renamed = deals.members.assign(partner_id="Z" + deals.members["partner_id"].str[::-1])
    first, second = effects_of(deals.members, deals), effects_of(renamed.sample(frac=1, random_state=0), deals)
    assert first.by_type == second.by_type
    assert first.touch_weights == second.touch_weights
    assert {f"Z{p[::-1]}": e for p, e in first.by_partner.items()} == second.by_partner


def test_sums_add_up_effect_times_dose(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(200)
    team, evidence = Team.build(deals.members, deals.base["deal_id"]), evidence_of(deals)
    fit = fit_effects(team, evidence)
    encoded = deals.members.assign(e=anchored(fit, team, evidence).encoded(deals.members)).groupby("deal_id")["e"].sum()
    expected = encoded.reindex(deals.base["deal_id"], fill_value=0).to_numpy() / 1e6
    np.testing.assert_allclose(fit.sums(team), expected, atol=2e-5)


def test_rare_partners_beyond_the_limit_have_their_types_effect() -> None:
    n = MOST_PARTNERS + 50
    rng = np.random.default_rng(0)
    members = pd.DataFrame(
        {
            "deal_id": [f"D{i}" for i in range(n + 100)],
            "partner_id": [f"P{i % n}" for i in range(n + 100)],
            "partner_type": "si",
            "deal_segment": None,
            "touches": 1 + rng.integers(0, 3, n + 100),
        }
    )
    team = Team.build(members, members["deal_id"])
    assert len(team.partners) == n
    assert team.own == MOST_PARTNERS
    assert team.incidence.shape == (n + 100, 2 + MOST_PARTNERS)
    assert set(team.partners[:100]) == {f"P{i}" for i in range(100)}


def test_no_members_at_all_leave_the_deals_own_margin(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(200)
    found = effects_of(deals.members.iloc[:0], deals)
    assert found.by_partner == {}
    assert found.by_type == {}
    assert found.slope > 0.7
