"""Which model scores which deals, and what a dry run says of it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.tables import TABLES
from pipelines.backfill import Registered, reigns
from pipelines.config import Config, parse_config
from pipelines.preview import Preview, preview
from pipelines.score import score
from pipelines.scoring.parts import write_parts
from pipelines.workspace import Transaction, Workspace, WorkspaceError, write_frame

NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MARCH, JUNE, JULY = (datetime(2025, month, 1, tzinfo=UTC) for month in (3, 6, 7))
FIRST = Registered("1", "first", (MARCH,))
SECOND = Registered("2", "second", (JUNE,))
NEVER = Registered("3", "never")
CONFIG = parse_config({"credit": {"chunk_deals": 10, "methods": ["model", "last_touch"]}})


class Constant:
    """A model that gives every deal its own probability, whoever is on it."""

    extra_columns: tuple[str, ...] = ()
    spec = FrameSpec(Cutoff(), ("meeting",), ("si",), ())

    def __init__(self, version: str) -> None:
        self.version = version

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        return members

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(expit(self.contributions(frame).to_numpy().sum(axis=1)))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        bias = {"first": -1.0, "second": 1.0}.get(self.version, 0.0)
        return pd.DataFrame({"partners": 0.5 * frame["partners"].astype(float), "bias": bias}, index=frame.index)


def company(root: Path, **changes: Any) -> Workspace:
    """Ten deals, of which one closes on the 15th of each month from January to October 2025, with one partner each."""
    closed = pd.to_datetime([f"2025-{month:02}-15" for month in range(1, 11)], utc=True)
    deals = pd.DataFrame(
        {
            "deal_id": [f"d{month:02}" for month in range(1, 11)],
            "account_id": "a",
            "deal_type": "new",
            "amount": 100.0,
            "currency": "EUR",
            "created_at": closed - pd.Timedelta(days=9),
            "closed_at": closed,
            "outcome": ["won", "lost"] * 5,
        }
    ).assign(**changes)
    touches = deals[["deal_id"]].assign(touchpoint_id=deals["deal_id"], partner_id="p1", kind="meeting")
    touches["occurred_at"] = deals["closed_at"] - pd.Timedelta(days=3)
    partners = pd.DataFrame({"partner_id": ["p1"], "name": ["x"], "partner_type": ["si"]})
    workspace = Workspace.open(root, create=True, threads=1)
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in (("deals", deals), ("touchpoints", touches), ("partners", partners)):
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[Registered]:
    """Registered versions, to be changed by the test; the champion is the last of them that ever was one."""
    known = [FIRST, SECOND, NEVER]
    monkeypatch.setattr("pipelines.backfill.registered", lambda *_: known)
    monkeypatch.setattr("pipelines.backfill.loaded", lambda _w, _c, version: Constant(version.model_version))
    champion = max((version for version in known if version.champion_since), key=lambda v: v.champion_since)
    monkeypatch.setattr("pipelines.score.champion", lambda *_: Constant(champion.model_version))
    return known


def versions(workspace: Workspace) -> dict[str, str]:
    """The model version by which each deal is credited."""
    credit = workspace.read("credits").query("method == 'model'")
    assert credit.groupby("deal_id")["model_version"].nunique().eq(1).all()
    return dict(credit.groupby("deal_id")["model_version"].first())


def everything(workspace: Workspace) -> pd.DataFrame:
    order = ["deal_id", "method", "target", "partner_id"]
    return workspace.read("credits").sort_values(order, ignore_index=True)


def files(root: Path) -> dict[str, str]:
    """Hash of every file, and the folders."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(root.rglob("*"))
    }


def windows(*known: Registered, since: datetime | None = None) -> list[tuple[str, datetime | None, datetime | None]]:
    return [(r.version.number, r.window.since, r.window.until) for r in reigns(known, since)]


def test_a_reign_lasts_to_the_next_promotion_and_the_first_has_no_beginning() -> None:
    assert windows(FIRST, SECOND, NEVER) == [("1", None, JUNE), ("2", JUNE, None)]


def test_a_model_may_be_the_champion_twice_and_a_repeated_promotion_changes_nothing() -> None:
    back = Registered("1", "first", (MARCH, JULY))
    assert windows(SECOND, back) == [("1", None, JUNE), ("2", JUNE, JULY), ("1", JULY, None)]
    assert windows(Registered("1", "first", (MARCH, JUNE))) == [("1", None, None)]


