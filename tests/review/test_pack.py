"""The evidence pack: its page's numbers can be recomputed from its rows, and nobody's text gets out of its place."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.cells import FORMULA_STARTS
from features.shown import Money, clean, day, decimal, money, percent, whole
from review.pack.archive import archive, archive_name
from review.pack.rows import About, gathered
from review.rendering import type_name
from review.store.claim_list import ClaimsWanted, found_claims
from review.store.deals import ORDERS, Wanted, deal_file, found_deals, owners
from review.store.engine import open_engine, writing
from review.store.partner_moments import moments_counted, moments_of, precision_of
from review.store.partners import (
    claims_of,
    main_method,
    methods_of,
    partner_rows,
    range_of,
)
from review.store.periods import Period
from review.store.schema import METADATA, claims, deals, events, judgements, moments, partners, verifications

MADE_AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
EVIL = "=cmd()</style><script>alert(1)</script>\u202e"
Rows = list[dict[str, str]]


def about(**changed: Any) -> About:
    return About(**{
        "partner_id": "nw", "partner_name": EVIL, "period": Period(), "method": "model", "is_main": True,
        "report_currency": "USD", "made_by": "mara", "made_at": MADE_AT, **changed,
    })  # fmt: skip


@pytest.fixture
def company(filled: Engine) -> Engine:
    """Northwind under a hostile name, with a second deal in euros, a lost one, and judged moments."""
    closed = datetime(2025, 11, 5, 8, tzinfo=UTC)
    more = {
        "d3": (
            "won",
            "EUR",
            70.13,
            {"win": {"share": 1 / 3, "credit": 0.1, "lo": -0.1, "hi": 0.3}, "amount": {"credit": 23.37}},
        ),
        "d4": ("lost", "USD", 5000.0, {"win": {"share": -0.0715, "credit": -0.05}}),
        "d5": (
            "won",
            "USD",
            1e6,
            {"win": {"share": -0.01, "credit": -0.009, "lo": -0.1, "hi": 0.08}, "amount": {"credit": -10_000.0}},
        ),
    }
    with writing(filled) as connection:
        connection.execute(partners.update().where(partners.c.partner_id == "nw").values(name=EVIL))
        found: Any = connection.scalar(sa.select(claims.c.credits).where(claims.c.partner_id == "nw"))
        found["model"]["win"] |= {"lo": 0.05, "hi": 0.3}
        connection.execute(claims.update().where(claims.c.partner_id == "nw").values(credits=found))
        for deal_id, (outcome, currency, amount, credit) in more.items():
            own = {"deal_id": deal_id, "outcome": outcome, "currency": currency, "closed_at": closed, "digest": "1"}
            rate = 1.0 if currency == "USD" else None
            deal = {"name": f"+{deal_id}", "amount": amount, "worth": amount, "facts": {}}
            deal |= {"amount_in_report": rate and amount}
            connection.execute(deals.insert(), [{**own, **deal, "created_at": closed - timedelta(days=90)}])
            claim = {"partner_id": "nw", "share": credit["win"]["share"], "credits": {"model": credit}}
            connection.execute(claims.insert(), [{**own, **claim, "amount": credit.get("amount", {}).get("credit")}])
        judge(connection, "m1", is_confirmed=True, is_verified=True, state="judged", verdict="confirmed")
        judge(connection, "m2", state="judged", verdict="rejected")
        moved = {"deal_id": "d3", "told_partner": "nw", "quote": "@SUM(1+1)", "state": "contested"}
        connection.execute(moments.update().where(moments.c.moment_id == "m4").values(**moved))
        connection.execute(verifications.insert(), [QUESTION])
    return filled


QUESTION = {
    "verification_id": "v1", "moment_id": "m1", "recipient": "ana@example.com", "recipient_name": "Ana",
    "asked_by": "mara", "asked_at": MADE_AT, "expires_at": MADE_AT, "state": "answered", "answer": "yes",
    "comment": EVIL, "answered_at": MADE_AT, "answered_by": "Ana",
}  # fmt: skip


def judge(connection: sa.Connection, moment_id: str, **values: Any) -> None:
    row = {"review_id": f"r-{moment_id}", "moment_id": moment_id, "reviewer": "mara", "role": "reviewer",
           "verdict": values["verdict"], "note": "-1 for the tone", "model_version": "shipped-1",
           "reviewed_at": MADE_AT, "source": "page"}  # fmt: skip
    connection.execute(judgements.insert(), [row])
    connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(**values))


def packed(engine: Engine, told: About) -> dict[str, str]:
    with engine.connect() as connection:
        made = archive(told, gathered(connection, told))
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def read(files: dict[str, str], table: str) -> Rows:
    rows = list(csv.DictReader(io.StringIO(files[f"data/{table}.csv"])))
    return [{name: cell.removeprefix("'") for name, cell in row.items()} for row in rows]


class Page(HTMLParser):
    """The numbers, dates, foreign text and remaining text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[str, str, str]] = []
        self.times: list[tuple[str, str]] = []
        self.foreign: list[str] = []
        self.rest: list[str] = []
        self._within: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("data", "time", "bdi", "style", "title"):
            self._within.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1][0] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        tag, found = self._within[-1] if self._within else ("", {})
        if tag == "data":
            self.numbers.append((str(found["data-is"]), data, str(found["value"])))
        elif tag == "time":
            self.times.append((str(found["datetime"]), data))
        elif tag == "bdi":
            self.foreign.append(data)
        elif not tag:
            self.rest.append(data)


