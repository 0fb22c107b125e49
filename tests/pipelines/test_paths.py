"""Rules and path methods in the verb `score`: what is written, and when it is written anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from features.tables import DIRECT, TABLES
from models.rules import RULES
from pipelines.config import Config, ConfigError, Method, parse_config
from pipelines.score import METHODS as KNOWN
from pipelines.score import score
from pipelines.scoring.paths import PATH_METHODS
from pipelines.workspace import Workspace, WorkspaceError, write_frame

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOSE = pd.Timestamp("2025-03-31", tz="UTC")
METHODS = (*RULES, *PATH_METHODS)


def company() -> dict[str, pd.DataFrame]:
    """Three won deals and two lost ones, touched by A, B and the own team; d3 has no touch at all."""
    outcomes = {"d1": "won", "d2": "won", "d3": "won", "d4": "lost", "d5": "lost"}
    deals = pd.DataFrame({"deal_id": list(outcomes), "outcome": list(outcomes.values())}).assign(
        account_id=lambda d: "a" + d["deal_id"],
        deal_type="new",
        amount=[100.01, 33.33, 10.0, 5.0, 5.0],
        currency="EUR",
        created_at=CLOSE - pd.Timedelta(90, "D"),
        closed_at=CLOSE,
    )
    rows = [
        ("d1", None, 80, "call"),
        ("d1", "A", 60, "demo"),
        ("d1", "B", 40, "call"),
        ("d1", "A", 20, "call"),
        ("d2", "B", 30, "call"),
        ("d4", "A", 30, "call"),
        ("d5", "B", 10, "call"),
    ]
    touches = pd.DataFrame(rows, columns=["deal_id", "partner_id", "days", "kind"])
    touches = touches.assign(
        touchpoint_id=[f"t{i}" for i in range(len(rows))],
        occurred_at=CLOSE - pd.to_timedelta(touches["days"], unit="D"),
    )
    lead = {"lead_id": "l1", "direction": "from_partner", "partner_id": "A", "deal_id": "d1"}
    leads = pd.DataFrame([{**lead, "given_at": CLOSE - pd.Timedelta(50, "D")}])
    return {"deals": deals, "touchpoints": touches.drop(columns="days"), "leads": leads}


def put(root: Path, tables: dict[str, pd.DataFrame]) -> Workspace:
    workspace = Workspace.open(root, create=True, threads=1)
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in tables.items():
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


def told(**credit: Any) -> Config:
    return parse_config({"credit": credit})


def scored(workspace: Workspace, *methods: str, **credit: Any) -> int:
    """Deals scored; prints nothing and keeps the time fixed."""
    return score(workspace, told(**credit), methods=methods or METHODS, now=NOW).scored


def shares(workspace: Workspace, method: str, deal: str = "d1") -> dict[str, float]:
    rows = workspace.read("credits").query("method == @method and deal_id == @deal and target == 'win'")
    return dict(zip(rows["partner_id"], rows["share"], strict=True))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The company scored by every rule and path method, to be read only."""
    workspace = put(tmp_path_factory.mktemp("ready"), company())
    scored(workspace)
    return workspace


def test_every_won_deal_adds_up_to_1_and_to_the_cent_by_every_method(ready: Workspace) -> None:
    credit = ready.read("credits")
    assert set(credit["method"]) == set(METHODS)
    assert set(credit["deal_id"]) == {"d1", "d2", "d3"}
    sums = credit.groupby(["deal_id", "method", "target"])["share"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-12)
    for deal, amount in (("d1", "100.01"), ("d2", "33.33"), ("d3", "10")):
        money = credit[(credit["deal_id"] == deal) & (credit["target"] == "amount")].groupby("method")["credit"]
        assert all(sum(Decimal(str(part)) for part in parts) == Decimal(amount) for _, parts in money)


def test_deal_without_touches_belongs_to_the_own_team_by_every_method(ready: Workspace) -> None:
    rows = ready.read("credits").query("deal_id == 'd3' and target == 'win'")
    assert sorted(rows["method"]) == sorted(METHODS)
    assert set(rows["partner_id"]) == {DIRECT}
    assert rows["share"].eq(1).all()


