"""Grades of claims follow the moments that support them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from features.tables import DIRECT
from review.store.claims import evidence, regrade, regrade_all
from review.store.engine import writing
from review.store.grounds import grounds
from review.store.schema import claims, moments

DAY = datetime(2026, 3, 4, 10, tzinfo=UTC)


def grade_of(engine: Engine, deal_id: str, partner_id: str) -> tuple[Any, ...]:
    columns = (claims.c.grade, claims.c.n_moments, claims.c.n_confirmed, claims.c.n_verified)
    is_it = (claims.c.deal_id == deal_id) & (claims.c.partner_id == partner_id)
    with engine.connect() as connection:
        return tuple(connection.execute(sa.select(*columns).where(is_it)).one())


def change(engine: Engine, moment_id: str, **values: Any) -> None:
    with writing(engine) as connection:
        connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(**values))
        for partner_id in ("nw", "bk"):
            regrade(connection, "d1", partner_id)


def test_claim_has_the_best_grade_of_its_moments(filled: Engine) -> None:
    assert grade_of(filled, "d1", "nw") == ("C", 2, 0, 0)
    change(filled, "m2", state="judged", verdict="confirmed", is_confirmed=True, is_verified=True)
    assert grade_of(filled, "d1", "nw") == ("B", 2, 1, 1)
    change(filled, "m1", state="judged", verdict="confirmed", is_confirmed=True, is_verified=True)
    assert grade_of(filled, "d1", "nw") == ("A", 2, 2, 2)


@pytest.mark.parametrize(
    "values",
    [
        {"state": "judged", "verdict": "rejected"},
        {"state": "contested", "verdict": "disputed"},
        {"state": "judged", "verdict": "relabelled", "told_type": "negative_impact"},
        {"state": "gone"},
    ],
)
def test_moment_that_is_rejected_contested_corrected_away_or_gone_supports_nothing(
    filled: Engine, values: dict[str, Any]
) -> None:
    change(filled, "m1", **values)
    assert grade_of(filled, "d1", "nw") == ("D", 1, 0, 0)
    change(filled, "m2", **values)
    assert grade_of(filled, "d1", "nw") == ("D", 0, 0, 0)


def test_moment_of_another_partner_moves_to_its_claim(filled: Engine) -> None:
    change(filled, "m1", state="judged", verdict="confirmed", is_confirmed=True, told_partner="bk")
    assert grade_of(filled, "d1", "nw") == ("D", 1, 0, 0)
    assert grade_of(filled, "d1", "bk") == ("B", 3, 1, 0)


def test_own_team_has_no_grade_and_unknown_claims_are_left_alone(filled: Engine) -> None:
    with writing(filled) as connection:
        for deal_id, partner_id in (("d1", DIRECT), ("nowhere", "nw"), (None, "nw"), ("d1", None)):
            regrade(connection, deal_id, partner_id)
    assert grade_of(filled, "d1", DIRECT)[0] is None


def test_all_at_once_gives_the_same_as_one_by_one(filled: Engine) -> None:
    change(filled, "m3", state="judged", verdict="confirmed", is_confirmed=True)
    one_by_one = [grade_of(filled, "d1", partner) for partner in ("nw", "bk", DIRECT)]
    with writing(filled) as connection:
        connection.execute(claims.update().where(claims.c.partner_id != DIRECT).values(grade=None, n_moments=9))
        regrade_all(connection)
    assert [grade_of(filled, "d1", partner) for partner in ("nw", "bk", DIRECT)] == one_by_one


def moment(**values: Any) -> dict[str, Any]:
    return {
        "moment_id": "m",
        "conversation_id": "c",
        "assist_type": "technical_validation",
        "told_type": None,
        "partner_id": "nw",
        "told_partner": None,
        "state": "waiting",
        "verdict": None,
        "is_confirmed": False,
        "is_verified": False,
        "has_record": False,
        "confidence": 0.9,
        "started_at": DAY,
        **values,
    }


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=4), st.booleans())
def test_another_witness_never_lowers_a_grade(told: list[tuple[bool, bool, bool]], is_late: bool) -> None:
    def found(rows: Iterable[tuple[bool, bool, bool]]) -> str:
        names = ("is_confirmed", "is_verified", "has_record")
        letter: str = evidence(moment(**dict(zip(names, row, strict=True))) for row in rows)["grade"]
        return letter

    assert found([*told, (is_late, False, True)]) <= found(told)


def reason(found: list[dict[str, Any]], judged: Any = None, asked: Any = None, *, is_inside: bool = True) -> str:
    touches = [
        {"touchpoint_id": "t0", "partner_id": "nw", "kind": "call", "occurred_at": "2026-03-04T10:00:00Z",
         "source_system": "gong", "conversation_id": "c"},
        {"touchpoint_id": "t1", "partner_id": "nw", "kind": "on_site_demo", "occurred_at": "2026-03-03T10:00:00Z",
         "source_system": "the CRM", "conversation_id": None},
        {"touchpoint_id": "t2", "partner_id": "bk", "kind": "demo", "occurred_at": "2026-03-04T10:00:00Z",
         "source_system": "the CRM", "conversation_id": None},
    ]  # fmt: skip
    deal = {"facts": {"touches": touches}, "closed_at": None}
    return grounds(found, judged or {}, asked or {}, deal, is_inside=is_inside)


def test_reason_spells_out_who_bears_a_claim_out_and_what_is_missing() -> None:
    judged = {"m": [{"role": "reviewer", "reviewer": "mara", "reviewed_at": DAY, "verdict": "confirmed"}]}
    found = [moment(state="judged", verdict="confirmed", is_confirmed=True, has_record=True)]
    asked = {"m": [{"state": "sent", "answer": None}]}
    assert reason(found, judged, asked) == (
        "Confirmed by mara on 4 Mar 2026 and borne out by an on site demo on 3 Mar 2026 in the CRM; "
        "the deal's owner has not answered."
    )
    assert reason(found, judged, asked, is_inside=False).startswith("Confirmed by a reviewer on 4 Mar 2026")


def test_reason_names_who_bears_it_out_and_not_who_spoke_last() -> None:
    said = [("reviewer", "mara", "relabelled"), ("reviewer", "noa", "unsure"), ("rep", "ana", "partly")]
    judged = {
        "m": [{"role": role, "reviewer": who, "reviewed_at": DAY, "verdict": verdict} for role, who, verdict in said]
    }
    found = [moment(state="judged", verdict="relabelled", is_confirmed=True, is_verified=True)]
    assert reason(found, judged) == (
        "Corrected by mara on 4 Mar 2026 and partly confirmed by the deal's owner on 4 Mar 2026; "
        "no other record shows it."
    )


def test_reason_without_any_witness_says_that_the_model_is_alone() -> None:
    assert reason([moment()]) == (
        "The model alone says so; no reviewer has confirmed it; the deal's owner has not been asked; "
        "no other record shows it."
    )
    assert "touches alone" in reason([])
    assert "rejected" in reason([moment(state="judged", verdict="rejected")])
    assert "disagree" in reason([moment(state="contested", verdict="disputed")])
