"""The page of a deal's owner, and the managers' list: by HTTP, as a browser without JavaScript would."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from review.channels.file import FileChannel
from review.security.links import signed_link
from review.store.engine import writing
from review.store.judgements import add_judgement
from review.store.schema import deals, judgements, moments, partners, verifications
from review.store.verifications import Verification, ask, withdraw

pytestmark = pytest.mark.slow

Browser = Any
"""A ``TestClient`` of Starlette's."""


@dataclass
class Post:
    """Asks owners, and knows the links that they get."""

    app: FastAPI
    engine: Engine
    clock: Any

    def ask(self, *moment_ids: str, asked_by: str = "maria") -> list[Verification]:
        options = self.app.state.desk.options
        with writing(self.engine) as connection:
            return [ask(connection, name, asked_by=asked_by, at=self.clock(), options=options) for name in moment_ids]

    def link(self, *questions: Verification) -> str:
        ids = [question.verification_id for question in questions]
        return "/v/" + signed_link(self.app.state.desk.secret, ids, max(q.expires_at for q in questions))

    def judged(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(judgements.c.verdict).where(judgements.c.undone_at.is_(None))))


@pytest.fixture
def post(app: FastAPI, filled: Engine, desk_clock: Any) -> Post:
    return Post(app, filled, desk_clock)


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the question's form."""
    return dict(re.findall(r'<input type="hidden" name="(question|stamp)" value="([^"]*)">', page))


def send_answer(browser: Browser, link: str, pressed: str, comment: str = "", **changed: str) -> Any:
    """Opens the link, and sends its form with one of the four buttons."""
    return browser.post(
        f"{link}/answer", data={**form_of(browser.get(link).text), "said": pressed, "comment": comment} | changed
    )


def without_owner(post: Post) -> None:
    """Takes the owner from deal d2, of which m5 is."""
    with writing(post.engine) as connection:
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(owner_id=None, owner_email=None))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_page_asks_one_question_and_promises_what_an_answer_does_not_change(post: Post, visitor: Browser) -> None:
    (question,) = post.ask("m1")

    answer = visitor.get(post.link(question))

    text = text_of(answer.text)
    assert answer.status_code == 200
    assert "On 4 Mar 2026, in a call about Acme renewal , it was said: Northwind walked our CIO through" in text
    assert "Did Northwind help in this way on Acme renewal ?" in text
    assert "A yes changes nothing in your own split or commission." in text
    assert "seen by maria" in text
    assert re.findall(r'name="said" value="(\w+)"', answer.text) == ["yes", "partly", "no", "not_mine"]


def test_no_search_engine_cache_or_other_site_learns_the_link(post: Post, visitor: Browser) -> None:
    headers = visitor.get(post.link(*post.ask("m1"))).headers

    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers


def test_opening_a_link_answers_nothing_however_often_and_whatever_stands_in_its_address(
    post: Post, visitor: Browser
) -> None:
    (question,) = post.ask("m1")
    link = post.link(question)

    for address in (link, f"{link}?said=yes", f"{link}?q={question.verification_id}&done={question.verification_id}"):
        assert visitor.get(address).status_code == 200
        visitor.head(address)

    assert visitor.get(f"{link}/answer").status_code == 405
    assert post.judged() == []


def test_an_answer_is_thanked_for_and_the_next_question_of_the_message_follows(post: Post, visitor: Browser) -> None:
    questions = post.ask("m1", "m2")
    link = post.link(*questions)

    first = send_answer(visitor, link, "yes", "They did")
    page = visitor.get(first.headers["location"]).text

    assert first.status_code == 303
    assert "Thank you. You said yes" in text_of(page)
    assert form_of(page)["question"] == questions[1].verification_id
    second = send_answer(visitor, link, "no")
    assert "That was all" in visitor.get(second.headers["location"]).text
    assert post.judged() == ["confirmed", "rejected"]


