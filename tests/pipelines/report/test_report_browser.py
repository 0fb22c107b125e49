"""The report as a reader sees it, in Chromium: at a desk, on a telephone, in the dark, on paper, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Config
from pipelines.report import report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONTRAST = """() => {
  const linear = (x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const light = (c) => { const v = c.map((x) => linear(x / 255));
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const rgba = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (node) => { for (let n = node; n; n = n.parentElement) {
      const c = rgba(getComputedStyle(n).backgroundColor); if (c.length === 3 || c[3] === 1) return c.slice(0, 3); }
    return [255, 255, 255]; };
  const bad = [];
  for (const node of document.querySelectorAll("main *:not(svg *), nav a")) {
    if (![...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim())) continue;
    if (!node.checkVisibility() || node.closest(".sr")) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(`${node.tagName} ${node.className} ${node.textContent.slice(0, 40)}`);
  }
  return bad;
}"""


@pytest.fixture(scope="module")
def page_file(companies: Callable[[int, int], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    company = companies(80, 12)
    company.partners.loc[2, "name"] = "W" * 70 + " <script>document.title='broken'</script>"
    return report(company.write(root / "w"), Config(), out=root / "report.html", now=datetime(2025, 3, 1, tzinfo=UTC))


def opened(browser: Any, file: Path, anchor: str = "", **context: Any) -> Any:
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"file://{file}{anchor}")
    return page


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window_and_nothing_is_asked_of_the_network(
    browser: Any, page_file: Path, width: int
) -> None:
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(f"file://{page_file}")
    page.evaluate("() => { for (const card of document.querySelectorAll('details')) card.open = true; }")
    assert [line for line in heard if not line.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == "Partner credit report"


def test_link_to_a_closed_card_opens_it_without_javascript(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file, java_script_enabled=False)
    links = page.locator("#leaderboard tbody a")
    links.nth(3).click()
    anchor = links.nth(3).get_attribute("href")
    assert page.locator(f"{anchor} .says").is_visible()
    assert page.locator("#partners .tools").is_hidden()


def test_deals_can_be_searched(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file)
    total = page.locator("#deals details.card").count()
    page.locator("#deals input").fill("atlas")
    left = page.locator("#deals details.card:visible").count()
    assert 0 < left < total
    assert page.locator("#deals output").inner_text() == f"{left} shown"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, page_file: Path, scheme: str) -> None:
    page = opened(browser, page_file, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_first_page_fits_one_sheet_of_paper(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})
    assert page.evaluate("document.getElementById('summary').getBoundingClientRect().height") < 960
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 5 < pages < 30


def test_every_section_and_table_can_be_named_by_a_screen_reader(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file)
    assert page.evaluate(
        "[...document.querySelectorAll('main > section')].every((s) => s.ariaLabel || s.ariaLabelledByElements)"
    )
    assert page.evaluate("[...document.querySelectorAll('table')].every((t) => t.querySelector('th[scope]'))")
    assert page.evaluate("[...document.querySelectorAll('svg[role=img]')].every((s) => s.ariaLabel)")
    assert page.locator("header, nav, main, footer").count() == 4
