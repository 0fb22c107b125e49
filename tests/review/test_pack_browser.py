"""The pack, and the pages of deals and partners, in Chromium: offline, accessible, narrow and wide, light and dark."""

from __future__ import annotations

import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy.engine import Engine

from review.app import create_app
from review.desk import Options
from review.pack.archive import archive
from review.pack.rows import About, gathered
from review.roles import Role, Viewer
from review.security.access import looking
from review.store.engine import writing
from review.store.periods import Period
from review.store.schema import deals, moments, partners

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EVIL = "</style><script>document.title='broken'</script>" + "W" * 60
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
TAGS: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
}


@pytest.fixture
def company(filled: Engine) -> Engine:
    """The small company with a confirmed, a rejected and a contested moment, and names that try to break out."""
    with writing(filled) as connection:
        changes: dict[str, dict[str, Any]] = {
            "m1": {"state": "judged", "verdict": "confirmed", "is_confirmed": True},
            "m2": {"state": "judged", "verdict": "rejected"},
            "m3": {"state": "contested", "verdict": "disputed", "quote": EVIL},
        }
        for moment_id, values in changes.items():
            connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(**values))
        connection.execute(partners.update().where(partners.c.partner_id == "bk").values(name=EVIL))
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(deal_id="a%2F/../b?#", name=EVIL))
    return filled


@pytest.fixture
def base(company: Engine) -> Iterator[str]:
    """The address of a running page on which a manager is logged in."""
    yield from served(company, "manager")


def served(engine: Engine, role: Role, partner_id: str | None = None) -> Iterator[str]:
    app = create_app(engine, Options(), lambda: NOW)
    app.dependency_overrides[looking] = lambda: Viewer(role, role, partner_id)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def folder(company: Engine, tmp_path: Path) -> Path:
    """An unpacked pack."""
    told = About("nw", EVIL, Period(), "model", True, "USD", "mara", NOW)
    with company.connect() as connection:
        made = archive(told, gathered(connection, told))
    with zipfile.ZipFile(BytesIO(made)) as file:
        file.extractall(tmp_path / "pack")
    return tmp_path / "pack"


def faults(page: Any) -> list[str]:
    found = Axe().run(page, options=TAGS).response["violations"]
    return [f"{fault['id']}: {node['html'][:120]}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pack_opens_offline_without_a_request_and_is_accessible(
    browser: Any, folder: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    heard: list[str] = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"file://{folder}/index.html")
    assert heard == [f"file://{folder}/index.html"]
    assert page.title().startswith("Evidence: ")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.querySelector('.grade.C, .grade.B')).borderRadius") == "6px"
    context.set_offline(False)
    page.evaluate("() => { document.querySelector('meta[http-equiv]').remove(); }")
    assert faults(page) == []
    context.close()


def test_pack_prints_on_paper(browser: Any, folder: Path) -> None:
    page = browser.new_context(color_scheme="dark").new_page()
    page.goto(f"file://{folder}/index.html")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_are_accessible_and_no_wider_than_the_window(browser: Any, base: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    for path in ("/deals", "/deals?search=nothing", "/deals/d1", "/partners", "/partners/nw", "/partners/bk"):
        assert page.goto(base + path).status == 200
        page.evaluate("() => { for (const part of document.querySelectorAll('details')) part.open = true; }")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert [path, *faults(page)] == [path]
        assert page.title() != "broken"
    assert heard == []
    context.close()


def test_deal_with_a_hostile_id_is_reached_by_its_link(browser: Any, base: str) -> None:
    page = browser.new_context().new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.goto(f"{base}/deals?outcome=open")
    page.locator("tbody th a").click()
    page.wait_for_url("**/deals/a%252F%2F..%2Fb%3F%23")
    assert page.locator("h1").inner_text().startswith("</style>")
    assert heard == []


def test_pack_is_downloaded_from_the_partners_page(browser: Any, base: str, tmp_path: Path) -> None:
    page = browser.new_context(accept_downloads=True).new_page()
    page.goto(f"{base}/partners/nw")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Evidence pack").click()
    waiting.value.save_as(tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as file:
        assert "index.html" in file.namelist()
