from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from features.simulation.settings import Settings
from features.tables import DEALS, PARTNERS, TOUCHPOINTS
from models.crossfit import TrainingDataError
from models.persistence import FACTS, ArtifactError
from models.pooling import deal_frame
from pipelines.config import Config, ConfigError
from pipelines.frames import read_frames
from pipelines.ingest import ingest
from pipelines.preview import preview
from pipelines.provenance import code_version
from pipelines.score import score
from pipelines.simulate import simulate_to
from pipelines.tracking import (
    OUTCOME,
    NoChampionError,
    champion_folder,
    load_amount_champion,
    load_champion,
    load_version,
    versions,
)
from pipelines.train import checked_outcomes, train
from pipelines.visible import what_to_see
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

CONFIG = Config.model_validate(
    {"engine": {"threads": 1}, "outcome": {"folds": 3, "bootstrap": 50, "params": {"learning_rate": 0.15}}}
)
START = pd.Timestamp("2024-01-01", tz="UTC")


def company(n: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Deals whose size and partner decide much; P0 helps, P1 does nothing."""
    rng = np.random.default_rng(seed)
    size, who = rng.normal(0, 1, n), rng.integers(0, 3, n)
    won = rng.random(n) < 1 / (1 + np.exp(-(0.9 * size + 1.5 * (who == 0) - 0.5)))
    created = START + pd.to_timedelta(np.arange(n), unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": [f"D{i:04d}" for i in range(n)],
            "account_id": [f"A{i // 2}" for i in range(n)],
            "segment": rng.choice(["small", "large"], n),
            "deal_type": "new",
            "amount": np.round(np.exp(9 + 0.3 * rng.normal(0, 1, n) + 0.8 * size), 2),
            "currency": "USD",
            "created_at": created,
            "closed_at": created + pd.Timedelta(days=60),
            "outcome": np.where(won, "won", "lost"),
            "x_size": size,
        }
    )
    touched = np.flatnonzero(who < 2)
    touches = pd.DataFrame(
        {
            "touchpoint_id": [f"T{i}" for i in touched],
            "deal_id": deals["deal_id"].to_numpy()[touched],
            "partner_id": [f"P{who[i]}" for i in touched],
            "kind": "demo",
            "occurred_at": created[touched] + pd.Timedelta(days=5),
        }
    )
    partners = pd.DataFrame({"partner_id": ["P0", "P1"], "name": ["Alder", "Birch"], "partner_type": ["si", "isv"]})
    return {"deals": deals, "touchpoints": touches, "partners": partners}


def filled(root: Path, tables: dict[str, pd.DataFrame]) -> Workspace:
    workspace = Workspace.open(root, create=True, threads=1)
    workspace.tables.mkdir(exist_ok=True)
    for name, table in (("touchpoints", TOUCHPOINTS), ("partners", PARTNERS)):
        write_frame(tables[name], table, workspace.path(name))
    extra = [name for name in tables["deals"] if str(name).startswith("x_")]
    declared = tables["deals"].reindex(columns=[*DEALS.column_names, *extra])
    declared.to_parquet(workspace.path("deals"), index=False)
    return workspace


def changed(**sections: Any) -> Config:
    """``CONFIG`` with some keys of its sections changed."""
    values = CONFIG.model_dump()
    return Config.model_validate({**values, **{name: {**values[name], **keys} for name, keys in sections.items()}})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = filled(tmp_path_factory.mktemp("company") / "ws", company(400))
    return workspace, train(workspace, CONFIG, allow_leak=("segment",))


def test_the_report_compares_the_model_with_honest_baselines(trained: Any) -> None:
    _, report = trained
    found = report.to_dict()
    assert set(found["metrics"]) == {"prior", "logistic_without_partners", "logistic_with_partners", "model"}
    assert found["metrics"]["model"]["roc_auc"]["value"] > 0.6
    assert found["gain"]["prior"]["lo"] > 0
    assert found["split"]["test_from"].startswith("202")
    assert "this model" in report.text()
    assert report.evaluation.verdict[0] in report.text()


def test_results_are_written_for_the_report_page(trained: Any) -> None:
    workspace, report = trained
    evaluation = json.loads((workspace.results / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation == json.loads(json.dumps(report.to_dict()))
    points = pd.read_parquet(workspace.results / "calibration.parquet")
    assert {"predicted", "observed", "n"} <= set(points)
    importance = pd.read_parquet(workspace.results / "importance.parquet")
    assert importance["importance"].is_monotonic_decreasing
    assert {"x_size", "partner_effect_millionths_sum"} <= set(importance["feature"])


def test_the_first_model_is_the_champion_and_predicts_in_credit_ready_frames(trained: Any) -> None:
    workspace, report = trained
    assert report.challenge.sentence == "Promoted: it is the first champion."
    model = load_champion(workspace, CONFIG)
    assert model.version == report.model_version
    assert model.spec is not None
    frames = read_frames(workspace, model.spec)
    assert len(model.encode(frames.members)) == len(frames.members)
    assert model.effects_.by_partner["P0"] > model.effects_.by_partner["P1"]


def test_an_amount_model_is_trained_on_won_deals(trained: Any) -> None:
    workspace, report = trained
    assert report.amount.evaluation.metrics["model"]["r2_log"].value > 0
    assert "in USD" in report.amount.sentence
    model = load_amount_champion(workspace, CONFIG)
    assert model.spec is not None
    frames = read_frames(workspace, model.spec)
    amounts = model.predict(deal_frame(frames.base, frames.members))
    assert np.median(amounts) == pytest.approx(frames.base["amount"].median(), rel=0.4)


@pytest.mark.slow
def test_the_same_data_give_the_same_model_and_no_promotion(trained: Any) -> None:
    workspace, report = trained
    again = train(workspace, CONFIG)
    assert again.model_version == report.model_version
    assert again.data_fingerprint == report.data_fingerprint
    assert not again.challenge.promote
    assert again.challenge.sentence == f"The new model is the champion {report.model_version} itself."


@pytest.mark.slow
def test_a_challenger_that_is_not_better_is_not_promoted(trained: Any) -> None:
    workspace, report = trained
    again = train(workspace, changed(outcome={"params": {"learning_rate": 0.001}}))
    assert not again.challenge.promote
    assert "not better than the champion by more than chance" in again.challenge.sentence
    assert load_champion(workspace, CONFIG).version == report.model_version


@pytest.mark.slow
def test_a_promotion_is_recorded_and_scoring_by_the_model_in_force_dry_or_not_finds_it(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, report = trained
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    copy = Workspace.open(shutil.copytree(workspace.root, tmp_path / "copy"), threads=1)
    (version, *_) = versions(copy, CONFIG)
    assert version.model_version == report.model_version
    assert len(version.champion_since) == 1
    assert load_version(copy, CONFIG, version.number).version == report.model_version
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    seen = preview(copy, CONFIG, methods=["model"], model="in-force")
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before
    assert seen.models == {report.model_version: 400}
    done = score(copy, CONFIG, methods=["model"], model="in-force")
    assert done.scored == 400
    assert f"the first, {version.words}, scores them" in done.text()
    assert score(copy, CONFIG, methods=["model"], model="champion").scored == 0


def test_a_workspace_that_was_moved_still_has_its_champion(trained: Any, tmp_path: Path) -> None:
    workspace, report = trained
    moved = Workspace.open(shutil.copytree(workspace.root, tmp_path / "moved"))
    (workspace.root / "mlartifacts").rename(workspace.root / "away")
    try:
        assert load_champion(moved, CONFIG).version == report.model_version
    finally:
        (workspace.root / "away").rename(workspace.root / "mlartifacts")


def test_a_champion_of_an_unknown_format_is_refused(trained: Any) -> None:
    workspace, _ = trained
    path = champion_folder(workspace, CONFIG, OUTCOME) / FACTS
    kept = path.read_text(encoding="utf-8")
    path.write_text(json.dumps({**json.loads(kept), "format": 99}), encoding="utf-8")
    try:
        with pytest.raises(ArtifactError, match="has format 99"):
            load_champion(workspace, CONFIG)
    finally:
        path.write_text(kept, encoding="utf-8")


def test_the_logged_configuration_holds_what_was_allowed_for_the_run(trained: Any) -> None:
    workspace, _ = trained
    first = min((workspace.root / "mlartifacts").rglob("config.yaml"), key=lambda path: path.stat().st_mtime_ns)
    assert yaml.safe_load(first.read_text(encoding="utf-8"))["outcome"]["allow_leak"] == ["segment"]


def test_nothing_that_is_logged_is_a_pickle(trained: Any) -> None:
    workspace, _ = trained
    suffixes = {path.suffix for path in (workspace.root / "mlartifacts").rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".joblib", ".skops", ".cloudpickle"}
    names = {path.name for path in (workspace.root / "mlartifacts").rglob("*")}
    assert {"config.yaml", "evaluation.json", "calibration.png", "beeswarm.png", "input_example.json"} <= names


@pytest.mark.slow
def test_a_planted_leak_is_left_out_and_replaces_no_allowed_one(tmp_path: Path) -> None:
    tables = company(300, seed=2)
    won = tables["deals"]["outcome"] == "won"
    tables["deals"]["x_closed_by_partner"] = np.where(won, 1.0, 0.0)
    workspace = filled(tmp_path / "ws", tables)
    report = train(workspace, CONFIG, allow_leak=("x_closed_by_partner",))
    assert report.evaluation.metrics["model"]["roc_auc"].value > 0.9
    assert report.to_dict()["leaks"][0]["allowed"]
    honest = train(workspace, CONFIG)
    assert honest.evaluation.metrics["model"]["roc_auc"].value < 0.88
    assert "Left out of the model" in honest.text()
    assert honest.challenge.sentence == "Promoted: the champion rests on suspected leaks (x_closed_by_partner)."


def test_a_cutoff_that_no_deal_reaches_is_named(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"cutoff": CONFIG.cutoff.model_copy(update={"kind": "age_days", "days": 9e5})})
    with pytest.raises(TrainingDataError, match=r"There are 0 closed deals .* The cutoff is age_days \(900000\)"):
        train(filled(tmp_path / "ws", company(60)), config)


@pytest.mark.slow
def test_few_or_one_sided_deals_end_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="There are 40 closed deals with a cutoff; a model needs at least 50"):
        train(filled(tmp_path / "few", company(40)), CONFIG)
    tables = company(80)
    tables["deals"]["outcome"] = "won"
    with pytest.raises(TrainingDataError, match=r"There are no lost deals .* rule methods .* still work"):
        train(filled(tmp_path / "won", tables), CONFIG)


def test_without_a_champion_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "ws", create=True)
    with pytest.raises(NoChampionError, match="partnerlift train"):
        load_champion(workspace, CONFIG)
    assert not (workspace.root / "mlflow.db").exists()


@pytest.mark.slow
def test_the_fingerprint_follows_the_content_and_not_the_order(tmp_path: Path) -> None:
    tables = company(60)
    first = read_frames(filled(tmp_path / "a", tables), CONFIG.cutoff.to_cutoff())
    shuffled = {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}
    second = read_frames(filled(tmp_path / "b", shuffled), CONFIG.cutoff.to_cutoff())
    assert first.fingerprint == second.fingerprint
    pd.testing.assert_frame_equal(first.base, second.base)
    tables["deals"]["amount"] = tables["deals"]["amount"].replace(tables["deals"]["amount"][3], 1.25)
    assert read_frames(filled(tmp_path / "c", tables), CONFIG.cutoff.to_cutoff()).fingerprint != first.fingerprint


def test_the_code_version_begins_with_the_packages() -> None:
    assert code_version().split("+")[0].count(".") == 2


@pytest.mark.slow
def test_a_fresh_process_loads_it_with_mlflow(trained: Any) -> None:
    workspace, _ = trained
    model = load_champion(workspace, CONFIG)
    assert model.spec is not None
    frames = read_frames(workspace, model.spec)
    frame = deal_frame(frames.base, model.encode(frames.members), model.extra_columns)
    names = sorted({*model.coder_.names, *model.base_coder_.names})
    frame[["account_id", *names]].head(7).to_parquet(workspace.root / "rows.parquet")
    script = (
        "import mlflow, pandas as pd, warnings; warnings.simplefilter('ignore');"
        f"mlflow.set_tracking_uri('sqlite:///{workspace.root}/mlflow.db');"
        "m = mlflow.pyfunc.load_model('models:/partnerlift-outcome@champion');"
        f"f = pd.read_parquet('{workspace.root}/rows.parquet');"
        "f = f.astype({c: 'float64' for c in f.select_dtypes('number')});"
        "print(*m.predict(f).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    assert [float(x) for x in done.stdout.split()] == pytest.approx(model.predict(frame.head(7)).tolist())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"), [("ibm_win_loss", 0.74, 0.80), ("salvirt_b2b", 0.70, 0.92), ("maven_crm", 0.45, 0.60)]
)
def test_real_deals_are_ranked_as_well_as_is_honest(
    shared_data: Path, root: Path, tmp_path: Path, name: str, low: float, high: float
) -> None:
    workspace = Workspace.open(tmp_path / "ws", create=True, threads=1)
    ingest(workspace, "mapped", shared_data / name, mapping=root / "configs" / "mappings" / f"{name}.yaml")
    report = train(workspace, Config.model_validate({"engine": {"threads": 1}}))
    assert low < report.evaluation.metrics["model"]["roc_auc"].value < high
    if name == "maven_crm":
        assert report.evaluation.verdict[0].startswith("These data hold no usable signal")


@pytest.mark.slow
def test_a_bounded_search_finds_parameters(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    report = train(filled(tmp_path / "ws", company(300)), CONFIG, tune=2)
    assert report.evaluation.metrics["model"]["roc_auc"].value > 0.6


@pytest.mark.slow
def test_honest_columns_of_a_simulated_company_are_not_suspected(tmp_path: Path) -> None:
    written = simulate_to(tmp_path / "company", Settings(n_deals=2000), seed=3)
    workspace = Workspace.open(tmp_path / "ws", create=True, threads=1)
    ingest(workspace, "salesforce", written.crm)
    ingest(workspace, "tables", written.prm)
    frames = read_frames(workspace, CONFIG.cutoff.to_cutoff())
    assert what_to_see(frames, checked_outcomes(frames), CONFIG).leaks == ()


@pytest.mark.slow
def test_a_champion_that_the_configuration_no_longer_allows_is_replaced_without_comparison(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "ws", company(200))
    train(workspace, CONFIG)
    ignoring = changed(outcome={"ignore": ["x_size"]})
    report = train(workspace, ignoring)
    said = "Promoted without comparison: the champion uses x_size, which this configuration leaves out."
    assert report.challenge.sentence == said
    assert load_champion(workspace, ignoring).version == report.model_version
    landmark = changed(outcome={"ignore": ["x_size"]}, cutoff={"kind": "age_days", "days": 30})
    report = train(workspace, landmark)
    said = "Promoted without comparison: the champion's cutoff is at_close, the new one's age_days (30)."
    assert report.challenge.sentence == said
    assert load_champion(workspace, landmark).version == report.model_version


@pytest.mark.slow
def test_a_run_that_ends_before_promotion_leaves_no_results_that_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    workspace = filled(tmp_path / "ws", company(200))
    monkeypatch.setattr("pipelines.train.promote", killed)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, CONFIG)
    assert not (workspace.results / "evaluation.json").exists()
    with pytest.raises(NoChampionError):
        load_champion(workspace, CONFIG)


def test_names_of_columns_that_do_not_exist_are_refused_at_once(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "ws", company(60))
    wrong = changed(outcome={"ignore": ["x_sise", "amount"], "monotone": {"touches_summ": 1}})
    with pytest.raises(ConfigError) as error:
        train(workspace, wrong, allow_leak=("segmnt",))
    text = str(error.value)
    assert "outcome.ignore names 'x_sise', which is no column of this data (near: x_size" in text
    assert "outcome.monotone names 'touches_summ', which is no column of this data (near: touches_sum" in text
    assert "outcome.allow_leak names 'segmnt', which is no column of this data (near: segment" in text
    assert "'amount'" not in text
