"""The list of deals, and the page of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy.engine import Engine

from features.tables import DIRECT
from review.pages.claim_table import claim_table
from review.store.deals import Wanted, deal_file, found_deals
from review.store.engine import writing
from review.store.schema import deals, disputes, moments

pytestmark = pytest.mark.slow
HOSTILE = "../we?ird#%zz<script>alert(1)</script>\"'\u202e"


def names(engine: Engine, **wanted: Any) -> list[str]:
    with engine.connect() as connection:
        rows, total = found_deals(connection, Wanted(**wanted))
    assert total == len(rows)
    return [row.deal["deal_id"] for row in rows]


@pytest.mark.parametrize("search", ["ÖBB", "öbb", "straẞE"])
def test_a_name_is_found_in_any_alphabet_whatever_the_capitals(filled: Engine, search: str) -> None:
    with writing(filled) as connection:
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(name="ÖBB Straße"))
    assert names(filled, search=search) == ["d2"]


def test_deals_are_found_and_ordered(filled: Engine) -> None:
    assert names(filled) == ["d1", "d2"]
    assert names(filled, search="PILOT") == ["d2"]
    assert names(filled, search="d1") == ["d1"]
    assert names(filled, search="%") == []
    assert names(filled, outcome="won") == ["d1"]
    assert names(filled, owner="u2") == ["d2"]
    assert names(filled, grade="C") == ["d1"]
    assert names(filled, partner="bk") == ["d1"]
    assert names(filled, partner="bk", grade="C") == []
    assert names(filled, order="closed") == ["d1", "d2"]


def test_contested_deals_come_first_when_asked_for(filled: Engine) -> None:
    with writing(filled) as connection:
        connection.execute(moments.update().where(moments.c.moment_id == "m5").values(state="contested"))
    assert names(filled, order="contested") == ["d2", "d1"]


def test_every_method_adds_up_to_the_deal_with_the_own_team_last() -> None:
    def row(player: str, share: float) -> dict[str, Any]:
        win = {
            "credit": share * 0.6,
            "share": share,
            "lo": share * 0.3,
            "hi": share * 0.9,
            "kind": "split",
        }
        return {"partner_id": player, "share": share, "grade": "C",
                "credits": {"linear": {"win": {**win, "lo": None}},
                            "model": {"win": win, "amount": {"credit": share * 1000, "share": share}}}}  # fmt: skip

    table = claim_table([row(DIRECT, 1 / 3), row("a", 1 / 3), row("b", 1 / 3)], {"a": "A"}, "EUR")
    assert [column.short for column in table.columns] == ["Model", "Linear"]
    assert [line.name for line in table.lines] == ["A", "b", "Own team and everything else"]
    assert [line.cells[0].share for line in table.lines] == ["33.4%", "33.3%", "33.3%"]
    assert [line.cells[0].amount for line in table.lines] == ["€334", "€333", "€333"]
    assert table.totals[0].share == "100.0%"
    assert table.totals[0].amount == "€1,000"
    assert table.lines[0].cells[0].between == "17% to 50%"
    assert table.lines[0].cells[1].between == ""


def test_page_of_a_deal_shows_claims_evidence_words_and_what_they_do_not_mean(
    filled: Engine, client_as: Callable[..., Any]
) -> None:
    page = client_as("viewer").get("/deals/d1").text
    assert "Acme renewal" in page
    assert "Influence is not proof of cause" in page
    assert "Northwind walked our CIO through the architecture last week." in page
    assert "Borne out by an introduction on 2 Mar 2026 in crm" in page
    assert 'href="/moments/m1"' in page
    assert "The same as a table" in page
    assert "Contest" not in page
    assert "/disputes/new?deal=d1&amp;partner=nw" in client_as("reviewer").get("/deals/d1").text
    assert filled


def test_open_disputes_stand_on_the_page(filled: Engine, client_as: Callable[..., Any], desk_clock: Any) -> None:
    opened = {"deal_id": "d1", "partner_id": "nw", "reason": "We ran it.", "opened_by": "x", "opened_at": desk_clock()}
    with writing(filled) as connection:
        connection.execute(disputes.insert(), [{**opened, "state": "open"}, {**opened, "state": "declined"}])
    assert client_as("viewer").get("/deals/d1").text.count("We ran it.") == 1


def test_confirmed_moments_can_be_asked_of_the_owner_by_those_who_judge(
    filled: Engine, client_as: Callable[..., Any]
) -> None:
    asking = 'action="/verifications/ask"'
    assert asking not in client_as("reviewer").get("/deals/d1").text
    with writing(filled) as connection:
        judged = moments.update().where(moments.c.moment_id == "m1")
        connection.execute(judged.values(state="judged", verdict="confirmed", is_confirmed=True))
    client = client_as("reviewer")
    page = client.get("/deals/d1").text
    assert asking in page
    assert "Ask the owner about 1 confirmed moment" in page
    assert asking not in client_as("viewer").get("/deals/d1").text
    assert client.post("/verifications/ask", data={"deal_id": "d1"}).status_code == 200
    page = client.get("/deals/d1").text
    assert asking not in page
    assert "the deal&#39;s owner has not answered" in page


def test_hostile_ids_and_names_are_quoted_and_escaped(filled: Engine, client_as: Callable[..., Any]) -> None:
    with writing(filled) as connection:
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(deal_id=HOSTILE, name=HOSTILE))
    client = client_as("viewer")
    page = client.get("/deals").text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    links = re.findall(r'href="(/deals/[^"]+)"', page)
    assert f"/deals/{quote(HOSTILE, safe='')}" in links
    assert client.get(links[-1]).status_code == 200
    assert client.get(f"/api{links[-1]}").json()["deal_id"] == HOSTILE


@pytest.mark.parametrize("path", ["/deals/nowhere", "/deals/%00", "/api/deals/nowhere", "/api/deals/a%00"])
def test_unknown_deal_is_not_found(filled: Engine, client_as: Callable[..., Any], path: str) -> None:
    assert client_as("viewer").get(path).status_code == 404


@pytest.mark.parametrize("query", ["page=0", "page=x", "order=sideways", f"page={10**40}", f"search={'a' * 501}"])
def test_wrong_questions_are_told_so(filled: Engine, client_as: Callable[..., Any], query: str) -> None:
    assert client_as("viewer").get(f"/deals?{query}").status_code == 422


def test_empty_lists_say_what_to_do(engine: Engine, client_as: Callable[..., Any]) -> None:
    client = client_as("viewer")
    assert "partnerlift score" in client.get("/deals").text
    assert "show all deals" in client.get("/deals?search=x%00").text


def test_partners_people_see_no_deals(filled: Engine, client_as: Callable[..., Any]) -> None:
    client = client_as("partner", partner_id="nw")
    assert client.get("/deals").status_code == 403
    assert client.get("/api/deals/d1").status_code == 403


def test_answer_holds_claims_with_grade_and_reason(filled: Engine, client_as: Callable[..., Any]) -> None:
    answer = client_as("viewer").get("/api/deals/d1").json()
    claims = {claim["partner_id"]: claim for claim in answer["claims"]}
    assert claims["nw"]["grade"] == "C"
    assert claims["nw"]["reason"].startswith("Borne out by")
    assert claims[DIRECT]["grade"] is None
    assert sum(claim["credits"]["model"]["amount"]["credit"] for claim in answer["claims"]) == pytest.approx(90_000)
    assert {moment["moment_id"] for moment in answer["moments"]} == {"m1", "m2", "m3", "m4"}


def test_file_of_a_deal_leaves_out_judgements_that_were_undone(filled: Engine, desk_clock: Any) -> None:
    from review.store.schema import judgements

    row = {"moment_id": "m1", "reviewer": "x", "role": "reviewer", "verdict": "confirmed", "model_version": "1",
           "reviewed_at": desk_clock(), "source": "page"}  # fmt: skip
    with writing(filled) as connection:
        connection.execute(judgements.insert(), [{**row, "review_id": "r1", "undone_at": desk_clock()}])
        connection.execute(judgements.insert(), [{**row, "review_id": "r2"}])
    with filled.connect() as connection:
        file = deal_file(connection, "d1")
    assert file is not None
    assert [row["review_id"] for row in file.judgements["m1"]] == ["r2"]
