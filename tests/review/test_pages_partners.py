"""The list of partners, the page of one, and what somebody of a partner sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.shown import Money
from features.tables import DIRECT
from review.pages.partner_view import by_grade, by_quarter, kinds, totals
from review.store.engine import writing
from review.store.partner_moments import moments_counted, moments_of, precision_of
from review.store.partners import (
    claims_of,
    main_method,
    methods_of,
    partner_rows,
)
from review.store.periods import Period
from review.store.schema import claims, deals, moments, partners

pytestmark = pytest.mark.slow
ALL = Period()


def found(engine: Engine, partner_id: str, period: Period = ALL, method: str = "model", report: str = "") -> list[Any]:
    with engine.connect() as connection:
        is_main = method == "model"
        return claims_of(connection, partner_id, period, method, is_main=is_main, report_currency=report)


def second_deal(engine: Engine, **changed: Any) -> None:
    """Another won deal of Northwind, of 1,000 EUR in another year."""
    closed = datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    credit = {"model": {"amount": {"credit": 500.0}, "win": {"share": 0.5}}, "linear": {"win": {"share": 0.25}}}
    deal = {"deal_id": "d3", "name": "Cobalt", "outcome": "won", "amount": 1000.0, "currency": "EUR", "worth": 1000.0,
            "amount_in_report": None, "created_at": closed, "closed_at": closed, "digest": "", "facts": {}}  # fmt: skip
    claim = {"deal_id": "d3", "partner_id": "nw", "closed_at": closed, "outcome": "won", "currency": "EUR",
             "share": 0.5, "amount": 500.0, "amount_in_report": None, "credits": credit, "digest": "1"}  # fmt: skip
    with writing(engine) as connection:
        connection.execute(deals.insert(), [{**deal, **changed}])
        connection.execute(claims.insert(), [claim])


def test_currencies_are_added_only_with_a_rate(filled: Engine) -> None:
    second_deal(filled)
    assert totals(found(filled, "nw")).money == Money.of([("USD", 18_000_00), ("EUR", 500_00)])
    with writing(filled) as connection:
        connection.execute(deals.update().where(deals.c.deal_id == "d3").values(amount_in_report=1100.0))
    assert totals(found(filled, "nw", report="USD")).money == Money.of([("USD", 18_000_00 + 550_00)])


@pytest.mark.parametrize("amount", [0.004, 0.006, -0.006])
def test_list_and_page_of_a_partner_agree_to_the_cent(filled: Engine, amount: float) -> None:
    with writing(filled) as connection:
        deal = connection.execute(sa.select(deals).where(deals.c.deal_id == "d1")).mappings().one()
        claim = connection.execute(sa.select(claims).where(claims.c.partner_id == "nw")).mappings().one()
        for name in ("d3", "d4", "d5"):
            connection.execute(deals.insert().values({**deal, "deal_id": name}))
            told = {"deal_id": name, "amount": 1.0 + amount, "amount_in_report": 1.0 + amount}
            connection.execute(claims.insert().values({**claim, **told}))
    with filled.connect() as connection:
        (row,) = [row for row in partner_rows(connection, "USD") if row.partner["partner_id"] == "nw"]
    assert row.money == totals(found(filled, "nw", report="USD")).money


def test_list_adds_up_what_pages_of_partners_do(filled: Engine) -> None:
    second_deal(filled)
    with filled.connect() as connection:
        rows = {row.partner["partner_id"]: row for row in partner_rows(connection, "USD")}
    for partner_id, row in rows.items():
        total = totals(found(filled, partner_id, report="USD"))
        assert (row.n_deals, row.n_won, row.money) == (total.n_closed, total.n_won, total.money)
        assert row.wins == pytest.approx(total.wins)
    assert rows["bk"].n_waiting == 3
    assert rows["nw"].grades == {"C": 1, "D": 1}


def test_period_holds_both_its_days(filled: Engine) -> None:
    second_deal(filled)
    last_year = Period(date(2025, 12, 31), date(2025, 12, 31))
    assert [claim.deal_id for claim in found(filled, "nw", last_year)] == ["d3"]
    assert [claim.deal_id for claim in found(filled, "nw", Period(since=date(2026, 1, 1)))] == ["d1"]
    assert len(found(filled, "nw", Period(date.min, date.max))) == 2
    assert [row.name for row in by_quarter(found(filled, "nw"))] == ["2026 Q2", "2025 Q4"]


def test_another_method_gives_its_own_credit(filled: Engine) -> None:
    second_deal(filled)
    assert [(claim.deal_id, claim.share) for claim in found(filled, "nw", method="linear")] == [
        ("d3", 0.25),
        ("d1", None),
    ]
    by_column, by_json = found(filled, "nw"), claims_by_json(filled)
    assert [(claim.share, claim.cents) for claim in by_column] == [(claim.share, claim.cents) for claim in by_json]
    with filled.connect() as connection:
        assert main_method(connection) == "model"
        assert methods_of(connection, "nw") == ["model"]


def claims_by_json(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return claims_of(connection, "nw", ALL, "model", is_main=False, report_currency="")


def test_grades_add_up_to_the_total(filled: Engine) -> None:
    second_deal(filled)
    claimed = found(filled, "nw")
    rows = by_grade(claimed)
    assert [(row.grade, row.n_won) for row in rows] == [("A", 0), ("B", 0), ("C", 1), ("D", 1)]
    assert Money.of(part for row in rows for part in row.money.parts) == totals(claimed).money
    assert sum(row.wins for row in rows) == pytest.approx(totals(claimed).wins)
    assert [row.width for row in rows] == [0, 0, 100, 0]


def test_model_is_right_where_its_moment_holds_for_the_partner_it_named(filled: Engine) -> None:
    with writing(filled) as connection:
        for moment_id, values in {
            "m1": {"verdict": "confirmed"},
            "m2": {"verdict": "relabelled", "told_partner": "bk"},
        }.items():
            connection.execute(
                moments.update().where(moments.c.moment_id == moment_id).values(state="judged", **values)
            )
    with filled.connect() as connection:
        precision = precision_of(connection, "nw", ALL)
        heard = moments_of(connection, "bk", ALL, size=9, page=1)
        rest = moments_of(connection, "bk", ALL, size=3, page=2)
        counted = moments_counted(connection, "bk", ALL)
    assert (precision.n_judged, precision.n_right) == (2, 1)
    assert {row["moment_id"] for row in heard} == {"m2", "m3", "m4", "m5"}
    assert [row["moment_id"] for row in rest] == [heard[3]["moment_id"]]
    assert sum(kind.n for kind in kinds(counted)) == 4


def test_page_of_a_partner_shows_credit_by_grade_and_words(filled: Engine, client_as: Callable[..., Any]) -> None:
    page = client_as("manager").get("/partners/nw?from=2026-01-01&until=&method=model").text
    for text in (
        "Northwind",
        "$18,000",
        "Borne out",
        "cleared the audit questions",
        "Acme renewal",
        "since 1 Jan 2026",
    ):
        assert text in page
    assert 'action="/partners/nw/pack"' in page
    assert "/pack" not in client_as("viewer").get("/partners/nw").text
    assert "Brücke &amp; Söhne" in client_as("viewer").get("/partners").text


def test_somebody_of_a_partner_sees_its_own_page_and_nothing_of_others(
    filled: Engine, client_as: Callable[..., Any]
) -> None:
    with writing(filled) as connection:
        connection.execute(
            moments.update().where(moments.c.moment_id == "m1").values(state="judged", verdict="confirmed")
        )
    client = client_as("partner", partner_id="nw")
    assert client.get("/partners").headers["location"] == "/partners/nw"
    page = client.get("/partners/nw").text
    assert "Northwind walked our CIO" in page
    assert "Acme renewal" in page
    assert "/disputes/new?deal=d1&amp;partner=nw" in page
    for text in (
        "Brücke",
        "Söhne",
        "Own team",
        "Ana",
        "/moments/",
        "/deals/",
        "The model was right",
        "Evidence pack",
        "u1",
    ):
        assert text not in page, text
    claims_seen = client.get("/api/claims").json()
    assert {claim["partner_id"] for claim in claims_seen["claims"]} == {"nw"}
    assert claims_seen["total"] == 1
    assert client.get("/api/partners/nw").json()["name"] == "Northwind"


@pytest.mark.parametrize("path", ["/partners/bk", "/api/partners/bk", "/api/claims?partner=bk", "/partners/nowhere"])
def test_others_are_not_found_by_somebody_of_a_partner(
    filled: Engine, client_as: Callable[..., Any], path: str
) -> None:
    assert client_as("partner", partner_id="nw").get(path).status_code == 404


def test_somebody_of_a_partner_gets_no_pack(filled: Engine, client_as: Callable[..., Any]) -> None:
    assert client_as("partner", partner_id="nw").get("/partners/nw/pack").status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/partners/nw?from=yesterday", 422),
        ("/partners/nw?from=0", 422),
        ("/api/partners/nw?until=2026-W01-1", 422),
        ("/partners/nw?from=&until=", 200),
        ("/partners/nw?from=2026-02-01&until=2026-01-01", 422),
        ("/partners/nw?method=guess", 404),
        ("/partners/%00", 404),
        ("/partners/nw?deals=0", 422),
        ("/partners/nw?from=0001-01-01&until=9999-12-31", 200),
        ("/partners/nw?deals=1000000&said=1000000", 200),
        ("/api/claims?page=999999&deal=%00&grade=Z", 200),
    ],
)
def test_odd_questions_get_an_answer(filled: Engine, client_as: Callable[..., Any], path: str, status: int) -> None:
    assert client_as("viewer").get(path).status_code == status


def test_answers_hold_the_same_numbers_as_the_page(filled: Engine, client_as: Callable[..., Any]) -> None:
    client = client_as("viewer")
    answer = client.get("/api/partners/nw").json()
    assert answer["credited"] == {"USD": 18_000.0}
    assert {row["grade"]: row["credited"] for row in answer["grades"]}["C"] == {"USD": 18_000.0}
    claimed = client.get("/api/claims?deal=d1").json()
    assert claimed["total"] == 3
    assert DIRECT in {claim["partner_id"] for claim in claimed["claims"]}
    assert client.get("/api/claims?grade=C&outcome=won").json()["total"] == 1


def test_empty_list_says_what_to_do(engine: Engine, client_as: Callable[..., Any]) -> None:
    assert "partnerlift ingest" in client_as("viewer").get("/partners").text


def test_hostile_partner_is_escaped_and_reachable(filled: Engine, client_as: Callable[..., Any]) -> None:
    name = "<img src=x onerror=alert(1)>\u202e"
    with writing(filled) as connection:
        connection.execute(partners.insert(), [{"partner_id": "a/b?c#d", "name": name}])
    client = client_as("viewer")
    assert "<img" not in client.get("/partners").text
    page = client.get("/partners/a%2Fb%3Fc%23d")
    assert page.status_code == 200
    assert "<img" not in page.text
