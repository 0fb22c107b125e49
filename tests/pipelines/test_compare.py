"""The verb `compare`: the same deals for every method, and what is printed, drawn and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from features.tables import DIRECT, TABLES
from models.recovery import spearman
from pipelines.cli import app
from pipelines.compare import MARKOV_TOTALS, VARIANTS, compare
from pipelines.comparing.files import write_comparison
from pipelines.comparing.report import Comparison
from pipelines.config import Config, parse_config
from pipelines.workspace import Workspace, WorkspaceError, write_frame

CLOSE = pd.Timestamp("2025-03-31", tz="UTC")
CLASSICAL = ["first_touch", "last_touch", "linear", "time_decay", "u_shape", "w_shape", "full_path", "markov"]
DEALS = ["d1", "d2", "d3", "d4"]


def tables() -> dict[str, pd.DataFrame]:
    """Three won deals and a lost one; the model credits d1 and d2 to B, and so does d3 unless ``credits`` lacks it."""
    deals = pd.DataFrame({"deal_id": DEALS, "outcome": ["won", "won", "won", "lost"]}).assign(
        account_id="a", deal_type="new", created_at=CLOSE - pd.Timedelta(90, "D"), closed_at=CLOSE
    )
    rows = [
        ("d1", "A", 30),
        ("d1", "B", 20),
        ("d1", "A", 10),
        ("d2", "B", 9),
        ("d2", None, 5),
        ("d3", "A", 4),
        ("d4", "B", 1),
    ]
    touches = pd.DataFrame(rows, columns=["deal_id", "partner_id", "days"])
    touches = touches.assign(
        touchpoint_id=[f"t{i}" for i in range(len(rows))],
        kind="call",
        occurred_at=CLOSE - pd.to_timedelta(touches["days"], unit="D"),
    )
    partners = pd.DataFrame({"partner_id": ["A", "B"], "name": ["=Alpha", "<b>Beta"], "partner_type": "si"})
    return {"deals": deals, "touchpoints": touches.drop(columns="days"), "partners": partners}


def credits_of(method: str, shares: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = [(deal, partner, share) for deal, by in shares.items() for partner, share in by.items()]
    frame = pd.DataFrame(rows, columns=["deal_id", "partner_id", "share"])
    return frame.assign(
        method=method,
        credit=frame["share"] * 0.5,
        target="win",
        kind="split",
        run_id="r",
        model_version="1",
        scored_at=CLOSE,
    )


MODEL = {
    "d1": {DIRECT: 0.5, "A": 0.1, "B": 0.4},
    "d2": {DIRECT: 0.5, "B": 0.5},
    "d3": {DIRECT: 0.7, "A": 0.3},
    "d4": {DIRECT: 0.2, "B": 0.8},
}


def put(root: Path, *credited: pd.DataFrame) -> Workspace:
    workspace = Workspace.open(root, create=True, threads=1)
    frames = tables() | ({"credits": pd.concat(credited)} if credited else {})
    with workspace.lock("test"), workspace.transaction() as transaction:
        for name, frame in frames.items():
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return workspace


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return put(tmp_path_factory.mktemp("ready"), credits_of("model", MODEL), credits_of("library", {"d1": {"A": 1.0}}))


@pytest.fixture(scope="module")
def found(ready: Workspace) -> Comparison:
    return compare(ready, Config())


def wins(comparison: Comparison, method: str) -> dict[str, float]:
    table = comparison.table()
    return dict(zip(table["partner_id"], table[method], strict=True))


def test_methods_in_credits_and_all_classical_ones_stand_side_by_side(found: Comparison) -> None:
    assert found.labels == ["model", *CLASSICAL, "shapley_paths", MARKOV_TOTALS]
    assert (found.n_deals, found.n_pairs) == (3, 4)
    assert [player.partner_id for player in found.players] == ["B", "A"]
    assert wins(found, "model") == pytest.approx({"B": 0.9, "A": 0.4, DIRECT: 1.7})
    assert wins(found, "last_touch") == {"B": 0, "A": 2, DIRECT: 1}
    assert wins(found, "shapley_paths") == {"B": 1, "A": 1.5, DIRECT: 0.5}
    for method in found.labels:
        assert sum(wins(found, method).values()) == pytest.approx(3)


def test_a_method_that_credits_few_of_the_won_deals_is_left_out_and_named(found: Comparison) -> None:
    assert found.left_out == ("library",)
    assert "Left out, because they credit too few of the won deals: library." in found.text()


def test_correlations_are_over_the_same_pairs_and_over_partners(found: Comparison) -> None:
    model, last = np.array([0.1, 0.4, 0.5, 0.3]), np.array([1.0, 0, 0, 1.0])
    assert found.pair_correlation(0, found.labels.index("last_touch")) == pytest.approx(spearman(model, last))
    assert found.by_partner[0, found.labels.index("last_touch")] == pytest.approx(-1)
    assert np.isnan(found.pair_correlation(0, len(found.labels) - 1))


def test_deals_that_a_method_lacks_are_compared_by_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.compare.LEAST_COVERAGE", 0.5)
    part = {deal: MODEL[deal] for deal in ("d1", "d2")}
    comparison = compare(put(tmp_path, credits_of("model", part)), Config(), methods=["model", "linear"])
    assert comparison.n_deals == 2
    assert wins(comparison, "linear") == pytest.approx({"B": 1 / 3 + 0.5, "A": 2 / 3, DIRECT: 0.5})


def test_variants_are_labelled_by_the_setting_in_which_they_differ(tmp_path: Path) -> None:
    config = parse_config({"credit": {"markov_order": 2}})
    comparison = compare(put(tmp_path), config, methods=["markov", "last_touch"], variants=True)
    assert set(comparison.labels) == {"markov", "last_touch", MARKOV_TOTALS, *VARIANTS} - {
        "markov, order 2",
        "shapley_paths, rate",
    }
    assert wins(comparison, "last_touch, partners only") == {"A": 2, "B": 1, DIRECT: 0}
    assert "(last_touch_scope: partner)" in comparison.text()


def test_windows_and_kinds_hold_for_what_is_computed(tmp_path: Path) -> None:
    comparison = compare(put(tmp_path), parse_config({"credit": {"lookback_days": 9}}), methods=["first_touch"])
    assert wins(comparison, "first_touch") == {"A": 1, "B": 1, DIRECT: 1}


def test_what_cannot_be_compared_is_refused_with_the_way_out(ready: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no method 'magic'; choose among model"):
        compare(ready, Config(), methods=["magic"])
    with pytest.raises(WorkspaceError, match=r"no method 'library'; choose among model, shap, .*, shapley_paths\.$"):
        compare(ready, Config(), methods=["library"])
    with pytest.raises(WorkspaceError, match=r"no credits by shap\. Score them first, or leave them out"):
        compare(ready, Config(), methods=["shap", "linear"])
    empty = Workspace.open(tmp_path, create=True)
    with pytest.raises(WorkspaceError, match="has no won deals"):
        compare(empty, Config())


def test_the_text_names_both_estimands_of_markov(found: Comparison) -> None:
    text = found.text()
    assert "11 methods on 3 won deals, 4 pairs of a deal and a partner, 2 partners." in text
    assert "two estimands with different totals" in text
    assert "own team" in text


@pytest.mark.slow
def test_files_by_ending(found: Comparison, tmp_path: Path) -> None:
    table = pd.read_csv(write_comparison(found, tmp_path / "c.csv"))
    assert table["name"].tolist() == ["<b>Beta", "'=Alpha", "own team"]
    assert table["linear"].sum() == pytest.approx(3)
    page = write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Beta" in page
    assert "<b>Beta" not in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8") == page
    assert write_comparison(found, tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"ends in none of \.html, \.png, \.csv"):
        write_comparison(found, tmp_path / "c.pdf")
    with pytest.raises(WorkspaceError, match="Check that its folder exists"):
        write_comparison(found, tmp_path / "nowhere" / "c.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "c.html", "c.png"]


def test_the_command_prints_text_or_json_and_writes_the_file(ready: Workspace, tmp_path: Path) -> None:
    arguments: list[Any] = ["compare", "--workspace", str(ready.root), "--methods", "model, linear"]
    shown = CliRunner().invoke(app, [*arguments, "--json", "--out", str(tmp_path / "c.csv")])
    assert shown.exit_code == 0, shown.output
    values = json.loads(shown.stdout)
    assert [method["label"] for method in values["methods"]] == ["model", "linear"]
    assert values["rank_correlation_per_deal_and_partner"]["model"]["model"] == 1
    assert (tmp_path / "c.csv").exists()
    assert "Credited wins" in CliRunner().invoke(app, arguments).stdout
    refused = CliRunner().invoke(app, [*arguments, "--out", "c.pdf"])
    assert refused.exit_code == 1
    assert "Choose one of the three endings" in refused.stderr
