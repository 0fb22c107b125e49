"""A Spark session: the caller's, the one that is running, or one that is started for the run."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pipelines.config import EngineConfig
from pipelines.workspace import WorkspaceError

NEEDED: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionOverwriteMode": "static",
}
"""What the product needs of any session while it works in it; set back afterwards."""
_QUIET: Final = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
_FAULT: Final = re.compile(r"^(?:: )?(?:\w+\.)*(\w*(?:Error|Exception|Fault)): (.+)$", flags=re.MULTILINE)


@contextmanager
def spark_session(engine: EngineConfig, given: Any = None) -> Iterator[Any]:
    """The session to work in, with ``NEEDED`` set; one that was started here is stopped at the end.

    ``given`` comes first, then the process's active session, then a new one with the settings ``engine.spark``, which
    also heeds ``SPARK_REMOTE`` and what ``spark-submit`` says. Without any of these it is a local one, with
    ``engine.threads`` threads and a heap of ``engine.memory``.

    Raises
    ------
    ModuleNotFoundError
        When PySpark is not installed.
    WorkspaceError
        When there is no Java runtime to start a local session, or the cluster does not answer.
    """
    from pyspark.sql import SparkSession

    session = given if given is not None else SparkSession.getActiveSession()
    is_ours = session is None
    if session is None:
        session = _started(engine)
    before = {key: session.conf.get(key, None) for key in NEEDED}
    try:
        _set(session, NEEDED)
        yield session
    finally:
        if is_ours:
            session.stop()
        else:
            _set(session, before)


@contextmanager
def told_shortly() -> Iterator[None]:
    """Turns Spark's errors, pages long, into a ``WorkspaceError`` with the line that says what happened."""
    from pyspark.errors import PySparkException

    try:
        yield
    except WorkspaceError:
        raise
    except Exception as error:
        if not isinstance(error, PySparkException) and type(error).__module__.split(".")[0] != "py4j":
            raise
        raise WorkspaceError(f"Spark failed: {short(str(error))} Its own log has the rest.") from error


def short(message: str) -> str:
    """Of a long error, the last Python or Java fault in it, or else its first line."""
    faults = [f"{name}: {text}" for name, text in _FAULT.findall(message) if "Py4J" not in name]
    line = faults[0] if faults else next((line for line in message.splitlines() if line.strip()), "no details")
    return line.strip().rstrip(".") + "."


def _started(engine: EngineConfig) -> Any:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    settings = _settings(engine)
    is_remote = "SPARK_REMOTE" in os.environ or "spark.remote" in settings
    if not is_remote:
        _require_java()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers are any python3 on the PATH
    builder = SparkSession.builder.appName("partnerlift")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, ImportError, RuntimeError) as error:
        where = os.environ.get("SPARK_REMOTE") or settings.get("spark.remote") or settings.get("spark.master", "local")
        raise WorkspaceError(
            f"Cannot start a Spark session at {where}: {short(str(error))} Check engine.spark and SPARK_REMOTE."
        ) from error


def _settings(engine: EngineConfig) -> dict[str, str]:
    """Settings of a new session: those of a local one, unless the environment or the configuration names another."""
    is_placed = any(name in os.environ for name in ("SPARK_REMOTE", "MASTER", "PYSPARK_SUBMIT_ARGS"))
    if is_placed or {"spark.master", "spark.remote"} & set(engine.spark):
        return dict(engine.spark)
    local = {
        **_QUIET,
        "spark.master": f"local[{engine.threads or '*'}]",
        "spark.driver.memory": re.sub(r"\s*([MG])i?B$", r"\1", engine.memory).lower(),
    }
    return {**local, **engine.spark}


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and shutil.which("java", path=f"{home}/bin")):
        raise WorkspaceError(
            "Spark needs a Java runtime, and there is no java on the PATH. Install one (17 or newer, e.g. "
            "`apt-get install default-jre-headless`), set JAVA_HOME, name a cluster by SPARK_REMOTE, or use "
            "--engine duckdb."
        )


def _set(session: Any, settings: Mapping[str, str | None]) -> None:
    for key, value in settings.items():
        if value is None:
            session.conf.unset(key)
        else:
            session.conf.set(key, value)
