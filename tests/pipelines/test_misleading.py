"""The doctor warns where credit would say something else than it seems to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.config import Config, parse_config
from pipelines.doctor import doctor
from pipelines.findings import Level
from pipelines.misleading import ENOUGH_DEALS
from pipelines.workspace import Workspace

Factory = Callable[..., Workspace]


def company(workspace_of: Factory, with_partner: str, odd: int = 0) -> Workspace:
    """Deals half won, half lost; all of the outcome ``with_partner``, and ``odd`` others, have a partner's touch."""
    names = {f"d{n}": "won" if n % 2 else "lost" for n in range(2 * ENOUGH_DEALS)}
    others = [deal for deal, outcome in names.items() if outcome != with_partner][:odd]
    touched = [deal for deal, outcome in names.items() if outcome == with_partner] + others
    times = {"created_at": "2024-01-01", "closed_at": "2024-04-10"}
    deals: list[dict[str, Any]] = [
        {"deal_id": deal, "account_id": deal, "deal_type": "new", "outcome": outcome, **times}
        for deal, outcome in names.items()
    ]
    when = {"occurred_at": "2024-02-01", "recorded_at": "2024-02-01"}
    touches = [
        {"touchpoint_id": f"t{deal}", "deal_id": deal, "partner_id": "p1", "kind": "meeting", **when}
        for deal in touched
    ]
    partners = [{"partner_id": "p1", "name": "Acme", "partner_type": "si"}]
    return workspace_of(deals=deals, touchpoints=touches, partners=partners)


def warnings(workspace: Workspace, config: Config, topic: str) -> list[str]:
    findings = doctor(workspace, config).findings
    return [finding.sentence for finding in findings if finding.topic == topic and finding.level is Level.WARNING]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_partners_on_deals_of_one_outcome_only_are_told(workspace_of: Factory, outcome: str) -> None:
    (said,) = warnings(company(workspace_of, outcome), Config(), "one-sided")
    assert said == f"Of 20 closed deals with a partner's touch 20 were {outcome}, of all 40 closed deals 20."


def test_partners_on_deals_of_both_outcomes_are_not(workspace_of: Factory) -> None:
    assert not warnings(company(workspace_of, "won", odd=2), Config(), "one-sided")


def test_names_in_the_configuration_that_no_row_has_are_told(workspace_of: Factory) -> None:
    credit = {"eligible_kinds": ["meeting", "metting"], "lookback_days_by_kind": {"call": 3}, "lead_stage": "Lead"}
    assert warnings(company(workspace_of, "won"), parse_config({"credit": credit}), "configuration") == [
        "No touch is of the kind 'metting' (credit.eligible_kinds).",
        "No touch is of the kind 'call' (credit.lookback_days_by_kind).",
        "No deal has entered the stage 'Lead' (credit.lead_stage).",
    ]
