from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.money import Unit
from models.amount import AmountModel
from pipelines.challenge import challenge_amount, decided
from pipelines.config import Config
from pipelines.frames import Frames
from pipelines.workspace import Workspace


def amount_model(currency: str, version: str, monkeypatch: pytest.MonkeyPatch) -> AmountModel:
    """A model with a spec in that currency, under another version than the champion."""
    monkeypatch.setattr(AmountModel, "version", property(lambda self: str(self.seed)))
    return AmountModel(spec=FrameSpec(Cutoff(), (), (), (), (), Unit(currency)), seed=int(version))


def test_a_champion_that_predicts_in_another_currency_is_replaced_without_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion, new = amount_model("USD", "1", monkeypatch), amount_model("EUR", "2", monkeypatch)
    monkeypatch.setattr("pipelines.challenge.load_amount_champion", lambda *_: champion)
    assert new.spec is not None
    frames = Frames(pd.DataFrame(), pd.DataFrame(), new.spec, "", ())
    found = challenge_amount(Workspace(tmp_path), Config(), frames, new, pd.DataFrame(), ())
    assert found.promote
    assert found.sentence == "Promoted without comparison: the champion predicts in USD, the new one in EUR."


def test_a_worse_challenger_is_said_to_have_the_larger_loss() -> None:
    test = pd.DataFrame({"account_id": ["a", "b", "c"]})
    found = decided(np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.3, 0.4]), test, Config(), "log-loss")
    assert not found.promote
    assert "(log-loss larger by 0.1000, 95 % interval 0.1000 to 0.1000)" in found.sentence
