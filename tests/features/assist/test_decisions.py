"""What is an assist, what is kept as a signal, and what is neither."""

from __future__ import annotations

from typing import Any

import pandas as pd

from features.assist.decisions import decided
from features.assist.taxonomy import taxonomy


def judged(*rows: tuple[str, str, dict[str, float]]) -> pd.DataFrame:
    """Id, label, and the probabilities that are not 0."""
    assists = list(taxonomy().assist_ids)
    made: list[dict[str, Any]] = [
        {"utterance_id": name, "partner_id": "p", "label": label} | {**dict.fromkeys(taxonomy().ids, 0.0), **told}
        for name, label, told in rows
    ]
    frame = pd.DataFrame(made)
    return frame.assign(p_assist=frame[assists].sum(axis=1))


ROWS = judged(
    ("sure", "risk_save", {"risk_save": 0.8, "background": 0.2}),
    ("other", "negative_impact", {"negative_impact": 0.9, "risk_save": 0.05}),
    (
        "unsure",
        "background",
        {"background": 0.6, "hypothetical_planned": 0.1, "risk_save": 0.2, "outcome_tracking": 0.1},
    ),
    ("nothing", "background", {"background": 0.95, "risk_save": 0.05}),
)


def test_the_models_own_decision_makes_moments_and_the_rest_are_signals_from_the_floor_on() -> None:
    found, rest = decided(ROWS, floor=0.3)
    assert found[["utterance_id", "assist_type", "confidence", "type_confidence"]].values.tolist() == [
        ["sure", "risk_save", 0.8, 0.8]
    ]
    assert rest[["utterance_id", "assist_type", "type_confidence"]].values.tolist() == [
        ["other", "negative_impact", 0.9],
        ["unsure", "hypothetical_planned", 0.1],
    ]
    assert rest["confidence"].round(6).tolist() == [0.05, 0.3]


def test_another_threshold_decides_by_the_probability_of_any_assist_and_takes_the_likeliest_type() -> None:
    found, rest = decided(ROWS, floor=0.3, threshold=0.25)
    assert found[["utterance_id", "assist_type"]].values.tolist() == [["sure", "risk_save"], ["unsure", "risk_save"]]
    assert rest["utterance_id"].tolist() == ["other"]
    assert decided(ROWS, floor=0.3, threshold=0.9)[1]["utterance_id"].tolist() == ["sure", "other", "unsure"]


def test_background_is_never_kept_under_its_name() -> None:
    everything = decided(ROWS, floor=0.0)
    assert sum(map(len, everything)) == len(ROWS)
    assert not any((frame["assist_type"] == "background").any() for frame in everything)


def test_nothing_judged_is_nothing_decided() -> None:
    assert [len(frame) for frame in decided(ROWS.iloc[:0], floor=0.1)] == [0, 0]
