"""Moments from decisions: which turns make one, what is quoted, where, when, in which stage and under which id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assist.moments import moment_rows
from features.assist.sentences import WHOLE_CHARS, pieces
from features.tables import MOMENTS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = pd.DataFrame(columns=["utterance_id", "partner_id", "char_start"])
TALK = pd.DataFrame({"conversation_id": ["c"], "deal_id": ["d"], "told_stage": [None]})


def turn(seq: int, text: str, **more: Any) -> dict[str, Any]:
    rest = {"start_s": None, "end_s": None, "is_quoted": None}
    return {"utterance_id": f"u{seq}", "conversation_id": "c", "seq": seq, "text": text} | rest | more


def decision(piece: str, partner: str | None = "p", kind: str = "risk_save", confidence: float = 0.8) -> dict[str, Any]:
    keys = {"utterance_id": piece, "partner_id": partner, "assist_type": kind}
    return keys | {"confidence": confidence, "type_confidence": confidence / 2}


def rows(
    turns: list[dict[str, Any]],
    decisions: list[dict[str, Any]],
    talk: pd.DataFrame = TALK,
    mentions: pd.DataFrame = NOBODY,
    version: str = "m",
) -> pd.DataFrame:
    parts = pieces(pd.DataFrame(turns))
    made = moment_rows(pd.DataFrame(decisions), parts, mentions, talk, model_version=version, detected_at=NOW)
    assert list(made.columns) == list(MOMENTS.column_names)
    return made


def test_neighbouring_turns_about_one_act_are_one_moment_with_the_surest_confidence() -> None:
    talk = [turn(0, "Rook warned us in March."), turn(1, "Did they?"), turn(2, "They saved us nine days.")]
    made = rows(talk, [decision("u0", confidence=0.6), decision("u2", confidence=0.9)])
    (row,) = made.to_dict("records")
    assert row["utterance_ids"] == ["u0", "u2"]
    assert row["quote"] == "Rook warned us in March.\nThey saved us nine days."
    assert (row["char_start"], row["char_end"]) == (0, 24)
    assert (row["confidence"], row["type_confidence"]) == (0.9, 0.45)
    assert (row["magnitude"], row["deal_id"], row["model_version"]) == ("nine days", "d", "m")


@pytest.mark.parametrize(
    "other",
    [decision("u3"), decision("u1", partner="q"), decision("u1", kind="outcome_tracking"), decision("u2")],
    ids=["far in turns", "another partner", "another type", "far in time"],
)
def test_turns_far_apart_or_of_another_partner_or_type_are_moments_of_their_own(other: dict[str, Any]) -> None:
    talk = [
        turn(n, f"They rang the director {n} times.", start_s=s, end_s=s + 5.0) for n, s in enumerate([0, 6, 99, 105])
    ]
    assert len(rows(talk, [decision("u0"), other])) == 2


def test_a_long_turn_between_is_no_gap_in_time() -> None:
    talk = [turn(0, "They rang the director.", start_s=0.0, end_s=90.0), turn(1, "They rang again.", start_s=91.0)]
    assert len(rows(talk, [decision("u0"), decision("u1")])) == 1


def test_fillers_at_both_ends_are_not_quoted_unless_they_name_the_partner() -> None:
    talk = [turn(0, "Lovely. They rang the director for us. Rook did.")]
    named = pd.DataFrame({"utterance_id": ["u0"], "partner_id": ["p"], "char_start": [40]})
    assert rows(talk, [decision("u0")])["quote"].tolist() == ["They rang the director for us."]
    (row,) = rows(talk, [decision("u0")], mentions=named).to_dict("records")
    assert row["quote"] == "They rang the director for us. Rook did."
    assert talk[0]["text"][row["char_start"] : row["char_end"]] == row["quote"]


def test_of_a_page_long_turn_only_the_sentences_that_carry_it_are_quoted_with_their_second() -> None:
    page = f"{'We talked about the weather and the plan. ' * 20}Rook warned us about the director in March."
    assert len(page) > WHOLE_CHARS
    talk = [turn(0, page, start_s=100.0, end_s=200.0)]
    last = pieces(pd.DataFrame(talk)).iloc[-1]
    (row,) = rows(talk, [decision(last["utterance_id"])]).to_dict("records")
    assert row["utterance_ids"] == ["u0"]
    assert page[row["char_start"] : row["char_end"]] == row["quote"]
    assert row["quote"].endswith("in March.")
    assert 100 < row["start_s"] < row["end_s"] <= 200


def test_what_a_mail_quotes_from_the_thread_counts_once_and_an_unknown_original_counts() -> None:
    said, other = "Rook warned us about the director.", "Rook also calmed the board down."
    again = f"> Ann wrote:\n> {said}"
    talk = [turn(0, said), turn(1, again, is_quoted=True), turn(9, other, is_quoted=True)]
    talk += [turn(20, other, is_quoted=True)]
    made = rows(talk, [decision(f"u{n}") for n in (0, 1, 9, 20)])
    assert made["utterance_ids"].tolist() == [["u0"], ["u9"]]


def test_an_unknown_partner_does_not_count_beside_a_known_one_in_the_same_turn() -> None:
    talk = [turn(0, "Rook and somebody warned us early.")]
    assert rows(talk, [decision("u0", None), decision("u0")])["partner_id"].tolist() == ["p"]
    assert rows(talk, [decision("u0", None)])["partner_id"].isna().all()


def test_two_partners_in_one_turn_are_two_moments() -> None:
    made = rows([turn(0, "Rook and Talley warned us early.")], [decision("u0"), decision("u0", "q")])
    assert sorted(made["partner_id"]) == ["p", "q"]
    assert made["moment_id"].is_unique


@pytest.mark.parametrize(
    ("kind", "told", "stage"),
    [
        ("risk_save", None, "post_sale"),
        ("risk_save", "pre_sale", "pre_sale"),
        ("negative_impact", None, "pre_sale"),
        ("transact_contract", None, "point_of_sale"),
    ],
)
def test_the_stage_is_that_of_the_deal_where_it_is_told_else_that_of_the_type(
    kind: str, told: str | None, stage: str
) -> None:
    made = rows([turn(0, "Rook did it.")], [decision("u0", kind=kind)], TALK.assign(told_stage=told))
    assert made["journey_stage"].tolist() == [stage]


def test_a_conversation_without_a_deal_has_moments_without_one() -> None:
    made = rows([turn(0, "Rook did it.")], [decision("u0")], TALK.assign(deal_id=None))
    assert made["deal_id"].isna().all()


def test_the_id_rests_on_turns_partner_and_type_and_not_on_the_model() -> None:
    talk = [turn(0, "Rook did it.")]
    first = rows(talk, [decision("u0", confidence=0.5)])["moment_id"].tolist()
    assert rows(talk, [decision("u0", confidence=0.9)], version="another")["moment_id"].tolist() == first
    assert rows(talk, [decision("u0", "q")])["moment_id"].tolist() != first


@settings(max_examples=5, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.sampled_from(["p", "q", None]), st.sampled_from(["risk_save", "outcome_tracking"])
        ),
        min_size=1,
        max_size=12,
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_rows_do_not_depend_on_the_order_of_what_comes_in_and_quote_the_source(
    drawn: list[tuple[int, str | None, str]], dice: Any
) -> None:
    talk = [turn(n, f"So. They rang the director {n} times. Yes.") for n in range(10)]
    decisions = [decision(f"u{n}", partner, kind, 0.5 + n / 20) for n, partner, kind in drawn]
    once = rows(talk, decisions)
    shuffled = dice.sample(talk, len(talk)), dice.sample(decisions, len(decisions))
    pd.testing.assert_frame_equal(once, rows(*shuffled))
    assert once["moment_id"].is_unique
    texts = {row["utterance_id"]: row["text"] for row in talk}
    for row in once.to_dict("records"):
        first = texts[row["utterance_ids"][0]][row["char_start"] : row["char_end"]]
        assert row["quote"].splitlines()[0] == first
