"""Moments in the report: the journey, the evidence beside shares, and nothing where there are no conversations."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.grades import GRADE_TEXTS
from features.tables import TABLES
from pipelines.config import Config
from pipelines.report import report
from pipelines.report.data import read
from pipelines.report.figures import HEAT_LEVELS, heat_level, heat_stages
from pipelines.report.moments import clock, web_address
from pipelines.report.views import Report
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
MADE = NOW.replace(tzinfo=None)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
QUOTE = 'They ran <script>alert("x")</script> the pilot.'


def moment(name: str, deal: Any, partner: str | None, **given: Any) -> dict[str, Any]:
    rest = {"assist_type": "technical_validation", "journey_stage": "pre_sale", "char_start": 0, "char_end": 1}
    made = {"model_version": "1", "detected_at": LATER, "type_confidence": 0.9, "confidence": 0.95, "start_s": 751.4}
    keys = {"moment_id": name, "conversation_id": "c", "deal_id": deal, "partner_id": partner}
    return keys | rest | made | {"utterance_ids": ["u"], "quote": f"Quote {name}."} | given


def review(moment_id: str, verdict: str) -> dict[str, Any]:
    rest = {"reviewer": "ann", "role": "reviewer", "model_version": "1", "reviewed_at": LATER}
    return {"review_id": f"r-{moment_id}", "moment_id": moment_id, "verdict": verdict} | rest


def add(workspace: Workspace, **tables: list[dict[str, Any]]) -> None:
    for name, rows in tables.items():
        write_frame(pd.DataFrame(rows), TABLES[name], workspace.path(name))


@dataclass(frozen=True)
class Talked:
    """A workspace with moments on its first deal page: that page's partner, the report and its file."""

    partner: str
    report: Report
    html: str


@pytest.fixture(scope="module")
def talked(companies: Callable[[int, int], Any], tmp_path_factory: pytest.TempPathFactory) -> Talked:
    company = companies(12, 6)
    workspace = company.write(tmp_path_factory.mktemp("talked"))
    before = read(workspace, Config(), deals=1, made_at=MADE).deal_pages[0]
    deal, partner = before.deal_id, next(player.partner_id for player in before.players if not player.is_own)
    present = {player.partner_id for player in before.players}
    stranger = next(p for p in company.partners["partner_id"] if p not in present)
    moments = [
        moment("sure", deal, partner, quote=QUOTE),
        moment("doubtful", deal, partner, confidence=0.6, conversation_id="mail", assist_type="risk_save"),
        moment("confirmed", deal, partner, confidence=0.7),
        moment("rejected", deal, partner),
        moment("fourth", deal, partner, confidence=0.55),
        moment("gone", deal, stranger, conversation_id="deleted"),
        moment("nobody", deal, None),
        moment("nowhere", None, partner),
    ]
    said = [
        {"conversation_id": "c", "channel": "call", "url": "https://rec.example/1"},
        {"conversation_id": "mail", "channel": "email", "url": "javascript:alert(1)"},
    ]
    turn = {"utterance_id": "u", "conversation_id": "c", "seq": 0, "speaker": "Jo", "speaker_org": "customer"}
    gone = {"conversation_id": "deleted", "status": "source deleted", "reason": "requested", "content_hash": "0"}
    counts = {"utterances": 1, "moments": 2, "signals": 0, "deleted_at": LATER}
    add(
        workspace,
        moments=moments,
        signals=[
            moment("harm", deal, partner, assist_type="negative_impact"),
            moment("untrue", deal, partner, assist_type="negative_impact"),
            moment("floor", deal, partner),
        ],
        reviews=[review("rejected", "rejected"), review("untrue", "rejected"), review("confirmed", "confirmed")],
        conversations=[one | {"started_at": NOW - timedelta(400)} for one in said],
        utterances=[turn | {"text": "x"}],
        deletions=[gone | counts],
    )
    page = report(workspace, Config(), deals=3, now=NOW).read_text(encoding="utf-8")
    return Talked(partner, read(workspace, Config(), deals=3, made_at=MADE), page)


def words(text: str) -> str:
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))
    return " ".join(html.unescape(bare).split())


def test_evidence_stands_beside_the_share_the_confirmed_first_and_the_rejected_never(talked: Talked) -> None:
    page = talked.report.deal_pages[0]
    assert page.evidence is not None
    players = [player for player in page.players if not player.is_own]
    assert [told.name for told in page.evidence if told.has_touch] == [player.name for player in players]
    told = next(t for t, p in zip(page.evidence, players, strict=False) if p.partner_id == talked.partner)
    assert [(one.quote, one.is_confirmed, one.is_unsure) for one in told.best] == [
        ("Quote confirmed.", True, False),
        (QUOTE, False, False),
        ("Quote doubtful.", False, True),
    ]
    assert told.n_more == 1
    assert [(one.clock, one.side, one.url) for one in told.best[1:]] == [
        ("12:31", "customer", "https://rec.example/1"),
        ("", "customer", ""),
    ]
    (stranger,) = [t for t in page.evidence if not t.has_touch]
    assert [(one.quote, one.is_deleted, one.url) for one in stranger.best] == [("source deleted", True, "")]


def test_a_quote_is_escaped_and_only_web_addresses_become_links(talked: Talked) -> None:
    assert "<script>alert" not in talked.html
    assert "They ran &lt;script&gt;" in talked.html
    assert 'href="https://rec.example/1"' in talked.html
    assert "javascript:" not in talked.html


def test_the_page_says_who_said_it_when_and_how_sure_that_is_and_where_nothing_was_said(talked: Talked) -> None:
    page = words(talked.html)
    assert "12:31 into the call · said by the customer · 95% sure" in page
    for said in ("confirmed by a person", "no touch on this deal", ": source deleted", "No recorded moment."):
        assert said in page


