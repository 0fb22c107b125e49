from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models.calibration import calibration_points
from pipelines.plots import beeswarm_figure, calibration_figure, save


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
