"""How well claims are evidenced: records beside moments, and grades of partners on deals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from features.evidence import claims, recorded
from features.grades import grade
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0: Final = datetime(2025, 1, 1, tzinfo=UTC)
SPOKEN: Final = DAY0 + timedelta(days=30)
CLOSED: Final = DAY0 + timedelta(days=60)
SECOND: Final = timedelta(seconds=1)
DEAL: Final = {"account_id": "a", "deal_type": "new", "created_at": DAY0}
DEALS: Final = [
    DEAL | {"deal_id": "d", "outcome": "won", "closed_at": CLOSED},
    DEAL | {"deal_id": "open", "outcome": "open"},
]


def moment(name: str, partner: str | None = "p", deal: str | None = "d", **other: Any) -> dict[str, Any]:
    rest = {"assist_type": "introduction", "journey_stage": "pre_sale", "quote": "q", "char_start": 0, "char_end": 1}
    keys = {"moment_id": name, "conversation_id": "c", "deal_id": deal, "partner_id": partner, "confidence": 0.9}
    made = {"utterance_ids": ["u"], "type_confidence": 1.0, "model_version": "1", "detected_at": CLOSED}
    return rest | keys | made | other


def touch(name: str, at: datetime, partner: str = "p", proved_by: str | None = None) -> dict[str, Any]:
    who = {"touchpoint_id": name, "deal_id": "d", "partner_id": partner, "kind": "meeting"}
    return who | {"occurred_at": at, "conversation_id": proved_by}


def lead(partner: str, at: datetime, deal: str = "d") -> dict[str, Any]:
    return {"lead_id": "l", "direction": "from_partner", "partner_id": partner, "deal_id": deal, "given_at": at}


FORTNIGHT: Final = timedelta(days=14)
BESIDE: Final[dict[str, dict[str, list[dict[str, Any]]]]] = {
    "touch a fortnight before": {"touchpoints": [touch("t", SPOKEN - FORTNIGHT)]},
    "touch a fortnight after, proved by another talk": {
        "touchpoints": [touch("t", SPOKEN + FORTNIGHT, proved_by="another")]
    },
    "lead at the close": {"leads": [lead("p", CLOSED)]},
    "quote long before": {"quotes": [{"deal_id": "d", "partner_id": "p", "requested_at": DAY0}]},
}
NOT_BESIDE: Final[dict[str, dict[str, list[dict[str, Any]]]]] = {
    "touch too early": {"touchpoints": [touch("t", SPOKEN - FORTNIGHT - SECOND)]},
    "touch too late": {"touchpoints": [touch("t", SPOKEN + FORTNIGHT + SECOND)]},
    "touch proved by the very talk": {"touchpoints": [touch("t", SPOKEN, proved_by="c")]},
    "touch of another partner": {"touchpoints": [touch("t", SPOKEN, partner="q")]},
    "lead after the close": {"leads": [lead("p", CLOSED + SECOND)]},
    "quote of the vendor": {"quotes": [{"deal_id": "d", "partner_id": None, "requested_at": DAY0}]},
}
TALKS: Final = [{"conversation_id": "c", "channel": "call", "started_at": SPOKEN}]


@pytest.mark.slow
@pytest.mark.parametrize("case", [*BESIDE, *NOT_BESIDE])
def test_a_record_of_another_source_at_about_that_time_bears_a_moment_out(inputs: Build, case: str) -> None:
    beside = (BESIDE | NOT_BESIDE)[case]
    rows = [moment("m"), moment("of whom is not known", None), moment("on no deal", deal=None)]
    made = inputs({"deals": DEALS, "conversations": TALKS, "moments": rows} | beside)
    found = recorded(made.moments, made).execute().set_index("moment_id")["has_record"]
    assert found.to_dict() == {"m": case in BESIDE, "of whom is not known": False, "on no deal": False}


@pytest.mark.slow
def test_a_lead_counts_at_any_time_while_the_deal_is_open(inputs: Build) -> None:
    tables = {"leads": [lead("p", CLOSED, "open")], "moments": [moment("m", deal="open")]}
    made = inputs({"deals": DEALS, "conversations": TALKS} | tables)
    assert recorded(made.moments, made).execute()["has_record"].tolist() == [True]


def review(name: str, about: str, role: str = "reviewer", verdict: str = "confirmed", **given: str) -> dict[str, Any]:
    said = {"review_id": name, "moment_id": about, "reviewer": name, "role": role, "verdict": verdict}
    return said | {"model_version": "1", "reviewed_at": DAY0} | given


@pytest.mark.slow
def test_a_claim_has_the_best_grade_of_its_standing_moments(inputs: Build) -> None:
    made = inputs(
        {
            "deals": DEALS,
            "conversations": TALKS,
            "touchpoints": [touch("t", SPOKEN), touch("u", SPOKEN, "rejected")],
            "moments": [
                moment("1"), moment("2"), moment("3", "alone"), moment("4", "rejected"), moment("5", "disputed"),
                moment("6", "corrected"),
            ],
            "signals": [moment("7", "late", assist_type="negative_impact"), moment("8", "s", assist_type="risk_save")],
            "judged_moments": [moment("9", "added")],
            "reviews": [
                review("a", "2"), review("b", "2", "rep"), review("c", "4", verdict="rejected"),
                review("d", "5"), review("e", "5", verdict="rejected"), review("f", "6", partner_id="right"),
                review("g", "7", verdict="relabelled", assist_type="risk_save"), review("h", "9", "rep"),
            ],
        }
    )  # fmt: skip
    found = claims(made).execute().set_index("partner_id")
    assert found["grade"].to_dict() == {
        "p": "A",
        "alone": "D",
        "disputed": "D",
        "right": "C",
        "late": "C",
        "added": "C",
    }
    assert found["is_backed"].to_dict() == {
        "p": True, "alone": False, "disputed": False, "right": True, "late": True, "added": True
    }  # fmt: skip
    assert found.loc["p", ["n_moments", "n_confirmed", "n_verified"]].tolist() == [2, 1, 1]
    assert grade(is_confirmed=True, is_verified=True, has_record=True) == "A"