def test_reigns_that_ended_before_the_date_are_left_out() -> None:
    assert windows(FIRST, SECOND, since=JUNE) == [("2", JUNE, None)]
    assert windows(FIRST, SECOND, since=MARCH) == [("1", MARCH, JUNE), ("2", JUNE, None)]


def test_a_reign_without_bounds_is_told_as_one_of_all_deals() -> None:
    (only,) = reigns([FIRST])
    assert only.words == "Model 1 (first) scores all deals."


def test_without_any_promotion_no_model_was_in_force() -> None:
    with pytest.raises(WorkspaceError, match=r"No model was ever made the champion.*--model: 3 \(never\)"):
        reigns([NEVER])


@pytest.mark.slow
def test_each_deal_is_scored_by_the_model_in_force_when_it_closed(registry: list[Registered], tmp_path: Path) -> None:
    workspace = company(tmp_path)
    report = score(workspace, CONFIG, model="in-force", now=NOW)
    assert versions(workspace) == {f"d{m:02}": "first" if m < 6 else "second" for m in range(1, 11)}
    assert (report.deals_in, report.scored, report.unchanged) == (10, 10, 0)
    assert "2 deals closed before any model was in force (2025-03-01 00:00 UTC)" in report.text()
    assert "Model 2 (second) scores deals closed at or after 2025-06-01 00:00 UTC." in report.text()
    summary = json.loads((workspace.results / "score.json").read_text(encoding="utf-8"))
    assert (summary["scored"], summary["model_version"], summary["methods"]) == (10, "second", ["model", "last_touch"])
    assert not (workspace.results / "backfill.json").exists()


@pytest.mark.slow
def test_a_deal_whose_model_in_force_did_not_change_stays_as_it_is(registry: list[Registered], tmp_path: Path) -> None:
    workspace = company(tmp_path)
    score(workspace, CONFIG, model="champion", now=NOW)
    assert set(versions(workspace).values()) == {"second"}
    report = score(workspace, CONFIG, model="in-force", now=LATER)
    assert (report.scored, report.unchanged) == (5, 5)
    rescored = everything(workspace).query("method == 'model' and scored_at == @LATER")
    assert sorted(rescored["deal_id"].unique()) == [f"d{m:02}" for m in range(1, 6)]
    before = everything(workspace)
    registry.append(Registered("4", "third", (datetime(2025, 10, 1, tzinfo=UTC),)))
    assert score(workspace, CONFIG, model="in-force", now=LATER).scored == 1
    after = everything(workspace)
    left, right = (frame.query("deal_id != 'd10'").reset_index(drop=True) for frame in (before, after))
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert versions(workspace)["d10"] == "third"


@pytest.mark.slow
def test_the_model_may_be_named_by_number_or_content_or_in_the_configuration(
    registry: list[Registered], tmp_path: Path
) -> None:
    workspace = company(tmp_path)
    score(workspace, CONFIG, model="1", now=NOW)
    assert set(versions(workspace).values()) == {"first"}
    score(workspace, CONFIG, model="never", now=NOW)
    assert set(versions(workspace).values()) == {"never"}
    in_force = parse_config({"credit": {"methods": ["model"], "model": "in-force"}})
    score(workspace, in_force, now=NOW)
    assert set(versions(workspace).values()) == {"first", "second"}
    with pytest.raises(
        WorkspaceError, match=r"no model version '9'. Choose champion, in-force, or one of: 1 \(first\)"
    ):
        score(workspace, CONFIG, model="9", now=NOW)


