from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.partner_effects import DoseDesign, PartnerEffects, Spread, fit_effects, structured_margin
from models.splits import account_folds

EFFECTS = PartnerEffects(-1.0, 1.0, 0.4, {"si": 0.5}, {"P0": 2.0})


def test_unseen_partners_have_their_types_effect_and_unseen_types_the_common_one() -> None:
    members = pd.DataFrame(
        {"partner_id": ["P0", "P9", "P8"], "partner_type": ["si", "si", "isv"], "dose": [500_000] * 3}
    )
    assert EFFECTS.of(members).tolist() == [2.0, 0.5, 0.4]
    assert EFFECTS.encoded(members).tolist() == [1_000_000, 250_000, 200_000]


def test_members_without_rows_are_encoded_to_nothing() -> None:
    empty = pd.DataFrame({"partner_id": [], "partner_type": [], "dose": []})
    assert EFFECTS.encoded(empty).tolist() == []


def test_sums_add_up_effect_times_dose(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(60)
    design = DoseDesign.build(deals.members, deals.base["deal_id"])
    encoded = deals.members.assign(e=EFFECTS.encoded(deals.members)).groupby("deal_id")["e"].sum()
    expected = encoded.reindex(deals.base["deal_id"], fill_value=0).to_numpy() / 1e6
    np.testing.assert_allclose(design.sums(EFFECTS), expected, atol=1e-5)


def test_known_effects_are_found_and_shrunk_toward_their_type(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(3000, seed=3)
    design = DoseDesign.build(deals.members, deals.base["deal_id"])
    margin = 0.6 * deals.base["x_size"].to_numpy() + np.where(deals.base["segment"] == "large", 0.4, -0.4)
    won, everyone = deals.won.to_numpy(dtype=float), np.ones(3000, dtype=bool)
    free = design.fit(everyone, margin, won, Spread(1.0, 1.0))
    for partner, effect in deals.effects.items():
        assert free.by_partner[partner] == pytest.approx(effect, abs=0.7)
    equal = design.fit(everyone, margin, won, Spread(0.5, 0.0))
    assert equal.by_partner["P0"] == pytest.approx(equal.by_type["isv"], abs=1e-5)


def test_the_spread_that_predicts_best_is_chosen_without_the_fold(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(1500, seed=4)
    folds, won = account_folds(deals.base["account_id"], 4), deals.won.to_numpy(dtype=float)
    design, margin = DoseDesign.build(deals.members, deals.base["deal_id"]), np.zeros(1500)
    found = fit_effects(design, margin, won, folds, 2)
    changed = fit_effects(design, margin, np.where(folds == 2, 1 - won, won), folds, 2)
    assert found.spread.partners > 0
    assert found.effects == changed.effects
    assert (found.sums[folds == 2] == 0).all()


def test_partner_ids_and_row_order_change_no_effect(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(300)
    renamed = deals.members.assign(partner_id="Z" + deals.members["partner_id"].str[::-1]).sample(
        frac=1, random_state=0
    )
    everyone, won = np.ones(300, dtype=bool), deals.won.to_numpy(dtype=float)
    first, second = (
        DoseDesign.build(m, deals.base["deal_id"]).fit(everyone, np.zeros(300), won, Spread(0.5, 0.5))
        for m in (deals.members, renamed)
    )
    assert first.by_type == second.by_type
    assert {f"Z{p[::-1]}": e for p, e in first.by_partner.items()} == second.by_partner


def test_the_structured_margin_adds_up() -> None:
    np.testing.assert_allclose(structured_margin(EFFECTS, np.array([0.5]), np.array([2.0])), [1.5])


def test_no_members_at_all_leave_the_base_margin(deals_of: Callable[..., Any]) -> None:
    deals = deals_of(200)
    folds, won = account_folds(deals.base["account_id"], 3), deals.won.to_numpy(dtype=float)
    design = DoseDesign.build(deals.members.iloc[:0], deals.base["deal_id"])
    found = fit_effects(design, np.zeros(200), won, folds, 0)
    assert found.effects.by_partner == {}
    assert (found.sums == 0).all()
