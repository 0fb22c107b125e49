"""Labelled examples from people's judgements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from features.assist.reviewed import EXAMPLE_COLUMNS, NOT_AN_ASSIST, reviewed_examples

DAY0 = datetime(2025, 1, 1, tzinfo=UTC)


def row(name: str, kind: str) -> dict[str, Any]:
    return {"moment_id": name, "assist_type": kind, "partner_id": "p", "utterance_ids": [f"{name}-0", f"{name}-1"]}


MOMENTS = pd.DataFrame([row("m", "risk_save")])
SIGNALS = pd.DataFrame([row("s", "negative_impact")])


def examples(*reviews: dict[str, Any]) -> pd.DataFrame:
    nothing = {"assist_type": None, "partner_id": None, "utterance_ids": None, "reviewer": "x", "role": "reviewer"}
    rows = [
        nothing | {"review_id": f"r{n}", "reviewed_at": DAY0 + timedelta(n)} | told for n, told in enumerate(reviews)
    ]
    made = reviewed_examples(pd.DataFrame(rows), MOMENTS, SIGNALS)
    assert list(made.columns) == list(EXAMPLE_COLUMNS)
    return made


@pytest.mark.parametrize(
    ("moment", "verdict", "given", "label", "weight"),
    [
        ("m", "confirmed", None, "risk_save", 1.0),
        ("s", "confirmed", None, "negative_impact", 1.0),
        ("m", "relabelled", "outcome_tracking", "outcome_tracking", 1.0),
        ("s", "relabelled", "risk_save", "risk_save", 1.0),
        ("m", "partly", None, "risk_save", 0.5),
        ("m", "partly", "outcome_tracking", "outcome_tracking", 0.5),
        ("m", "rejected", None, NOT_AN_ASSIST, 1.0),
        ("m", "rejected", "neutral_mention", "neutral_mention", 1.0),
    ],
)
def test_a_verdict_says_what_both_turns_of_a_moment_are(
    moment: str, verdict: str, given: str | None, label: str, weight: float
) -> None:
    made = examples({"moment_id": moment, "verdict": verdict, "assist_type": given})
    assert made["utterance_id"].tolist() == [f"{moment}-0", f"{moment}-1"]
    assert made["label"].tolist() == [label] * 2
    assert made["weight"].tolist() == [weight] * 2


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [("m", "unsure"), ("m", "not_mine"), ("m", "relabelled"), ("s", "rejected"), ("?", "confirmed")],
)
def test_a_verdict_that_says_no_class_or_is_about_nothing_known_is_left_out(moment: str, verdict: str) -> None:
    assert examples({"moment_id": moment, "verdict": verdict}).empty


def test_the_latest_verdict_of_a_reviewer_counts() -> None:
    made = examples({"moment_id": "m", "verdict": "rejected"}, {"moment_id": "m", "verdict": "confirmed"})
    assert set(made["label"]) == {"risk_save"}


def test_reviewers_that_disagree_are_left_out_and_of_those_that_agree_the_latest_counts() -> None:
    first, second = {"moment_id": "m", "verdict": "confirmed"}, {"moment_id": "m", "reviewer": "y"}
    assert examples(first, second | {"verdict": "rejected"}).empty
    assert examples(first, second | {"verdict": "partly"})["weight"].tolist() == [0.5, 0.5]


def test_an_admin_decides_and_the_owner_confirms_no_type() -> None:
    first = {"moment_id": "m", "verdict": "relabelled", "assist_type": "outcome_tracking"}
    made = examples(first, {"moment_id": "m", "reviewer": "y", "role": "rep", "verdict": "confirmed"})
    assert set(made["label"]) == {"outcome_tracking"}
    made = examples(first, {"moment_id": "m", "reviewer": "z", "role": "admin", "verdict": "rejected"})
    assert set(made["label"]) == {NOT_AN_ASSIST}


def test_of_rows_with_one_id_the_first_counts() -> None:
    moved = pd.DataFrame([row("m", "risk_save") | {"utterance_ids": ["m-2"]}])
    said = {"review_id": "r", "reviewed_at": DAY0, "reviewer": "x", "role": "reviewer", "moment_id": "m"}
    rest = {"verdict": "confirmed", "assist_type": None, "partner_id": None, "utterance_ids": None}
    made = reviewed_examples(pd.DataFrame([said | rest]), moved, MOMENTS, SIGNALS)
    assert made["utterance_id"].tolist() == ["m-2"]


def test_a_corrected_partner_and_span_take_the_place_of_the_moments_own() -> None:
    made = examples({"moment_id": "m", "verdict": "confirmed", "partner_id": "q", "utterance_ids": ["m-1"]})
    assert made[["utterance_id", "partner_id"]].values.tolist() == [["m-1", "q"]]
