from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_mlflow_sends_nothing_home_however_the_code_is_called() -> None:
    script = (
        "import warnings; warnings.simplefilter('ignore'); import pipelines.tracking;"
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    kept = {name: value for name, value in os.environ.items() if name not in {"MLFLOW_DISABLE_TELEMETRY", "CI"}}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=kept)
    assert done.stdout.split() == ["True"]
