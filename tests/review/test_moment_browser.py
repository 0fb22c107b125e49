"""The queue and the moment's page as a reviewer uses them, in Chromium: by keyboard, by mouse, without JavaScript."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.schema import conversations, judgements, moments
from review.store.turns import Turn, packed
from review.store.users import add_user

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "many words of a pass phrase"
TALK = [
    f"\U0001f642 Northwind helped us with point {number} of the list, and we are glad of it." for number in range(34)
]
HOSTILE = "<script>document.title='owned'</script>\u202e<img src=x onerror=document.title='owned'>"


@pytest.fixture
def company(filled: Engine, desk_clock: Any) -> Engine:
    """The small company with a longer call, in which every second turn is a moment, and two reviewers."""
    found = [Turn(f"t{at}", at, text, "customer", "Lee", None, 10.0 * at) for at, text in enumerate(TALK)]
    with writing(filled) as connection:
        is_it = conversations.c.conversation_id == "c1"
        connection.execute(conversations.update().where(is_it).values(turns=packed(found)))
        template = dict(connection.execute(sa.select(moments).where(moments.c.moment_id == "m1")).mappings().one())
        connection.execute(moments.delete())
        rows = [template | moment(at) for at in range(4, 30, 2)]
        connection.execute(moments.insert(), rows)
        for name in ("ann", "bea"):
            add_user(connection, name, PASSWORD, "reviewer", None, desk_clock(), Viewer("setup", "admin"))
    return filled


def moment(at: int) -> dict[str, Any]:
    return {
        "moment_id": f"x{at:02}",
        "utterance_ids": [f"t{at}"],
        "quote": TALK[at],
        "char_start": 0,
        "char_end": len(TALK[at]),
        "stake": 1000.0 - at,
    }


@pytest.fixture
def address(app_with: Callable[..., FastAPI], company: Engine) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(app_with(base_url=base, attempts_per_minute=1000), log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield base
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def login(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """A factory: ``login("ann")`` is the queue as she sees it; at the end no page may have met a fault."""
    pages: list[Any] = []

    def make(name: str, **context: Any) -> Any:
        page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page()
        page.set_default_timeout(20_000)
        page.heard = []
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("console", lambda message: page.heard.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/login")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/queue")
        pages.append(page)
        return page

    yield make
    assert [fault for page in pages for fault in page.heard] == []
    for page in pages:
        page.context.close()


def start(page: Any) -> None:
    """Opens the first moment of the queue by its key."""
    page.wait_for_selector(".scripted .queue")
    page.keyboard.press("s")
    page.wait_for_selector(".scripted #question")


def press(page: Any, *keys: str) -> None:
    """Presses keys; the last one leads to another page."""
    page.evaluate("document.getElementById('main').dataset.old = ''")
    for key in keys:
        page.keyboard.press(key)
    settled(page)


def settled(page: Any) -> None:
    """Waits until another page has taken the old one's place."""
    page.wait_for_selector("main:not([data-old]) #question:focus")