def test_the_journey_counts_moments_of_known_partners_and_deals(talked: Talked) -> None:
    found = talked.report.journey
    assert found is not None
    counts = {row.partner.partner_id: row.total for row in found.rows if row.partner}
    assert counts[talked.partner] == 4
    assert sum(counts.values()) == 5
    assert (found.moments, found.left_out, found.judged, found.unsure) == (7, 2, 1, 2)
    assert (found.deleted, found.moments_deleted, found.conversations) == (1, 2, 2)
    assert [(signal.name, signal.n) for signal in found.signals] == [("Negative impact or channel conflict", 1)]
    assert found.sentence.startswith("In 2 conversations a model found 5 moments in which 2 partners helped on a deal")
    assert sum(span for _, _, span in heat_stages(found)) == len(found.types) == 14


def test_a_partner_that_only_conversations_know_is_called_by_its_name(
    companies: Callable[[int, int], Any], tmp_path: Path
) -> None:
    company = companies(12, 6)
    workspace = company.write(tmp_path)
    deal = read(workspace, Config(), deals=1, made_at=MADE).deal_pages[0].deal_id
    quiet = pd.DataFrame([{"partner_id": "quiet", "name": "Quiet Works", "partner_type": "si"}])
    add(
        workspace,
        partners=pd.concat([company.partners, quiet]).to_dict("records"),
        moments=[moment("m", deal, "quiet")],
        conversations=[{"conversation_id": "c", "channel": "call", "started_at": NOW}],
    )
    found = read(workspace, Config(), deals=1, made_at=MADE)
    assert found.journey is not None
    assert [row.partner.name for row in found.journey.rows if row.partner] == ["Quiet Works"]
    assert "Quiet Works" in {one.name for one in found.deal_pages[0].evidence or ()}


def test_a_partners_card_says_what_it_was_heard_to_do(talked: Talked) -> None:
    heard = {page.standing.partner.partner_id: page.moments for page in talked.report.partner_pages}
    told = heard.pop(talked.partner)
    assert told is not None
    assert dict(told.kinds) == {
        "Proved it works (proof of concept or demo)": 3,
        "Warned of a risk or saved the customer": 1,
    }
    assert told.signals == (("Negative impact or channel conflict", 1),)
    assert "No recorded moment in which it helped on a deal." in words(talked.html)


def test_without_conversations_nothing_speaks_of_moments_and_without_moments_the_way_is_told(
    companies: Callable[[int, int], Any], tmp_path: Path
) -> None:
    workspace = companies(6, 3).write(tmp_path / "w")
    page = report(workspace, Config(), deals=1, now=NOW).read_text(encoding="utf-8")
    assert 'id="moments"' not in page
    assert "No recorded moment" not in page
    add(workspace, conversations=[{"conversation_id": "c", "channel": "call", "started_at": NOW}])
    page = report(workspace, Config(), deals=1, now=NOW).read_text(encoding="utf-8")
    assert "Run partnerlift detect after ingesting conversations" in words(page)


def test_a_grade_stands_beside_each_partners_share_and_says_what_it_means(
    companies: Callable[[int, int], Any], tmp_path: Path
) -> None:
    company = companies(12, 6)
    is_partner = company.credits["partner_id"] != "__direct__"
    company.credits = company.credits.assign(evidence_grade=is_partner.map({True: "B", False: None}))
    workspace = company.write(tmp_path / "w")
    add(workspace, conversations=[{"conversation_id": "c", "channel": "call", "started_at": NOW}])
    page = report(workspace, Config(), deals=1, now=NOW).read_text(encoding="utf-8")
    found = read(workspace, Config(), deals=1, made_at=MADE).deal_pages[0]
    assert {player.grade for player in found.players} == {"B", ""}
    assert [told.grade for told in found.evidence or ()] == ["B"] * (len(found.players) - 1)
    assert "% · evidence B" in words(page)
    assert words(page).count(GRADE_TEXTS["B"]) == len(found.players) - 1
    assert f'<abbr title="{html.escape(GRADE_TEXTS["B"])}">B</abbr>'.replace("&#x27;", "&#39;") in page


def test_verified_credit_that_nobody_has_earned_says_why(companies: Callable[[int, int], Any], tmp_path: Path) -> None:
    company = companies(12, 6)
    verified = company.credits[company.credits["method"] == "linear"].assign(method="verified")
    is_own = verified["partner_id"].eq("__direct__")
    none = verified.assign(share=is_own.astype(float), credit=verified["credit"].where(is_own, 0.0))
    told = "Verified credit is the own team's alone. No person has confirmed a moment"
    for number, (rows, is_told) in enumerate([(none, True), (verified, False)]):
        company.credits = pd.concat([company.credits[company.credits["method"] != "verified"], rows])
        workspace = company.write(tmp_path / f"{number}")
        assert (told in words(report(workspace, Config(), deals=1, now=NOW).read_text(encoding="utf-8"))) is is_told


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00"), (59.9, "0:59"), (751.4, "12:31"), (3600.0, "1:00:00"), (3723.0, "1:02:03")]
)
def test_a_time_into_a_call_is_read_as_on_a_player(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b", "", None]
)
def test_what_is_no_web_address_is_no_link(url: str | None) -> None:
    assert web_address(url) == ""


def test_the_largest_count_is_darkest_and_none_is_blank() -> None:
    assert [heat_level(n, 10) for n in (0, 1, 2, 5, 10)] == [0, 1, 1, 3, HEAT_LEVELS]
