"""Credit of every method in one form."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.tables import DIRECT
from models.credit import credit_rows, model_credit, path_credit, players_of, sampled_at_once
from models.journeys import Journeys
from models.outcome import OutcomeModel
from models.rules import countable_touches, rule_split
from models.value import MAX_CELLS, MAX_ROWS, DealBatch, Values

PUSH = "push_millionths"


class Additive:
    """Win probability = ``start`` + the pushes of the deal's partners (+ ``together`` when there are two or more)."""

    extra_columns: tuple[str, ...] = (PUSH,)
    version = "additive"

    def __init__(self, pushes: dict[str, float], start: float = 0.2, together: float = 0.0) -> None:
        self.pushes, self.start, self.together = pushes, start, together

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        push = members["partner_type"].map(self.pushes).to_numpy(dtype=float) * members["touches"].to_numpy()
        return members.assign(**{PUSH: np.rint(push * 1e6).astype(np.int64)})

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        bonus = self.together * (frame["partners"].to_numpy(dtype=float) >= 2)
        return np.asarray(self.start + pushed(frame) + bonus + 0.01 * frame["own_touches"].to_numpy(dtype=float))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("coalition credit needs no contributions")


def pushed(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame[f"{PUSH}_sum"].to_numpy(dtype=float) / 1e6)


def base_frame(**own_touches: int) -> pd.DataFrame:
    """Base rows of deals, named with their own-team touches; each is its own account."""
    names = pd.Series(list(own_touches), dtype="str")
    return pd.DataFrame({"deal_id": names, "account_id": "of " + names, "own_touches": list(own_touches.values())})


