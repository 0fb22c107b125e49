from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.simulation.answers import answers
from features.simulation.company import Company, simulate
from features.simulation.settings import BIASES, PROMISES, Bias, Settings, Structure
from features.simulation.vocabulary import PARTNER_KINDS


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(Settings(n_deals=3000), seed=1)


def closed(company: Company) -> pd.DataFrame:
    return company.deals[company.deals["outcome"] != "open"]


def partner_part(company: Company) -> float:
    """Share of the won deals that is truly the partners'."""
    tables = answers(company)
    return float(tables["partners"]["won_share"].sum() / (tables["deals"]["outcome"] == "won").sum())


def test_the_same_seed_gives_the_same_company_and_another_seed_another() -> None:
    small = Settings(n_deals=200)
    pd.testing.assert_frame_equal(simulate(small, 3).touches, simulate(small, 3).touches)
    assert not simulate(small, 3).deals["probability"].equals(simulate(small, 4).deals["probability"])


@pytest.mark.parametrize("bias", BIASES)
def test_win_rate_and_partner_part_are_those_of_a_real_company(bias: Bias) -> None:
    made = simulate(Settings(n_deals=4000, bias=bias), seed=0)
    assert 0.30 < (closed(made)["outcome"] == "won").mean() < 0.45
    assert 0.10 < partner_part(made) < 0.27


def test_all_nine_types_and_all_roles_are_there(company: Company) -> None:
    table = answers(company)["partners"]
    assert set(table["partner_type"]) == {kind.name for kind in PARTNER_KINDS}
    assert set(table["role"]) == {"regular", "no_effect", "harmful", "only_in_pairs"}


def test_partners_without_effect_are_truly_credited_nothing_and_harmful_ones_less(company: Company) -> None:
    table = answers(company)["partners"]
    credit = {role: table.loc[table["role"] == role, "credit"].to_numpy() for role in table["role"].unique()}
    assert set(credit["no_effect"]) == {0.0}
    assert max(credit["harmful"]) < 0
    assert min(credit["only_in_pairs"]) >= 0
    assert max(credit["regular"]) > 10


def test_true_credit_of_a_deal_adds_up_to_its_win_probability(company: Company) -> None:
    tables = answers(company)
    total = tables["credits"].groupby("deal_id")["credit"].sum()
    probability = tables["deals"].set_index("deal_id")["win_probability"]
    np.testing.assert_allclose(total.reindex(probability.index), probability, atol=1e-12)
    np.testing.assert_allclose(tables["credits"].groupby("deal_id")["share"].sum(), 1.0, atol=1e-9)


def test_every_partner_with_a_touch_before_close_is_a_player_and_no_other(company: Company) -> None:
    deals = company.deals
    is_closed = (deals["outcome"] != "open").to_numpy()
    touches = company.touches[(company.touches["partner"] >= 0) & is_closed[company.touches["deal"]]]
    before = touches[touches["occurred"] <= deals["closed"].to_numpy()[touches["deal"]]]
    pairs = set(zip(before["deal"], before["partner"], strict=True))
    players = company.credits[(company.credits["partner"] >= 0) & is_closed[company.credits["deal"]]]
    assert set(zip(players["deal"], players["partner"], strict=True)) == pairs


def test_selection_pulls_good_partners_into_good_deals() -> None:
    pull = []
    for bias in BIASES:
        made = simulate(Settings(n_deals=4000, bias=bias), seed=0)
        strength = made.partners.effect.mean(axis=1)[made.doses["partner"]]
        pull.append(np.corrcoef(strength, made.deals["quality"].to_numpy()[made.doses["deal"]])[0, 1])
    assert abs(pull[0]) < 0.05
    assert pull[0] + 0.15 < pull[1]
    assert pull[1] + 0.1 < pull[2]


def test_deals_that_die_early_get_fewer_partner_touches() -> None:
    per_deal = []
    for share in (0.0, 1.0):
        made = simulate(Settings(n_deals=2000, early_loss=share), seed=0)
        lost = np.flatnonzero(made.deals["outcome"] == "lost")
        per_deal.append(np.isin(made.touches["deal"], lost).sum() / len(lost))
    assert per_deal[1] < 0.7 * per_deal[0]


def test_some_touches_are_recorded_late_and_some_happen_after_the_close(company: Company) -> None:
    closing = company.deals["closed"].to_numpy()[company.touches["deal"]]
    is_open = (company.deals["outcome"] == "open").to_numpy()[company.touches["deal"]]
    touches = company.touches[~is_open]
    closing = closing[~is_open]
    late = (touches["occurred"] < closing) & (touches["recorded"] > closing)
    assert 0.01 < late.mean() < 0.05
    assert (touches["occurred"] > closing).sum() > 100
    assert (touches["recorded"] >= touches["occurred"]).all()


def test_pairs_that_only_work_together_meet(company: Company) -> None:
    pairs = answers(company)["pairs"]
    together = pairs[pairs["only_together"] & (pairs["synergy"] > 0)]
    assert len(together) == len(company.partners.pairs)
    assert together["deals"].min() >= 5


def test_the_form_of_the_truth_can_be_varied() -> None:
    plain = Structure(dose="linear", synergy=False, segment_effects=False, quality=0.0)
    made = simulate(Settings(n_deals=500, structure=plain), seed=0)
    assert (made.partners.synergy == 0).all()
    assert np.ptp(made.partners.effect, axis=1).max() == 0
    assert len(answers(made)["pairs"]) == 0


def test_selection_goes_by_what_the_data_show_by_what_they_hide_or_by_both() -> None:
    pulled = {}
    for promise in PROMISES:
        made = simulate(Settings(n_deals=4000, bias="strong", structure=Structure(promise=promise)), seed=0)
        dose = np.bincount(made.doses["deal"], made.doses["dose"], len(made.deals))
        facts = (made.deals["own_log_odds"], made.deals["quality"])
        pulled[promise] = [np.corrcoef(dose, fact)[0, 1] for fact in facts]
    assert pulled["observed"][0] > 0.2 > 0.05 > abs(pulled["observed"][1])
    assert pulled["hidden"][1] > 0.2 > 0.05 > abs(pulled["hidden"][0])
    assert min(pulled["both"]) > 0.1


@pytest.mark.parametrize("n_deals", [1, 2, 7])
def test_a_tiny_company_is_a_company(n_deals: int) -> None:
    made = simulate(Settings(n_deals=n_deals, n_partners=2, years=1), seed=0)
    assert len(made.deals) == n_deals
    assert made.deals["probability"].between(0, 1).all()


def test_settings_out_of_range_are_refused_with_their_value() -> None:
    with pytest.raises(ValueError, match="n_partners is 1"):
        Settings(n_partners=1)
    with pytest.raises(ValueError, match=r"early_loss is 1\.5"):
        Settings(early_loss=1.5)
    with pytest.raises(ValueError, match="win_rate is 0"):
        Structure(win_rate=0)
    with pytest.raises(ValueError, match="promise is 'none'; choose one of both, observed, hidden"):
        Structure(promise="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"add up to 1\.50"):
        Structure(no_effect=0.5, harmful=0.5, only_in_pairs=0.5)


def test_an_unknown_bias_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of none, moderate, strong"):
        Settings(bias="huge")  # type: ignore[arg-type]
