"""The owner's page on a telephone and the managers' list at a desk, in Chromium."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from review.channels.delivery import deliver
from review.channels.message import Message, UndeliverableError
from review.roles import Viewer
from review.store.engine import writing
from review.store.judgements import add_judgement
from review.store.schema import judgements, moments, partners
from review.store.sessions import open_session
from review.store.users import add_user
from review.store.verifications import Verification, ask, expire, withdraw

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
EVIL = "Zoë <img src=x onerror=document.title='broken'> \u202egnp.exe"


class Postman:
    """A channel that keeps the links, and refuses Ben."""

    name = "postman"

    def __init__(self) -> None:
        self.links: dict[str, str] = {}

    def send(self, message: Message) -> None:
        if message.recipient.startswith("ben"):
            raise UndeliverableError("The mail server refused the recipient: 550 5.1.1 no such box the address")
        self.links[message.recipient] = message.link


@dataclass
class Site:
    """The page as it is served, its database and its clock."""

    app: FastAPI
    engine: Engine
    clock: Any
    postman: Postman

    def ask(self, *moment_ids: str) -> str:
        """Asks about these moments, sends, and returns the link that Ana gets."""
        with writing(self.engine) as connection:
            for name in moment_ids:
                ask(connection, name, asked_by="maria", at=self.clock(), options=self.app.state.desk.options)
        deliver(self.app.state.desk, self.postman)
        return self.postman.links.get("ana@example.com", "")

    def verdicts(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(judgements.c.verdict).where(judgements.c.undone_at.is_(None))))


@pytest.fixture
def site(app_with: Callable[..., FastAPI], filled: Engine, desk_clock: Any) -> Iterator[Site]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = app_with(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", attempts_per_minute=1000)
    postman = Postman()
    app.state.desk = replace(app.state.desk, channel=postman)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield Site(app, filled, desk_clock, postman)
    server.should_exit = True
    thread.join()
    listener.close()


def opened(browser: Any, address: str, **context: Any) -> Any:
    page = browser.new_context(**{"viewport": PHONE, **context}).new_page()
    page.set_default_timeout(20_000)
    page.heard = []
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("console", lambda message: page.heard.append(message.text) if message.type == "error" else None)
    page.goto(address)
    return page


def is_sound(page: Any) -> None:
    """Nothing wider than the window, nothing refused by the policy, and nothing that axe finds."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.title() != "broken"
    faults = Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in faults] == []


@pytest.mark.parametrize("has_script", [True, False])
def test_an_owner_answers_two_questions_with_two_taps_on_a_telephone(
    browser: Any, site: Site, has_script: bool
) -> None:
    page = opened(browser, site.ask("m1", "m2"), has_touch=True, java_script_enabled=has_script)

    page.get_by_role("button", name="Yes").tap()
    page.get_by_text("Thank you.").wait_for()
    page.get_by_label("One line, if you like").fill("It was more of a joint effort")
    page.get_by_role("button", name="Partly").tap()
    page.get_by_role("heading", name="That was all").wait_for()

    assert site.verdicts() == ["confirmed", "partly"]
    page.get_by_role("link", name="Change my answer").tap()
    page.get_by_role("button", name="No", exact=False).first.wait_for()
    page.locator("button[value=no]").tap()
    page.get_by_role("heading", name="That was all").wait_for()
    assert site.verdicts() == ["confirmed", "rejected"]
    if has_script:
        assert page.heard == []


def test_all_four_buttons_are_large_and_on_the_first_screen(browser: Any, site: Site) -> None:
    page = opened(browser, site.ask("m1"))

    boxes = [button.bounding_box() for button in page.locator("button[name=said]").all()]

    assert len(boxes) == 4
    assert all(box["height"] >= 60 and box["width"] >= 150 for box in boxes)
    assert all(box["y"] + box["height"] <= PHONE["height"] for box in boxes)


def test_typing_a_line_and_enter_answers_nothing(browser: Any, site: Site) -> None:
    page = opened(browser, site.ask("m1"))

    page.get_by_label("One line, if you like").fill("I wonder")
    page.keyboard.press("Enter")

    page.wait_for_timeout(200)
    assert site.verdicts() == []