def test_milestones_come_from_leads_and_the_deals_creation(ready: Workspace) -> None:
    # The lead follows A's demo; the deal was created before every touch, so that nobody led to the opportunity.
    assert shares(ready, "w_shape") == pytest.approx({DIRECT: 3 / 7 + 0, "A": 3 / 7 + 1 / 14, "B": 1 / 14})
    credit = ready.read("credits").set_index(["method", "deal_id"])["rule_id"]
    assert set(credit.loc["w_shape", "d1"]) == {"first+lead+middle"}
    assert set(credit.loc["w_shape", "d2"]) == {"first"}
    assert credit.loc[["linear", "markov", "shapley_paths"]].isna().all()


def test_markov_writes_two_estimands_under_names_of_their_own(ready: Workspace) -> None:
    # Start goes to the own team 2/5 (d1, d3), A 1/5, B 2/5; own team 1/2 won, 1/2 to A; A 1/3 B, 1/3 won, 1/3 lost;
    # B 1/3 A, 1/3 won, 1/3 lost.
    effects = ready.read("partner_effects").query("method == 'markov'").set_index(["quantity", "partner_id"])
    assert set(effects.index.get_level_values(0)) == {"removal_effect", "total_credit"}
    removal, total = effects.loc["removal_effect"], effects.loc["total_credit"]
    assert removal["n"].to_dict() == {DIRECT: 2, "A": 2, "B": 3}
    assert total["value"].sum() == pytest.approx(3)
    np.testing.assert_allclose(total["value"], 3 * removal["value"] / removal["value"].sum())
    in_d1 = removal["value"].to_dict()
    spread = {player: effect / sum(in_d1.values()) for player, effect in in_d1.items()}
    assert shares(ready, "markov") == pytest.approx(spread)
    per_deal = (
        ready.read("credits").query("method == 'markov' and target == 'win'").groupby("partner_id")["credit"].sum()
    )
    assert per_deal[DIRECT] != pytest.approx(total["value"][DIRECT])


def test_paths_shapley_is_the_equal_split_over_distinct_players(ready: Workspace) -> None:
    assert shares(ready, "shapley_paths") == pytest.approx({DIRECT: 1 / 3, "A": 1 / 3, "B": 1 / 3})


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_rescores_nothing(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    scored(workspace)
    before = {name: workspace.read(name) for name in ("credits", "partner_effects")}
    assert scored(workspace) == 0
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, workspace.read(name), check_exact=True)


