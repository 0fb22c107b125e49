from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.events import chain
from review.store.judgements import add_judgement, add_missed, add_note, ignore, judge, undo
from review.store.moments import moment
from review.store.schema import events, judgements
from review.store.turns import Turn, checked_span, packed, quote_of, unpacked

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN, BOB, VIC = Viewer("ann", "reviewer"), Viewer("bob", "reviewer"), Viewer("vic", "viewer")
TALK = [Turn("u1", 0, "We asked around.", "customer"), Turn("u2", 1, "Kite came.", "customer", is_quoted=True)]


def given(engine: Engine, moment_id: str = "m1", **told: Any) -> tuple[str, str | None, str | None]:
    """Verdict, type and partner as they were taken down."""
    with writing(engine) as connection:
        judged = judge(connection, moment_id, ANN, at=AT, **told)
        query = sa.select(judgements).where(judgements.c.review_id == judged.review_id)
        row = connection.execute(query).one()
        undo(connection, ANN, AT)
    return row.verdict, row.assist_type, row.partner_id


def test_a_correction_is_kept_in_one_form(filled: Engine) -> None:
    own = "technical_validation"
    assert given(filled, verdict="relabelled", assist_type=own) == ("confirmed", None, None)
    assert given(filled, verdict="confirmed", assist_type=own, partner_id="nw") == ("confirmed", None, None)
    assert given(filled, verdict="confirmed", partner_id="bk") == ("relabelled", own, "bk")
    assert given(filled, verdict="relabelled", assist_type="risk_save") == ("relabelled", "risk_save", None)
    assert given(filled, verdict="partly", assist_type="risk_save") == ("partly", "risk_save", None)
    assert given(filled, verdict="rejected", assist_type="risk_save", partner_id="bk") == ("rejected", None, None)


def test_the_audit_tells_what_was_before_and_after_without_words(filled: Engine) -> None:
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="relabelled", assist_type="risk_save", note="secret words", at=AT)
        undo(connection, ANN, AT)
        told = connection.execute(sa.select(events).where(events.c.subject == "moment")).mappings().all()
        assert chain(connection).is_whole
    assert [(row["who"], row["action"], row["subject_id"]) for row in told] == [
        ("ann", "judged", "m1"),
        ("ann", "undone", "m1"),
    ]
    assert [row["before"]["state"] for row in told] == ["waiting", "judged"]
    assert [row["after"]["now"]["assist_type"] for row in told] == ["risk_save", "technical_validation"]
    assert "secret" not in str(told)


def test_the_second_is_told_what_the_first_did_and_took_back(filled: Engine) -> None:
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="rejected", at=AT, seen_version=0)
        undo(connection, ANN, AT)
        others = judge(connection, "m1", BOB, verdict="confirmed", at=AT, seen_version=0).others
        again = judge(connection, "m1", BOB, verdict="confirmed", at=AT, seen_version=0).others
    assert [(other.who, other.action, other.verdict) for other in others] == [
        ("ann", "judged", None),
        ("ann", "undone", None),
    ]
    assert again == others


def test_the_owners_answer_is_no_action_of_a_user_of_that_name(filled: Engine) -> None:
    owner: dict[str, Any] = {"reviewer": "ann", "role": "rep", "source": "link"}
    with writing(filled) as connection:
        add_judgement(connection, "m1", verdict="confirmed", at=AT, **owner)
        assert undo(connection, ANN, AT) is None


def test_undo_goes_as_deep_as_one_has_worked(filled: Engine) -> None:
    with writing(filled) as connection:
        for number in range(24):
            at = AT + timedelta(minutes=number)
            judge(connection, f"m{number % 6 + 1}", ANN, verdict=("confirmed", "rejected")[number % 2], at=at)
        back = [undo(connection, ANN, AT) for _ in range(25)]
        found = moment(connection, "m1")
    assert back == [f"m{number % 6 + 1}" for number in reversed(range(24))] + [None]
    assert found is not None
    assert (found.state, len(found.said)) == ("waiting", 4)


@pytest.mark.parametrize(
    ("told", "error", "match"),
    [
        ({"verdict": "confirmed", "role": "king"}, ValueError, "role 'king' is not one of"),
        ({"verdict": "confirmed", "source": "hearsay"}, ValueError, "source 'hearsay' is not one of"),
        ({"verdict": "relabelled"}, ValueError, "Give the assist_type"),
        ({"verdict": "confirmed", "partner_id": "nobody"}, LookupError, "no partner 'nobody'"),
        ({"verdict": "confirmed", "note": "x" * 4_001}, ValueError, "4,001 characters"),
    ],
)
def test_what_is_not_of_the_vocabulary_is_refused(
    filled: Engine, told: dict[str, Any], error: type[Exception], match: str
) -> None:
    usual = {"reviewer": "ann", "role": "reviewer", "source": "page", "at": AT}
    with pytest.raises(error, match=match), writing(filled) as connection:
        add_judgement(connection, "m1", **{**usual, **told})
    with filled.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(judgements)) == 0


def test_only_who_may_judge_does(filled: Engine) -> None:
    span = {"utterance_ids": ["c1-1"], "char_start": 0, "char_end": 9}
    with writing(filled) as connection:
        for act in (
            lambda: judge(connection, "m1", VIC, verdict="confirmed", at=AT),
            lambda: judge(connection, "m1", ANN, verdict="confirmed", at=AT, decides=True),
            lambda: ignore(connection, "m1", VIC, AT),
            lambda: undo(connection, VIC, AT),
            lambda: add_missed(connection, VIC, "c1", span, None, "risk_save", None, AT),
            lambda: add_note(connection, "m1", VIC, "words", AT),
        ):
            with pytest.raises(PermissionError, match="may not"):
                act()


def test_turns_come_back_as_they_were_kept() -> None:
    assert unpacked(packed(TALK)) == TALK
    assert packed(TALK) == packed(unpacked(packed(TALK)))


def test_a_span_is_cut_turn_by_turn() -> None:
    span = checked_span({"utterance_ids": ["u1", "u2"], "char_start": 9, "char_end": 4}, TALK)
    assert quote_of(span, TALK) == "around.\nKite"


@pytest.mark.parametrize(
    ("ids", "start", "end", "match"),
    [
        (["u3"], 0, 1, "turns that the conversation has not"),
        ([], 0, 1, "turns that the conversation has not"),
        (["u2", "u1"], 0, 1, "order of the conversation"),
        (["u1", "u1"], 0, 1, "order of the conversation"),
        (["u1"], 5, 5, "the end after the beginning"),
        (["u1"], 0, 17, "from character 0 of a turn with 16 to 17"),
        (["u1"], -1, 3, "from character -1"),
        (["u1"], 2, 3, "holds no words"),
    ],
)
def test_a_span_beyond_the_conversation_is_refused(ids: list[str], start: int, end: int, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        checked_span({"utterance_ids": ids, "char_start": start, "char_end": end}, TALK)
