"""Features of the deal itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from features import deals
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 25, tzinfo=UTC)
DEAL = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "won", "created_at": DAY0}


def progress(made: Inputs) -> pd.DataFrame:
    dated = cutoffs(made.deals, made.stage_history, Cutoff())
    frame: pd.DataFrame = deals.stage_progress(made.stage_history, dated).execute()
    return frame


def test_the_entry_into_the_closed_stage_at_close_is_not_seen(inputs: Build) -> None:
    entries = [("Offer", 2), ("Demo", 1), ("Demo", 3), ("Closed won", 10)]
    history = [{"deal_id": "d", "stage": s, "entered_at": DAY0 + timedelta(days=n)} for s, n in entries]
    closed = DEAL | {"closed_at": DAY0 + timedelta(days=10)}
    row = progress(inputs({"deals": [closed], "stage_history": history})).iloc[0]
    assert (row["n_stages"], row["stage_then"]) == (2, "Demo")
    assert row["stage_entered_at"] == DAY0 + timedelta(days=3)


def test_two_stages_entered_at_once_leave_the_last_by_name(inputs: Build) -> None:
    history = [{"deal_id": "d", "stage": stage, "entered_at": DAY0} for stage in ("Offer", "Demo")]
    closed = DEAL | {"closed_at": DAY0 + timedelta(days=10)}
    row = progress(inputs({"deals": [closed], "stage_history": history})).iloc[0]
    assert row["stage_then"] == "Offer"


def test_age_and_quarter_are_those_of_the_cutoff(inputs: Build) -> None:
    made = inputs({"deals": [DEAL | {"closed_at": DAY0 + timedelta(days=10, hours=12)}]})
    row = made.deals.mutate(cutoff_at=made.deals.closed_at)
    assert deals.deal_age_days(row).execute()[0] == 10.5
    assert deals.cutoff_quarter(row).execute()[0] == 2


def test_covariates_are_the_known_columns_and_usable_extras(inputs: Build) -> None:
    made = inputs({"deals": [DEAL | {"closed_at": DAY0, "x_flag": True}]})
    table = made.deals.mutate(x_when=made.deals.closed_at)
    assert deals.covariate_columns(table) == (*deals.COVARIATES, "x_flag", "x_label", "x_score")
    assert "stage" not in deals.COVARIATES
    assert deals.covariate(table, "x_flag").execute()[0] == 1.0
