"""The verb `score` on Spark leaves the workspace that it leaves on DuckDB, also where one account has a large part."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.cutoff import Cutoff
from features.frame import base, frame_spec, members
from features.inputs import inputs_from
from features.tables import TABLES
from models.outcome import OutcomeModel
from pipelines.cli import app
from pipelines.config import Config, parse_config
from pipelines.score import score
from pipelines.scoring.parts import FOLDERS, bucket_of
from pipelines.spark.frames import bucket_column, feature_frames
from pipelines.spark.tables import stored_frame, stored_frames
from pipelines.workspace import Workspace, WorkspaceError, write_frame

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(shutil.which("java") is None, reason="PySpark needs a Java runtime (java is not on the PATH)"),
]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
START = pd.Timestamp("2024-01-01", tz="UTC")
RESULTS = ("credits", "partner_scores", "partner_effects")
BIG = "a-big"
KEYS = {
    "credits": ["deal_id", "method", "target", "partner_id"],
    "partner_scores": ["partner_id", "period", "method", "currency"],
    "partner_effects": ["partner_id", "method", "target", "quantity"],
}


def company(n_deals: int = 130) -> dict[str, pd.DataFrame]:
    """Deals of which one account has a tenth of all touches, nearly all of them by one partner, on a few days."""
    random = np.random.default_rng(4)
    accounts = [BIG if i < 9 else f"a{i % 61}" for i in range(n_deals)]
    created = START + pd.to_timedelta(random.integers(0, 300, n_deals), unit="D")
    closed = created + pd.to_timedelta(random.integers(20, 90, n_deals), unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": [f"d{i:03}" for i in range(n_deals)],
            "account_id": accounts,
            "owner_id": [f"o{i % 3}" if i % 7 else None for i in range(n_deals)],
            "segment": random.choice(["smb", "mid"], n_deals),
            "deal_type": "new",
            "amount": np.where(random.random(n_deals) < 0.1, np.nan, random.integers(0, 10**7, n_deals) / 100),
            "currency": random.choice(["EUR", "USD"], n_deals),
            "created_at": created,
            "closed_at": closed,
            "outcome": random.choice(["won", "lost", "open"], n_deals, p=[0.45, 0.45, 0.1]),
            "x_fit": random.normal(size=n_deals),
        }
    )
    rows: list[tuple[Any, ...]] = []
    for deal, account, at in zip(deals["deal_id"], accounts, closed, strict=True):
        n_touches, partners = (20, ["p0"]) if account == BIG else (12, [f"p{p}" for p in random.choice(9, 3)])
        for _ in range(n_touches):
            who = random.choice([*partners, ""])
            occurred = at - pd.Timedelta(hours=int(random.integers(-24, 900)))
            recorded = occurred + pd.Timedelta(hours=int(random.integers(0, 100)))
            kind = random.choice(["call", "demo"])
            rows.append((f"t{len(rows):05}", deal, who or None, kind, occurred, recorded))
    columns = ["touchpoint_id", "deal_id", "partner_id", "kind", "occurred_at", "recorded_at"]
    partners_table = pd.DataFrame(
        {"partner_id": [f"p{i}" for i in range(8)], "name": "x", "partner_type": ["si", "isv"] * 4}
    )
    return {"deals": deals, "touchpoints": pd.DataFrame(rows, columns=columns), "partners": partners_table}


def put(root: Path, tables: dict[str, pd.DataFrame]) -> Workspace:
    """A workspace with those tables; tables that it has already are replaced."""
    workspace = Workspace.open(root, create=True, threads=1)
    workspace.tables.mkdir(exist_ok=True)
    for name, frame in tables.items():
        write_frame(frame, TABLES[name], workspace.path(name))
        if name == "deals":
            extra = pa.Table.from_pandas(frame[["x_fit"]], preserve_index=False)["x_fit"]
            written = pq.read_table(workspace.path(name)).append_column("x_fit", extra)
            pq.write_table(written, workspace.path(name))
    return workspace


def configured(engine: str, **credit: Any) -> Config:
    return parse_config({"engine": {"kind": engine, "threads": 1}, "credit": {"chunk_deals": 30, **credit}})


def copied(workspace: Workspace, root: Path) -> Workspace:
    shutil.copytree(workspace.root, root)
    return Workspace.open(root, threads=1)


def parts(workspace: Workspace) -> dict[str, bytes]:
    """The bytes of all part files by their place."""
    files = [path for folder in FOLDERS for path in sorted((workspace.root / folder).glob("*"))]
    return {str(path.relative_to(workspace.root)): path.read_bytes() for path in files}


def assert_same(left: Workspace, right: Workspace) -> None:
    """Part files are equal to the byte; what is added up over all deals to 1e-12 of its size."""
    assert parts(left) == parts(right)
    for name, keys in KEYS.items():
        first, second = (w.read(name).sort_values(keys, ignore_index=True) for w in (left, right))
        assert len(first)
        pd.testing.assert_frame_equal(first, second, rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A local Spark session of two threads that compiles nothing and says nothing."""
    session_module = pytest.importorskip("pyspark.sql", reason="PySpark is not installed (extra `spark`)")
    from pipelines.spark.session import NEEDED

    builder = session_module.SparkSession.builder.master("local[2]").appName("partnerlift tests")
    settings = {
        **NEEDED,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def model() -> OutcomeModel:
    """A small outcome model of the company, with a part for each thing that it can learn."""
    tables = company()
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, frame in tables.items():
            connection.register(name, pa.Table.from_pandas(frame, preserve_index=False))
        inputs = inputs_from(connection)
        spec = frame_spec(inputs, Cutoff())
        deals, partners = base(inputs, spec).execute(), members(inputs, spec).execute()
    won = deals["deal_id"].isin(tables["deals"].query("outcome == 'won'")["deal_id"])
    return OutcomeModel(folds=3, max_rounds=8, residual_rounds=8, spec=spec).fit(deals, partners, won)


@pytest.fixture(autouse=True)
def in_use(model: OutcomeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the model in the champion's place."""
    monkeypatch.setattr("pipelines.score.champion", lambda workspace, config: model)


@pytest.fixture(scope="module")
def on_duckdb(model: OutcomeModel, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The company scored on DuckDB, to be read only."""
    workspace = put(tmp_path_factory.mktemp("duckdb") / "w", company())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.score.champion", lambda workspace, config: model)
        score(workspace, configured("duckdb"), now=NOW)
    return workspace


def test_spark_leaves_the_bytes_that_duckdb_leaves(spark: Any, on_duckdb: Workspace, tmp_path: Path) -> None:
    workspace = put(tmp_path / "w", company())
    touches = company()["touchpoints"].merge(company()["deals"], on="deal_id")
    assert touches["account_id"].eq(BIG).mean() > 0.1
    report = score(workspace, configured("spark"), now=NOW, session=spark)
    assert report.scored == report.deals_in == workspace.read("credits")["deal_id"].nunique() > 70
    assert_same(workspace, on_duckdb)
    again = score(workspace, configured("duckdb"), now=LATER)
    assert (again.scored, again.unchanged, again.run_id) == (0, report.deals_in, report.run_id)


def test_only_what_changed_is_scored_and_the_end_is_that_of_duckdb(
    spark: Any, on_duckdb: Workspace, tmp_path: Path
) -> None:
    tables = company()
    deals, touches = tables["deals"], tables["touchpoints"]
    last = deals.query("outcome == 'won'").sort_values("closed_at")["deal_id"].iloc[-1]
    gone = deals.query("outcome == 'lost'").sort_values("closed_at")["deal_id"].iloc[-1]
    deals = deals[deals["deal_id"] != gone].assign(amount=deals["amount"].where(deals["deal_id"] != last, 123.45))
    changed = {"deals": deals, "touchpoints": touches[touches["deal_id"] != gone]}
    left, right = (copied(on_duckdb, tmp_path / name) for name in ("left", "right"))
    for workspace in (left, right):
        put(workspace.root, changed)
    on_spark = score(left, configured("spark"), now=LATER, session=spark)
    expected = score(right, configured("duckdb"), now=LATER)
    assert on_spark.to_dict() == expected.to_dict()
    assert (1 <= on_spark.scored < 20, on_spark.removed) == (True, 1)
    assert_same(left, right)


def test_what_is_learned_from_all_deals_reaches_the_workers(spark: Any, tmp_path: Path) -> None:
    left, right = (put(tmp_path / name, company()) for name in ("left", "right"))
    methods = ["w_shape", "markov", "shapley_paths"]
    for workspace, engine in ((left, "spark"), (right, "duckdb")):
        score(workspace, configured(engine, shapley_value="rate"), methods=methods, now=NOW, session=spark)
    assert set(left.read("partner_effects")["quantity"]) == {"removal_effect", "total_credit"}
    assert_same(left, right)


def test_claims_are_graded_and_verified_as_on_duckdb(spark: Any, tmp_path: Path) -> None:
    tables = company()
    acted = tables["touchpoints"].dropna(subset="partner_id").drop_duplicates(["deal_id", "partner_id"]).iloc[:60]
    talks = acted.assign(conversation_id="c" + acted["touchpoint_id"], channel="call", started_at=acted["occurred_at"])
    moments = talks.assign(
        moment_id="m" + talks["touchpoint_id"], assist_type="risk_save", journey_stage="pre_sale", quote="q",
        utterance_ids=pd.Series([["u"]] * len(talks), index=talks.index), char_start=0, char_end=1, confidence=0.9,
        type_confidence=0.9,
        model_version="1", detected_at=NOW,
    )  # fmt: skip
    said = moments.iloc[::2].assign(review_id=moments["moment_id"], reviewer="ann", role="reviewer", reviewed_at=NOW)
    tables |= {
        "conversations": talks[["conversation_id", "channel", "started_at"]],
        "moments": moments.iloc[:40],
        "signals": moments.iloc[40:].assign(assist_type="negative_impact"),
        "judged_moments": moments.iloc[:6].assign(char_end=2),
        "reviews": said.assign(verdict="relabelled", assist_type="outcome_tracking", partner_id=None),
    }
    left, right = (put(tmp_path / name, tables) for name in ("left", "right"))
    for workspace, engine in ((left, "spark"), (right, "duckdb")):
        score(workspace, configured(engine), methods=["model", "verified"], now=NOW, session=spark)
    credits_ = left.read("credits")
    assert set(credits_["evidence_grade"].dropna()) == {"B", "C", "D"}
    is_partner = credits_["partner_id"] != "__direct__"
    assert (credits_[is_partner & (credits_["method"] == "verified")]["credit"] != 0).any()
    assert_same(left, right)


def test_deals_divided_anew_keep_the_credit_of_methods_not_asked_for(
    spark: Any, on_duckdb: Workspace, tmp_path: Path
) -> None:
    left, right = (copied(on_duckdb, tmp_path / name) for name in ("left", "right"))
    for workspace, engine in ((left, "spark"), (right, "duckdb")):
        config = configured(engine, chunk_deals=12)
        score(workspace, config, methods=["linear"], all_deals=True, now=LATER, session=spark)
    assert len(left.files("credits")) > len(on_duckdb.files("credits"))
    assert set(left.read("credits")["method"]) == {"model", "shap", "first_touch", "last_touch", "linear"}
    first, second = (w.read("credits").sort_values(KEYS["credits"], ignore_index=True) for w in (left, right))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert score(right, configured("spark"), methods=["linear"], now=LATER, session=spark).scored == 0


def test_a_run_that_is_stopped_leaves_the_workspace_as_it_was(
    spark: Any, on_duckdb: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copied(on_duckdb, tmp_path / "w")

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    before = tree(workspace)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.spark.run.write_totals", stopped)
        with pytest.raises(KeyboardInterrupt):
            score(workspace, configured("spark"), methods=["linear"], all_deals=True, now=LATER, session=spark)
    assert tree(workspace) == before


def test_a_run_that_is_killed_leaves_the_workspace_as_it_was(on_duckdb: Workspace, tmp_path: Path) -> None:
    workspace = copied(on_duckdb, tmp_path / "w")
    before = {name: content for name, content in tree(workspace).items() if "/.lock" not in name}
    verb = "from pipelines.cli import main; main()"
    arguments = ["score", "--engine", "spark", "--all", "--methods", "linear", "--workspace", str(workspace.root)]
    run = subprocess.Popen([sys.executable, "-c", verb, *arguments], stderr=subprocess.PIPE, text=True)
    with run:
        assert run.stderr is not None
        assert any("Staged deals" in line for line in run.stderr)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    hidden = (f"{workspace.root}/.lock", f"{workspace.root}/.scratch/", f"{workspace.root}/.staging/")
    assert {n: content for n, content in tree(workspace).items() if not n.startswith(hidden)} == before
    assert score(workspace, configured("duckdb"), now=LATER).scored == 0
    assert not list((workspace.root / ".scratch").glob("*"))


def tree(workspace: Workspace) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(workspace.root.rglob("*")) if path.is_file()}


def test_the_command_line_scores_on_spark(spark: Any, on_duckdb: Workspace, tmp_path: Path) -> None:
    workspace = put(tmp_path / "w", company())
    arguments = ["score", "--engine", "spark", "--methods", "linear", "--workspace", str(workspace.root)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    linear = on_duckdb.read("credits").query("method == 'linear'")
    found = workspace.read("credits")
    assert found["credit"].sum() == pytest.approx(linear["credit"].sum(), rel=1e-12)


def test_no_window_has_one_task_sort_all_deals(spark: Any, on_duckdb: Workspace, model: OutcomeModel) -> None:
    assert model.spec is not None
    for frame in feature_frames(spark, stored_frames(spark, on_duckdb), model.spec).values():
        plan = frame._jdf.queryExecution().executedPlan().toString()
        lines = [re.sub(r"^[\s:+|*()\d-]+", "", line) for line in plan.splitlines()]
        single = [at for at, line in enumerate(lines) if line.startswith("Exchange SinglePartition")]
        for at in single:
            beneath = next(line for line in lines[at + 1 :] if not line.startswith(("Project", "Sort", "Filter")))
            assert "Aggregate" in beneath, beneath
        windows = [line for line in lines if line.startswith("Window [")]
        assert windows
        for line in windows:
            by_partner_alone = re.search(r"\], \[(partner_id|owner_id|account_id)#\d+\], \[at#", line)
            assert not by_partner_alone, line


def test_a_deal_has_the_bucket_that_duckdb_gives_it(spark: Any) -> None:
    ids = ["d1", "", "Ä", "deal with blanks", *map(str, range(40))]
    rows = spark.createDataFrame([(name,) for name in ids], "deal_id string")
    found = [row[0] for row in rows.select(bucket_column("deal_id", 97)).collect()]
    query = f"SELECT {bucket_of('deal_id', 97)} FROM (SELECT unnest($ids) AS deal_id)"
    assert found == [bucket for (bucket,) in duckdb.execute(query, {"ids": ids}).fetchall()]


def test_tables_of_any_writer_are_read_as_duckdb_reads_them(spark: Any, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, create=True, threads=1)
    workspace.tables.mkdir()
    rows = {
        "Deal_ID ": [1.0, 2.5, 3.0],
        "account_id": [7, 8, 9],
        "deal_type": "new",
        "amount": [1.5, np.nan, 2.0],
        "created_at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]).astype("datetime64[us]"),
        "outcome": ["won", "lost", "open"],
        "x_Flag": [True, False, None],
        "x_n": [1, 2, 3],
        "else": [1, 1, 1],
    }
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False), workspace.path("deals"))
    expected = workspace.read("deals")
    found = stored_frame(spark, workspace, "deals").toArrow().to_pandas()
    assert list(found.columns) == list(expected.columns)
    assert list(found["deal_id"]) == ["1", "2.5", "3"]
    left, right = (frame.astype(object).where(frame.notna(), None).to_dict("records") for frame in (found, expected))
    assert left == right


def test_features_are_made_of_any_tables_that_the_session_has(
    spark: Any, on_duckdb: Workspace, model: OutcomeModel
) -> None:
    frames = stored_frames(spark, on_duckdb)
    for name, frame in frames.items():
        frame.createOrReplaceTempView(f"crm_{name}")
    assert model.spec is not None
    made = feature_frames(spark, {name: spark.table(f"crm_{name}") for name in frames}, model.spec)
    with on_duckdb.connect() as connection:
        inputs = inputs_from(connection)
        expected = {"base": base(inputs, model.spec).execute(), "members": members(inputs, model.spec).execute()}
    for name, frame in made.items():
        keys = ["deal_id", "partner_id"] if name == "members" else ["deal_id"]
        left, right = (
            f.sort_values(keys, ignore_index=True).drop(columns=["cutoff_at"], errors="ignore")
            for f in (frame.toArrow().to_pandas(), expected[name])
        )
        pd.testing.assert_frame_equal(left, right, check_dtype=False, check_exact=True)


def test_a_fault_on_a_worker_is_told_in_one_line(
    spark: Any, on_duckdb: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copied(on_duckdb, tmp_path / "w")

    def failing(*_: Any) -> str:
        raise ValueError("the worker's own words")

    monkeypatch.setattr("pipelines.spark.run.outlook", failing)
    with pytest.raises(WorkspaceError, match=r"^Spark failed: ValueError: the worker's own words\. ") as caught:
        score(workspace, configured("spark"), methods=["linear"], now=LATER, session=spark)
    assert "\n" not in str(caught.value)
