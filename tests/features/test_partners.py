"""Features of the partner and its standing with the account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pytest

from features import partners
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 1, tzinfo=UTC)
DEAL = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "won", "created_at": DAY0}
CLOSED = DEAL | {"closed_at": DAY0 + timedelta(days=10)}


def asked(made: Inputs) -> Any:
    return made.deals.select("deal_id", "account_id", cutoff_at="closed_at").mutate(partner_id=ibis.literal("p"))


@pytest.mark.parametrize(
    ("installed", "removed", "there"), [(10, None, 1), (10.1, None, 0), (1, 10, 0), (1, 10.1, 1), (-90, -80, 0)]
)
def test_an_integration_counts_from_installing_to_removing(
    installed: float, removed: float | None, there: int, inputs: Build
) -> None:
    removed_at = None if removed is None else DAY0 + timedelta(days=removed)
    row = {"account_id": "a", "partner_id": "p", "installed_at": DAY0 + timedelta(days=installed)}
    made = inputs({"deals": [CLOSED], "integrations": [row | {"removed_at": removed_at}]})
    assert partners.installed(made.integrations, asked(made)).count().execute() == there


def test_two_integrations_of_one_partner_are_one_partner(inputs: Build) -> None:
    rows = [{"account_id": "a", "partner_id": "p", "installed_at": DAY0 + timedelta(days=n)} for n in (1, 2)]
    made = inputs({"deals": [CLOSED], "integrations": rows})
    assert partners.installed(made.integrations, asked(made)).count().execute() == 1


def test_only_leads_from_the_partner_registered_by_the_cutoff_count(inputs: Build) -> None:
    cases = [("from_partner", 10), ("from_partner", 10.1), ("from_partner", None), ("to_partner", 1)]
    rows = [
        {
            "lead_id": str(i),
            "direction": direction,
            "partner_id": "p",
            "deal_id": "d",
            "given_at": DAY0,
            "registered_at": None if day is None else DAY0 + timedelta(days=day),
        }
        for i, (direction, day) in enumerate(cases)
    ]
    made = inputs({"deals": [CLOSED], "leads": rows})
    assert partners.registrations(made.leads, asked(made)).execute()["leads"].tolist() == [1]


def test_a_partner_that_is_not_listed_is_unknown(inputs: Build) -> None:
    made = inputs({"deals": [CLOSED], "partners": [{"partner_id": "q", "name": "Q", "partner_type": "si"}]})
    row = asked(made).left_join(partners.listed(made.partners), "partner_id")
    assert partners.partner_type(row).execute().tolist() == ["unknown"]
    assert partners.partners_by(row, "unknown").execute().tolist() == [1]
