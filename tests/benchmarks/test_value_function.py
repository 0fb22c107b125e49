from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit


@pytest.fixture
def pooled(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "benchmarks")
    return import_module("pooled_weights")


@pytest.fixture
def judge(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "benchmarks")
    return import_module("value_verdicts")


def figures(judge: ModuleType, of_model: dict[str, float], early_loss: float = 0.2) -> pd.DataFrame:
    """Two companies on which all peers have Spearman 0.8, share error 0.1 and no bias, and the model what is given."""
    peer = {"spearman": 0.8, "share_error": 0.1, "total_bias": 0.0}
    by_method = {"model": peer | of_model, "partner_ridge": peer} | dict.fromkeys(judge.RIVALS, peer)
    where = {"structure": "standard", "early_loss": early_loss, "bias": "none"}
    return pd.DataFrame(
        [{**where, "seed": seed, "method": name, **row} for seed in (0, 1) for name, row in by_method.items()]
    )


@pytest.mark.parametrize(
    ("of_model", "met"),
    [
        ({"spearman": 0.811, "share_error": 0.096, "total_bias": 0.09}, [True, True, True]),
        ({"spearman": 0.809, "share_error": 0.096, "total_bias": -0.11}, [False, True, False]),
        ({"spearman": 0.811, "share_error": 0.098, "total_bias": 0.0}, [True, False, True]),
    ],
)
def test_a_bar_is_met_by_the_numbers_alone(judge: ModuleType, of_model: dict[str, float], met: list[bool]) -> None:
    *lines, last = judge.verdicts(figures(judge, of_model))
    assert [line.endswith(": met") for line in lines] == met
    assert [line.endswith(": NOT met") for line in lines] == [not one for one in met]
    assert last == f"{sum(met)} of 3 bars met"


def test_a_better_method_that_is_no_rival_is_named(judge: ModuleType) -> None:
    table = figures(judge, {})
    table.loc[table["method"] == "partner_ridge", "spearman"] = 0.83
    assert "(partner_ridge, not a rival, 0.830)" in judge.verdicts(table)[0]


@pytest.mark.parametrize(("early", "end"), [(0.73, ": met"), (0.71, ": NOT met")])
def test_early_losses_may_cost_little(judge: ModuleType, early: float, end: str) -> None:
    usual = figures(judge, {"spearman": 0.8})
    lines = judge.verdicts(pd.concat([usual, figures(judge, {"spearman": early}, early_loss=0.6)], ignore_index=True))
    assert len(lines) == 5
    assert "0.6 of lost deals die early" in lines[3]
    assert lines[3].endswith(end)


def test_well_known_effects_stand_and_unknown_ones_go_to_their_type(pooled: ModuleType) -> None:
    effects, kinds = np.array([0.5, 0.3, -0.2, -0.4]), np.array([0, 0, 1, 1])
    sure = np.array([1e6, 1e6, 1e6, 1e-6])
    found = pooled.pooled_by_type(np.diag(sure), sure * effects, kinds)
    np.testing.assert_allclose(found[:3], effects[:3], atol=1e-3)
    assert -0.25 < found[3] < -0.05


def test_a_block_without_effect_is_drawn_to_zero_and_another_is_not(pooled: ModuleType) -> None:
    dice = np.random.default_rng(0)
    columns, idle = dice.normal(size=(4000, 5)), dice.normal(size=(4000, 5))
    true = np.array([1.0, -1.0, 0.5, -0.5, 0.8])
    won = (dice.random(4000) < expit(columns @ true)).astype(np.float64)
    found, none = pooled.pooled_logit([pooled.Block(columns), pooled.Block(idle)], won)
    np.testing.assert_allclose(found, true, atol=0.15)
    assert np.abs(none).max() < 0.06


@pytest.mark.slow
def test_a_tiny_company_is_measured_by_every_method(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    size = ["--deals", "400", "--partners", "8", "--bias", "moderate"]
    command = [sys.executable, "benchmarks/value_function.py", *size, "--verbose", "--out", str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    rows = pd.read_csv(out)
    assert len(rows) == rows["method"].nunique() == 10
    assert rows["spearman"].between(-1, 1).all()
    assert (rows["share_error"] >= 0).all()
    assert "of 3 bars met" in done.stdout.splitlines()[-1]
