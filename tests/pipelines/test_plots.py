from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.calibration import calibration_points
from pipelines.plots import BEESWARM_FEATURES, beeswarm_figure, calibration_figure, save

pytestmark = pytest.mark.slow


def test_figures_are_saved_and_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, 200)
    points = calibration_points((rng.random(200) < probability).astype(float), probability)
    contributions = pd.DataFrame(rng.normal(0, 1, (50, 3)), columns=["a", "segment", "bias"])
    frame = pd.DataFrame({"a": rng.normal(0, 1, 50), "segment": ["x"] * 50})
    files = [save(calibration_figure(points), tmp_path / f"calibration{i}.png").read_bytes() for i in range(2)]
    swarms = [save(beeswarm_figure(contributions, frame, 0), tmp_path / f"swarm{i}.png").read_bytes() for i in range(2)]
    assert files[0] == files[1]
    assert swarms[0] == swarms[1]
    assert files[0].startswith(b"\x89PNG")


def test_the_swarm_is_drawn_by_shap_with_missing_and_constant_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    contributions = pd.DataFrame(rng.normal(0, 1, (40, 21)), columns=[*(f"f{i:02}" for i in range(20)), "bias"])
    frame = pd.DataFrame({f"f{i:02}": rng.normal(0, 1, 40) for i in range(20)})
    frame["f00"], frame["f01"], frame["f02"] = np.nan, 3.0, pd.array([1, None] * 20, dtype="Int64")
    frame.loc[::2, "f03"] = np.nan
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002 - SHAP draws from it
    figure = beeswarm_figure(contributions, frame, 0)
    assert (np.random.get_state(legacy=False)["state"]["key"] == before).all()  # noqa: NPY002
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == BEESWARM_FEATURES
    assert labels[0] == "Sum of 6 other features"
    assert save(figure, tmp_path / "swarm.png").stat().st_size > 10_000