def test_an_answer_can_be_changed(post: Post, visitor: Browser) -> None:
    (question,) = post.ask("m1")
    link = post.link(question)
    page = visitor.get(send_answer(visitor, link, "yes").headers["location"]).text
    change = re.findall(r'href="([^"]+)">Change my answer', page)[0]

    assert "Your answer so far: yes" in text_of(visitor.get(change).text)
    data = {**form_of(visitor.get(change).text), "said": "no", "comment": ""}
    visitor.post(f"{link}/answer", data=data)

    assert post.judged() == ["rejected"]


def test_not_mine_goes_back_to_who_asked_who_can_ask_somebody_else(
    post: Post, visitor: Browser, client_as: Callable[..., Browser]
) -> None:
    (question,) = post.ask("m1", asked_by="reviewer")
    page = visitor.get(send_answer(visitor, post.link(question), "not_mine").headers["location"]).text
    reviewer = client_as("reviewer")

    listed = reviewer.get("/verifications").text
    again = reviewer.post(f"/verifications/{question.verification_id}/again", data={"recipient": "ben@example.com"})

    assert "the question goes back to reviewer" in text_of(page)
    assert "Ask somebody else" in listed
    assert again.status_code == 303
    with post.engine.connect() as connection:
        assert set(connection.scalars(sa.select(verifications.c.recipient))) == {"ana@example.com", "ben@example.com"}


def test_somebody_else_is_believed_and_nothing_is_counted(
    post: Post, visitor: Browser, client_as: Callable[..., Browser]
) -> None:
    (question,) = post.ask("m1")
    link = post.link(question)

    assert "Are you Ana Pires ?" in text_of(visitor.get(link).text)
    answer = visitor.post(f"{link}/not-me")

    assert "Nothing was recorded as an answer" in answer.text
    assert post.judged() == []
    assert "reached somebody who is not Ana Pires" in text_of(client_as("viewer").get("/verifications").text)


@pytest.mark.parametrize(
    "change", [lambda link: link[:-1], lambda link: link + "A", lambda _: "/v/x", lambda _: "/v/é"]
)
def test_a_link_that_is_not_ours_gets_a_page_that_says_what_to_do(
    post: Post, visitor: Browser, change: Callable[[str], str]
) -> None:
    answer = visitor.get(change(post.link(*post.ask("m1"))))

    assert answer.status_code == 404
    assert "Open it again from the message" in answer.text
    assert "Northwind" not in answer.text


def test_a_link_to_questions_that_are_gone_leads_nowhere(post: Post, visitor: Browser) -> None:
    (question,) = post.ask("m1")
    gone = replace(question, verification_id="gone")

    assert visitor.get(post.link(gone)).status_code == 404


def test_a_withdrawn_question_says_that_there_is_nothing_to_do(post: Post, visitor: Browser) -> None:
    (question,) = post.ask("m1")
    with writing(post.engine) as connection:
        withdraw(connection, question.verification_id, who="maria", role="reviewer", at=post.clock())

    answer = visitor.get(post.link(question))

    assert (answer.status_code, "nothing to answer and nothing to do" in answer.text) == (410, True)


def test_an_expired_link_records_nothing_and_offers_to_ask_for_a_new_one(
    post: Post, visitor: Browser, client_as: Callable[..., Browser]
) -> None:
    (question,) = post.ask("m1")
    link = post.link(question)
    form = {**form_of(visitor.get(link).text), "said": "yes"}
    post.clock.now = question.expires_at

    late = visitor.post(f"{link}/answer", data=form)
    asked = visitor.post(f"{link}/new-link")

    assert (late.status_code, visitor.get(link).status_code) == (410, 410)
    assert "Ask for a new link" in late.text
    assert post.judged() == []
    assert "maria has been told" in text_of(asked.text)
    with writing(post.engine) as connection:
        connection.execute(verifications.update().values(state="expired"))
    assert "needs a new link" in text_of(client_as("viewer").get("/verifications").text)