def member_frame(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """Member rows of deal, partner, type and touches."""
    frame = pd.DataFrame(rows, columns=["deal_id", "partner_id", "partner_type", "touches"])
    text = ["deal_id", "partner_id", "partner_type"]
    typed = frame.astype({**dict.fromkeys(text, "str"), "touches": "int64"})
    return typed.assign(account_id="of " + typed["deal_id"])


def by_orders(model: Additive, base: pd.DataFrame, members: pd.DataFrame) -> dict[str, float]:
    """Credit of one deal's partners by walking through every order, one prediction at a time."""
    encoded = model.encode(members).set_index("partner_id")
    credit = dict.fromkeys(encoded.index, 0.0)
    orders = list(permutations(encoded.index))

    def value(present: list[str]) -> float:
        pools = {f"{PUSH}_sum": encoded.loc[present, PUSH].sum(), "partners": len(present)}
        return float(model.predict(base.assign(**pools))[0])

    for order in orders:
        for place, player in enumerate(order):
            gain = value(list(order[: place + 1])) - value(list(order[:place]))
            credit[player] += gain / len(orders)
    return credit


PUSHES = {"si": 0.1, "isv": -0.05, "reseller": 0.02}
BASE = base_frame(d1=1, d2=0, d3=3)
MEMBERS = member_frame(("d1", "A", "si", 1), ("d1", "B", "isv", 2), ("d1", "C", "reseller", 1), ("d3", "A", "si", 2))


def credited(model: Any, base: pd.DataFrame, members: pd.DataFrame, **options: Any) -> pd.DataFrame:
    return model_credit(Values(model, DealBatch.of(model, base, members)), **options)


def as_dict(frame: pd.DataFrame, value: str = "credit") -> dict[tuple[str, str], float]:
    return dict(zip(zip(frame["deal_id"], frame["partner_id"], strict=True), frame[value], strict=True))


def test_credit_of_an_additive_model_is_what_each_partner_adds() -> None:
    credit = as_dict(credited(Additive(PUSHES), BASE, MEMBERS))
    expected = {("d1", "A"): 0.1, ("d1", "B"): -0.1, ("d1", "C"): 0.02, ("d1", DIRECT): 0.21}
    expected |= {("d2", DIRECT): 0.2, ("d3", "A"): 0.2, ("d3", DIRECT): 0.23}
    assert credit == pytest.approx(expected, abs=1e-12)


def test_credit_of_an_interacting_model_is_the_mean_over_all_orders() -> None:
    model = Additive(PUSHES, together=0.3)
    credit = as_dict(credited(model, BASE, MEMBERS))
    for partner, expected in by_orders(model, BASE.iloc[:1], MEMBERS.iloc[:3]).items():
        assert credit["d1", partner] == pytest.approx(expected, abs=1e-12)


def test_every_deal_adds_up_to_its_prediction() -> None:
    frame = credited(Additive(PUSHES, together=0.3), BASE, MEMBERS)
    totals = frame.groupby("deal_id")["credit"].sum()
    np.testing.assert_allclose(totals, frame.groupby("deal_id")["total"].first(), atol=1e-12)


def test_row_order_and_partner_names_change_no_bit() -> None:
    model = Additive(PUSHES, together=0.3)
    straight = as_dict(credited(model, BASE, MEMBERS))
    shuffled = as_dict(credited(model, BASE.iloc[::-1], MEMBERS.iloc[[2, 0, 3, 1]]))
    assert shuffled == straight
    names = {"A": "Z", "B": "Y", "C": "X"}
    renamed = as_dict(credited(model, BASE, MEMBERS.assign(partner_id=MEMBERS["partner_id"].map(names))))
    assert renamed == {(deal, names.get(partner, partner)): credit for (deal, partner), credit in straight.items()}


def test_a_deal_is_the_same_alone_and_among_others() -> None:
    model = Additive(PUSHES, together=0.3)
    together, alone = credited(model, BASE, MEMBERS), credited(model, BASE.iloc[:1], MEMBERS)
    both = as_dict(together[together["deal_id"] == "d1"])
    assert as_dict(alone) == both


MANY = member_frame(*[("d1", f"P{i:02}", "si" if i % 3 else "isv", 1 + i % 2) for i in range(7)])


def test_sampled_credit_stays_within_its_bound_and_adds_up() -> None:
    model = Additive({"si": 0.02, "isv": -0.01}, together=0.3)
    exact = credited(model, BASE.iloc[:1], MANY, exact_players=10)
    sampled = credited(model, BASE.iloc[:1], MANY, exact_players=3, samples=256)
    assert exact["credit_lo"].isna().all()
    merged = sampled.merge(exact, on="partner_id", suffixes=("", "_exact"))
    partners = merged[merged["partner_id"] != DIRECT]
    assert (partners["credit_lo"] <= partners["credit_exact"]).all()
    assert (partners["credit_exact"] <= partners["credit_hi"]).all()
    assert partners["credit_hi"].sub(partners["credit_lo"]).between(0, 0.1).all()
    assert sampled["credit"].sum() == pytest.approx(sampled["total"].iloc[0], abs=1e-12)


def test_sampled_credit_does_not_hang_on_names_rows_or_other_deals() -> None:
    model = Additive({"si": 0.02, "isv": -0.01}, together=0.3)
    options = {"exact_players": 3, "samples": 64}
    straight = as_dict(credited(model, BASE.iloc[:1], MANY, **options))
    names = {f"P{i:02}": f"Q{(5 * i) % 7}" for i in range(7)}
    renamed = MANY.assign(partner_id=MANY["partner_id"].map(names)).iloc[::-1]
    other = MANY.assign(deal_id="d0", account_id="of d0", touches=3)
    base = pd.concat([base_frame(d0=1), BASE])
    credit = as_dict(credited(model, base, pd.concat([other, renamed]), **options))
    assert {key: credit[key[0], names.get(key[1], key[1])] for key in straight} == straight


def test_sampled_orders_hang_on_the_seed() -> None:
    model = Additive({"si": 0.02, "isv": -0.01}, together=0.3)
    one, other = (credited(model, BASE.iloc[:1], MANY, exact_players=3, samples=16, seed=seed) for seed in (1, 2))
    assert as_dict(one) != as_dict(other)


def test_sampled_deals_are_featurised_within_both_limits() -> None:
    for n in range(4, 41):
        for samples in (16, 512, 5000):
            coalitions = min(2**n, samples * n)
            at_once = sampled_at_once(n, samples)
            assert at_once == 1 or at_once * coalitions <= MAX_ROWS
            assert at_once == 1 or at_once * samples * n * n <= MAX_CELLS


def test_no_more_coalitions_than_allowed_are_predicted_at_once_and_the_limit_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Additive({"si": 0.02, "isv": -0.01}, together=0.3)
    members = pd.concat([MANY.assign(deal_id=f"d{i}", account_id=f"of d{i}") for i in range(1, 4)])
    options = {"exact_players": 3, "samples": 64}
    at_once = credited(model, BASE, members, **options)
    sizes: list[int] = []

    def counted(frame: pd.DataFrame) -> np.ndarray:
        sizes.append(len(frame))
        return Additive.predict(model, frame)

    monkeypatch.setattr(model, "predict", counted)
    monkeypatch.setattr("models.credit.MAX_ROWS", 130)
    pd.testing.assert_frame_equal(credited(model, BASE, members, **options), at_once, check_exact=True)
    assert max(sizes) <= 130


@pytest.mark.slow
def test_exact_credit_by_a_trained_model_lies_within_the_sampled_bounds(deals_of: Callable[..., Any]) -> None:
    data = deals_of(400, 12)
    model = OutcomeModel(folds=3, max_rounds=30, residual_rounds=20).fit(data.base, data.members, data.won)
    partners = data.members.drop_duplicates("partner_id")
    deal = data.base.iloc[[0]]
    crowd = partners.assign(deal_id=deal["deal_id"].iloc[0], account_id=deal["account_id"].iloc[0])
    batch = DealBatch.of(model, deal, crowd)
    exact = model_credit(Values(model, batch), exact_players=14).set_index("partner_id")
    sampled = model_credit(Values(model, batch), exact_players=10).set_index("partner_id")
    assert len(exact) == 13
    assert exact["credit"].sum() == pytest.approx(model.predict(Values(model, batch).with_all())[0], abs=1e-12)
    inside = exact["credit"].between(sampled["credit_lo"], sampled["credit_hi"]).drop(DIRECT)
    assert inside.all()
    width = {name: rows["credit_hi"].sub(rows["credit_lo"]) for name, rows in (("exact", exact), ("sampled", sampled))}
    assert width["sampled"].sub(width["exact"]).max() < 0.05


CLOSE = pd.Timestamp("2025-03-31", tz="UTC")
DEALS = pd.DataFrame(
    {
        "deal_id": ["d1", "d2", "d3"],
        "outcome": ["won", "won", "lost"],
        "amount": [100.01, np.nan, 50.0],
        "closed_at": CLOSE,
    }
)


def touches(*rows: tuple[str, str, str | None, int]) -> pd.DataFrame:
    """Touches of id, deal, partner and days before close."""
    frame = pd.DataFrame(rows, columns=["touchpoint_id", "deal_id", "partner_id", "days"])
    at = CLOSE - pd.to_timedelta(frame["days"], unit="D")
    return countable_touches(frame.assign(occurred_at=at, recorded_at=at), DEALS)


TOUCHES = touches(
    ("t1", "d1", "B", 9),
    ("t2", "d1", "A", 5),
    ("t3", "d1", None, 20),
    ("t4", "d3", "A", 5),
    ("t0", "d1", "C", 5),
)


def test_players_are_ranked_by_first_touch_with_the_own_team_first() -> None:
    players = players_of(DEALS, TOUCHES)
    assert players[players["deal_id"] == "d1"]["partner_id"].tolist() == [DIRECT, "B", "C", "A"]
    assert players[players["deal_id"] == "d2"]["partner_id"].tolist() == [DIRECT]
    assert players["rank"].tolist() == [0, 1, 2, 3, 0, 0, 1]


def rows(**wins: float) -> pd.DataFrame:
    """Rows of method ``model`` for deals d1 (won, 100.01) given the players' credit."""
    credit = pd.DataFrame({"deal_id": "d1", "partner_id": list(wins), "credit": list(wins.values())})
    bounds = {"credit_lo": credit["credit"] - 0.01, "credit_hi": credit["credit"] + 0.01}
    made = credit_rows(
        credit.assign(total=credit["credit"].sum(), **bounds), players_of(DEALS, TOUCHES), DEALS, "model", "v1"
    )
    return made.set_index(["target", "partner_id"])


def test_shares_and_cents_add_up_and_negative_credit_is_kept() -> None:
    made = rows(A=0.3, B=-0.1, __direct__=0.4)
    assert made.loc[("win", "B"), "share"] == pytest.approx(-1 / 6)
    assert made.loc["win"]["share"].sum() == pytest.approx(1, abs=1e-12)
    money = made.loc["amount"]["credit"]
    assert sum(Decimal(str(value)) for value in money) == Decimal("100.01")
    assert dict(money) == {DIRECT: 66.67, "B": -16.67, "C": 0.0, "A": 50.01}


def test_player_that_the_model_does_not_know_gets_a_row_with_nothing() -> None:
    made = rows(A=0.3, __direct__=0.4)
    assert made.loc[("win", "C"), "credit"] == 0
    assert made.loc[("amount", "C"), "credit"] == 0
    assert made.loc[("amount", "C"), "share"] == 0


def test_bounds_of_money_are_those_of_the_credit_in_money() -> None:
    made = rows(A=0.3, B=-0.1, __direct__=0.3)
    assert made.loc[("amount", "A"), "credit_lo"] == pytest.approx(100.01 * 0.29 / 0.5)


def test_prediction_of_zero_belongs_to_the_own_team() -> None:
    made = rows(A=0.1, B=-0.1, __direct__=0.0)
    assert made.loc["win"]["share"].to_dict() == {DIRECT: 1.0, "B": 0.0, "C": 0.0, "A": 0.0}
    assert made.loc[("win", "A"), "credit"] == 0.1


def by_rule(rule: str) -> pd.DataFrame:
    won = DEALS[DEALS["outcome"] == "won"]
    journeys = Journeys.of(TOUCHES[TOUCHES["deal_id"].isin(won["deal_id"])], won)
    return path_credit(rule_split(rule, journeys), journeys)


def test_rows_say_on_what_a_deals_division_rested() -> None:
    made = credit_rows(by_rule("u_shape"), players_of(DEALS, TOUCHES), DEALS, "u_shape", "rules-1")
    found = made.groupby("deal_id")["rule_id"].agg(set).to_dict()
    assert found == {"d1": {"first+last+middle"}, "d2": {"first+last"}}
    assert credit_rows(by_rule("linear"), players_of(DEALS, TOUCHES), DEALS, "linear", "1")["rule_id"].isna().all()


def test_rules_credit_won_deals_and_amounts_only_where_they_are_known() -> None:
    players = players_of(DEALS, TOUCHES)
    made = credit_rows(by_rule("last_touch"), players, DEALS, "last_touch", "rules-1")
    assert set(made["deal_id"]) == {"d1", "d2"}
    assert made[made["target"] == "amount"]["deal_id"].unique().tolist() == ["d1"]
    money = made[made["target"] == "amount"].set_index("partner_id")["credit"]
    assert money.to_dict() == {DIRECT: 0.0, "B": 0.0, "C": 50.01, "A": 50.0}


def test_amount_of_zero_gives_zeros_and_one_beyond_cents_gives_no_money() -> None:
    deals = DEALS.assign(amount=[0.0, 1e18, 5.0])
    made = credit_rows(by_rule("linear"), players_of(deals, TOUCHES), deals, "linear", "rules-1")
    money = made[made["target"] == "amount"]
    assert set(money["deal_id"]) == {"d1"}
    assert money["credit"].eq(0).all()


def test_lost_deals_are_credited_in_probability_but_bring_no_money() -> None:
    wins = pd.DataFrame({"deal_id": "d3", "partner_id": ["A", DIRECT], "credit": [0.1, 0.2], "total": 0.3})
    wins = wins.assign(credit_lo=np.nan, credit_hi=np.nan)
    made = credit_rows(wins, players_of(DEALS, TOUCHES), DEALS, "model", "v1")
    assert made["target"].tolist() == ["win", "win"]
    assert made["credit"].sum() == pytest.approx(0.3)