def expected(files: dict[str, str]) -> dict[str, str]:
    """Every number of the page by its name, computed from the rows alone, as README.txt says."""
    claimed, said = read(files, "claims"), read(files, "moments")
    won = [row for row in claimed if row["outcome"] == "won"]
    made = {"n_closed": whole(len(claimed)), "n_backed": whole(sum(row["grade"] in ("A", "B") for row in won))}
    made |= sums("", won) | span(read(files, "credits"), {row["deal_id"] for row in won})
    for letter in "ABCD":
        made |= sums(f"grade:{letter}:", [row for row in won if row["grade"] == letter])
    for name in {row["quarter"] for row in claimed}:
        rows = [row for row in claimed if row["quarter"] == name]
        made |= sums(f"quarter:{name}:", [row for row in rows if row["outcome"] == "won"])
        made[f"quarter:{name}:n_closed"] = whole(len(rows))
    for row in claimed:
        key = f"claim:{row['deal_id']}:"
        support = [m for m in said if m["deal_id"] == row["deal_id"] and m["supports_claim"] == "true"]
        made[f"{key}share"] = percent(float(row["share"]), 1)
        made[f"{key}n_moments"] = str(len(support))
        made[f"{key}n_confirmed"] = str(sum(m["is_confirmed"] == "true" for m in support))
        made |= {name.replace(":money", f"{key}money", 1): text for name, text in cash(":money", [row]).items()}
    heard = [row for row in said if row["is_heard_in_period"] == "true"]
    for kind in {row["assist_type"] for row in heard}:
        rows = [row for row in heard if row["assist_type"] == kind]
        made[f"kind:{type_name(kind)}:n"] = str(len(rows))
        for stands in ("confirmed", "rejected", "open"):
            made[f"kind:{type_name(kind)}:{stands}"] = str(sum(row["stands_as"] == stands for row in rows))
    return made | {f"moment:{row['moment_id']}:confidence": percent(float(row["confidence"])) for row in said}


def span(credit: Rows, won: set[str]) -> dict[str, str]:
    """The range of the credited wins."""
    rows = [row for row in credit if row["method"] == "model" and row["target"] == "win" and row["deal_id"] in won]
    if not rows or any(not row["credit_lo"] for row in rows):
        return {}
    ends = {"wins_lo": "credit_lo", "wins_hi": "credit_hi"}
    return {
        name: decimal(sum(float(row["share"]) * float(row[end]) / float(row["credit"]) for row in rows))
        for name, end in ends.items()
    }


def sums(key: str, won: Rows) -> dict[str, str]:
    wins = decimal(sum(float(row["share"]) for row in won))
    return {f"{key}n_won": whole(len(won)), f"{key}wins": wins, **cash(f"{key}money", won)}