def test_a_question_that_has_changed_since_it_was_opened_is_asked_anew(post: Post, visitor: Browser) -> None:
    (question,) = post.ask("m1")
    link = post.link(question)
    form = {**form_of(visitor.get(link).text), "said": "yes"}
    with writing(post.engine) as connection:
        add_judgement(
            connection,
            "m1",
            reviewer="maria",
            role="reviewer",
            verdict="relabelled",
            at=post.clock(),
            source="page",
            assist_type="risk_save",
            partner_id="bk",
        )

    answer = visitor.post(f"{link}/answer", data=form)

    assert (answer.status_code, "The question has changed" in answer.text) == (409, True)
    assert "Did Brücke &amp; Söhne help" in text_of(answer.text)
    assert post.judged() == ["relabelled"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"said": "maybe"}, 400), ({"said": ""}, 400), ({"question": "other"}, 410), ({"stamp": "x"}, 409)],
)
def test_what_no_button_sends_is_not_recorded(
    post: Post, visitor: Browser, changed: dict[str, str], status: int
) -> None:
    answer = send_answer(visitor, post.link(*post.ask("m1")), "yes", **changed)

    assert (answer.status_code, post.judged()) == (status, [])


def test_names_words_and_comments_are_never_markup(
    post: Post, visitor: Browser, client_as: Callable[..., Browser]
) -> None:
    evil = "<script>x</script>\u202e<b onclick=x>"
    with writing(post.engine) as connection:
        connection.execute(partners.update().values(name=evil))
        connection.execute(moments.update().values(quote=evil))
    (question,) = post.ask("m1", asked_by=evil)
    link = post.link(question)

    pages = [visitor.get(link).text]
    send_answer(visitor, link, "partly", evil)
    pages += [visitor.get(link).text, client_as("manager").get("/verifications").text]

    for page in pages:
        assert "&lt;script&gt;x" in page
        assert not any(bad in page for bad in ("<script>x", "<b onclick", "\u202e"))


def test_one_question_takes_only_so_many_answers_in_a_minute(
    app_with: Callable[..., FastAPI], filled: Engine, desk_clock: Any, client_as: Callable[..., Browser]
) -> None:
    app = app_with(attempts_per_minute=2)
    post = Post(app, filled, desk_clock)
    browser = type(client_as("viewer"))(app, base_url="http://127.0.0.1:8765", follow_redirects=False)
    link = post.link(*post.ask("m1"))
    form = form_of(browser.get(link).text)

    statuses = [
        browser.post(f"{link}/answer", data={**form, "said": said}).status_code for said in ("yes", "no", "yes")
    ]
    guesses = [browser.get(f"/v/guess{number}").status_code for number in range(3)]

    assert statuses == [303, 303, 429]
    assert guesses == [404, 404, 429]


def test_a_reviewer_asks_from_the_moment_and_comes_back_to_it(post: Post, client_as: Callable[..., Browser]) -> None:
    answer = client_as("reviewer").post("/moments/m1/ask?state=waiting")

    assert (answer.status_code, answer.headers["location"]) == (303, "/moments/m1?state=waiting")


def test_a_question_that_cannot_be_asked_says_why(post: Post, client_as: Callable[..., Browser]) -> None:
    reviewer = client_as("reviewer")
    without_owner(post)

    page = reviewer.post("/moments/m5/ask")
    assert (page.status_code, "has no owner" in page.text) == (409, True)
    assert '<option value="ana@example.com">Ana Pires' in page.text
    assert reviewer.post("/moments/m5/ask", data={"recipient": "ana@example.com"}).status_code == 303
    assert reviewer.post("/moments/nowhere/ask").status_code == 404


def test_who_may_only_look_cannot_ask_and_a_partner_sees_no_questions(
    post: Post, client_as: Callable[..., Browser]
) -> None:
    assert client_as("viewer").post("/moments/m1/ask").status_code == 403
    assert client_as("reviewer").post("/verifications/send").status_code == 403
    partner = client_as("partner", partner_id="nw")
    assert partner.get("/verifications").status_code == 403
    assert partner.get("/api/verifications").status_code == 403


def test_only_who_asked_or_a_manager_withdraws(post: Post, client_as: Callable[..., Browser]) -> None:
    (question,) = post.ask("m1")
    address = f"/verifications/{question.verification_id}/withdraw"

    assert client_as("reviewer").post(address).status_code == 409
    assert client_as("reviewer").post(address.replace("withdraw", "again")).status_code == 409
    assert client_as("manager").post(address).status_code == 303
    assert client_as("manager").post(address).status_code == 409
    assert client_as("manager").post("/verifications/nowhere/withdraw").status_code == 404


