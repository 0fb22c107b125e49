"""The verb `score` on small workspaces."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from features.coalitions import players
from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.inputs import inputs_from
from features.tables import DIRECT, TABLES
from models.credit import players_of
from models.rules import countable_touches
from pipelines.config import Config, parse_config
from pipelines.doctor import doctor
from pipelines.report.source import open_source
from pipelines.score import score
from pipelines.scoring.parts import write_parts
from pipelines.workspace import Transaction, Workspace, WorkspaceError, write_frame

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
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


def company(seed: int = 0, n_deals: int = 30) -> dict[str, pd.DataFrame]:
    """Deals with 0 to 4 of five partners, won, lost and open, some touches recorded late or made after the close.

    Partner p9 has a single touch, on a won deal, that was recorded after the deal had closed.
    """
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
    rows: list[tuple[Any, ...]] = []
    for deal, at in zip(deal_ids, closed, strict=True):
        acting = random.choice(5, size=random.integers(0, 5), replace=False)
        for partner in [*(f"p{p}" for p in acting), None]:
            for _ in range(int(random.integers(1, 4))):
                occurred = at - pd.Timedelta(days=int(random.integers(-2, 60)))
                recorded = occurred + pd.Timedelta(days=int(random.integers(0, 30)))
                rows.append((f"t{len(rows):04}", deal, partner, "meeting", occurred, recorded))
    late = deals.query("outcome == 'won'").iloc[0]
    rows.append(("late", late["deal_id"], "p9", "meeting", late["closed_at"], late["closed_at"] + pd.Timedelta(days=9)))
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


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Pushes:
    """Puts a model in the champion's place."""
    made = Pushes()
    monkeypatch.setattr("pipelines.score.champion", lambda workspace, config: made)
    return made


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A company scored by all methods, to be read only."""
    workspace = put(tmp_path_factory.mktemp("modelled") / "w", company())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.score.champion", lambda workspace, config: Pushes())
        score(workspace, configured(), now=NOW)
    return workspace


@pytest.fixture(scope="module")
def ruled_once(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = put(tmp_path_factory.mktemp("ruled") / "w", company())
    score(workspace, configured(), methods=RULES, now=NOW)
    return workspace


@pytest.fixture
def ruled(ruled_once: Workspace, tmp_path: Path) -> Workspace:
    """A company of one's own, scored by the rules."""
    shutil.copytree(ruled_once.root, tmp_path / "ruled")
    return Workspace.open(tmp_path / "ruled", threads=1)


def without_run(workspace: Workspace) -> dict[str, pd.DataFrame]:
    return {name: frame.drop(columns="run_id") for name, frame in tables_of(workspace).items()}


def test_every_deal_adds_up_by_every_method(modelled: Workspace) -> None:
    credit, deals = modelled.read("credits"), modelled.read("deals").set_index("deal_id")
    assert set(credit["method"]) == {"model", "shap", *RULES}
    shares = credit.groupby(["deal_id", "method", "target"])["share"].sum()
    np.testing.assert_allclose(shares, 1, atol=1e-12)
    by_model = credit[(credit["target"] == "win")].pivot_table("credit", "deal_id", "method", "sum")
    np.testing.assert_allclose(by_model["model"], by_model["shap"], atol=1e-9)
    assert set(by_model.index) == set(deals.index[deals["outcome"] != "open"])
    assert (credit["credit"] < 0).any()
    assert credit["scored_at"].eq(pd.Timestamp(NOW)).all()


def test_money_of_every_won_deal_adds_up_to_the_cent(modelled: Workspace) -> None:
    credit, deals = modelled.read("credits"), modelled.read("deals")
    amounts = deals.query("outcome == 'won'").dropna(subset="amount").set_index("deal_id")["amount"].to_dict()
    money = credit[credit["target"] == "amount"]
    assert set(money["deal_id"]) == set(amounts)
    for (deal, _), rows in money.groupby(["deal_id", "method"]):
        paid = sum(Decimal(str(part)) for part in rows["credit"])
        assert paid == Decimal(str(amounts[str(deal)])).quantize(Decimal("0.01"))


