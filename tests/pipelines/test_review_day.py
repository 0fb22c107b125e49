"""A day with the review page, through the verb and a real browser: from the first log-in to the evidence pack."""

from __future__ import annotations

import email
import json
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest

from pipelines.workspace import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VERB = [sys.executable, "-c", "from pipelines.cli import main; main()", "review"]
PASSWORD = "many words of a pass phrase"
DAY0 = datetime(2026, 3, 2, 10, tzinfo=UTC)
SAID = "Kestrel drew up the business case with our controller, point {}, and the board signed it in May."
N = 12

Rows = list[dict[str, Any]]


def moment(at: int) -> dict[str, Any]:
    quote = SAID.format(at)
    return {
        "moment_id": f"m{at:02}",
        "conversation_id": "c1",
        "deal_id": "d1",
        "partner_id": "kestrel",
        "assist_type": "strategy_value_case",
        "journey_stage": "pre_sale",
        "start_s": 30.0 * at,
        "end_s": 30.0 * at + 20,
        "utterance_ids": [f"u{at:02}"],
        "quote": quote,
        "char_start": 0,
        "char_end": len(quote),
        "confidence": 0.5 + 0.04 * at,
        "type_confidence": 0.5,
        "model_version": "model-1",
        "detected_at": DAY0 + timedelta(days=1),
    }


def credit(player: str, share: float, target: str, total: float) -> dict[str, Any]:
    return {
        "run_id": "r1",
        "deal_id": "d1",
        "partner_id": player,
        "method": "model",
        "target": target,
        "kind": "split",
        "credit": share * total,
        "share": share,
        "model_version": "outcome-1",
        "scored_at": DAY0,
    }


@pytest.fixture
def company(workspace_of: Callable[..., Workspace]) -> Path:
    """One won deal with a touch and a call in which a partner is praised a dozen times."""
    players = {"kestrel": 0.3, "__direct__": 0.7}
    made = workspace_of(
        deals=[
            {
                "deal_id": "d1",
                "account_id": "a1",
                "name": "Contoso analytics",
                "owner_id": "lena",
                "deal_type": "new",
                "amount": 250_000.0,
                "currency": "EUR",
                "created_at": DAY0 - timedelta(days=60),
                "closed_at": DAY0 + timedelta(days=20),
                "outcome": "won",
            }
        ],
        partners=[{"partner_id": "kestrel", "name": "Kestrel Advisory", "partner_type": "advisor"}],
        contacts=[
            {
                "contact_id": "lena",
                "name": "Lena Berg",
                "email": "lena@example.com",
                "organisation": "internal",
            }
        ],
        touchpoints=[
            {
                "touchpoint_id": "t1",
                "deal_id": "d1",
                "partner_id": "kestrel",
                "kind": "workshop",
                "occurred_at": DAY0 - timedelta(days=3),
            }
        ],
        conversations=[
            {"conversation_id": "c1", "deal_id": "d1", "channel": "call", "started_at": DAY0},
        ],
        utterances=[
            {
                "utterance_id": f"u{at:02}",
                "conversation_id": "c1",
                "seq": at,
                "start_s": 30.0 * at,
                "end_s": 30.0 * at + 20,
                "speaker": "Ines",
                "speaker_org": "customer",
                "text": SAID.format(at),
            }
            for at in range(N)
        ],
        moments=[moment(at) for at in range(N)],
        credits=[
            credit(player, share, target, total)
            for player, share in players.items()
            for target, total in (("win", 0.6), ("amount", 250_000.0))
        ],
    )
    return made.root


@pytest.fixture
def server(company: Path) -> Iterator[subprocess.Popen[str]]:
    """The verb, which serves on a free port until it is told to stop."""
    command = [*VERB, "--workspace", str(company), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def heading(process: subprocess.Popen[str], pattern: str) -> str:
    """What the first line that the verb prints and that fits holds in its group."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"The verb ended without a line like {pattern}.")


def press(page: Any, *keys: str) -> None:
    """Presses keys, the last of which opens another moment."""
    page.evaluate("document.getElementById('main').dataset.old = ''")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_selector("main:not([data-old]) #question:focus")


def grade_on(page: Any) -> str:
    return str(page.locator("main .grade").first.inner_text()).split()[-1]


def link_in(outbox: Path) -> tuple[str, str]:
    """The address that the one message went to, and the link in it."""
    (file,) = outbox.glob("*.eml")
    message: Any = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    found = re.search(r"https?://\S+/v/\S+", text)
    assert found
    return message["To"], found[0]


def test_a_day_from_the_first_log_in_to_the_evidence_pack(
    company: Path, server: subprocess.Popen[str], browser: Any, tmp_path: Path
) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(30_000)

    page.goto(heading(server, r"first one at (\S+)"))
    page.fill("[name=name]", "maria")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("text=Moments to judge")
    base = re.sub(r"/queue.*", "", page.url)
    page.goto(f"{base}/deals/d1")
    assert grade_on(page) == "C", "the CRM bears it out, and nobody else yet"

    page.goto(f"{base}/queue")
    page.keyboard.press("s")
    page.wait_for_url("**/moments/**")
    for _ in range(10):
        press(page, "c")
    press(page, "z")
    press(page, "z")
    page.keyboard.press("t")
    page.keyboard.type("risk")
    press(page, "ArrowDown", "Enter")
    page.keyboard.press("s")
    for key in ("Home", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    press(page, "Enter")
    assert page.inner_text("mark").startswith("Kestrel drew")
    press(page, "c")

    page.goto(f"{base}/deals/d1")
    assert grade_on(page) == "B"
    page.goto(f"{base}/queue?state=judged")
    page.locator("a[href^='/moments/']").first.click()
    page.click("text=Ask the owner")
    page.wait_for_selector("text=Lena Berg")
    sent = subprocess.run([*VERB, "send", "--workspace", str(company)], check=True, capture_output=True, text=True)
    assert "1" in sent.stdout

    address, link = link_in(company / "outbox")
    assert address.endswith("lena@example.com>") or address == "lena@example.com"
    phone = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False).new_page()
    phone.goto(re.sub(r"https?://[^/]+", base, link))
    assert "A yes changes nothing in your own split" in phone.inner_text("main")
    phone.click("button[value=yes]")
    assert "Thank you" in phone.inner_text("main")

    page.goto(f"{base}/deals/d1")
    assert grade_on(page) == "A"
    page.goto(f"{base}/partners/kestrel")
    with page.expect_download() as download:
        page.click("text=Evidence pack")
    pack = tmp_path / "pack.zip"
    download.value.save_as(pack)
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(tmp_path / "pack")
    index = next((tmp_path / "pack").rglob("index.html"))
    offline = browser.new_context(offline=True).new_page()
    offline.goto(index.as_uri())
    assert "Kestrel Advisory" in offline.inner_text("body")

    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    reviews = Workspace.open(company, threads=1).read("reviews")
    assert sorted(reviews.groupby("role").size().to_dict().items()) == [("rep", 1), ("reviewer", 10)]
    assert set(reviews["verdict"]) == {"confirmed", "relabelled"}
    audit = tmp_path / "audit.jsonl"
    subprocess.run([*VERB, "audit", "--out", str(audit), "--workspace", str(company)], check=True)
    actions = [json.loads(line)["action"] for line in audit.read_text(encoding="utf-8").splitlines()]
    assert actions.count("judged") == 13
    assert actions.count("undone") == 2
