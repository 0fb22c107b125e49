"""The verb `score` on small workspaces."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.tables import DIRECT, TABLES
from pipelines.config import Config, parse_config
from pipelines.score import score
from pipelines.workspace import Workspace, WorkspaceError, write_frame

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOSE = pd.Timestamp("2025-03-31", tz="UTC")
RULES = ("first_touch", "last_touch", "linear")
PUSH = "push_millionths"


class Pushes:
    """A model in which each touch of a partner type moves the log-odds, and two partners more than one."""

    extra_columns: tuple[str, ...] = (PUSH,)
    version = "pushes-1"
    spec = FrameSpec(Cutoff(), ("meeting",), ("isv", "si"), ())

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        push = members["partner_type"].map({"si": 0.3, "isv": -0.2}).to_numpy(dtype=float)
        return members.assign(**{PUSH: np.rint(push * members["touches"].to_numpy() * 1e6).astype(np.int64)})

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(expit(self.contributions(frame).to_numpy().sum(axis=1)))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = {
            "own_touches": 0.05 * frame["own_touches"].astype(float),
            f"{PUSH}_sum": frame[f"{PUSH}_sum"].astype(float) / 1e6,
            "partners": 0.5 * (frame["partners"].astype(float) >= 2),
            "bias": -0.3,
        }
        return pd.DataFrame(columns, index=frame.index)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Pushes:
    """Puts a model in the registry's place."""
    made = Pushes()
    monkeypatch.setattr("pipelines.tracking.load_champion", lambda workspace, config: made)
    return made


def company(seed: int = 0, n_deals: int = 40) -> dict[str, pd.DataFrame]:
    """Deals with 0 to 4 of five partners, won, lost and open, some touches recorded late or made after the close."""
    random = np.random.default_rng(seed)
    deal_ids = [f"d{i:03}" for i in range(n_deals)]
    closed = CLOSE - pd.to_timedelta(random.integers(0, 200, n_deals), unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": deal_ids,
            "account_id": [f"a{i % 17}" for i in range(n_deals)],
            "deal_type": "new",
            "amount": np.where(random.random(n_deals) < 0.1, np.nan, random.integers(0, 10**7, n_deals) / 100),
            "currency": random.choice(["EUR", "USD"], n_deals),
            "created_at": closed - pd.to_timedelta(90, unit="D"),
            "closed_at": closed,
            "outcome": random.choice(["won", "lost", "open"], n_deals, p=[0.5, 0.4, 0.1]),
        }
    )
    rows = []
    for deal, at in zip(deal_ids, closed, strict=True):
        partners = random.choice(5, size=random.integers(0, 5), replace=False)
        for partner in [*(f"p{p}" for p in partners), None]:
            for _ in range(int(random.integers(1, 4))):
                occurred = at - pd.Timedelta(days=int(random.integers(-2, 60)))
                recorded = occurred + pd.Timedelta(days=int(random.integers(0, 30)))
                rows.append((f"t{len(rows):04}", deal, partner, "meeting", occurred, recorded))
    columns = ["touchpoint_id", "deal_id", "partner_id", "kind", "occurred_at", "recorded_at"]
    partners = pd.DataFrame(
        {"partner_id": [f"p{i}" for i in range(5)], "name": "x", "partner_type": ["si", "isv", "si", "isv", "si"]}
    )
    return {"deals": deals, "touchpoints": pd.DataFrame(rows, columns=columns), "partners": partners}


def put(root: Path, tables: dict[str, pd.DataFrame], threads: int = 1) -> Workspace:
    """A workspace with those tables; tables that it has already are replaced."""
    workspace = Workspace.open(root, create=True, threads=threads)
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in tables.items():
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


def configured(**credit: Any) -> Config:
    return parse_config({"credit": {"chunk_deals": 10, **credit}})


def tables_of(workspace: Workspace) -> dict[str, pd.DataFrame]:
    keys = {
        "credits": ["deal_id", "method", "target", "partner_id"],
        "partner_scores": ["partner_id", "period", "method", "currency"],
        "partner_effects": ["partner_id", "method"],
    }
    return {name: workspace.read(name).sort_values(order, ignore_index=True) for name, order in keys.items()}


def assert_same(left: dict[str, pd.DataFrame], right: dict[str, pd.DataFrame]) -> None:
    for name, frame in left.items():
        pd.testing.assert_frame_equal(frame, right[name], check_exact=True)