def test_partner_whose_touches_were_all_recorded_late_has_a_row_without_credit(modelled: Workspace) -> None:
    rows = modelled.read("credits").query("partner_id == 'p9' and target == 'win'").set_index("method")["credit"]
    assert rows["model"] == rows["shap"] == 0
    assert rows["last_touch"] > 0


def test_drivers_add_up_to_the_prediction(modelled: Workspace) -> None:
    drivers = pd.read_parquet(modelled.results / "drivers.parquet")
    credit = modelled.read("credits").query("method == 'model' and target == 'win'")
    predicted = credit.groupby("deal_id")["credit"].sum()
    np.testing.assert_allclose(drivers.groupby("deal_id")["contribution"].sum(), logit(predicted), atol=1e-9)


def test_partner_scores_add_up_to_the_wins_and_amounts(modelled: Workspace) -> None:
    won, scores = modelled.read("deals").query("outcome == 'won'"), modelled.read("partner_scores")
    np.testing.assert_allclose(scores.groupby("method")["credited_wins"].sum(), len(won), atol=1e-9)
    for currency, rows in scores.groupby("currency"):
        amount = won.loc[won["currency"] == currency, "amount"].sum()
        np.testing.assert_allclose(rows.groupby("method")["credited_amount"].sum(), amount, atol=1e-6)
    own = scores.query("partner_id == @DIRECT and method == 'model'")
    assert own["deals_touched"].sum() == (modelled.read("deals")["outcome"] != "open").sum()


def test_credit_features_report_and_doctor_know_the_same_players(tmp_path: Path) -> None:
    tables = company()
    deals, touches = tables["deals"], tables["touchpoints"]
    lost = deals.query("outcome == 'lost'")["deal_id"].iloc[0]
    after = {"touchpoint_id": "after", "deal_id": lost, "kind": "meeting"}
    at = {name: CLOSE + pd.Timedelta(days=1) for name in ("occurred_at", "recorded_at")}
    touches = pd.concat([touches, pd.DataFrame([{**after, "partner_id": "gone", **at}])], ignore_index=True)
    workspace = put(tmp_path, {**tables, "touchpoints": touches})
    closed = deals.query("outcome != 'open'")
    ranked = players_of(closed, countable_touches(touches, closed)).query("partner_id != @DIRECT")
    expected = set(ranked[["deal_id", "partner_id"]].itertuples(index=False, name=None))
    with workspace.connect() as connection:
        known = players(inputs_from(connection)).execute()
    assert set(known.itertuples(index=False, name=None)) == expected
    with open_source(workspace, Config()) as source:
        assert {tuple(row.values()) for row in source.records("SELECT deal_id, partner_id FROM player")} == expected
    n_seen = len({partner for _, partner in expected})
    assert any(f.sentence.startswith(f"{n_seen} partners seen") for f in doctor(workspace, Config()).findings)
    assert "gone" not in {partner for _, partner in expected}


def test_a_second_run_has_nothing_to_do_and_changes_nothing(ruled: Workspace) -> None:
    before = tables_of(ruled)
    report = score(ruled, configured(), methods=RULES, now=LATER)
    assert (report.scored, report.unchanged) == (0, report.deals_in)
    assert_same(before, tables_of(ruled))


def test_only_what_changed_is_scored_and_the_end_is_that_of_a_fresh_run(ruled: Workspace, tmp_path: Path) -> None:
    deals = ruled.read("deals")
    changed = deals.query("outcome == 'won'")["deal_id"].iloc[0]
    put(ruled.root, {"deals": deals.assign(amount=deals["amount"].where(deals["deal_id"] != changed, 123.45))})
    report = score(ruled, configured(), methods=RULES, now=NOW)
    assert report.scored == 1
    credit = ruled.read("credits")
    assert set(credit.loc[credit["run_id"] == report.run_id, "deal_id"]) == {changed}
    fresh = put(tmp_path / "fresh", {name: ruled.read(name) for name in ("deals", "touchpoints", "partners")})
    score(fresh, configured(), methods=RULES, now=NOW)
    assert_same(without_run(ruled), without_run(fresh))


