from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.store.schema import moments

Client = Callable[..., Any]


def rows(text: str) -> list[str]:
    return re.findall(r'<td class="words"><a href="/moments/(\w+)', text)


def test_the_queue_shows_what_waits_with_the_most_at_stake_first(filled: Engine, client_as: Client) -> None:
    page = client_as("reviewer").get("/queue")
    assert page.status_code == 200
    assert rows(page.text) == ["m3", "m6", "m2", "m5", "m4", "m1"]
    assert "Brücke &amp; Söhne" in page.text
    assert "$90.0k" in page.text
    assert "not judged yet" in page.text


def test_filters_live_in_the_address_and_go_along(filled: Engine, client_as: Client) -> None:
    page = client_as("reviewer").get("/queue?partner=nw&order=confidence&since=&band=")
    assert re.findall(r'href="(/moments/[^"]+)"', page.text) == [
        "/moments/m1?partner=nw&amp;order=confidence",
        "/moments/m2?partner=nw&amp;order=confidence",
    ]
    assert '<option value="nw" selected>' in page.text
    assert "/queue/start?partner=nw&amp;order=confidence" in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("type=strategy_value_case", ["m4"]),
        ("rep=u2", ["m6", "m5"]),
        ("deal=d2&kind=signals", ["s1"]),
        ("band=sure&order=confidence", ["m1", "m4", "m2"]),
        ("until=2026-03-03", []),
        ("state=judged", []),
        ("page=2", []),
    ],
)
def test_each_filter_narrows_the_queue(filled: Engine, client_as: Client, query: str, found: list[str]) -> None:
    assert rows(client_as("reviewer").get(f"/queue?{query}").text) == found


@pytest.mark.parametrize("query", ["band=certain", "since=yesterday", "page=0", "order=random", "partner=%00"])
def test_a_filter_that_cannot_be_is_refused(filled: Engine, client_as: Client, query: str) -> None:
    assert client_as("reviewer").get(f"/queue?{query}").status_code == 422


def test_judging_starts_with_the_first_moment_that_nobody_else_has_open(filled: Engine, client_as: Client) -> None:
    assert client_as("reviewer", name="ann").get("/queue/start?order=close").headers["location"] == (
        "/moments/m1?order=close"
    )
    assert client_as("reviewer", name="bea").get("/queue/start?order=close").headers["location"] == (
        "/moments/m2?order=close"
    )


def test_an_empty_queue_says_what_to_do(engine: Engine, client_as: Client) -> None:
    page = client_as("reviewer").get("/queue").text
    assert "No moments yet" in page
    assert "<code>partnerlift detect</code>" in page
    assert "Start judging" not in page


def test_a_queue_in_which_all_is_judged_says_so(filled: Engine, client_as: Client) -> None:
    with filled.begin() as connection:
        connection.execute(sa.update(moments).values(state="judged", verdict="confirmed"))
    client = client_as("reviewer")
    assert "all that was found is judged" in client.get("/queue").text
    assert "Clear the filters" in client.get("/queue?partner=nw").text


def test_somebody_who_may_only_look_sees_no_start(filled: Engine, client_as: Client) -> None:
    client = client_as("viewer")
    assert "Start judging" not in client.get("/queue").text
    assert client.get("/queue/start").status_code == 403


def test_a_partner_sees_no_queue(filled: Engine, client_as: Client) -> None:
    assert client_as("partner", partner_id="nw").get("/queue").status_code == 403