def test_a_manager_sends_now(post: Post, client_as: Callable[..., Browser], tmp_path: Path) -> None:
    manager = client_as("manager")
    post.ask("m1")
    assert manager.post("/verifications/send").status_code == 409

    post.app.state.desk = replace(post.app.state.desk, channel=FileChannel(tmp_path / "out"))
    page = manager.post("/verifications/send").text

    assert "1 message sent by file." in text_of(page)
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_all_confirmed_moments_of_a_partner_are_asked_about_at_once(
    post: Post, client_as: Callable[..., Browser]
) -> None:
    reviewer = client_as("reviewer")
    with writing(post.engine) as connection:
        for name in ("m1", "m2", "m5"):
            add_judgement(
                connection, name, reviewer="maria", role="reviewer", verdict="confirmed", at=post.clock(), source="page"
            )

    before = text_of(reviewer.get("/verifications").text)
    after = text_of(reviewer.post("/verifications/ask", data={"partner_id": "nw"}).text)

    assert "3 confirmed moments of which no owner has been asked." in before
    assert "Northwind (2)" in before
    assert "2 questions will be in the next messages." in after
    assert "1 confirmed moment of which" in after


def test_a_page_without_questions_says_what_to_do(post: Post, client_as: Callable[..., Browser]) -> None:
    assert "Nobody has been asked yet" in client_as("viewer").get("/verifications").text


def test_questions_go_by_json_as_well(post: Post, client_as: Callable[..., Browser]) -> None:
    reviewer = client_as("reviewer")

    made = reviewer.post("/api/moments/m1/verifications", json={})
    other = reviewer.post("/api/moments/m3/verifications", json={"recipient": "u1"})
    listed = reviewer.get("/api/verifications?partner_id=nw").json()

    assert (made.status_code, made.json()["recipient"], made.json()["state"]) == (201, "ana@example.com", "queued")
    assert other.json()["recipient"] == "ana@example.com"
    assert [item["moment_id"] for item in listed["questions"]] == ["m1"]
    assert listed["counts"] == {"queued": 1}


@pytest.mark.parametrize(
    ("address", "body", "status"),
    [
        ("/api/moments/nowhere/verifications", {}, 404),
        ("/api/moments/m5/verifications", {}, 409),
        ("/api/moments/m1/verifications", {"recipient": "nobody@example.com"}, 409),
        ("/api/moments/m1/verifications", {"recipient": "\x00"}, 422),
        ("/api/moments/m1%00/verifications", {}, 422),
        ("/api/verifications?state=lost", None, 422),
        ("/api/verifications?limit=0", None, 422),
    ],
)
def test_wrong_input_by_json_is_told_in_detail(
    post: Post, client_as: Callable[..., Browser], address: str, body: Any, status: int
) -> None:
    reviewer = client_as("reviewer")
    without_owner(post)

    answer = reviewer.get(address) if body is None else reviewer.post(address, json=body)

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_list_of_many_is_divided_into_pages(post: Post, client_as: Callable[..., Browser]) -> None:
    (question,) = post.ask("m1")
    rows = [
        {**question.__dict__, "verification_id": f"q{n}", "asked_at": question.asked_at - timedelta(days=n)}
        for n in range(60)
    ]
    with writing(post.engine) as connection:
        connection.execute(verifications.insert(), rows)
    viewer = client_as("viewer")

    first, second = viewer.get("/verifications").text, viewer.get("/verifications?page=2").text

    assert [page.count('class="sheet question"') for page in (first, second)] == [50, 11]
    assert "Older" in first
    assert "Newer" in second


def test_the_address_of_an_answered_form_leads_back_to_the_list(client_as: Callable[..., Browser]) -> None:
    client = client_as("reviewer")
    for form in ("ask", "send"):
        assert client.get(f"/verifications/{form}").headers["location"] == "/verifications"