@pytest.mark.slow
def test_a_back_fill_that_was_cut_short_ends_as_an_undisturbed_one(
    registry: list[Registered], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse_config({"credit": {"chunk_deals": 3, "methods": ["model", "last_touch"]}})
    undisturbed, cut = company(tmp_path / "undisturbed"), company(tmp_path / "cut")
    score(undisturbed, config, model="in-force", now=NOW)
    for fatal in (2, 6, 9):
        written: list[int] = []

        def failing(transaction: Transaction, *parts: Any, written: list[int] = written, fatal: int = fatal) -> None:
            written.append(1)
            if len(written) == fatal:
                raise KeyboardInterrupt
            write_parts(transaction, *parts)

        with monkeypatch.context() as patch:
            patch.setattr("pipelines.score.write_parts", failing)
            with pytest.raises(KeyboardInterrupt):
                score(cut, config, model="in-force", all_deals=True, now=NOW if fatal == 2 else LATER)
    score(cut, config, model="in-force", all_deals=True, now=LATER)
    pd.testing.assert_frame_equal(everything(undisturbed), everything(cut), check_exact=True)


def test_since_includes_its_own_moment(tmp_path: Path) -> None:
    workspace, moment = company(tmp_path), datetime(2025, 6, 15, tzinfo=UTC)
    report = score(workspace, CONFIG, methods=["last_touch"], since=moment, now=NOW)
    assert (report.deals_in, report.scored) == (5, 5)
    assert set(workspace.read("credits")["deal_id"]) == {"d07", "d09"}


@pytest.mark.slow
def test_since_leaves_the_credit_of_older_deals_alone(tmp_path: Path) -> None:
    workspace, moment = company(tmp_path), datetime(2025, 6, 15, tzinfo=UTC)
    score(workspace, CONFIG, methods=["last_touch"], now=NOW)
    company(tmp_path, amount=50.0, outcome=["open"] + ["won", "lost"] * 4 + ["won"])
    report = score(workspace, CONFIG, methods=["last_touch"], since=moment, now=LATER)
    assert (report.scored, report.removed) == (5, 1)
    money = workspace.read("credits").query("target == 'amount'").groupby("deal_id")["credit"].sum()
    assert money.to_dict() == {"d03": 100, "d05": 100, "d06": 50, "d08": 50, "d10": 50}


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_scored_and_writes_nothing(registry: list[Registered], tmp_path: Path) -> None:
    root = tmp_path / "w"
    workspace = company(root)
    score(workspace, CONFIG, now=NOW)
    company(root, amount=[70.0] + [100.0] * 9)
    before, reader = files(tmp_path), Workspace(root)
    seen = preview(reader, CONFIG, model="in-force")
    assert seen.reasons == {"model": {"data": 1, "rest": 4}, "last_touch": {"data": 1}}
    assert seen.models == {"first": 5, "second": 0}
    assert (seen.deals_in, seen.to_score, seen.unchanged) == (10, 5, 5)
    assert "Nothing was written." in seen.text()
    assert json.loads(json.dumps(seen.to_dict()))["reasons"]["model"]["data"] == 1
    assert preview(reader, CONFIG, all_deals=True).reasons["model"] == {"data": 1, "all": 9}
    assert preview(reader, CONFIG, methods=["linear"], since=JULY).reasons == {"linear": {"new": 4}}
    assert files(tmp_path) == before
    report = score(workspace, CONFIG, model="in-force", now=NOW)
    assert (report.scored, report.unchanged) == (seen.to_score, seen.unchanged)


def test_a_dry_run_by_rules_leaves_every_byte_in_place(tmp_path: Path) -> None:
    root = tmp_path / "w"
    company(root)
    before = files(tmp_path)
    seen = preview(Workspace(root), CONFIG, methods=["linear"], since=JULY)
    assert seen.reasons == {"linear": {"new": 4}}
    assert (seen.deals_in, seen.to_score, seen.models) == (4, 4, {})
    assert files(tmp_path) == before


def test_a_dry_run_refuses_what_it_could_not_do_without_writing(tmp_path: Path) -> None:
    workspace = company(tmp_path)
    (tmp_path / ".commit.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="was cut short and must be finished first"):
        preview(workspace, CONFIG, methods=["linear"])
    with pytest.raises(WorkspaceError, match="has no deals"):
        preview(Workspace(tmp_path / "nowhere"), CONFIG, methods=["linear"])
    assert not (tmp_path / "nowhere").exists()


def test_a_preview_of_nothing_to_do_is_short() -> None:
    seen = Preview(("linear",), {}, 3, 0, 3, 2, {"linear": {}}, {"why": 1}, ("note",))
    assert seen.text().splitlines() == [
        "3 closed deals: 0 would be scored, 3 unchanged.",
        "2 deals would lose their credit, because they are gone or open again.",
        "Not to be credited: 1 deals: why.",
        "note",
        "Nothing was written.",
    ]


def test_the_default_is_the_champion() -> None:
    assert Config().credit.model == "champion"
