"""Which touches count, and when a deal's milestones were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd

from features.eligible import Eligibility, MilestoneStages, eligible_touches, milestones
from features.inputs import Inputs
from features.tables import DIRECT
from pipelines.workspace import Workspace

CLOSE = pd.Timestamp("2025-03-31 12:00", tz="UTC")
DEAL = {"account_id": "a", "deal_type": "new", "created_at": CLOSE - pd.Timedelta(90, "D")}
DEALS = [
    {**DEAL, "deal_id": "d1", "outcome": "won", "closed_at": CLOSE},
    {**DEAL, "deal_id": "d2", "outcome": "lost", "closed_at": CLOSE},
    {**DEAL, "deal_id": "d3", "outcome": "open", "closed_at": None},
]


def touch(
    name: str, days: float, kind: str = "call", recorded: float | None = None, deal: str = "d1"
) -> dict[str, Any]:
    at = None if recorded is None else CLOSE - pd.Timedelta(recorded, "D")
    return {
        "touchpoint_id": f"{name}-{days}",
        "deal_id": deal,
        "partner_id": None if name == DIRECT else name,
        "kind": kind,
        "occurred_at": CLOSE - pd.Timedelta(days, "D"),
        "recorded_at": at,
    }


TOUCHES = [
    touch("A", 0),
    touch("B", -0.001),
    touch("C", 10, "demo"),
    touch("D", 10.001),
    touch(DIRECT, 40, "demo"),
    touch("E", 5, recorded=-1),
    touch("F", 5, recorded=5),
    touch("G", 5, deal="d3"),
]


EXPECTED = [
    (Eligibility(), {"A", "C", "D", DIRECT, "E", "F"}),
    (Eligibility(late_entries="drop"), {"A", "C", "D", DIRECT, "F"}),
    (Eligibility(kinds=("demo",)), {"C", DIRECT}),
    (Eligibility(lookback_days=10), {"A", "C", "E", "F"}),
    (Eligibility(lookback_days=10, lookback_days_by_kind={"demo": 40}), {"A", "C", DIRECT, "E", "F"}),
    (Eligibility(lookback_days_by_kind={"call": 5}), {"A", "C", DIRECT, "E", "F"}),
]


def test_touches_of_closed_deals_count_as_told(workspace_of: Callable[..., Workspace]) -> None:
    with workspace_of(deals=DEALS, touchpoints=TOUCHES).connect() as connection:
        inputs = Inputs.from_backend(ibis.duckdb.from_connection(connection))
        for eligibility, expected in EXPECTED:
            assert set(eligible_touches(inputs, eligibility).execute()["partner_id"]) == expected, eligibility


def found(workspace: Workspace, stages: MilestoneStages) -> dict[str, list[Any]]:
    """Days before the close of the lead's and the opportunity's creation by deal; None where there is none."""
    with workspace.connect() as connection:
        inputs = Inputs.from_backend(ibis.duckdb.from_connection(connection))
        rows = milestones(inputs, stages).execute().set_index("deal_id")
    days = (CLOSE - rows).map(lambda span: None if pd.isna(span) else span.days).astype(object)
    return {
        str(deal): [None if pd.isna(v) else v for v in row]
        for deal, row in zip(days.index, days.to_numpy(), strict=True)
    }


def test_milestones_are_the_first_lead_and_the_deals_creation_or_the_stages_named(
    workspace_of: Callable[..., Workspace],
) -> None:
    given = [(80, "d1", "from_partner"), (85, "d1", "to_partner"), (10, None, "from_partner")]
    leads = [
        {
            "lead_id": f"l{i}",
            "direction": way,
            "partner_id": "A",
            "deal_id": deal,
            "given_at": CLOSE - pd.Timedelta(days, "D"),
        }
        for i, (days, deal, way) in enumerate(given)
    ]
    entered = [("d2", "qualified", 30), ("d2", "qualified", 20), ("d1", "proposal", 3)]
    stages = [{"deal_id": d, "stage": s, "entered_at": CLOSE - pd.Timedelta(days, "D")} for d, s, days in entered]
    workspace = workspace_of(deals=DEALS, leads=leads, stage_history=stages)
    assert found(workspace, MilestoneStages()) == {"d1": [85, 90], "d2": [None, 90]}
    assert found(workspace, MilestoneStages("qualified", "proposal")) == {"d1": [None, 3], "d2": [30, None]}
