"""Judgements find the moments that a new model finds in place of the judged ones, by their words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd
import pytest

from features.assist.carried import FROM, carried
from features.tables import REVIEWS

DAY0: Final = datetime(2025, 1, 1, tzinfo=UTC)


def moment(name: str, **other: Any) -> dict[str, Any]:
    place = {"conversation_id": "c", "partner_id": "p", "utterance_ids": ["u1"], "char_start": 0, "char_end": 40}
    return {"moment_id": name, "assist_type": "introduction"} | place | other


OLD: Final = pd.DataFrame([moment("old")])


def judged(verdict: str = "confirmed", name: str = "1", **other: Any) -> dict[str, Any]:
    nothing = {"assist_type": None, "partner_id": None, "utterance_ids": None, "note": "as I was there"}
    said = {"review_id": name, "moment_id": "old", "reviewer": "ann", "role": "reviewer", "verdict": verdict}
    return said | nothing | {"model_version": "1", "reviewed_at": DAY0} | other


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(REVIEWS.column_names))


def handed(review: dict[str, Any], known: pd.DataFrame = OLD, **now: Any) -> tuple[Any, ...] | None:
    """Verdict, type and partner that the only new moment is given; None when it is given nothing."""
    made = carried(table(review), known, pd.DataFrame([moment("new", **now)]))
    if made.empty:
        return None
    (row,) = made.astype(object).where(made.notna(), None).to_dict("records")
    assert (row["moment_id"], row[FROM], row["reviewer"], row["note"]) == ("new", "old", "ann", "as I was there")
    assert row["reviewed_at"] == DAY0
    return row["verdict"], row["assist_type"], row["partner_id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "end", "is_same"), [(20, 80, True), (21, 80, False), (10, 20, True), (0, 400, True), (40, 80, False)]
)
def test_spans_of_one_turn_are_the_same_where_they_share_half_of_the_shorter(
    start: int, end: int, *, is_same: bool
) -> None:
    assert (handed(judged(), char_start=start, char_end=end) is not None) is is_same


@pytest.mark.slow
@pytest.mark.parametrize(
    ("turns", "is_same"),
    [(["u1", "u2"], True), (["u0", "u1"], True), (["u2"], False), (["u0", "u1", "u2", "u3"], True)],
)
def test_spans_of_several_turns_are_the_same_where_they_share_half_of_the_fewer(
    turns: list[str], *, is_same: bool
) -> None:
    assert (handed(judged(), utterance_ids=turns) is not None) is is_same
    long = pd.DataFrame([moment("old", utterance_ids=["u1", "u5", "u6"])])
    assert handed(judged(), known=long, utterance_ids=["u1", "u8", "u9"]) is None


def test_another_conversation_or_partner_is_another_moment() -> None:
    assert handed(judged(), conversation_id="other") is None
    assert handed(judged(), partner_id="q") is None
    assert handed(judged(partner_id="q"), partner_id="q") == ("confirmed", None, None)
    assert handed(judged(partner_id="q")) == ("confirmed", None, "q")


def test_a_partner_that_one_model_does_not_know_is_the_other_ones() -> None:
    assert handed(judged(), partner_id=None) == ("confirmed", None, "p")
    assert handed(judged(), known=pd.DataFrame([moment("old", partner_id=None)])) == ("confirmed", None, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "now", "told"),
    [
        (("confirmed", None), "introduction", ("confirmed", None)),
        (("confirmed", None), "risk_save", ("relabelled", "introduction")),
        (("confirmed", None), "negative_impact", ("relabelled", "introduction")),
        (("relabelled", "risk_save"), "risk_save", ("confirmed", None)),
        (("relabelled", "risk_save"), "introduction", ("relabelled", "risk_save")),
        (("relabelled", "negative_impact"), "negative_impact", ("confirmed", None)),
        (("partly", None), "risk_save", ("partly", "introduction")),
        (("rejected", None), "risk_save", ("rejected", None)),
        (("rejected", "neutral_mention"), "neutral_mention", ("confirmed", None)),
        (("rejected", "neutral_mention"), "negative_impact", ("relabelled", "neutral_mention")),
        (("rejected", None), "negative_impact", None),
        (("unsure", None), "risk_save", ("unsure", None)),
    ],
)
def test_what_was_said_stays_told_of_the_new_moment(
    said: tuple[str, str | None], now: str, told: tuple[str, str | None] | None
) -> None:
    assert handed(judged(said[0], assist_type=said[1]), assist_type=now) == (told and (*told, None))


def test_a_rejection_says_nothing_of_another_partner() -> None:
    assert handed(judged("rejected", partner_id="q"), partner_id="q") is None


def test_a_disagreement_is_handed_on_as_a_whole_or_not_at_all() -> None:
    reviews = table(judged(), judged("rejected", "2", reviewer="bob"))
    assert carried(reviews, OLD, pd.DataFrame([moment("new", assist_type="negative_impact")])).empty
    both = carried(reviews, OLD, pd.DataFrame([moment("new")]))
    assert sorted(both["verdict"]) == ["confirmed", "rejected"]


def test_of_one_person_the_latest_judgement_goes_on() -> None:
    reviews = table(judged("rejected"), judged("confirmed", "2", reviewed_at=DAY0 + timedelta(1)))
    assert carried(reviews, OLD, pd.DataFrame([moment("new")]))["verdict"].tolist() == ["confirmed"]


def test_one_moment_hands_on_to_several_and_each_takes_from_its_best() -> None:
    known = pd.DataFrame([moment("old", char_end=60), moment("near", char_start=40, char_end=100)])
    reviews = table(judged(), judged("rejected", "2", moment_id="near"))
    current = pd.DataFrame(
        [moment("a", char_end=30), moment("b", char_start=20, char_end=60), moment("c", char_start=45, char_end=90)]
    )
    made = carried(reviews, known, current)
    assert dict(zip(made["moment_id"], made[FROM], strict=True)) == {"a": "old", "b": "old", "c": "near"}


def test_nothing_is_added_by_handing_on_again_or_there_and_back() -> None:
    new = pd.DataFrame([moment("new", assist_type="risk_save")])
    first = carried(table(judged()), OLD, new).drop(columns=FROM)
    reviews = pd.concat([table(judged()), first], ignore_index=True)
    pd.testing.assert_frame_equal(carried(reviews, OLD, new).drop(columns=FROM), first)
    back = carried(reviews, new, OLD)
    assert back["review_id"].tolist() == ["1"]
    assert back["verdict"].tolist() == ["confirmed"]


def test_what_is_still_found_and_what_nobody_judged_hand_nothing_on() -> None:
    assert carried(table(judged()), OLD, OLD).empty
    assert carried(table(judged(moment_id="other")), OLD, pd.DataFrame([moment("new")])).empty
    assert list(carried(table(), OLD, OLD).columns) == [*REVIEWS.column_names, FROM]
