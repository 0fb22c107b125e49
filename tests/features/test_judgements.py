"""What several judgements of one moment come to, one by one and as tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.inputs import Inputs
from features.judgements import DISPUTED, Judgement, Role, Standing, deciding, standing
from features.moments import standing_judgements

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0: Final = datetime(2025, 1, 1, tzinfo=UTC)
VERDICTS: Final = ("confirmed", "rejected", "partly", "not_mine", "relabelled", "unsure")
DEAL: Final = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "open", "created_at": DAY0}

said = st.fixed_dictionaries(
    {
        "moment_id": st.sampled_from(["m", "n"]),
        "reviewer": st.sampled_from(["ann", "bob"]),
        "role": st.sampled_from(get_args(Role)),
        "verdict": st.sampled_from(VERDICTS),
        "reviewed_at": st.integers(0, 2).map(lambda days: DAY0 + timedelta(days)),
        "assist_type": st.sampled_from([None, "risk_save", "introduction", "negative_impact"]),
        "partner_id": st.sampled_from([None, "p", "q"]),
    }
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(said, max_size=40))
def test_tables_of_judgements_come_to_what_the_judgements_of_each_moment_do(
    inputs: Build, rows: list[dict[str, Any]]
) -> None:
    spread = [row | {"review_id": f"r{n:02}", "moment_id": f"{row['moment_id']}{n // 5}"} for n, row in enumerate(rows)]
    made = inputs({"deals": [DEAL], "reviews": [row | {"model_version": "1"} for row in spread]})
    found = standing_judgements(made.reviews).to_pyarrow().to_pylist()
    as_found = {
        row["moment_id"]: Standing(
            row["verdict"], row["told_type"], row["told_partner"], row["is_confirmed"], row["is_verified"]
        )
        for row in found
    }
    ids = {row["moment_id"] for row in spread}
    wanted = {name: standing(_judgement(row) for row in spread if row["moment_id"] == name) for name in ids}
    assert as_found == {name: came_to for name, came_to in wanted.items() if came_to.verdict is not None}


def test_an_owner_verifies_the_partner_of_the_question_and_none_that_is_named_later() -> None:
    owner = Judgement("1", "lena", "rep", "confirmed", DAY0)
    later = Judgement("2", "ann", "reviewer", "relabelled", DAY0 + timedelta(1), "risk_save", "q")
    assert standing([owner]).is_verified
    assert not standing([owner, later]).is_verified
    again = Judgement("3", "lena", "rep", "confirmed", DAY0 + timedelta(2), None, "q")
    assert standing([owner, later, again]).is_verified


def test_what_is_disputed_is_decided_by_nobody() -> None:
    rows = [
        Judgement("1", "ann", "reviewer", "confirmed", DAY0),
        Judgement("2", "bob", "reviewer", "rejected", DAY0),
    ]
    assert standing(rows) == Standing(DISPUTED)
    assert deciding(rows) is None
    admin = Judgement("3", "eve", "admin", "confirmed", DAY0 - timedelta(days=9))
    assert deciding([*rows, admin]) == admin
    assert standing([*rows, admin]) == Standing("confirmed", is_confirmed=True)


def _judgement(row: dict[str, Any]) -> Judgement:
    return Judgement(**{name: value for name, value in row.items() if name != "moment_id"})
