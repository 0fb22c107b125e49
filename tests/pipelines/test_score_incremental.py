"""Scoring what changed ends in the tables of scoring everything, whatever changed, and looks at little."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.tables import TABLES
from pipelines.config import Config, parse_config
from pipelines.score import score
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = pd.Timestamp("2025-01-01", tz="UTC")
PUSH = "push_millionths"
Tables = dict[str, pd.DataFrame]
KEY = """
import sys
from pathlib import Path
from features.cutoff import Cutoff
from features.eligible import Eligibility
from features.frame import FrameSpec
from pipelines.scoring.plan import Window, stage_deals
from pipelines.scoring.stage import FeatureStage
from pipelines.workspace import Workspace

workspace = Workspace.open(sys.argv[1], threads=1)
with workspace.connect() as connection, workspace.scratch() as folder:
    stage_deals(connection, 1, Window(), Eligibility())
    print(FeatureStage(connection, FrameSpec(Cutoff(), ("meeting",), ("isv",), ()), folder).key)
"""


class PastMatters:
    """A model that asks about the past of the deal, its account, its owner and its partners."""

    extra_columns: tuple[str, ...] = (PUSH,)
    version = "past-1"
    spec = FrameSpec(Cutoff(), ("meeting",), ("isv", "si"), ())

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        rate = (
            members["past_win_rate"].fillna(0.5) + 0.1 * members["past_deals_at_account"] + members["has_integration"]
        )
        push = rate * members["partner_type"].map({"si": 1.0, "isv": -0.5}).fillna(0.0)
        return members.assign(**{PUSH: np.rint(push * 1e6).astype(np.int64)})

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(expit(self.contributions(frame).to_numpy().sum(axis=1)))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        numbers = (
            "overall_win_rate",
            "account_past_win_rate",
            "owner_past_deals",
            "stages_entered",
            "registered_leads_sum",
        )
        columns = {name: frame[name].astype(float).fillna(-1.0) for name in numbers}
        return pd.DataFrame({**columns, f"{PUSH}_sum": frame[f"{PUSH}_sum"] / 1e6, "bias": -0.3}, index=frame.index)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.score.champion", lambda workspace, config: PastMatters())


def deals_of(numbers: list[int], dice: np.random.Generator) -> pd.DataFrame:
    """Deals that close on the day of their number, of ten accounts and three owners."""
    closed = START + pd.to_timedelta(numbers, unit="D")
    return pd.DataFrame(
        {
            "deal_id": [f"d{n:03}" for n in numbers],
            "account_id": [f"a{a}" for a in dice.integers(0, 10, len(numbers))],
            "owner_id": [f"o{o}" for o in dice.integers(0, 3, len(numbers))],
            "deal_type": "new",
            "amount": dice.integers(1, 10**6, len(numbers)) / 100,
            "currency": "EUR",
            "created_at": closed - pd.Timedelta(days=60),
            "closed_at": closed,
            "outcome": dice.choice(["won", "lost"], len(numbers)),
        }
    )


def touches_of(deals: pd.DataFrame, dice: np.random.Generator) -> pd.DataFrame:
    rows = [
        (f"{deal}-{partner}", deal, partner, "meeting", at - pd.Timedelta(days=int(dice.integers(1, 50))))
        for deal, at in zip(deals["deal_id"], deals["closed_at"], strict=True)
        for partner in [None, *(f"p{p}" for p in dice.choice(5, size=dice.integers(0, 4), replace=False))]
    ]
    return pd.DataFrame(rows, columns=["touchpoint_id", "deal_id", "partner_id", "kind", "occurred_at"])


def company(dice: np.random.Generator, n_deals: int = 40) -> Tables:
    deals = deals_of(list(range(0, 4 * n_deals, 4)), dice)
    types = ["si", "isv", "si", "isv", "si"]
    return {
        "deals": deals,
        "touchpoints": touches_of(deals, dice),
        "partners": pd.DataFrame({"partner_id": [f"p{i}" for i in range(5)], "name": "x", "partner_type": types}),
        "stage_history": pd.DataFrame(
            {"deal_id": deals["deal_id"], "stage": "Propose", "entered_at": deals["created_at"]}
        ),
    }


def put(root: Path, tables: Tables) -> Workspace:
    workspace = Workspace.open(root, create=True, threads=1)
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in tables.items():
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


def configured() -> Config:
    return parse_config({"credit": {"chunk_deals": 12, "methods": ["model", "shap", "last_touch"]}})


def results(workspace: Workspace) -> Tables:
    keys = {
        "credits": ["deal_id", "method", "target", "partner_id"],
        "partner_scores": ["partner_id", "period", "method", "currency"],
        "partner_effects": ["partner_id", "method"],
    }
    found = {name: workspace.read(name).sort_values(order, ignore_index=True) for name, order in keys.items()}
    drivers = pd.read_parquet(workspace.results / "drivers.parquet")
    found["drivers"] = drivers.sort_values(["deal_id", "partner_id", "feature"], ignore_index=True)
    return {name: frame.drop(columns="run_id", errors="ignore") for name, frame in found.items()}


def assert_as_if_scored_anew(workspace: Workspace, tables: Tables, fresh: Path) -> None:
    anew = put(fresh, tables)
    score(anew, configured(), now=NOW)
    for name, frame in results(anew).items():
        pd.testing.assert_frame_equal(results(workspace)[name], frame, check_exact=True)


def more(tables: Tables, numbers: list[int], dice: np.random.Generator) -> Tables:
    """The company with more deals, which close on those days."""
    deals = deals_of(numbers, dice)
    fresh = {"deals": deals, "touchpoints": touches_of(deals, dice)}
    return {**tables, **{name: pd.concat([tables[name], rows], ignore_index=True) for name, rows in fresh.items()}}


def changed(tables: Tables, dice: np.random.Generator) -> Tables:
    """The company after some of all that can happen to it."""
    deals, touches = tables["deals"], tables["touchpoints"]
    one, two, three = dice.choice(deals["deal_id"], 3, replace=False)
    other = {"won": "lost", "lost": "won"}
    at = deals.set_index("deal_id")["closed_at"]
    late = {"touchpoint_id": "late", "deal_id": two, "partner_id": "p4", "kind": "meeting", "occurred_at": at[two]}
    happenings = {
        "outcome": {
            "deals": deals.assign(outcome=deals["outcome"].where(deals["deal_id"] != one, deals["outcome"].map(other)))
        },
        "removed": {"deals": deals[deals["deal_id"] != one], "touchpoints": touches[touches["deal_id"] != one]},
        "reopened": {"deals": deals.assign(outcome=deals["outcome"].where(deals["deal_id"] != three, "open"))},
        "moved": {
            "deals": deals.assign(
                closed_at=deals["closed_at"].where(deals["deal_id"] != two, at[two] + pd.Timedelta(days=31))
            )
        },
        "late touch": {
            "touchpoints": pd.concat(
                [
                    touches[touches["touchpoint_id"] != "late"],
                    pd.DataFrame([{**late, "recorded_at": at[two] + pd.Timedelta(days=20)}]),
                ]
            )
        },
        "retyped": {"partners": tables["partners"].assign(partner_type=dice.choice(["si", "isv"], 5))},
        "staged": {
            "stage_history": pd.concat(
                [
                    tables["stage_history"],
                    pd.DataFrame([{"deal_id": one, "stage": "Close", "entered_at": at[one] - pd.Timedelta(days=5)}]),
                ]
            ).drop_duplicates()
        },
        "installed": {
            "integrations": pd.DataFrame({"account_id": ["a1"], "partner_id": ["p1"], "installed_at": [at[one]]})
        },
        "lead": {
            "leads": pd.DataFrame(
                [
                    {
                        "lead_id": "l",
                        "direction": "from_partner",
                        "partner_id": "p1",
                        "deal_id": two,
                        "given_at": START,
                        "registered_at": START,
                    }
                ]
            )
        },
    }
    for name in dice.choice(list(happenings), 2, replace=False):
        tables = {**tables, **happenings[str(name)]}
    return tables


@pytest.mark.slow
def test_deals_that_close_after_all_others_are_looked_at_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dice = np.random.default_rng(0)
    tables = company(dice)
    workspace = put(tmp_path / "w", tables)
    score(workspace, configured(), now=NOW)
    before = {file.name: file.stat().st_mtime_ns for file in workspace.files("credits")}
    tables = more(tables, [501, 502], dice)
    put(workspace.root, tables)
    caplog.clear()
    with caplog.at_level("INFO"):
        report = score(workspace, configured(), now=NOW)
    assert report.scored == 2
    assert [r.getMessage() for r in caplog.records if "features" in r.getMessage()] == ["Made the features of 2 deals."]
    after = {file.name: file.stat().st_mtime_ns for file in workspace.files("credits")}
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 1


def test_further_deals_fill_the_last_bucket_first(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    tables = company(dice)
    workspace = put(tmp_path / "w", tables)
    score(workspace, configured(), methods=["last_touch"], now=NOW)
    n_files = []
    for first in (500, 510, 520):
        tables = more(tables, list(range(first, first + 7)), dice)
        put(workspace.root, tables)
        score(workspace, configured(), methods=["last_touch"], now=NOW)
        n_files.append(len(workspace.files("credits")))
    assert n_files == [5, 6, 6]
    assert max(pd.read_parquet(file)["deal_id"].nunique() for file in workspace.files("credits")[4:]) <= 12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_scoring_what_changed_is_scoring_everything_anew(tmp_path: Path, seed: int) -> None:
    dice = np.random.default_rng(seed)
    tables = company(dice)
    workspace = put(tmp_path / "w", tables)
    score(workspace, configured(), now=NOW)
    for attempt, numbers in enumerate(([201, 203], [7, 33, 205], [])):
        tables = changed(more(tables, numbers, dice), dice)
        put(workspace.root, tables)
        score(workspace, configured(), now=NOW)
        assert_as_if_scored_anew(workspace, tables, tmp_path / f"anew{attempt}")


@pytest.mark.slow
def test_what_is_remembered_serves_another_process(tmp_path: Path, root: Path) -> None:
    put(tmp_path / "w", company(np.random.default_rng(0)))
    keys = {
        subprocess.run(
            [sys.executable, "-c", KEY, str(tmp_path / "w")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(keys) == 1


@pytest.mark.slow
def test_what_is_remembered_serves_no_other_cutoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = company(np.random.default_rng(1))
    workspace = put(tmp_path / "w", tables)
    score(workspace, configured(), now=NOW)
    monkeypatch.setattr(PastMatters, "spec", FrameSpec(Cutoff("age_days", days=30), ("meeting",), ("isv", "si"), ()))
    monkeypatch.setattr(PastMatters, "version", "past-2")
    score(workspace, configured(), now=NOW)
    assert_as_if_scored_anew(workspace, tables, tmp_path / "anew")
