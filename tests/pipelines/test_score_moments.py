"""Moments and judgements that come, change and go score a deal again, and only that deal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.tables import DIRECT, TABLES
from pipelines.config import parse_config
from pipelines.score import score
from pipelines.workspace import Workspace, write_frame

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOSED = pd.Timestamp("2025-06-01", tz="UTC")
CONFIG = parse_config({"credit": {"methods": ["model"]}})


class Listens:
    """A model that goes by what was heard of partners."""

    extra_columns: tuple[str, ...] = ()
    version = "listens"
    spec = FrameSpec(Cutoff(), ("meeting",), ("isv",), ())

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        return members

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(expit(frame["moment_confidence_sum"].to_numpy(dtype=float) / 1e6))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("pipelines.score.champion", lambda workspace, config: Listens())
    made = Workspace.open(tmp_path / "w", create=True, threads=1)
    deals = [
        {"deal_id": name, "account_id": name, "deal_type": "new", "created_at": CLOSED - pd.Timedelta(days=60),
         "closed_at": CLOSED, "outcome": "won"}
        for name in ("d1", "d2")
    ]  # fmt: skip
    touches = [
        {"touchpoint_id": f"{d}-{p}", "deal_id": d, "partner_id": p, "kind": "meeting",
         "occurred_at": CLOSED - pd.Timedelta(days=9)}
        for d in ("d1", "d2") for p in ("p", "q")
    ]  # fmt: skip
    put(
        made,
        deals=deals,
        touchpoints=touches,
        partners=[{"partner_id": name, "name": name, "partner_type": "isv"} for name in ("p", "q")],
        conversations=[{"conversation_id": "c", "channel": "call", "started_at": CLOSED - pd.Timedelta(days=9)}],
    )
    return made


def put(workspace: Workspace, **tables: list[dict[str, Any]]) -> None:
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, rows in tables.items():
            write_frame(pd.DataFrame(rows), TABLES[name], transaction.file(f"tables/{name}.parquet"))


def moment(partner: str | None, deal: str | None = "d1", confidence: float = 0.9) -> dict[str, Any]:
    return {
        "moment_id": f"{partner}-{deal}", "conversation_id": "c", "deal_id": deal, "partner_id": partner,
        "assist_type": "risk_save", "journey_stage": "pre_sale", "utterance_ids": ["u"], "quote": "x",
        "char_start": 0, "char_end": 1,
        "confidence": confidence, "type_confidence": 0.9, "model_version": "1", "detected_at": NOW,
    }  # fmt: skip


def scored(workspace: Workspace) -> tuple[int, dict[tuple[str, str], float]]:
    """How many deals were scored, and the credit of each deal and player."""
    report = score(workspace, CONFIG, now=NOW)
    rows = workspace.read("credits")
    rows = rows[(rows["target"] == "win") & rows["partner_id"].isin(["p", "q"])]
    return report.scored, dict(zip(zip(rows["deal_id"], rows["partner_id"], strict=True), rows["credit"], strict=True))


@pytest.mark.slow
def test_a_deal_is_scored_again_when_its_moments_or_their_judgements_change(workspace: Workspace) -> None:
    n, silent = scored(workspace)
    assert (n, set(silent.values())) == (2, {0.0})
    put(workspace, moments=[moment("p"), moment(None), moment("q", None)])
    n, heard = scored(workspace)
    assert n == 1
    assert heard[("d1", "p")] > 0.1
    assert {key for key, credit in heard.items() if credit} == {("d1", "p")}
    assert scored(workspace)[0] == 0
    put(workspace, moments=[moment("p", confidence=0.4)])
    n, doubted = scored(workspace)
    assert n == 1
    assert 0 < doubted[("d1", "p")] < heard[("d1", "p")]
    judged = {"review_id": "r", "moment_id": "p-d1", "reviewer": "ann", "role": "reviewer", "verdict": "rejected"}
    put(workspace, reviews=[judged | {"model_version": "1", "reviewed_at": NOW}])
    assert scored(workspace) == (1, silent)


@pytest.mark.slow
def test_evidence_grades_follow_judgements_and_what_people_confirm_stays_the_partners(workspace: Workspace) -> None:
    def told() -> tuple[int, dict[str, Any], dict[str, float]]:
        """Deals scored, grades of the players of the first deal, and their verified shares."""
        report = score(workspace, CONFIG, methods=["model", "linear", "verified"], now=NOW)
        rows = workspace.read("credits").query("deal_id == 'd1' and target == 'win'")
        grades = {str(name): set(part["evidence_grade"].fillna("")) for name, part in rows.groupby("partner_id")}
        verified = rows[rows["method"] == "verified"]
        return report.scored, grades, dict(zip(verified["partner_id"], verified["share"], strict=True))

    put(workspace, moments=[moment("p"), moment("q", "d2")])
    assert told() == (2, {"p": {"C"}, "q": {"D"}, DIRECT: {""}}, {"p": 0.0, "q": 0.0, DIRECT: 1.0})
    said = {"review_id": "r", "moment_id": "p-d1", "reviewer": "ann", "role": "reviewer", "verdict": "confirmed"}
    put(workspace, reviews=[said | {"model_version": "1", "reviewed_at": NOW}])
    n, grades, shares = told()
    assert (n, grades) == (1, {"p": {"B"}, "q": {"D"}, DIRECT: {""}})
    rows = workspace.read("credits").query("deal_id == 'd1' and target == 'win' and method == 'model'")
    by_model = rows.set_index("partner_id")["share"].to_dict()
    assert shares["p"] == by_model["p"] > 0.1
    assert shares["q"] == 0
    assert sum(shares.values()) == pytest.approx(1, rel=1e-12)
    assert told()[0] == 0


@pytest.mark.slow
def test_signals_count_where_people_made_moments_of_them_and_added_moments_do(workspace: Workspace) -> None:
    put(workspace, moments=[moment("p")])
    _, before = scored(workspace)
    put(workspace, signals=[moment("q") | {"assist_type": "negative_impact"}])
    assert scored(workspace)[0] == 0
    said = {"review_id": "r", "moment_id": "q-d1", "reviewer": "ann", "role": "reviewer", "verdict": "relabelled"}
    put(workspace, reviews=[said | {"assist_type": "risk_save", "model_version": "1", "reviewed_at": NOW}])
    n, relabelled = scored(workspace)
    assert (n, relabelled["d1", "q"] > before["d1", "q"]) == (1, True)
    put(workspace, judged_moments=[moment("p", "d2")])
    n, added = scored(workspace)
    assert (n, added["d2", "p"] > 0, relabelled["d2", "p"]) == (1, True, 0.0)
