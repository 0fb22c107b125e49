from __future__ import annotations

import pandas as pd

from models.moment_recovery import moment_recovery

TRUTH = pd.DataFrame(
    [
        ("c", "a", "p", "risk_save", True),
        ("c", "b", "p", "technical_validation", True),
        ("c", "d", "q", "technical_validation", True),
        ("c", "e", "p", "negative_impact", False),
        ("c", "f", None, "competitor_action", False),
    ],
    columns=["conversation_id", "text", "partner_id", "label", "is_assist"],
)
UTTERANCES = pd.DataFrame({"conversation_id": "c", "text": list("abcdef"), "utterance_id": list("ABCDEF")})


def moments(*rows: tuple[str, str | None, list[str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["assist_type", "partner_id", "utterance_ids"])
    return frame.assign(moment_id=[str(n) for n in range(len(frame))])


def test_a_moment_is_right_when_its_partner_helped_in_one_of_its_turns() -> None:
    found = moment_recovery(
        moments(
            ("risk_save", "p", ["A"]),
            ("risk_save", "p", ["B", "C"]),
            ("technical_validation", "p", ["D"]),
            ("risk_save", None, ["E"]),
        ),
        UTTERANCES,
        TRUTH,
    )
    assert (found.n_moments, found.n_right, found.n_right_type) == (4, 2, 1)
    assert (found.n_true, found.n_found) == (3, 2)
    assert (found.n_others, found.n_fooled) == (2, 1)
    assert (found.precision, found.recall) == (0.5, 2 / 3)
    assert found.by_type.set_index("assist_type").T.to_dict("list") == {
        "technical_validation": [2, 1, 1, 0],
        "risk_save": [1, 1, 3, 1],
    }


def test_without_moments_or_truth_there_is_no_precision_and_no_recall() -> None:
    found = moment_recovery(moments(), UTTERANCES, TRUTH.head(0))
    assert (found.precision, found.recall, found.n_true, found.n_moments) == (None, None, 0, 0)
    assert found.to_dict()["by_type"] == []