@pytest.mark.slow
def test_deals_that_vanish_or_reopen_lose_their_credit(ruled: Workspace) -> None:
    deals = ruled.read("deals")
    vanished, reopened = deals.query("outcome != 'open'")["deal_id"].iloc[:2]
    kept = deals.query("deal_id != @vanished")
    put(ruled.root, {"deals": kept.assign(outcome=kept["outcome"].where(kept["deal_id"] != reopened, "open"))})
    report = score(ruled, configured(), methods=RULES, now=NOW)
    assert report.removed == 2
    assert "2 deals lost their credit" in report.text()
    assert not {vanished, reopened} & set(ruled.read("credits")["deal_id"])


def test_methods_that_are_not_asked_for_stay_as_they_are(ruled: Workspace) -> None:
    before = ruled.read("credits")
    report = score(ruled, configured(late_entries="drop"), methods=["last_touch"], now=LATER)
    credit = ruled.read("credits")
    assert report.methods == ("last_touch",)
    assert set(credit["method"]) == set(ruled.read("partner_scores")["method"]) == set(RULES)
    order = ["deal_id", "method", "target", "partner_id"]
    left, right = (f.query("method != 'last_touch'").sort_values(order, ignore_index=True) for f in (before, credit))
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert set(credit.query("method == 'last_touch'")["run_id"]) == {report.run_id}


def test_credit_of_a_changed_deal_never_outlives_its_data(ruled: Workspace) -> None:
    deals = ruled.read("deals")
    changed = deals.query("outcome == 'won'")["deal_id"].iloc[0]
    put(ruled.root, {"deals": deals.assign(amount=deals["amount"].where(deals["deal_id"] != changed, 1.0))})
    score(ruled, configured(), methods=["last_touch"], now=NOW)
    credit = ruled.read("credits").query("deal_id == @changed")
    assert set(credit["method"]) == {"last_touch"}
    assert credit.query("target == 'amount'")["credit"].sum() == 1.0


def test_credits_of_another_version_are_refused_with_the_way_out(ruled: Workspace) -> None:
    for file in (ruled.root / "results/scored.parquet").iterdir():
        pd.read_parquet(file).astype({"fingerprint": str}).to_parquet(file, index=False)
    with pytest.raises(WorkspaceError, match=r"another version. Remove tables/credits.parquet, .* and score again"):
        score(ruled, configured(), methods=["linear"])


