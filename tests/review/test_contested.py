"""Judgements in the database as tables; contested moments, decisions, and who is overruled."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.agreement import Reviewer, reviewed, reviewers, said_by_several
from review.store.contested import contested, follow, n_contested, overruled
from review.store.engine import writing
from review.store.judgements import add_judgement, judge, undo
from review.store.periods import Period
from review.store.schema import moments

AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
ADA, BO, CY = (Viewer(name, "reviewer") for name in ("ada", "bo", "cy"))
MAX = Viewer("max", "manager")
EVER = Period()
Client = Any


@pytest.fixture
def disputed(filled: Engine) -> Engine:
    """m1: ada and bo agree; m2: ada confirms, bo rejects; m3: ada confirms, bo names another type; m4: ada alone."""
    with writing(filled) as connection:
        for at, moment_id in enumerate(("m1", "m2", "m3", "m4")):
            judge(connection, moment_id, ADA, verdict="confirmed", at=AT + timedelta(seconds=10 * at))
        judge(connection, "m1", BO, verdict="confirmed", at=AT + timedelta(days=1))
        judge(connection, "m2", BO, verdict="rejected", at=AT + timedelta(days=1, seconds=30), note="Only a plan.")
        told: dict[str, Any] = {"verdict": "relabelled", "assist_type": "strategy_value_case"}
        judge(connection, "m3", BO, at=AT + timedelta(days=1, seconds=900), **told)
    return filled


def test_only_moments_that_several_judged_are_compared(disputed: Engine) -> None:
    with disputed.connect() as connection:
        said = said_by_several(connection, EVER)
        none = said_by_several(connection, Period(date(2026, 5, 5)))
    assert said.to_dict("split")["data"] == [
        ["m1", "ada", "help", "technical_validation", "technical_validation"],
        ["m1", "bo", "help", "technical_validation", "technical_validation"],
        ["m2", "ada", "help", "technical_validation", ""],
        ["m2", "bo", "no_help", "no_help", ""],
        ["m3", "ada", "help", "pricing_quote_acceleration", ""],
        ["m3", "bo", "help", "strategy_value_case", ""],
    ]
    assert none.empty


def test_answers_of_owners_decisions_and_what_was_taken_back_are_no_second_opinion(disputed: Engine) -> None:
    with writing(disputed) as connection:
        given: dict[str, Any] = {"moment_id": "m4", "verdict": "confirmed", "at": AT, "source": "link"}
        add_judgement(connection, reviewer="ana@example.com", role="rep", **given)
        judge(connection, "m4", MAX, verdict="rejected", at=AT, decides=True)
        undo(connection, BO, AT)
        said = said_by_several(connection, EVER)
    assert set(said["moment_id"]) == {"m1", "m2"}


def test_reviewers_work_and_how_often_it_is_what_stands(disputed: Engine) -> None:
    with writing(disputed) as connection:
        judge(connection, "m2", MAX, verdict="rejected", at=AT + timedelta(days=2), decides=True)
        found = reviewers(connection, EVER, said_by_several(connection, EVER))
    assert found == [Reviewer("ada", 4, 10.0, 2, 1), Reviewer("bo", 3, 30.0, 2, 2)]


def test_precision_is_of_what_stands_and_was_flagged(disputed: Engine) -> None:
    with writing(disputed) as connection:
        judge(connection, "m5", ADA, verdict="confirmed", at=AT, partner_id="nw")
        judge(connection, "s1", ADA, verdict="relabelled", assist_type="strategy_value_case", at=AT)
        add_judgement(
            connection, "m6", reviewer="ben@example.com", role="rep", verdict="confirmed", at=AT, source="link"
        )
        found = reviewed(connection, EVER).sort_values("moment_id")
        later = reviewed(connection, Period(date(2026, 5, 5)))
    rows = found[["moment_id", "is_confirmed", "is_help"]].to_numpy().tolist()
    assert rows == [["m1", True, True], ["m4", True, True], ["m5", False, True]]
    assert later["moment_id"].tolist() == ["m1"]


def test_without_judgements_all_tables_are_empty(filled: Engine) -> None:
    with filled.connect() as connection:
        said = said_by_several(connection, EVER)
        assert said.empty
        assert reviewers(connection, EVER, said) == []
        assert reviewed(connection, EVER).empty


def test_contested_moments_show_what_each_said_to_those_who_judged(disputed: Engine) -> None:
    with disputed.connect() as connection:
        found = contested(connection, MAX)
        assert [one.row["moment_id"] for one in found] == ["m3", "m2"]
        assert [(row["reviewer"], row["verdict"]) for row in found[1].said] == [
            ("ada", "confirmed"),
            ("bo", "rejected"),
        ]
        assert len(contested(connection, ADA)) == 2
        assert contested(connection, CY) == []
        assert len(contested(connection, Viewer("vera", "viewer"))) == 2


def test_a_decision_follows_one_and_overrules_the_other(disputed: Engine) -> None:
    with writing(disputed) as connection:
        of_bo = contested(connection, MAX)[1].said[1]["review_id"]
        with pytest.raises(PermissionError):
            follow(connection, ADA, "m2", of_bo, None, AT)
        with pytest.raises(LookupError, match="is gone"):
            follow(connection, MAX, "m3", of_bo, None, AT)
        follow(connection, MAX, "m2", of_bo, "It was never done.", AT + timedelta(days=3))
        with pytest.raises(ValueError, match="meanwhile"):
            follow(connection, MAX, "m2", of_bo, None, AT)
        state = connection.execute(sa.select(moments.c.state, moments.c.verdict).where(moments.c.moment_id == "m2"))
        assert tuple(state.one()) == ("judged", "rejected")
        mine = overruled(connection, "ada")
        assert [(one.row["moment_id"], one.decided["note"]) for one in mine] == [("m2", "It was never done.")]
        assert overruled(connection, "bo") == []


@pytest.mark.slow
def test_agreement_by_hand(disputed: Engine, client_as: Callable[..., Client]) -> None:
    manager, ada = client_as("manager"), client_as("reviewer", name="ada")
    assert "Too few to say" in manager.get("/agreement").text
    assert re.search(r"<bdi>ada</bdi>.*<bdi>bo</bdi>", ada.get("/agreement").text)
    text = manager.get("/agreement/contested").text
    review_id = re.search(r'name="review_id" value="(\w+)">Decide so<span class="sr"> as bo', text)
    assert review_id
    where = "/agreement/contested/m3"
    assert ada.post(where, data={"review_id": review_id[1]}).status_code == 403
    assert manager.post(where, data={"review_id": "x"}).status_code == 404
    assert manager.post(where, data={"review_id": review_id[1], "note": "Read on."}).status_code == 303
    assert manager.post(where, data={"review_id": review_id[1]}).status_code == 409
    assert "Read on." in ada.get("/agreement/overruled").text
    assert "Nothing was overruled" in client_as("reviewer", name="bo").get("/agreement/overruled").text


@pytest.mark.slow
def test_programs_get_agreement_and_people_only_their_own_row(
    disputed: Engine, client_as: Callable[..., Client]
) -> None:
    found = client_as("manager").get("/api/agreement?days=all").json()
    assert (found["on_help"]["n"], found["contested"], found["precision"]["n"]) == (3, 2, 2)
    assert [row["name"] for row in found["reviewers"]] == ["ada", "bo"]
    assert [row["name"] for row in client_as("reviewer", name="bo").get("/api/agreement").json()["reviewers"]] == ["bo"]
    assert client_as("viewer").get("/api/agreement").json()["pairs_on_help"] == []
    assert client_as("manager").get("/api/agreement?days=7").status_code == 422
    assert client_as("partner", partner_id="nw").get("/api/agreement").status_code == 403


def test_empty_pages_say_what_to_do(filled: Engine, client_as: Callable[..., Client]) -> None:
    client = client_as("manager")
    assert "Nothing was judged in this period" in client.get("/agreement").text
    assert "Nobody disagrees" in client.get("/agreement/contested").text
    assert client.get("/api/agreement").json()["precision"] is None


def test_a_reviewer_is_led_to_no_page_of_what_only_others_judged(disputed: Engine) -> None:
    with disputed.connect() as connection:
        assert [n_contested(connection), *(n_contested(connection, one) for one in (MAX, ADA, CY))] == [2, 2, 2, 0]
        assert contested(connection, CY) == []
