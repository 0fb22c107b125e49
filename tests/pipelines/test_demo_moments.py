from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from models.moment_recovery import MomentRecovery
from pipelines.config import Config
from pipelines.demo_moments import NO_MODEL, found_in, moments_text
from pipelines.workspace import Workspace


def test_moments_are_told_by_type_with_precision_and_recall() -> None:
    by_type = pd.DataFrame({"assist_type": ["risk_save"], "true": [10], "found": [8], "moments": [12], "right": [7]})
    lines = moments_text(MomentRecovery(10, 8, 12, 9, 7, 20, 3, by_type), 300).splitlines()
    assert lines[0].endswith("found in 300 conversations (in words that the model has not seen):")
    assert "Warned of a risk or saved the customer    10      8       12      7" in lines
    assert "Of 12 flagged moments 9 are true (precision 75%), 7 of them of the right type." in lines
    assert "Of 10 tellings of help 8 were found (recall 80%)." in lines
    assert any(line.startswith("Of 20 mentions that only look like help") for line in lines)


def test_a_demo_without_a_model_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.demo_moments.shipped_folder", lambda: tmp_path / "none")
    workspace = Workspace.open(tmp_path / "w", create=True, threads=1)
    assert found_in(workspace, Config(), pd.DataFrame()) is None
    assert moments_text(None, 300) == NO_MODEL