def test_all_scores_every_deal_again_in_buckets_of_the_size_asked_for(ruled: Workspace) -> None:
    report = score(ruled, configured(chunk_deals=7), methods=RULES, all_deals=True, now=LATER)
    assert report.scored == report.deals_in
    assert ruled.read("credits")["scored_at"].eq(pd.Timestamp(LATER)).all()
    summary = json.loads((ruled.results / "score.json").read_text(encoding="utf-8"))
    assert summary["buckets"] == -(-report.deals_in // 7)
    assert summary["config"]["credit"]["chunk_deals"] == 7


@pytest.mark.slow
def test_deals_that_outgrew_their_buckets_are_divided_anew_and_keep_all_methods_credit(
    ruled_once: Workspace, tmp_path: Path
) -> None:
    tables, methods = company(), ("first_touch", "linear")
    few = {**tables, "deals": tables["deals"].head(4)}
    for all_deals in (False, True):
        workspace = put(tmp_path / f"grown-{all_deals}", few)
        score(workspace, configured(), methods=RULES, now=NOW)
        assert len(workspace.files("credits")) == 1
        before = workspace.read("credits").query("method == 'last_touch'")
        put(workspace.root, tables)
        score(workspace, configured(), methods=methods, all_deals=all_deals, now=NOW)
        after = workspace.read("credits").query("method == 'last_touch'")
        order = ["deal_id", "target", "partner_id"]
        left, right = (f.sort_values(order, ignore_index=True) for f in (before, after))
        pd.testing.assert_frame_equal(left, right, check_exact=True)
        score(workspace, configured(), methods=RULES, now=NOW)
        assert [f.name for f in workspace.files("credits")] == [f.name for f in ruled_once.files("credits")]
        assert max(map(n_deals_of, workspace.files("credits"))) < 20
        assert_same(without_run(ruled_once), without_run(workspace))


@pytest.mark.slow
def test_credits_that_were_taken_away_are_made_again_when_deals_are_divided_anew(
    ruled: Workspace, ruled_once: Workspace
) -> None:
    shutil.rmtree(ruled.tables / "credits.parquet")
    score(ruled, configured(chunk_deals=2), methods=RULES, now=NOW)
    assert_same(without_run(ruled_once), without_run(ruled))


def n_deals_of(file: Path) -> int:
    return int(pd.read_parquet(file)["deal_id"].nunique())


@pytest.mark.slow
def test_an_interrupted_run_goes_on_under_its_own_id_and_time(
    ruled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = put(tmp_path / "cut", company())
    written: list[Any] = []

    def failing(transaction: Transaction, *parts: Any) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(parts)
        write_parts(transaction, *parts)

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.score.write_parts", failing)
        with pytest.raises(KeyboardInterrupt):
            score(workspace, configured(), methods=RULES, now=NOW)
    assert len(workspace.files("credits")) == 2 < len(ruled.files("credits"))
    report = score(workspace, configured(), methods=RULES, now=LATER)
    assert report.scored == report.deals_in
    assert report.scored_at == NOW
    assert_same(tables_of(ruled), tables_of(workspace))
    assert not (workspace.results / "run.json").exists()


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    with workspace.lock("score"), pytest.raises(WorkspaceError, match=r"in use by process \d+ \(score\)"):
        score(Workspace.open(tmp_path), configured(), methods=RULES, now=NOW)


def test_what_cannot_be_scored_is_refused_with_the_way_out(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    with pytest.raises(WorkspaceError, match="no method 'magic'; choose among model, shap, first_touch"):
        score(workspace, configured(), methods=["magic"], now=NOW)
    empty = Workspace.open(tmp_path / "empty", create=True)
    with pytest.raises(WorkspaceError, match="partnerlift ingest"):
        score(empty, configured(), methods=RULES, now=NOW)


def test_effects_of_other_quantities_stay(tmp_path: Path) -> None:
    other = {"partner_id": "p1", "method": "adjusted", "target": "win", "quantity": "adjusted_effect", "value": 0.1}
    workspace = put(tmp_path, {**company(), "partner_effects": pd.DataFrame([{**other, "run_id": "r", "n": 5}])})
    score(workspace, configured(), methods=["linear"], now=NOW)
    effects = workspace.read("partner_effects")
    assert set(effects["quantity"]) == {"adjusted_effect", "total_credit"}
    won = (workspace.read("deals")["outcome"] == "won").sum()
    assert effects.query("quantity == 'total_credit'")["value"].sum() == pytest.approx(won)


def test_workspace_without_touches_credits_the_own_team(tmp_path: Path) -> None:
    workspace = put(tmp_path, {"deals": company()["deals"]})
    score(workspace, configured(), methods=["linear"], now=NOW)
    assert set(workspace.read("credits")["partner_id"]) == {DIRECT}


@pytest.mark.slow
def test_workspace_without_closed_deals_ends_with_empty_tables(tmp_path: Path) -> None:
    workspace = put(tmp_path, {"deals": company()["deals"].assign(outcome="open")})
    report = score(workspace, configured(), methods=["linear"], now=NOW)
    assert report.deals_in == 0
    assert workspace.read("credits").empty
    assert workspace.read("partner_scores").empty
    assert json.loads(json.dumps(report.to_dict()))["scored_at"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.slow
def test_number_of_buckets_changes_no_number(model: Pushes, modelled: Workspace, tmp_path: Path) -> None:
    one = put(tmp_path, company())
    score(one, configured(chunk_deals=1000), now=NOW)
    assert len(modelled.files("credits")) > len(one.files("credits")) == 1
    assert_same(without_run(modelled), without_run(one))


@pytest.mark.slow
def test_row_order_and_threads_change_no_bit(model: Pushes, modelled: Workspace, tmp_path: Path) -> None:
    tables = {name: frame.sample(frac=1, random_state=1) for name, frame in company().items()}
    shuffled = put(tmp_path, tables, threads=2)
    score(shuffled, configured(), now=NOW)
    assert_same(tables_of(modelled), tables_of(shuffled))


@pytest.mark.slow
def test_partner_names_change_no_bit(model: Pushes, tmp_path: Path) -> None:
    tables = company()
    names = {"p0": "z", "p1": "y", "p2": "x", "p3": "w", "p4": "v", "p9": "a"}
    renamed = {name: tables[name].replace({"partner_id": names}) for name in ("touchpoints", "partners")}
    first, second = put(tmp_path / "first", tables), put(tmp_path / "second", {**tables, **renamed})
    score(first, configured(exact_players=3), now=NOW)
    score(second, configured(exact_players=3), now=NOW)
    keys = ["deal_id", "partner_id", "period", "method", "target", "currency"]
    for name, frame in without_run(first).items():
        order = [key for key in keys if key in frame]
        mapped = frame.replace({"partner_id": names}).sort_values(order, ignore_index=True)
        other = without_run(second)[name].sort_values(order, ignore_index=True)
        pd.testing.assert_frame_equal(mapped, other, check_exact=True)


@pytest.mark.slow
def test_deals_that_never_reached_the_cutoff_are_counted_and_still_have_rules(
    model: Pushes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(model, "spec", FrameSpec(Cutoff("age_days", 1000.0), ("meeting",), ("isv", "si"), ()))
    workspace = put(tmp_path, company())
    report = score(workspace, configured(), now=NOW)
    assert report.rejected == {"by the model, because they never reached its cutoff": report.deals_in}
    assert "Not credited" in report.text()
    assert "The model's cutoff (age_days) is used, not the configuration's (at_close)" in caplog.text
    assert set(workspace.read("credits")["method"]) == set(RULES)


@pytest.mark.slow
def test_a_changed_history_rescores_the_deals_whose_features_it_changes(model: Pushes, tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    score(workspace, configured(), now=NOW)
    deals = workspace.read("deals")
    closed = deals.query("outcome != 'open'").sort_values("closed_at")
    changed, at = closed.iloc[len(closed) // 2][["deal_id", "closed_at"]]
    other = {"won": "lost", "lost": "won"}
    outcome = deals["outcome"].where(deals["deal_id"] != changed, deals["outcome"].map(other))
    put(tmp_path, {"deals": deals.assign(outcome=outcome)})
    report = score(workspace, configured(), now=NOW)
    rescored = workspace.read("credits").query("run_id == @report.run_id and method == 'model'")["deal_id"]
    assert set(rescored) == {changed, *closed.loc[closed["closed_at"] > at, "deal_id"]}
    assert len(set(rescored)) < report.deals_in


@pytest.mark.slow
def test_a_method_that_needs_a_model_says_how_to_get_one_or_do_without(tmp_path: Path) -> None:
    workspace = put(tmp_path, company())
    with pytest.raises(WorkspaceError, match=r"partnerlift train.*--methods first_touch,last_touch,linear"):
        score(workspace, configured(), methods=["model"], now=NOW)
