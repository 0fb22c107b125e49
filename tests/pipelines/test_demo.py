from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from features.simulation.settings import BIASES, Bias, Settings
from models.recovery import beats_every_rule
from pipelines.config import Config
from pipelines.console import to_json
from pipelines.demo import demo, leaders, recovered_by
from pipelines.ingest import ingest
from pipelines.score import score
from pipelines.simulate import simulate_to
from pipelines.train import train
from pipelines.workspace import Workspace


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_leaders_stand_beside_last_touch_and_the_truth() -> None:
    scores = pd.DataFrame(
        [
            ("a", "2025-Q1", "model", 2.0, 1.5, 2.5, 200.0, "USD"),
            ("a", "2025-Q2", "model", 1.0, None, None, 100.0, "USD"),
            ("a", "2025-Q1", "last_touch", 1.0, None, None, 50.0, "USD"),
            ("b", "2025-Q1", "model", -0.5, -1.0, 0.0, -20.0, "USD"),
            ("b", "2025-Q1", "last_touch", 4.0, None, None, 900.0, "USD"),
            ("__direct__", "2025-Q1", "model", 9.0, None, None, 999.0, "USD"),
            ("__direct__", "2025-Q1", "last_touch", 9.0, None, None, 999.0, "USD"),
        ],
        columns=[
            *("partner_id", "period", "method", "credited_wins", "credited_wins_lo", "credited_wins_hi"),
            *("credited_amount", "currency"),
        ],
    )
    partners = pd.DataFrame({"partner_id": ["b", "a"], "name": ["Bex", "Ari"], "partner_type": ["si", "isv"]})
    true = pd.DataFrame({"partner_id": ["a"], "won_share": [2.5]})
    table = leaders(scores, partners, true)
    assert table["partner"].tolist() == ["Ari", "Bex"]
    assert table["wins"].tolist() == [3.0, -0.5]
    assert table["wins_lo"].tolist() == [2.5, -1.0]
    assert table["wins_hi"].tolist() == [3.5, 0.0]
    assert table["amount"].tolist() == [300.0, -20.0]
    assert table["true_wins"].tolist() == [2.5, 0.0]
    assert table["over_credited"].tolist() == [-2.0, 4.5]


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds other files \(thesis\.docx\)"):
        demo(tmp_path, deals=10)
    assert (tmp_path / "thesis.docx").exists()


def test_a_workspace_that_the_demo_did_not_make_is_left_alone(tmp_path: Path) -> None:
    own = Workspace.open(tmp_path / "workspace", create=True)
    (own.tables).mkdir()
    (own.tables / "deals.parquet").write_text("a year of deals")
    with pytest.raises(FileExistsError, match=r"workspace was not made by the demo.*--out"):
        demo(tmp_path, deals=10)
    assert (own.tables / "deals.parquet").exists()
    assert not (tmp_path / "company").exists()


@pytest.mark.slow
def test_the_demo_of_its_usual_size_stays_within_two_gibibytes(tmp_path: Path, root: Path) -> None:
    script = (
        "from pathlib import Path; from pipelines.demo import demo; import sys; print(demo(Path(sys.argv[1])).text())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "demo")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    (peak,) = re.findall(r"Peak memory ([\d.]+) GiB\.$", done.stdout.strip())
    assert 0 < float(peak) < 2


@pytest.mark.slow
def test_the_demo_runs_from_exports_to_report_and_says_how_far_from_the_truth_it_is(tmp_path: Path) -> None:
    found = demo(tmp_path / "demo", deals=1500, partners=20)
    assert found.html.stat().st_size > 10_000
    assert set(found.recovered["method"]) == {"model", "shap", "first_touch", "last_touch", "linear"}
    assert list(found.seconds) == ["simulate", "ingest", "detect", "train", "score", "report", "compare"]
    text = found.text()
    assert str(found.html) in text
    assert "last_touch" in text
    assert json.loads(to_json(found.to_dict()))["recovery"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.demo.ingest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo(tmp_path / "demo", deals=50, partners=5)
    assert not found.html.exists(), "a second demo makes its folders anew, also after one that was cut short"


@pytest.mark.slow
@pytest.mark.parametrize("bias", BIASES)
def test_the_model_is_nearer_to_the_truth_than_every_rule(bias: Bias, tmp_path: Path) -> None:
    written = simulate_to(tmp_path / "company", Settings(n_deals=2500, n_partners=25, bias=bias), seed=0)
    workspace = Workspace.open(tmp_path / "workspace", create=True, threads=1)
    ingest(workspace, "salesforce", written.crm)
    ingest(workspace, "tables", written.prm)
    config = Config.model_validate({"engine": {"threads": 1}, "outcome": {"bootstrap": 50}})
    train(workspace, config)
    score(workspace, config, methods=("model", "first_touch", "last_touch", "linear"))
    table = recovered_by(workspace, written.answers)
    assert beats_every_rule(table)
    rank, bias_of_total = (dict(zip(table["method"], table[name], strict=True)) for name in ("spearman", "total_bias"))
    assert rank["model"] > 0.6
    assert abs(bias_of_total["model"]) < abs(bias_of_total["last_touch"])