def test_every_deal_adds_up_by_every_method(tmp_path: Path, model: Pushes) -> None:
    workspace = put(tmp_path, company())
    report = score(workspace, configured(), now=NOW)
    assert report.deals_in == report.scored > 0
    credit, deals = workspace.read("credits"), workspace.read("deals").set_index("deal_id")
    assert set(credit["method"]) == {"model", "shap", *RULES}
    shares = credit.groupby(["deal_id", "method", "target"])["share"].sum()
    np.testing.assert_allclose(shares, 1, atol=1e-12)
    by_model = credit[(credit["target"] == "win")].pivot_table("credit", "deal_id", "method", "sum")
    np.testing.assert_allclose(by_model["model"], by_model["shap"], atol=1e-9)
    assert set(by_model.index) == set(deals.index[deals["outcome"] != "open"])
    for (deal, _), rows in credit[credit["target"] == "amount"].groupby(["deal_id", "method"]):
        paid = sum(Decimal(str(part)) for part in rows["credit"])
        assert paid == Decimal(str(deals.loc[deal, "amount"])).quantize(Decimal("0.01"))
    assert (credit["credit"] < 0).any()
    assert credit["scored_at"].eq(pd.Timestamp(NOW)).all()


def test_a_second_run_has_nothing_to_do_and_changes_nothing(tmp_path: Path, model: Pushes) -> None:
    workspace = put(tmp_path, company())
    score(workspace, configured(), now=NOW)
    before = tables_of(workspace)
    report = score(workspace, configured(), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert (report.scored, report.unchanged) == (0, report.deals_in)
    assert_same(before, tables_of(workspace))


def test_only_what_is_new_or_changed_is_scored_and_the_rest_keeps_its_run(tmp_path: Path, model: Pushes) -> None:
    tables = company()
    workspace = put(tmp_path, tables)
    first = score(workspace, configured(), now=NOW)
    deals = tables["deals"]
    changed = deals["deal_id"].eq(deals.loc[deals["outcome"] == "won", "deal_id"].iloc[0])
    put(tmp_path, {"deals": deals.assign(amount=deals["amount"].where(~changed, 123.45))})
    second = score(workspace, configured(), now=NOW)
    assert (second.scored, second.run_id == first.run_id) == (1, False)
    credit = workspace.read("credits")
    assert set(credit.loc[credit["run_id"] == second.run_id, "deal_id"]) == set(deals.loc[changed, "deal_id"])
    fresh = put(tmp_path / "fresh", {**tables, "deals": workspace.read("deals")})
    score(fresh, configured(), now=NOW)
    columns = {"credits": ["run_id"], "partner_scores": ["run_id"], "partner_effects": ["run_id"]}
    assert_same(
        {name: frame.drop(columns=columns[name]) for name, frame in tables_of(workspace).items()},
        {name: frame.drop(columns=columns[name]) for name, frame in tables_of(fresh).items()},
    )


def test_deals_that_vanish_or_reopen_lose_their_credit(tmp_path: Path, model: Pushes) -> None:
    tables = company()
    workspace = put(tmp_path, tables)
    score(workspace, configured(), now=NOW)
    closed = tables["deals"].query("outcome != 'open'")["deal_id"].tolist()
    vanished, reopened = closed[0], closed[1]
    deals = tables["deals"].query("deal_id != @vanished")
    deals = deals.assign(outcome=deals["outcome"].where(deals["deal_id"] != reopened, "open"))
    put(tmp_path, {"deals": deals})
    report = score(workspace, configured(), now=NOW)
    assert report.removed == 2
    assert not {vanished, reopened} & set(workspace.read("credits")["deal_id"])


def test_rules_alone_need_no_model_and_leave_other_methods_as_they_are(tmp_path: Path, model: Pushes) -> None:
    workspace = put(tmp_path, company())
    score(workspace, configured(), methods=["last_touch"], now=NOW)
    assert set(workspace.read("credits")["method"]) == {"last_touch"}
    report = score(workspace, configured(), methods=["linear", "model"], now=NOW)
    assert report.methods == ("model", "linear")
    assert set(workspace.read("credits")["method"]) == {"last_touch", "linear", "model"}
    assert set(workspace.read("partner_scores")["method"]) == {"last_touch", "linear", "model"}


def test_credit_of_a_changed_deal_never_outlives_its_data(tmp_path: Path) -> None:
    tables = company()
    workspace = put(tmp_path, tables)
    score(workspace, configured(), methods=["last_touch", "linear"], now=NOW)
    won = tables["deals"].query("outcome == 'won'")["deal_id"].iloc[0]
    deals = tables["deals"]
    put(tmp_path, {"deals": deals.assign(amount=deals["amount"].where(deals["deal_id"] != won, 1.0))})
    score(workspace, configured(), methods=["last_touch"], now=NOW)
    credit = workspace.read("credits").query("deal_id == @won")
    assert set(credit["method"]) == {"last_touch"}
    assert credit.query("target == 'amount'")["credit"].sum() == 1.0


def test_all_scores_every_deal_again(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    first = score(workspace, configured(), methods=RULES, now=NOW)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    report = score(workspace, configured(chunk_deals=7), methods=RULES, all_deals=True, now=later)
    assert (report.scored, first.scored) == (report.deals_in, report.deals_in)
    assert workspace.read("credits")["scored_at"].eq(pd.Timestamp(later)).all()
    assert len(workspace.files("credits")) == -(-report.deals_in // 7)


def test_number_of_buckets_changes_no_number(tmp_path: Path, model: Pushes) -> None:
    one, many = put(tmp_path / "one", company()), put(tmp_path / "many", company())
    score(one, configured(chunk_deals=1000), now=NOW)
    score(many, configured(chunk_deals=3), now=NOW)
    left, right = tables_of(one), tables_of(many)
    assert len(many.files("credits")) > len(one.files("credits")) == 1
    assert_same(
        {n: f.drop(columns="run_id") for n, f in left.items()}, {n: f.drop(columns="run_id") for n, f in right.items()}
    )


def test_row_order_and_threads_change_no_bit(tmp_path: Path, model: Pushes) -> None:
    tables = company()
    straight = put(tmp_path / "straight", tables)
    shuffled = put(tmp_path / "shuffled", {n: f.sample(frac=1, random_state=1) for n, f in tables.items()}, threads=2)
    score(straight, configured(), now=NOW)
    score(shuffled, configured(), now=NOW)
    assert_same(tables_of(straight), tables_of(shuffled))


def test_partner_names_change_no_bit(tmp_path: Path, model: Pushes) -> None:
    tables = company()
    names = {"p0": "z", "p1": "y", "p2": "x", "p3": "w", "p4": "v"}
    renamed = {name: tables[name].replace({"partner_id": names}) for name in ("touchpoints", "partners")}
    first, second = put(tmp_path / "first", tables), put(tmp_path / "second", {**tables, **renamed})
    score(first, configured(exact_players=3), now=NOW)
    score(second, configured(exact_players=3), now=NOW)
    for name, frame in tables_of(first).items():
        mapped = frame.replace({"partner_id": names}).drop(columns="run_id")
        keys = [
            column for column in ("deal_id", "partner_id", "period", "method", "target", "currency") if column in frame
        ]
        other = second.read(name).drop(columns="run_id").sort_values(keys, ignore_index=True)
        pd.testing.assert_frame_equal(mapped.sort_values(keys, ignore_index=True), other, check_exact=True)


def test_partner_whose_touches_were_all_recorded_late_has_a_row_without_credit(tmp_path: Path, model: Pushes) -> None:
    tables = company()
    won = tables["deals"].query("outcome == 'won'").iloc[0]
    late = pd.DataFrame(
        [("late", won["deal_id"], "p9", "meeting", won["closed_at"], won["closed_at"] + pd.Timedelta("9D"))]
    )
    late.columns = tables["touchpoints"].columns
    workspace = put(tmp_path, {**tables, "touchpoints": pd.concat([tables["touchpoints"], late])})
    score(workspace, configured(), now=NOW)
    rows = workspace.read("credits").query("partner_id == 'p9' and target == 'win'").set_index("method")["credit"]
    assert rows["model"] == rows["shap"] == 0
    assert rows["last_touch"] > 0


def test_deals_that_never_reached_the_cutoff_are_counted_and_still_have_rules(tmp_path: Path, model: Pushes) -> None:
    model.spec = FrameSpec(Cutoff("age_days", 1000.0), ("meeting",), ("isv", "si"), ())
    workspace = put(tmp_path, company())
    report = score(workspace, configured(), now=NOW)
    assert report.rejected == {"they never reached the model's cutoff": report.deals_in}
    assert "Not credited" in report.text()
    assert set(workspace.read("credits")["method"]) == set(RULES)


def test_drivers_add_up_to_the_prediction(tmp_path: Path, model: Pushes) -> None:
    workspace = put(tmp_path, company())
    score(workspace, configured(), now=NOW)
    drivers = pd.read_parquet(workspace.results / "drivers.parquet")
    credit = workspace.read("credits").query("method == 'model' and target == 'win'")
    predicted = credit.groupby("deal_id")["credit"].sum()
    np.testing.assert_allclose(drivers.groupby("deal_id")["contribution"].sum(), logit(predicted), atol=1e-9)


def test_partner_scores_add_up_to_the_wins_and_amounts(tmp_path: Path, model: Pushes) -> None:
    workspace = put(tmp_path, company())
    score(workspace, configured(period="month"), now=NOW)
    won = workspace.read("deals").query("outcome == 'won'")
    scores = workspace.read("partner_scores")
    np.testing.assert_allclose(scores.groupby("method")["credited_wins"].sum(), len(won), atol=1e-9)
    for currency, rows in scores.groupby("currency"):
        amount = won.loc[won["currency"] == currency, "amount"].sum()
        np.testing.assert_allclose(rows.groupby("method")["credited_amount"].sum(), amount, atol=1e-6)
    own = scores.query("partner_id == @DIRECT and method == 'model'")
    assert own["deals_touched"].sum() == (workspace.read("deals")["outcome"] != "open").sum()


def test_effects_of_other_quantities_stay(tmp_path: Path) -> None:
    other = {"partner_id": "p1", "method": "adjusted", "target": "win", "quantity": "adjusted_effect", "value": 0.1}
    workspace = put(tmp_path, {**company(), "partner_effects": pd.DataFrame([{**other, "run_id": "r", "n": 5}])})
    score(workspace, configured(), methods=RULES, now=NOW)
    effects = workspace.read("partner_effects")
    assert set(effects["quantity"]) == {"adjusted_effect", "total_credit"}
    won = (workspace.read("deals")["outcome"] == "won").sum()
    totals = effects.query("quantity == 'total_credit'").groupby("method")["value"].sum()
    np.testing.assert_allclose(totals, won, atol=1e-9)


def test_an_interrupted_run_goes_on_under_its_own_id_and_time(
    tmp_path: Path, model: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, workspace = put(tmp_path / "one", company()), put(tmp_path / "two", company())
    expected = score(undisturbed, configured(), now=NOW)
    calls = 0
    predict = Pushes.predict

    def failing(self: Pushes, frame: pd.DataFrame) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return predict(self, frame)

    monkeypatch.setattr(Pushes, "predict", failing)
    with pytest.raises(KeyboardInterrupt):
        score(workspace, configured(), now=NOW)
    assert 0 < len(workspace.files("credits")) < len(undisturbed.files("credits"))
    report = score(workspace, configured(), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert report == expected
    assert_same(tables_of(undisturbed), tables_of(workspace))
    assert not (workspace.results / "run.json").exists()


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    with workspace.lock("score"), pytest.raises(WorkspaceError, match=r"in use by process \d+ \(score\)"):
        score(Workspace.open(tmp_path), configured(), methods=RULES, now=NOW)


def test_unknown_method_and_missing_deals_are_refused_with_the_way_out(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    with pytest.raises(WorkspaceError, match="no method 'magic'; choose among model, shap, first_touch"):
        score(workspace, configured(), methods=["magic"], now=NOW)
    empty = Workspace.open(tmp_path / "empty", create=True)
    with pytest.raises(WorkspaceError, match="partnerlift ingest"):
        score(empty, configured(), methods=RULES, now=NOW)


def test_workspace_without_touches_credits_the_own_team(tmp_path: Path) -> None:
    workspace = put(tmp_path, {"deals": company()["deals"]})
    score(workspace, configured(), methods=RULES, now=NOW)
    assert set(workspace.read("credits")["partner_id"]) == {DIRECT}


def test_workspace_without_closed_deals_ends_with_empty_tables(tmp_path: Path) -> None:
    workspace = put(tmp_path, {"deals": company()["deals"].assign(outcome="open")})
    report = score(workspace, configured(), methods=RULES, now=NOW)
    assert report.deals_in == 0
    assert workspace.read("partner_scores").empty


def test_report_is_plain_json(tmp_path: Path) -> None:
    report = score(put(tmp_path, company()), configured(), methods=RULES, now=NOW)
    assert json.loads(json.dumps(report.to_dict()))["scored_at"] == "2026-01-01T00:00:00+00:00"
    assert f"{report.deals_in} closed deals: {report.scored} scored, 0 unchanged." in report.text()
