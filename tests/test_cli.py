"""The command line's contract: verbs, exit codes, streams, and what --help must not cost."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import pipelines.doctor
from pipelines.cli import app
from pipelines.cli.options import mapping_file
from pipelines.workspace import Workspace

VERBS = [
    "demo", "simulate", "ingest", "map", "doctor", "detect", "train", "score", "compare", "report", "export", "forget",
    "review",
]  # fmt: skip
HEAVY = ["duckdb", "ibis", "lightgbm", "matplotlib", "mlflow", "numpy", "pandas", "pyarrow", "shap", "sklearn"]
DEALS = (
    "deal_id,account_id,deal_type,created_at,closed_at,outcome\n"
    "d1,a1,new,2025-01-01,2025-02-01,won\n"
    "d2,a2,new,2025-01-01,2025-02-01,lost\n"
)


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def exports(folder: Path, deals: str = DEALS) -> Path:
    folder.mkdir()
    (folder / "deals.csv").write_text(deals, encoding="utf-8")
    return folder


def refuse(*_arguments: Any, **_options: Any) -> None:
    raise ValueError("17 deals close before they open.\nMend them.")


def interrupt(*_arguments: Any, **_options: Any) -> None:
    raise KeyboardInterrupt


def test_help_lists_the_verbs_in_the_order_of_use() -> None:
    result = run("--help")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == VERBS
    assert "..." not in result.stdout.split("Commands:")[1]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    partnerlift {verb}" in result.stdout
    assert "--debug" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    program = "import sys; sys.argv = ['partnerlift', '--help']\nfrom pipelines.cli import main\ntry: main()\nfinally: "
    program += f"print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("partnerlift 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["detect", "--now", "yesterday"],
        ["forget"],
        ["ingest", "x"],
        ["ingest", "--from", "excel", "x"],
        ["ingest", "--from", "mapped", "x"],
        ["ingest", "--from", "tables", "--config", "ibm_win_loss", "x"],
        ["score", "--now", "yesterday"],
        ["export", "deals"],
        ["train", "--assit"],
    ],
)
def test_wrong_use_exits_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error" in result.stderr


def test_without_a_verb_the_help_is_shown() -> None:
    assert "Commands:" in run().output


def test_a_failure_is_one_line_on_stderr_and_exits_1(
    workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.doctor, "doctor", refuse)
    result = run("doctor", "--workspace", workspace_of().root)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "partnerlift doctor: 17 deals close before they open. Mend them.\n"


@pytest.mark.parametrize("order", [["--debug", "doctor"], ["doctor", "--debug"]])
def test_debug_adds_the_traceback(
    workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, order: list[str]
) -> None:
    monkeypatch.setattr(pipelines.doctor, "doctor", refuse)
    result = run(*order, "--workspace", workspace_of().root)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("partnerlift doctor: 17 deals close before they open. Mend them.\n")


def test_an_error_that_does_not_explain_itself_names_its_class_and_the_way_on(
    workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.doctor, "doctor", lambda *_: dict[str, int]()["deals"])
    result = run("doctor", "--workspace", workspace_of().root)
    assert result.exit_code == 1
    assert result.stderr.startswith("partnerlift doctor: KeyError: 'deals'. Run it again with --debug")


def test_a_file_error_of_our_own_is_told_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    result = run("simulate", "--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"partnerlift simulate: {tmp_path} holds other files (thesis.docx).")
    assert "--debug" not in result.stderr


def test_ctrl_c_exits_130_with_one_line(
    workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.doctor, "doctor", interrupt)
    result = run("doctor", "--workspace", workspace_of().root)
    assert result.exit_code == 130
    assert result.stderr.splitlines() == [
        "Stopped. The workspace is as it was, or resumable: run the same command again."
    ]


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["doctor", "--help"]])
def test_a_reader_that_goes_away_is_no_error(command: list[str]) -> None:
    program = "from pipelines.cli import main\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_missing_workspace_is_named_with_the_way_out(tmp_path: Path) -> None:
    result = run("doctor", "--workspace", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "There is no workspace at" in result.stderr
    assert "partnerlift ingest" in result.stderr


def test_a_config_fault_is_told_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("sed: 1\n")
    result = run("train", "--config", tmp_path / "my.yaml", "--workspace", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "sed: unknown key" in result.stderr


def test_ingest_prints_the_balance_and_exits_0(tmp_path: Path) -> None:
    result = run("ingest", "--from", "tables", exports(tmp_path / "in"), "--workspace", tmp_path / "w")
    assert result.exit_code == 0, result.stderr
    assert "deals" in result.stdout


def test_ingest_with_rejects_says_why_and_exits_3(tmp_path: Path) -> None:
    folder = exports(tmp_path / "in", DEALS + "d3,a3,new,2025-03-01,2025-02-01,won\n")
    result = run("ingest", "--from", "tables", folder, "--workspace", tmp_path / "w")
    assert result.exit_code == 3
    assert "closed_at lies before created_at" in result.stdout


def test_ingest_tells_machines_the_same(tmp_path: Path) -> None:
    folder = exports(tmp_path / "in", DEALS + "d3,a3,new,2025-03-01,2025-02-01,won\n")
    result = run("ingest", "--from", "tables", "--json", folder, "--workspace", tmp_path / "w")
    deals = json.loads(result.stdout)["tables"]["deals"]
    assert (deals["rows_in"], deals["kept"], deals["rejected"]) == (3, 2, 1)


def test_the_workspace_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNERLIFT_WORKSPACE", str(tmp_path / "w"))
    assert run("ingest", "--from", "tables", exports(tmp_path / "in")).exit_code == 0
    assert run("export", "deals", "--out", tmp_path / "deals.csv").exit_code == 0
    assert len((tmp_path / "deals.csv").read_text().splitlines()) == 3


def test_an_unknown_mapping_is_answered_with_the_shipped_ones(tmp_path: Path) -> None:
    result = run("ingest", "--from", "mapped", "--config", "acme", exports(tmp_path / "in"), "--workspace", tmp_path)
    assert result.exit_code == 1
    assert "There is no mapping acme" in result.stderr
    assert "ibm_win_loss" in result.stderr


def test_map_writes_a_mapping_and_says_how_to_use_it(tmp_path: Path) -> None:
    out = tmp_path / "my mapping.yaml"
    result = run("map", exports(tmp_path / "in") / "deals.csv", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert f"partnerlift ingest --from mapped --config '{out}' {tmp_path}" in result.stdout
    assert "deal_id" in out.read_text(encoding="utf-8")


def test_map_does_not_overwrite_an_edited_mapping_unless_told_to(tmp_path: Path) -> None:
    out, deals = tmp_path / "mine.yaml", exports(tmp_path / "in") / "deals.csv"
    out.write_text("edited by hand", encoding="utf-8")
    result = run("map", deals, "--out", out)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert out.read_text(encoding="utf-8") == "edited by hand"
    assert run("map", deals, "--out", out, "--force").exit_code == 0
    assert "deal_id" in out.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "mine.yaml"]


def test_score_hands_on_its_options(workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def record(_workspace: Workspace, _config: Any, **options: Any) -> None:
        seen.update(options)
        raise RuntimeError("seen")

    monkeypatch.setattr("pipelines.score.score", record)
    root = workspace_of().root
    run("score", "--all", "--methods", "model, linear", "--now", "2026-01-31T13:00:00+01:00", "--workspace", root)
    assert seen["now"] == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (seen["all_deals"], seen["methods"]) == (True, ("model", "linear"))


def test_train_hands_on_its_options(workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def record(_workspace: Workspace, _config: Any, **options: Any) -> None:
        seen.update(options)
        raise RuntimeError("seen")

    monkeypatch.setattr("pipelines.train.train", record)
    run("train", "--allow-leak", "a", "--allow-leak", "b", "--tune", "3", "--workspace", workspace_of().root)
    assert seen == {"allow_leak": ("a", "b"), "tune": 3}


def test_a_folder_of_a_shipped_mappings_name_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "maven_crm").mkdir()
    monkeypatch.chdir(tmp_path)
    found = mapping_file("maven_crm")
    assert found is not None
    assert found.name == "maven_crm.yaml"