def test_the_keyboard_alone_answers(browser: Any, site: Site) -> None:
    page = opened(browser, site.ask("m1"), viewport=DESK)

    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "yes"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")

    page.get_by_text("Thank you.").wait_for()
    assert site.verdicts() == ["confirmed"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_of_the_owners_page_is_sound(browser: Any, site: Site, scheme: str, tmp_path: Path) -> None:
    with writing(site.engine) as connection:
        connection.execute(partners.update().values(name=EVIL))
        connection.execute(moments.update().values(quote=f"{EVIL} " + "helped us with the questionnaire " * 6))
    link = site.ask("m1", "m2")
    page = opened(browser, link, color_scheme=scheme)
    pictures = Path(os.environ.get("PARTNERLIFT_PICTURES", tmp_path))

    def look(name: str) -> None:
        page.screenshot(path=pictures / f"owner-{name}-{scheme}.png", full_page=True)
        is_sound(page)

    look("question")
    page.locator("button[value=yes]").click()
    look("thanks")
    page.get_by_role("button", name="I am not").click()
    look("not-you")
    page.get_by_role("link", name="Go back").click()
    page.locator("button[value=not_mine]").click()
    look("all")
    page.get_by_role("link", name="Change my answer").click()
    look("change")
    page.goto(link[:-2])
    look("broken")
    site.clock.move(days=20)
    page.goto(link)
    look("answered")


def test_an_expired_and_a_withdrawn_link_are_sound(browser: Any, site: Site, tmp_path: Path) -> None:
    link = site.ask("m1")
    site.clock.move(days=20)
    pictures = Path(os.environ.get("PARTNERLIFT_PICTURES", tmp_path))
    page = opened(browser, link)

    page.screenshot(path=pictures / "owner-expired.png", full_page=True)
    is_sound(page)
    page.get_by_role("button", name="Ask for a new link").click()
    page.get_by_text("has been told").wait_for()
    is_sound(page)
    with writing(site.engine) as connection:
        expire(connection, site.clock())
        made = ask(connection, "m2", asked_by="maria", at=site.clock(), options=site.app.state.desk.options)
    deliver(site.app.state.desk, site.postman)
    with writing(site.engine) as connection:
        withdraw(connection, made.verification_id, who="maria", role="reviewer", at=site.clock())
    page.goto(site.postman.links["ana@example.com"])
    page.get_by_role("heading", name="The question was withdrawn").wait_for()
    is_sound(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_list_of_questions_is_sound_in_every_state(
    browser: Any,
    site: Site,
    scheme: str,
    size: dict[str, int],
    tmp_path: Path,
) -> None:
    link = fill(browser, site)
    page = managers_page(browser, site, viewport=size, color_scheme=scheme)
    pictures = Path(os.environ.get("PARTNERLIFT_PICTURES", tmp_path))
    page.screenshot(path=pictures / f"list-{size['width']}-{scheme}.png", full_page=True)

    assert link
    for words in ("answer changed", "could not be delivered", "waits for the next message", "withdrawn"):
        assert page.locator(".tag", has_text=words).count()
    is_sound(page)


def test_a_manager_asks_sends_and_withdraws_without_script(browser: Any, site: Site) -> None:
    with writing(site.engine) as connection:
        for name in ("m1", "m2", "m5"):
            add_judgement(
                connection, name, reviewer="maria", role="reviewer", verdict="confirmed", at=site.clock(), source="page"
            )
    page = managers_page(browser, site, viewport=DESK, java_script_enabled=False)

    page.get_by_role("button", name="Ask the owners").click()
    page.get_by_text("3 questions will be in the next messages.").wait_for()
    page.get_by_role("button", name="Send now").click()
    page.get_by_text("1 message sent by postman. 1 refused:").wait_for()
    page.get_by_role("link", name="Undeliverable 1").click()
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_text("The question is withdrawn").wait_for()

    assert list(site.postman.links) == ["ana@example.com"]
    assert page.locator(".tag", has_text="withdrawn").count() == 1


def managers_page(browser: Any, site: Site, **context: Any) -> Any:
    """The list of questions, for a manager who is logged in."""
    address = site.app.state.desk.options.base_url
    with writing(site.engine) as connection:
        add_user(connection, "manager", None, "manager", None, site.clock(), Viewer("setup", "admin"))
        session = open_session(connection, "manager", site.clock(), timedelta(hours=1))
    opened = browser.new_context(**context)
    opened.add_cookies([{"name": "partnerlift", "value": session, "url": address}])
    page = opened.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{address}/verifications")
    return page


def fill(browser: Any, site: Site) -> str:
    """A question in each of several states; returns the link to the answered one."""
    link = site.ask("m1", "m5")
    page = opened(browser, link)
    page.get_by_label("One line, if you like").fill("They brought the CIO along, and it went well from there on.")
    page.locator("button[value=yes]").click()
    page.get_by_role("link", name="Change my answer").click()
    page.locator("button[value=partly]").click()
    page.get_by_text("Thank you.").wait_for()
    site.clock.move(hours=2)
    options = site.app.state.desk.options
    with writing(site.engine) as connection:
        made: list[Verification] = [
            ask(connection, name, asked_by="tom", at=site.clock() + timedelta(minutes=at), options=options)
            for at, name in enumerate(("m2", "m3", "m4"))
        ]
        withdraw(connection, made[0].verification_id, who="tom", role="reviewer", at=site.clock())
    return link
