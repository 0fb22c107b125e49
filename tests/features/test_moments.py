"""Features of moments: by when the conversation was, not by when it was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features import moments
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs

Build = Callable[[dict[str, list[dict[str, Any]]]], Inputs]

DAY0 = datetime(2024, 3, 1, tzinfo=UTC)
DEAL = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "won", "created_at": DAY0}


def moment(moment_id: str, conversation: str, partner: str | None, confidence: float) -> dict[str, Any]:
    rest = {"assist_type": "introduction", "journey_stage": "pre_sale", "quote": "q", "char_start": 0, "char_end": 1}
    keys = {"moment_id": moment_id, "conversation_id": conversation, "deal_id": "d", "partner_id": partner}
    made = {"utterance_ids": ["u"], "type_confidence": 1.0, "model_version": "1", "detected_at": DAY0 + timedelta(99)}
    return keys | rest | made | {"confidence": confidence}


def test_moments_of_conversations_begun_by_the_cutoff_add_up_in_millionths(inputs: Build) -> None:
    begun = [("at the close", 10), ("after", 10.01)]
    tables = {
        "deals": [DEAL | {"closed_at": DAY0 + timedelta(days=10)}],
        "conversations": [
            {"conversation_id": name, "channel": "call", "started_at": DAY0 + timedelta(days=at)} for name, at in begun
        ],
        "moments": [
            moment("1", "at the close", "p", 0.9),
            moment("2", "at the close", "p", 0.1234567),
            moment("3", "at the close", None, 1.0),
            moment("4", "after", "p", 1.0),
            moment("5", "not known", "p", 1.0),
        ],
    }
    made = inputs(tables)
    dated = cutoffs(made.deals, made.stage_history, Cutoff())
    found = moments.moment_totals(moments.known_moments(made.moments, made.conversations, dated)).execute()
    assert found.to_dict("records") == [
        {"deal_id": "d", "partner_id": "p", "n_moments": 2, "certainty": 900_000 + 123_457}
    ]


def review(review_id: str, moment_id: str, verdict: str, **given: str) -> dict[str, Any]:
    rest = {
        "reviewer": "ann",
        "role": "reviewer",
        "model_version": "1",
        "reviewed_at": DAY0 + timedelta(int(review_id)),
    }
    return {"review_id": review_id, "moment_id": moment_id, "verdict": verdict} | rest | given


def test_what_people_reject_or_relabel_as_no_assist_does_not_count_and_a_corrected_partner_does(inputs: Build) -> None:
    tables = {
        "deals": [DEAL],
        "moments": [moment(name, "c", "p", 0.5) for name in "abcdefg"],
        "reviews": [
            review("1", "a", "rejected"),
            review("2", "b", "relabelled", assist_type="negative_impact"),
            review("3", "c", "relabelled", assist_type="risk_save"),
            review("4", "d", "confirmed", partner_id="q"),
            review("5", "e", "rejected"),
            review("6", "e", "confirmed"),
            review("7", "f", "unsure"),
            review("8", "f", "not_mine"),
        ],
    }
    made = inputs(tables)
    found = (
        moments.standing_moments(made.moments, made.signals, made.judged_moments, made.reviews)
        .execute()
        .sort_values("moment_id")
    )
    assert found["moment_id"].tolist() == list("cdefg")
    assert found["partner_id"].tolist() == ["p", "q", "p", "p", "p"]
    assert found["assist_type"].tolist() == ["risk_save", *["introduction"] * 4]
    assert found["verdict"].fillna("").tolist() == ["relabelled", "confirmed", "confirmed", "", ""]


@pytest.mark.slow
def test_moments_as_people_left_them_take_the_place_of_the_found_ones(inputs: Build) -> None:
    tables = {
        "deals": [DEAL],
        "moments": [moment(name, "c", "p", 0.5) for name in ("moved", "disputed", "as found")],
        "signals": [
            moment(name, "c", "p", 0.2) | {"assist_type": "negative_impact"} for name in ("half", "harm", "odd")
        ],
        "judged_moments": [
            moment("moved", "c", "p", 0.5) | {"char_end": 9},
            moment("added", "c", "q", 1.0),
            moment("added and disputed", "c", "q", 1.0),
            moment("no help", "c", "p", 0.2) | {"assist_type": "negative_impact"},
        ],
        "reviews": [
            review("1", "disputed", "confirmed"),
            review("2", "disputed", "rejected") | {"reviewer": "bob"},
            review("3", "half", "partly", assist_type="risk_save"),
            review("4", "harm", "confirmed"),
            review("5", "added and disputed", "confirmed"),
            review("6", "added and disputed", "rejected") | {"reviewer": "bob"},
            review("7", "added", "confirmed") | {"role": "rep"},
        ],
    }
    made = inputs(tables)
    rows = moments.standing_moments(made.moments, made.signals, made.judged_moments, made.reviews)
    found = rows.execute().set_index("moment_id").sort_index()
    assert found["char_end"].to_dict() == {"added": 1, "as found": 1, "disputed": 1, "half": 1, "moved": 9}
    assert found["verdict"].fillna("").tolist() == ["confirmed", "", "disputed", "partly", ""]
    assert found["assist_type"].tolist() == ["introduction"] * 3 + ["risk_save", "introduction"]
    assert found["is_confirmed"].tolist() == [False, False, False, True, False]
    assert found["is_verified"].tolist() == [True, False, False, False, False]
