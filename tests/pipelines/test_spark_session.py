"""How a Spark session is come by, and what is said when there is none; none is started here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config import ConfigError, EngineConfig, parse_config
from pipelines.spark.session import NEEDED, short, spark_session
from pipelines.workspace import Workspace, WorkspaceError

SPARK = EngineConfig(kind="spark", memory="1.5 GB", threads=3)


class Conf(dict[str, str]):
    """The settings of a session."""

    def set(self, key: str, value: str) -> None:
        self[key] = value

    def unset(self, key: str) -> None:
        self.pop(key, None)


class Session:
    """A session that knows only its settings and whether it was stopped."""

    def __init__(self, **settings: str) -> None:
        self.conf, self.is_stopped = Conf(settings), False

    def stop(self) -> None:
        self.is_stopped = True


def test_a_session_that_was_given_has_its_settings_back_afterwards() -> None:
    pytest.importorskip("pyspark")
    given = Session(**{"spark.sql.session.timeZone": "Europe/Berlin", "other": "kept"})
    with spark_session(SPARK, given) as session:
        assert session is given
        assert {key: given.conf[key] for key in NEEDED} == NEEDED
    assert given.conf == {"spark.sql.session.timeZone": "Europe/Berlin", "other": "kept"}
    assert not given.is_stopped


def test_without_java_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    for name in ("JAVA_HOME", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(WorkspaceError, match=r"no java on the PATH.*--engine duckdb") as caught, spark_session(SPARK):
        pass
    assert "\n" not in str(caught.value)


def test_without_pyspark_the_command_names_the_extra(
    workspace_of: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "pyspark"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    deal = {"deal_id": "d", "account_id": "a", "deal_type": "new", "created_at": "2025-01-01", "outcome": "open"}
    workspace = workspace_of(deals=[deal])
    arguments = ["score", "--engine", "spark", "--methods", "linear", "--workspace", str(workspace.root)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "pip install 'partnerlift[spark]'" in result.output
    assert "Traceback" not in result.output


def test_an_unknown_engine_is_wrong_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["score", "--engine", "flink", "--workspace", str(tmp_path)])
    assert result.exit_code == 2
    assert "flink" in result.output
    with pytest.raises(ConfigError, match=r"engine\.kind.*'duckdb' or 'spark'.*flink"):
        parse_config({"engine": {"kind": "flink"}})


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("An exception\n  File x\nValueError: too much\n\tat org.apache\n", "ValueError: too much."),
        (
            "[PATH_NOT_FOUND] Path does not exist: file:/x. SQLSTATE: 42K03\nmore",
            "[PATH_NOT_FOUND] Path does not exist: file:/x. SQLSTATE: 42K03.",
        ),
        (
            "Py4JJavaError: An error\n: java.lang.OutOfMemoryError: Java heap space\n\tat",
            "OutOfMemoryError: Java heap space.",
        ),
        ("", "no details."),
    ],
)
def test_a_long_error_of_sparks_becomes_its_telling_line(message: str, line: str) -> None:
    assert short(message) == line