def standing(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        query = sa.select(judgements).where(judgements.c.undone_at.is_(None)).order_by(judgements.c.seq)
        return list(connection.execute(query))


def at(page: Any) -> str:
    found = re.search(r"/moments/(\w+)", page.url)
    return found[1] if found else page.url


def selection(page: Any) -> str:
    return str(page.evaluate("getSelection().toString()"))


def test_ten_moments_are_judged_by_keyboard_and_three_taken_back(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    for key in "ccpuccpcc":
        press(page, key)
        assert page.evaluate("document.activeElement.id") == "question"
    press(page, "r", "Enter")
    assert [row.verdict for row in standing(company)] == [
        *("confirmed", "confirmed", "partly", "unsure", "confirmed"),
        *("confirmed", "partly", "confirmed", "confirmed", "rejected"),
    ]
    assert "Rejected: Northwind" in page.inner_text(".told")
    assert "Next: Northwind" in page.inner_text("#say")
    for moment_id in ("x22", "x20", "x18"):
        press(page, "z")
        assert at(page) == moment_id
        assert "Taken back" in page.inner_text(".told")
    assert len(standing(company)) == 7
    press(page, "j")
    assert at(page) == "x20"
    press(page, "k")
    assert at(page) == "x18"


def test_a_moment_is_relabelled_and_rejected_with_a_class_by_keyboard(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    page.keyboard.press("t")
    page.keyboard.type("roi")
    assert page.locator("#tool-relabel .option:visible").count() == 2
    press(page, "ArrowDown", "ArrowDown", "Enter")
    press(page, "r", "1")
    said = standing(company)
    assert [row.verdict for row in said] == ["relabelled", "relabelled"]
    assert [row.assist_type for row in said] == ["outcome_tracking", "negative_impact"]


def test_keys_do_nothing_while_somebody_types(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    page.keyboard.press("n")
    page.keyboard.type("crpu: call her")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.inner_text("dialog:modal h2") == "Keys"
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    assert standing(company) == []
    page.keyboard.press("n")
    press(page, "Control+Enter")
    assert "crpu: call her" in page.inner_text(".note")


def test_words_are_moved_and_the_partner_corrected_by_keyboard(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    page.keyboard.press("s")
    assert selection(page) == TALK[4]
    for key in (
        "ArrowLeft",
        "Home",
        "ArrowRight",
        "ArrowRight",
        "Shift+ArrowRight",
        "Shift+ArrowRight",
        "Shift+ArrowLeft",
    ):
        page.keyboard.press(key)
    assert selection(page) == "helped us"
    press(page, "Enter")
    assert page.inner_text("mark") == "helped us"
    page.keyboard.press("o")
    page.keyboard.type("brü")
    page.wait_for_selector("#tool-partner .options fieldset:not(:has(.option + .option)) .option")
    press(page, "Enter")
    assert "You changed the words and the partner: Brücke & Söhne" in page.inner_text(".draft")
    press(page, "c")
    said = standing(company)[0]
    assert (said.verdict, said.partner_id) == ("relabelled", "bk")
    assert said.span == {"utterance_ids": ["t4"], "char_start": 12, "char_end": 21}


def test_words_are_moved_over_turns_with_the_mouse(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    drag(page, 4, "helped", 5, "point")
    page.evaluate("document.getElementById('main').dataset.old = ''")
    page.click("[data-selecting-set]")
    settled(page)
    assert page.locator("mark").all_inner_texts() == [TALK[4][12:], TALK[5][: len("? Northwind helped us with point")]]
    press(page, "c")
    assert standing(company)[0].span["utterance_ids"] == ["t4", "t5"]


def test_a_moment_is_split_and_a_missed_one_added(login: Any, company: Engine) -> None:
    page = login("ann")
    start(page)
    drag(page, 4, "and", 4, "it.")
    page.keyboard.press("x")
    assert page.inner_text("dialog:modal [data-chosen]") == "and we are glad of it."
    press(page, "Enter")
    assert "Split in two" in page.inner_text(".told")
    assert page.inner_text("mark") == "and we are glad of it."
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+End")
    page.keyboard.press("Enter")
    page.press("dialog:modal [data-find]", "Enter")
    assert page.locator("dialog:modal").is_visible()
    page.fill("dialog:modal [data-find]", "warned")
    press(page, "Enter")
    assert "Added, and confirmed by you." in page.inner_text(".told")
    assert page.inner_text("#question").endswith("Warned of a risk or saved the customer")
    assert [row.verdict for row in standing(company)] == ["confirmed"] * 3
    press(page, "z")
    press(page, "z")
    assert standing(company) == []


def test_a_second_reviewer_is_told_that_somebody_judged_meanwhile(login: Any, company: Engine) -> None:
    ann, bea = login("ann"), login("bea")
    for page in (ann, bea):
        page.goto(f"{page.url.split('/queue')[0]}/moments/x04")
        page.wait_for_selector(".scripted #question")
    press(ann, "c")
    press(bea, "r", "Enter")
    assert "ann has judged it as confirmed" in bea.inner_text(".told.warn")
    assert "contested until somebody decides" in bea.inner_text("#say")
    assert len(standing(company)) == 2


def test_everything_is_done_without_javascript(login: Any, company: Engine) -> None:
    page = login("ann", java_script_enabled=False)
    page.click("text=Start judging")
    page.click("button:has-text('Confirm')")
    assert "Confirmed: Northwind" in page.inner_text(".told")
    page.click(".told >> text=Undo")
    assert "Taken back: confirmed." in page.inner_text(".told")
    page.click(".tools >> text=Move words")
    page.fill("#tool-words [name=said]", "with point 4")
    page.click("text=Set the words")
    assert page.inner_text("mark") == "with point 4"
    page.click(".tools >> text=Other kind")
    page.check("#tool-relabel [value=risk_save]")
    page.click("text=Take this kind")
    page.click("text=Reject and say what it is instead")
    page.click("text=Neutral mention")
    page.click(".tools >> text=Add missed")
    page.fill("#tool-missed [name=said]", "glad of it")
    page.check("#tool-missed [value=risk_save]")
    page.fill("#tool-missed [name=partner_name]", "Brücke & Söhne")
    page.click("text=Add it")
    assert [(row.assist_type, row.partner_id) for row in standing(company)] == [
        ("risk_save", None),
        ("neutral_mention", None),
        (None, None),
    ]
    assert "Brücke & Söhne" in page.inner_text("#question")


def test_hostile_words_neither_run_nor_widen_the_page(login: Any, company: Engine) -> None:
    long = "word " * 9_999 + "W" * 400
    texts = [*(HOSTILE for _ in range(4)), f"{HOSTILE} {long}", *(HOSTILE for _ in range(2_000))]
    found = [Turn(f"t{number}", number, text, "customer", HOSTILE) for number, text in enumerate(texts)]
    with writing(company) as connection:
        is_it = conversations.c.conversation_id == "c1"
        connection.execute(conversations.update().where(is_it).values(turns=packed(found)))
        values = {"quote": texts[4], "char_start": 0, "char_end": len(texts[4])}
        connection.execute(moments.update().where(moments.c.moment_id == "x04").values(values))
    for width in (1280, 390):
        page = login("ann", viewport={"width": width, "height": 800})
        page.goto(page.url.replace("/queue", "/moments/x04?before=3000&after=3000"))
        assert page.locator(".turn").count() == 2_005
        assert page.title() != "owned"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_both_pages_are_accessible(login: Any, company: Engine, scheme: str, width: int) -> None:
    page = login("ann", color_scheme=scheme, viewport={"width": width, "height": 844}, reduced_motion="reduce")
    found = [*broken(page)]
    page.goto(page.url.replace("/queue", "/moments/x04"))
    found += broken(page)
    for tool in ("reject", "relabel", "missed", "keys"):
        page.goto(re.sub(r"/moments/x04.*", f"/moments/x04?tool={tool}", page.url))
        page.wait_for_selector("dialog:modal")
        found += broken(page)
    assert found == []
    if width == 390:
        small = page.locator(".verdicts button, .tools .button, .tools button").evaluate_all(
            "nodes => nodes.filter((node) => node.getBoundingClientRect().height < 43.5).length"
        )
        assert small == 0


def broken(page: Any) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:120]}" for fault in violations for node in fault["nodes"]]


def drag(page: Any, first: int, start: str, last: int, end: str) -> None:
    """Selects with the mouse from the beginning of one word to the end of another, of turns counted from 0."""
    place = """([turn, word]) => {
        const said = document.querySelector(`[data-turn="${turn + 1}"] .said`);
        const walker = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.search(new RegExp(`(?<!\\\\w)${word}`));
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            const box = range.getBoundingClientRect();
            return [box.left, box.right, (box.top + box.bottom) / 2];
        }
    }"""
    left, _, top = page.evaluate(place, [first, start])
    _, right, bottom = page.evaluate(place, [last, end])
    page.mouse.move(left + 1, top)
    page.mouse.down()
    page.mouse.move(right - 1, bottom, steps=8)
    page.mouse.up()
    page.wait_for_selector("[data-selecting]:not([hidden])")
