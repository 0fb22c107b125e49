"""Disputes: who may open, see and decide them, and what a decision changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.dispute_files import dispute_file, listed, numbers
from review.store.disputes import Effect, assign, open_dispute, resolve, say
from review.store.engine import writing
from review.store.events import chain
from review.store.judgements import judge
from review.store.schema import claims, deals, events, judgements, moments, users

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ADA, MAX = Viewer("ada", "reviewer"), Viewer("max", "manager")
NORA, BEA = Viewer("nora", "partner", "nw"), Viewer("bea", "partner", "bk")
Client = Any


def opened(engine: Engine, viewer: Viewer = ADA, partner_id: str = "nw", at: datetime = AT, **others: Any) -> int:
    """A dispute about deal d1."""
    with writing(engine) as connection:
        return open_dispute(
            connection, viewer, deal_id="d1", partner_id=partner_id, reason="It was us.", at=at, **others
        )


def test_a_dispute_goes_from_opened_to_decided_and_all_of_it_is_in_the_audit(filled: Engine) -> None:
    number = opened(filled, NORA)
    with writing(filled) as connection:
        connection.execute(users.insert().values(name="ada", role="reviewer", created_at=AT))
        assign(connection, MAX, number, "ada", AT + timedelta(days=1))
        say(connection, ADA, number, "Which call was it?", AT + timedelta(days=1))
        say(connection, ADA, number, "They have a point.", AT + timedelta(days=2), is_internal=True)
        resolve(connection, MAX, number, "declined", "The call was with Brücke.", AT + timedelta(days=3))
    with filled.connect() as connection:
        found = dispute_file(connection, MAX, number)
        of_partner = dispute_file(connection, NORA, number)
        actions = connection.scalars(sa.select(events.c.action).where(events.c.subject == "dispute")).all()
        assert chain(connection).first_break is None
    assert (found.row["state"], found.row["owner"], found.is_open) == ("declined", "ada", False)
    assert [entry["kind"] for entry in found.entries] == ["opened", "assigned", "comment", "note", "declined"]
    assert [entry["kind"] for entry in of_partner.entries] == ["opened", "comment", "declined"]
    assert actions == ["opened", "assigned", "commented", "noted", "declined"]


def test_a_partner_contests_and_sees_its_own_claims_only(filled: Engine) -> None:
    number = opened(filled, ADA)
    with pytest.raises(LookupError, match="no such claim"):
        opened(filled, BEA)
    with filled.connect() as connection:
        assert [row["dispute_id"] for row in listed(connection, NORA)] == [number]
        assert listed(connection, BEA) == []
        assert numbers(connection, BEA) == {"open": 0, "in_review": 0, "upheld": 0, "declined": 0}
        with pytest.raises(LookupError):
            dispute_file(connection, BEA, number)
    with writing(filled) as connection:
        with pytest.raises(LookupError):
            say(connection, BEA, number, "Ours.", AT)
        with pytest.raises(PermissionError):
            say(connection, NORA, number, "Psst.", AT, is_internal=True)
        with pytest.raises(PermissionError):
            resolve(connection, NORA, number, "upheld", "Yes.", AT)
        with pytest.raises(LookupError):
            open_dispute(connection, BEA, deal_id="d2", partner_id="bk", reason="No claim there.", at=AT)


def test_a_viewer_may_not_contest_and_a_reviewer_may_not_decide(filled: Engine) -> None:
    with pytest.raises(PermissionError):
        opened(filled, Viewer("vera", "viewer"))
    number = opened(filled)
    with writing(filled) as connection, pytest.raises(PermissionError):
        resolve(connection, ADA, number, "upheld", "Yes.", AT)


def test_the_same_is_not_contested_twice_at_once(filled: Engine) -> None:
    number = opened(filled)
    with pytest.raises(ValueError, match=f"in dispute {number}"):
        opened(filled, NORA)
    opened(filled, moment_id="m1")
    with writing(filled) as connection:
        resolve(connection, MAX, number, "declined", "No.", AT)
        with pytest.raises(ValueError, match="was declined already, by max"):
            resolve(connection, MAX, number, "upheld", "Yes.", AT)
    assert opened(filled, NORA) > number


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 5_000, "a\x00b"])
def test_a_reason_is_words(filled: Engine, reason: str) -> None:
    with writing(filled) as connection, pytest.raises(ValueError, match=r"\."):
        open_dispute(connection, ADA, deal_id="d1", partner_id="nw", reason=reason, at=AT)


@pytest.mark.parametrize("moment_id", ["m3", "m5", "nothing"])
def test_a_moment_that_is_not_of_the_claim_cannot_be_contested_with_it(filled: Engine, moment_id: str) -> None:
    with pytest.raises(LookupError, match="no moment"):
        opened(filled, moment_id=moment_id)


def test_an_upheld_dispute_can_reject_its_moment_and_the_claim_is_graded_anew(filled: Engine) -> None:
    number = opened(filled, BEA, "bk", moment_id="m3")
    with writing(filled) as connection:
        resolve(connection, MAX, number, "upheld", "It was not they.", AT, effect=Effect("rejected"))
    with filled.connect() as connection:
        row = connection.execute(sa.select(judgements)).mappings().one()
        moment = connection.execute(sa.select(moments).where(moments.c.moment_id == "m3")).mappings().one()
        claim = connection.execute(sa.select(claims).where(claims.c.partner_id == "bk")).mappings().one()
    assert (row["role"], row["verdict"], row["source"], row["reviewer"]) == ("admin", "rejected", "page", "max")
    assert (moment["state"], moment["verdict"]) == ("judged", "rejected")
    assert claim["n_moments"] == 1


def test_an_upheld_dispute_can_give_its_moment_to_another_partner(filled: Engine) -> None:
    number = opened(filled, moment_id="m2")
    with writing(filled) as connection:
        resolve(connection, MAX, number, "upheld", "It was Brücke.", AT, effect=Effect("confirmed", partner_id="bk"))
    with filled.connect() as connection:
        moment = connection.execute(sa.select(moments).where(moments.c.moment_id == "m2")).mappings().one()
    assert (moment["verdict"], moment["told_partner"]) == ("relabelled", "bk")


@pytest.mark.slow
def test_a_partner_neither_sees_nor_contests_a_moment_that_became_anothers(
    filled: Engine, client_as: Callable[..., Client]
) -> None:
    with writing(filled) as connection:
        judge(connection, "m2", ADA, verdict="confirmed", partner_id="bk", at=AT)
    about = {"deal": "d1", "partner": "nw", "moment": "m2"}

    assert client_as("partner", partner_id="nw").get("/disputes/new", params=about).status_code == 404
    assert client_as("reviewer").get("/disputes/new", params=about).status_code == 200
    with pytest.raises(LookupError, match="no moment"):
        opened(filled, NORA, moment_id="m2")


@pytest.mark.slow
def test_a_partner_reads_the_names_of_no_others_in_quotes_and_names_of_deals(
    filled: Engine, client_as: Callable[..., Client]
) -> None:
    with writing(filled) as connection:
        connection.execute(moments.update().values(quote="Northwind, not BRÜCKE & SÖHNE, showed <it> to us."))
        connection.execute(deals.update().values(name="Acme by Brücke & Söhne"))
    opened(filled, moment_id="m2")
    partner, reviewer = client_as("partner", partner_id="nw"), client_as("reviewer")

    for address in ("/partners/nw", "/disputes", "/disputes/1", "/disputes/new?deal=d1&partner=nw&moment=m2"):
        page, whole = unescape(partner.get(address).text), unescape(reviewer.get(address).text)
        assert "brücke" not in page.casefold()
        assert "Acme by [another partner]" in page
        assert "Acme by Brücke & Söhne" in whole
    assert "Northwind, not [another partner], showed <it> to us." in page
    assert "Northwind, not BRÜCKE & SÖHNE, showed <it> to us." in whole


def test_a_declined_dispute_changes_no_moment(filled: Engine) -> None:
    number = opened(filled, moment_id="m2")
    with writing(filled) as connection, pytest.raises(ValueError, match="Only a dispute about a moment"):
        resolve(connection, MAX, number, "declined", "No.", AT, effect=Effect("rejected"))


def test_open_ones_come_first_and_the_oldest_on_top(filled: Engine) -> None:
    young = opened(filled, at=AT)
    old = opened(filled, BEA, "bk", at=AT - timedelta(days=30))
    closed = opened(filled, moment_id="m1", at=AT - timedelta(days=90))
    with writing(filled) as connection:
        resolve(connection, MAX, closed, "declined", "No.", AT)
        assert [row["dispute_id"] for row in listed(connection, MAX)] == [old, young, closed]
        assert [row["dispute_id"] for row in listed(connection, MAX, state="declined")] == [closed]


def test_a_dispute_by_hand(filled: Engine, client_as: Callable[..., Client]) -> None:
    partner, manager = client_as("partner", partner_id="nw"), client_as("manager")
    form = partner.get("/disputes/new?deal=d1&partner=nw&moment=m1").text
    assert "Acme renewal" in form
    given = {"deal_id": "d1", "partner_id": "nw", "moment_id": "m1", "reason": "<b>We</b> did more."}
    where = partner.post("/disputes", data=given).headers["location"]
    assert partner.post("/disputes", data=given).status_code == 422
    assert manager.post(f"{where}/assign", data={"owner": "manager"}).status_code == 303
    assert manager.post(f"{where}/say", data={"text": "Between us.", "is_internal": "true"}).status_code == 303
    seen = partner.get(where).text
    assert "&lt;b&gt;We&lt;/b&gt; did more." in seen
    assert "Between us" not in seen
    assert ">manager<" not in seen
    assert "Between us" in (open_page := manager.get(where).text)
    assert "took it" in open_page
    assert "looks into it" in open_page
    given = {"state": "upheld", "resolution": "Right.", "verdict": "relabelled", "assist_type": "partner_branding"}
    assert manager.post(f"{where}/resolve", data=given).status_code == 422
    given |= {"assist_type": "strategy_value_case"}
    assert manager.post(f"{where}/resolve", data=given).status_code == 303
    assert manager.post(f"{where}/resolve", data=given).status_code == 422
    assert "Right." in partner.get(where).text
    assert "looks into it" not in manager.get(where).text
    assert "upheld" in partner.get("/disputes").text


def test_what_is_not_ones_own_is_not_there(filled: Engine, client_as: Callable[..., Client]) -> None:
    number = opened(filled)
    other = client_as("partner", partner_id="bk")
    assert other.get(f"/disputes/{number}").status_code == 404
    assert other.get("/disputes/new?deal=d1&partner=nw").status_code == 404
    assert other.post("/disputes", data={"deal_id": "d1", "partner_id": "nw", "reason": "x"}).status_code == 404
    assert other.post(f"/disputes/{number}/resolve", data={"state": "upheld", "resolution": "x"}).status_code == 403
    assert other.get("/api/disputes").json() == []


def test_programs_open_and_list_disputes(filled: Engine, client_as: Callable[..., Client]) -> None:
    client = client_as("reviewer")
    made = client.post("/api/disputes", json={"deal_id": "d1", "partner_id": "nw", "reason": "No."})
    assert (made.status_code, made.json()["state"], made.json()["age_days"]) == (201, "open", 0)
    assert client.get("/api/disputes?state=open&partner=nw").json() == [made.json()]
    assert client.get("/api/disputes?state=closed").status_code == 422
    assert client.post("/api/disputes", json={"deal_id": "d\x00", "partner_id": "nw", "reason": "N"}).status_code == 422
    assert client_as("viewer").post("/api/disputes", json={}).status_code == 403