@pytest.mark.parametrize(
    ("setting", "methods"),
    [
        ({"half_life_days": 7}, {"time_decay"}),
        ({"last_touch_scope": "partner"}, {"last_touch"}),
        ({"u_shape": {"first": 1, "last": 2}}, {"u_shape"}),
        ({"lead_stage": "qualified"}, {"w_shape", "full_path"}),
        ({"markov_order": 2}, {"markov"}),
        ({"markov_removal": "fail"}, {"markov"}),
        ({"shapley_value": "rate"}, {"shapley_paths"}),
        ({"lookback_days": 50}, set(METHODS)),
        ({"eligible_kinds": ["call"]}, set(METHODS)),
    ],
)
@pytest.mark.slow
def test_a_changed_setting_rescores_the_methods_that_it_concerns(
    tmp_path: Path, setting: dict[str, Any], methods: set[str]
) -> None:
    workspace = put(tmp_path, company())
    scored(workspace)
    report = score(workspace, told(**setting), methods=METHODS, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert report.scored == 5
    credit = workspace.read("credits")
    assert set(credit.loc[credit["run_id"] == report.run_id, "method"]) == methods


@pytest.mark.slow
def test_a_new_deal_rescores_markov_of_all_deals_and_rules_of_that_one_alone(tmp_path: Path) -> None:
    tables = company()
    workspace = put(tmp_path, {**tables, "deals": tables["deals"].query("deal_id != 'd5'")})
    scored(workspace)
    put(tmp_path, tables)
    report = score(workspace, told(), methods=METHODS, now=NOW)
    credit = workspace.read("credits")
    assert set(credit.loc[credit["run_id"] == report.run_id, "method"]) == {"markov"}
    fresh = put(tmp_path / "fresh", tables)
    scored(fresh)
    for name in ("credits", "partner_effects"):
        left, right = (w.read(name).drop(columns="run_id") for w in (workspace, fresh))
        pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.slow
def test_a_new_lead_rescores_the_deal_by_the_rules_that_look_at_leads(tmp_path: Path) -> None:
    tables = company()
    workspace = put(tmp_path, {**tables, "leads": tables["leads"].head(0)})
    scored(workspace)
    put(tmp_path, tables)
    assert scored(workspace) == 1
    assert shares(workspace, "w_shape")["A"] == pytest.approx(3 / 7 + 1 / 14)


@pytest.mark.slow
def test_markovs_effects_stay_when_a_run_does_not_ask_for_them(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    scored(workspace)
    before = workspace.read("partner_effects").query("method == 'markov'")
    scored(workspace, "linear", late_entries="drop")
    after = workspace.read("partner_effects")
    pd.testing.assert_frame_equal(before, after.query("method == 'markov'"), check_exact=True)
    assert (after["method"] == "linear").any()


@pytest.mark.slow
def test_touches_beyond_the_window_or_of_other_kinds_give_nothing(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    scored(workspace, lookback_days=50)
    assert shares(workspace, "linear") == {DIRECT: 0.0, "A": 0.5, "B": 0.5}
    scored(workspace, eligible_kinds=["demo"])
    assert shares(workspace, "last_touch") == {DIRECT: 0.0, "A": 1.0, "B": 0.0}
    for method in METHODS:
        assert shares(workspace, method, "d2") == {DIRECT: 1.0, "B": 0.0}


@pytest.mark.slow
def test_row_order_changes_no_bit_and_names_next_to_nothing(tmp_path: Path) -> None:
    tables, settings = company(), {"shapley_value": "rate", "markov_order": 2}
    first = put(tmp_path / "first", tables)
    scored(first, **settings)
    shuffled = put(tmp_path / "second", {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()})
    scored(shuffled, **settings)
    names = {"A": "Z", "B": "C"}
    third = put(tmp_path / "third", {name: frame.replace({"partner_id": names}) for name, frame in tables.items()})
    scored(third, **settings)
    for name in ("credits", "partner_effects"):
        frame, other = first.read(name), third.read(name)
        pd.testing.assert_frame_equal(frame, shuffled.read(name), check_exact=True)
        keys = [key for key in ("deal_id", "method", "target", "quantity", "partner_id") if key in frame]
        mapped, other = (f.drop(columns="run_id") for f in (frame.replace({"partner_id": names}), other))
        mapped, other = (f.sort_values(keys, ignore_index=True) for f in (mapped, other))
        pd.testing.assert_frame_equal(mapped, other, rtol=0, atol=1e-11)


@pytest.mark.slow
def test_a_workspace_without_closed_deals_ends_with_empty_tables(tmp_path: Path) -> None:
    workspace = put(tmp_path, {"deals": company()["deals"].assign(outcome="open")})
    assert scored(workspace, shapley_value="rate") == 0
    assert workspace.read("credits").empty
    assert workspace.read("partner_effects").empty


@pytest.mark.slow
def test_too_many_players_on_one_deal_are_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.path_shapley.MOST_PLAYERS", 2)
    with pytest.raises((ValueError, WorkspaceError), match=r"more than 2 players, e\.g\. d1.*credit\.shapley_value"):
        scored(put(tmp_path, company()), shapley_value="rate")


@pytest.mark.parametrize(
    ("credit", "message"),
    [
        ({"u_shape": {"last": 1}}, "first needs a weight above 0"),
        ({"u_shape": {"first": 1, "end": 2}}, "credit.u_shape"),
        ({"half_life_days": 0}, "credit.half_life_days"),
        ({"lookback_days_by_kind": {"demo": -1}}, "credit.lookback_days_by_kind.demo"),
        ({"markov_removal": "skip"}, "credit.markov_removal"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_fault_with_its_place(credit: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config({"credit": credit})


def test_the_configuration_and_the_verb_know_the_same_methods() -> None:
    assert set(get_args(Method)) == set(KNOWN) == {"model", "shap", "verified", *METHODS}


def test_settings_are_written_with_the_run(ready: Workspace) -> None:
    summary = json.loads((ready.results / "score.json").read_text(encoding="utf-8"))
    assert summary["config"]["credit"]["half_life_days"] == 30