def cash(key: str, rows: Iterable[dict[str, str]]) -> dict[str, str]:
    made: dict[str, Decimal] = {}
    for row in rows:
        if row["credited"]:
            made[row["currency"]] = made.get(row["currency"], Decimal(0)) + Decimal(row["credited"])
    return {f"{key}:{unit}": money(Money.of([(unit, int(sum_ * 100))]), exact=True) for unit, sum_ in made.items()}


@pytest.mark.parametrize(
    "period", [Period(), Period(date(2026, 1, 1), date(2026, 4, 30)), Period(until=date(2020, 1, 1))]
)
def test_every_number_of_the_page_follows_from_the_rows(company: Engine, period: Period) -> None:
    files = packed(company, about(period=period))
    page = Page(files["index.html"])
    wanted = expected(files)
    assert {name: text for name, text, _ in page.numbers} == wanted
    cells = {
        cell for name in files if name.endswith(".csv") for row in read(files, name[5:-4]) for cell in row.values()
    }
    told = json.loads(files["manifest.json"])
    known = {
        "mara",
        EVIL,
        "Model (Shapley)",
        *told["model_versions"]["credit"],
        *told["model_versions"]["moments"],
        "none",
    }
    assert [text for text in page.foreign if text not in {clean(cell) for cell in cells | known}] == []
    days = {day(datetime.fromisoformat(cell)) for cell in cells if re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", cell)}
    ends = {day(end) for end in (period.first, period.last, MADE_AT) if end}
    assert {text for _, text in page.times} <= days | ends
    assert [text for text in page.rest if re.search(r"\d", text)] == []


def test_rows_follow_from_each_other(company: Engine) -> None:
    files = packed(company, about())
    credit = {(row["deal_id"], row["target"]): row for row in read(files, "credits") if row["method"] == "model"}
    rates = {row["deal_id"]: row["rate"] for row in read(files, "deals")}
    said = read(files, "moments")
    reviews = read(files, "reviews")
    claimed = read(files, "claims")
    assert [row["deal_id"] for row in claimed] == ["d1", "d3", "d4", "d5"]
    for row in claimed:
        assert float(row["share"]) == float(credit[row["deal_id"], "win"]["share"])
        if row["outcome"] == "won":
            amount = float(credit[row["deal_id"], "amount"]["credit"]) * float(rates[row["deal_id"]] or 1)
            assert float(row["credited"]) == pytest.approx(amount, abs=0.005)
        support = [m for m in said if m["deal_id"] == row["deal_id"] and m["supports_claim"] == "true"]
        assert row["grade"] == min((m["grade"] for m in support), default="D")
    for moment in said:
        witnesses = sum(moment[name] == "true" for name in ("is_confirmed", "is_verified", "has_record"))
        assert moment["grade"] in ("", "DCBA"[witnesses])
        own = {row["verdict"] for row in reviews if row["moment_id"] == moment["moment_id"]}
        assert ("confirmed" in own) == (moment["is_confirmed"] == "true")
    records = [row for row in read(files, "records") if row["deal_id"] == "d1"]
    assert [(row["what"], row["touchpoint_id"]) for row in records] == [("introduction", "t1")]


def test_same_rows_give_the_same_bytes_and_the_manifest_vouches_for_them(company: Engine) -> None:
    with company.connect() as connection:
        first, again = (archive(about(), gathered(connection, about())) for _ in range(2))
        later = about(made_at=MADE_AT + timedelta(days=1))
        assert archive(later, gathered(connection, later)) != first
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as file:
        told = json.loads(file.read("manifest.json"))
        for row in told["files"]:
            assert hashlib.sha256(file.read(row["path"])).hexdigest() == row["sha256"]
        assert {row["path"] for row in told["files"]} | {"manifest.json"} == set(file.namelist())
        assert {entry.date_time for entry in file.infolist()} == {(2026, 6, 1, 9, 30, 0)}
    assert (told["method"], told["made_by"], told["period"]) == ("model", "mara", {"from": None, "until": None})
    assert told["model_versions"]["moments"] == ["shipped-1"]


def test_no_cell_begins_like_a_formula_and_no_text_leaves_its_place(company: Engine) -> None:
    files = packed(company, about())
    for name, text in files.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            bad = [cell for cell in cells if cell.startswith(FORMULA_STARTS) and not re.fullmatch(r"-[\d.e-]+", cell)]
            assert bad == []
    page = files["index.html"]
    assert "<script" not in page
    assert "\u202e" not in page
    assert page.count("</style>") == 1
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert re.fullmatch(r"evidence-[a-z0-9-]+\.zip", archive_name(about(partner_id='../"\r\n=x')))


def test_readme_explains_every_name_on_the_page(company: Engine) -> None:
    files = packed(company, about())
    for name, _, _ in Page(files["index.html"]).numbers:
        last = "money" if "money:" in name else name.rsplit(":", 1)[-1]
        assert last in files["README.txt"], name


@pytest.mark.slow
def test_pack_is_recorded_with_its_hash(company: Engine, client_as: Callable[..., Any]) -> None:
    answer = client_as("manager").get("/partners/nw/pack?from=2026-01-01&until=")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert re.fullmatch(
        r'attachment; filename="evidence-nw-[0-9a-f]{8}-2026-01-01\.zip"', answer.headers["content-disposition"]
    )
    with company.connect() as connection:
        event = connection.execute(sa.select(events).where(events.c.action == "pack_made")).mappings().one()
    assert event["after"]["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert (event["who"], event["subject_id"], event["after"]["from"]) == ("manager", "nw", "2026-01-01")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("reviewer", "/partners/nw/pack", 403),
        ("manager", "/partners/nowhere/pack", 404),
        ("admin", "/partners/nw/pack?from=x", 422),
    ],
)
def test_pack_is_for_those_who_decide(
    company: Engine, client_as: Callable[..., Any], role: str, path: str, status: int
) -> None:
    assert client_as(role).get(path).status_code == status


