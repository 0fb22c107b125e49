"""Another site, a frame and a password typed by hand, in Chromium."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.users import add_user, all_users

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GOOD = "four words make one"
FORM = """<!doctype html><title>evil</title>
<form method=post action="{target}"><input name=name value=mallory><input name=role value=admin></form>
<button onclick="document.forms[0].submit()">win a prize</button>"""
FRAME = '<!doctype html><title>evil</title><iframe src="{target}"></iframe>'


@pytest.fixture
def address(app_with: Callable[..., FastAPI], engine: Engine, desk_clock: Any) -> Iterator[str]:
    """Where the page is served; Ana is its admin."""
    with writing(engine) as connection:
        add_user(connection, "Ana", GOOD, "admin", None, desk_clock(), Viewer("setup", "admin"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app_with(base_url=base_url), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield base_url
    server.should_exit = True
    thread.join()
    listener.close()


@contextmanager
def elsewhere(host: str, content: str) -> Iterator[str]:
    """Another site with one page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{host}:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def logged_in(browser: Any, address: str, **context: Any) -> Any:
    """A page on which Ana has logged in by keyboard."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{address}/users")
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1 user").wait_for()
    return page


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_form_of_another_site_or_port_adds_no_user(browser: Any, address: str, engine: Engine, host: str) -> None:
    page = logged_in(browser, address)

    with elsewhere(host, FORM.format(target=f"{address}/users")) as site:
        page.goto(site)
        page.get_by_role("button").click()
        page.get_by_text("Nothing was changed").wait_for()

    with engine.connect() as connection:
        assert [user.name for user in all_users(connection)] == ["Ana"]
    page.goto(f"{address}/account")
    assert page.get_by_role("heading", name="Your account").is_visible()


def test_no_other_site_can_show_the_page_in_a_frame(browser: Any, address: str) -> None:
    page = logged_in(browser, address)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))

    with elsewhere("127.0.0.1", FRAME.format(target=f"{address}/users")) as site:
        page.goto(site)
        page.wait_for_timeout(300)

    assert any("frame-ancestors" in text for text in refused)


def test_no_script_of_the_page_can_read_the_session(browser: Any, address: str) -> None:
    page = logged_in(browser, address)

    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_log_in_users_and_account_fit_the_screen_and_are_accessible(
    browser: Any, address: str, scheme: str, width: int
) -> None:
    page = logged_in(browser, address, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    page.get_by_label("Name").fill("Zoë Straße")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("shown only now").wait_for()
    for path in ("", "/users", "/account", "/nowhere", "/login"):
        if path == "/login":
            page.context.clear_cookies()
        if path:
            page.goto(address + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
