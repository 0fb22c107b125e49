"""The frames that models are fitted on, of all deals or of drawn accounts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from features.tables import TABLES
from pipelines.frames import read_frames
from pipelines.workspace import Workspace, write_frame


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A hundred deals of forty accounts, with a partner each."""
    dice, numbers = np.random.default_rng(0), np.arange(100)
    closed = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(numbers, unit="D")
    deals = pd.DataFrame(
        {
            "deal_id": [f"d{n:03}" for n in numbers],
            "account_id": [f"a{n % 40}" for n in numbers],
            "deal_type": "new",
            "created_at": closed - pd.Timedelta(days=30),
            "closed_at": closed,
            "outcome": dice.choice(["won", "lost"], 100),
        }
    )
    touches = pd.DataFrame(
        {
            "touchpoint_id": [f"t{n}" for n in numbers],
            "deal_id": deals["deal_id"],
            "partner_id": [f"p{n % 3}" for n in numbers],
            "kind": "meeting",
            "occurred_at": closed - pd.Timedelta(days=3),
        }
    )
    made = Workspace.open(tmp_path, create=True, threads=1)
    with made.lock("test"), made.transaction() as transaction:
        for name, frame in (("deals", deals), ("touchpoints", touches)):
            write_frame(frame, TABLES[name], transaction.file(f"tables/{name}.parquet"))
    return made


@pytest.mark.slow
def test_of_too_many_deals_whole_accounts_are_drawn_and_keep_the_past_of_all(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    every, drawn = read_frames(workspace, Cutoff()), read_frames(workspace, Cutoff(), most_deals=50)
    assert 30 <= len(drawn.base) <= 70
    accounts = set(drawn.base["account_id"])
    assert set(drawn.base["deal_id"]) == set(every.base.loc[every.base["account_id"].isin(accounts), "deal_id"])
    for name in ("base", "members"):
        whole, some = getattr(every, name), getattr(drawn, name)
        expected = whole[whole["account_id"].isin(accounts)].reset_index(drop=True)
        pd.testing.assert_frame_equal(some, expected, check_exact=True, check_dtype=False)
    assert drawn.fingerprint == every.fingerprint
    assert f"Learning from {len(drawn.base)} of 100 closed deals" in caplog.text