@pytest.fixture
def in_postgresql(company: Engine, postgres_url: str) -> Iterator[Engine]:
    """The same rows in PostgreSQL."""
    made = open_engine(postgres_url)
    with company.connect() as source, writing(made) as target:
        for table in METADATA.sorted_tables:
            if rows := [dict(row) for row in source.execute(sa.select(table)).mappings()]:
                target.execute(table.insert(), rows)
    yield made
    made.dispose()


@pytest.mark.slow
def test_postgresql_gives_the_same_lists_and_the_same_pack(company: Engine, in_postgresql: Engine) -> None:
    one, other = ([ask(engine) for ask in QUESTIONS] for engine in (company, in_postgresql))
    assert one == other


def _asked(ask: Callable[[sa.Connection], Any]) -> Callable[[Engine], Any]:
    def answered(engine: Engine) -> Any:
        with engine.connect() as connection:
            return ask(connection)

    return answered


def _deals(**wanted: Any) -> Callable[[Engine], Any]:
    return _asked(lambda c: [(row.deal["deal_id"], row.grades) for row in found_deals(c, Wanted(**wanted))[0]])


YEAR = Period(date(2025, 1, 1), date(2026, 12, 31))
QUESTIONS = [
    *(_deals(order=order) for order in ORDERS),
    *(_deals(search="ACME"), _deals(grade="D", partner="nw"), _deals(owner="u1", outcome="won", page=2)),
    _asked(owners),
    _asked(lambda c: [vars(row) for row in partner_rows(c, "USD")]),
    _asked(lambda c: claims_of(c, "nw", YEAR, "model", is_main=True, report_currency="USD")),
    _asked(lambda c: claims_of(c, "nw", YEAR, "model", is_main=False, report_currency="")),
    _asked(lambda c: sorted(map(str, moments_counted(c, "nw", YEAR)))),
    _asked(lambda c: moments_of(c, "nw", YEAR, size=2, page=1)),
    _asked(lambda c: precision_of(c, "nw", YEAR)),
    _asked(lambda c: range_of(c, "nw", YEAR, "model")),
    _asked(lambda c: range_of(c, "bk", YEAR, "model")),
    _asked(lambda c: [main_method(c), methods_of(c, "nw"), methods_of(c, "nobody")]),
    _asked(lambda c: [dict(row) for row in found_claims(c, ClaimsWanted(partner="nw", period=YEAR))[0]]),
    _asked(lambda c: vars(deal_file(c, "d1") or c)),
    _asked(lambda c: archive(about(), gathered(c, about()))),
]
