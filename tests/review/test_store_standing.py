from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from features.grades import grade
from features.judgements import Judgement, standing
from review.roles import Viewer
from review.store.engine import writing
from review.store.judgements import add_judgement, ignore, judge, split, undo, unignore
from review.store.moments import moment
from review.store.schema import judgements, moments

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN, BOB, CY = Viewer("ann", "reviewer"), Viewer("bob", "reviewer"), Viewer("cy", "manager")
DECISIONS = [
    {"verdict": "confirmed"},
    {"verdict": "rejected"},
    {"verdict": "partly"},
    {"verdict": "unsure"},
    {"verdict": "confirmed", "partner_id": "bk"},
    {"verdict": "relabelled", "assist_type": "pricing_quote_acceleration"},
    {"verdict": "relabelled", "assist_type": "negative_impact"},
]
PEOPLE = [(ANN, False), (BOB, False), (CY, False), (CY, True)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("judge"), st.sampled_from(PEOPLE), st.sampled_from(DECISIONS)),
        st.tuples(st.just("undo"), st.sampled_from(PEOPLE), st.just({})),
        st.tuples(st.just("ignore"), st.sampled_from(PEOPLE), st.just({})),
    ),
    max_size=10,
)
ROW = ("state", "verdict", "told_type", "told_partner", "told_span", "is_confirmed", "is_verified", "grade")


def row_of(connection: Connection, moment_id: str = "m1") -> dict[str, Any]:
    """The columns that settling works out."""
    query = sa.select(*(moments.c[name] for name in ROW)).where(moments.c.moment_id == moment_id)
    return dict(connection.execute(query).mappings().one())


def said_of(connection: Connection) -> list[Judgement]:
    """The judgements of ``m1`` that have not been taken back."""
    rows = connection.execute(sa.select(judgements).where(judgements.c.undone_at.is_(None))).all()
    return [
        Judgement(r.review_id, r.reviewer, r.role, r.verdict, r.reviewed_at, r.assist_type, r.partner_id) for r in rows
    ]


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_moment_is_what_the_judgements_that_stand_come_to(filled: Engine, steps: list[Any]) -> None:
    with filled.connect() as connection, connection.begin() as transaction:
        first, at = row_of(connection), AT
        for what, (viewer, decides), told in steps:
            at += timedelta(minutes=1)
            if what == "judge":
                judge(connection, "m1", viewer, at=at, decides=decides, **told)
            elif what == "undo":
                undo(connection, viewer, at)
            else:
                ignore(connection, "m1", viewer, at)
            now, result = row_of(connection), standing(said_of(connection))
            assert (now["verdict"], now["told_type"], now["told_partner"]) == (
                result.verdict,
                result.assist_type,
                result.partner_id,
            )
            assert (now["is_confirmed"], now["is_verified"]) == (result.is_confirmed, result.is_verified)
        for viewer in (ANN, BOB, CY):
            while undo(connection, viewer, at):
                pass
        assert row_of(connection) == {**first, "grade": grade(is_confirmed=False, is_verified=False, has_record=True)}
        transaction.rollback()


def state_after(engine: Engine, *steps: tuple[Viewer, str]) -> str:
    """The state of ``m1`` after these verdicts."""
    with writing(engine) as connection:
        for number, (viewer, verdict) in enumerate(steps):
            judge(connection, "m1", viewer, verdict=verdict, at=AT + timedelta(minutes=number))
        found = moment(connection, "m1")
    assert found is not None
    return found.state


def test_who_is_unsure_leaves_it_to_others(filled: Engine) -> None:
    assert state_after(filled, (ANN, "unsure")) == "unsure"
    assert state_after(filled, (BOB, "confirmed")) == "judged"


def test_two_who_disagree_leave_it_contested_until_somebody_decides(filled: Engine) -> None:
    assert state_after(filled, (ANN, "confirmed"), (BOB, "rejected")) == "contested"
    with writing(filled) as connection:
        judge(connection, "m1", CY, verdict="confirmed", at=AT + timedelta(hours=1), decides=True)
        found = moment(connection, "m1")
    assert found is not None
    assert (found.state, found.verdict, found.is_confirmed) == ("judged", "confirmed", True)


def test_the_grade_rises_with_every_independent_witness(filled: Engine) -> None:
    def graded(connection: Connection) -> str | None:
        found = moment(connection, "m1")
        return found.grade if found else None

    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=AT)
        assert graded(connection) == "B"
        owner: dict[str, Any] = {"reviewer": "ana@example.com", "role": "rep", "source": "link"}
        add_judgement(connection, "m1", verdict="confirmed", at=AT, **owner)
        assert graded(connection) == "A"
        judge(connection, "m1", BOB, verdict="rejected", at=AT)
        assert graded(connection) == "D"


def test_what_is_set_aside_and_judged_is_set_aside_again_when_that_is_undone(filled: Engine) -> None:
    with writing(filled) as connection:
        ignore(connection, "m1", ANN, AT)
        judge(connection, "m1", BOB, verdict="confirmed", at=AT)
        assert row_of(connection)["state"] == "judged"
        undo(connection, BOB, AT)
        assert row_of(connection)["state"] == "ignored"
        unignore(connection, "m1", BOB, AT)
        assert row_of(connection)["state"] == "waiting"


def test_the_words_that_somebody_chose_stay_when_another_confirms(filled: Engine) -> None:
    span = {"utterance_ids": ["c1-1", "c1-2"], "char_start": 0, "char_end": 9}
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", span=span, at=AT)
        judge(connection, "m1", BOB, verdict="confirmed", span=span, at=AT + timedelta(minutes=1))
        assert row_of(connection)["told_span"] == span
        undo(connection, ANN, AT)
        assert row_of(connection)["told_span"] is None


def test_halves_of_a_split_are_taken_back_together(filled: Engine) -> None:
    halves = [
        {"utterance_ids": ["c1-1"], "char_start": 0, "char_end": 9},
        {"utterance_ids": ["c1-1"], "char_start": 10, "char_end": 20},
    ]
    with writing(filled) as connection:
        first = row_of(connection)
        judge(connection, "m1", ANN, verdict="relabelled", assist_type="pricing_quote_acceleration", at=AT)
        one, two = split(connection, "m1", ANN, halves, AT + timedelta(minutes=1))
        found = [moment(connection, name) for name in (one, two)]
        assert [each.standing_type for each in found if each] == ["pricing_quote_acceleration"] * 2
        assert [each.state for each in found if each] == ["judged"] * 2
        assert undo(connection, ANN, AT) == "m1"
        assert row_of(connection, two)["state"] == "gone"
        assert undo(connection, ANN, AT) == "m1"
        assert row_of(connection) == {**first, "grade": "C"}
