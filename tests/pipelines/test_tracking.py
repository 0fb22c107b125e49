from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from pipelines import tracking
from pipelines.backfill import version_of
from pipelines.config import Config
from pipelines.workspace import Workspace, WorkspaceError

CONFIG = Config()


@pytest.mark.slow
def test_mlflow_sends_nothing_home_however_the_code_is_called() -> None:
    script = (
        "import warnings; warnings.simplefilter('ignore'); import pipelines.tracking;"
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    kept = {name: value for name, value in os.environ.items() if name not in {"MLFLOW_DISABLE_TELEMETRY", "CI"}}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=kept)
    assert done.stdout.split() == ["True"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with three registered versions that have no files."""
    workspace = Workspace.open(tmp_path_factory.mktemp("registry"))
    with tracking.tracked_run(workspace, CONFIG, {}):
        client = mlflow.MlflowClient()
        client.create_registered_model(tracking.OUTCOME)
        for content in ("one", "two", "three"):
            client.create_model_version(tracking.OUTCOME, source="nowhere", tags={tracking.CONTENT: content})
    return workspace


@pytest.mark.slow
def test_promotions_are_recorded_with_their_time(registry: Workspace) -> None:
    moments = [datetime(2025, month, 1, 12, tzinfo=UTC) for month in (1, 2, 3)]
    with tracking.tracked_run(registry, CONFIG, {}):  # as a release left it that recorded no promotions
        mlflow.MlflowClient().set_registered_model_alias(tracking.OUTCOME, tracking.CHAMPION, "1")
    (earlier, *others) = tracking.versions(registry, CONFIG)
    assert [len(earlier.champion_since), *(len(other.champion_since) for other in others)] == [1, 0, 0]
    for number, moment in zip(("2", "3", "2"), moments, strict=True):
        tracking.promote(registry, CONFIG, tracking.OUTCOME, number, now=moment)
    one, two, three = tracking.versions(registry, CONFIG)
    assert (one.champion_since, one.words) == (earlier.champion_since, "1 (one)")
    assert (two.champion_since, three.champion_since) == ((moments[0], moments[2]), (moments[1],))


@pytest.mark.slow
def test_a_version_whose_files_are_gone_is_told_with_the_ways_out(registry: Workspace) -> None:
    with pytest.raises(WorkspaceError, match=r"files of version 1 of partnerlift-outcome are gone.*--model"):
        version_of(registry, CONFIG, "one")


@pytest.mark.slow
def test_a_workspace_without_a_registry_has_no_versions(tmp_path: Path) -> None:
    with pytest.raises(tracking.NoChampionError, match="partnerlift train"):
        tracking.versions(Workspace.open(tmp_path), CONFIG)
    assert list(tmp_path.iterdir()) == []
