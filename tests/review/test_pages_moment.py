from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.store.schema import conversations, moments, partners
from review.store.turns import Turn, packed

pytestmark = pytest.mark.slow
Client = Callable[..., Any]
HOSTILE = "<script>document.title='owned'</script>\u202e<img src=x onerror=alert(1)>"


def row(engine: Engine, moment_id: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.select(moments).where(moments.c.moment_id == moment_id)).one()


def test_the_evidence_is_marked_within_its_conversation(filled: Engine, client_as: Client) -> None:
    page = client_as("reviewer").get("/moments/m2").text
    assert "<mark>Northwind also cleared the audit questions for us.</mark>" in page
    assert page.count('data-turn="') == 4
    assert "0:20" in page
    assert 'href="https://calls.example.com/c1#t=20"' in page
    assert 'rel="noopener noreferrer"' in page
    assert "20% of the deal, $18.0k" in page


def test_only_turns_around_the_evidence_are_shown_until_more_are_wanted(filled: Engine, client_as: Client) -> None:
    put_talk(filled, [f"Turn {number}." for number in range(300)], at=150)
    client = client_as("reviewer")
    page = client.get("/moments/m1").text
    assert re.findall(r'data-turn="(\d+)"', page) == [str(number) for number in range(147, 156)]
    assert client.get("/moments/m1?before=14").text.count('data-turn="') == 19
    assert client.get("/moments/m1?before=300&after=300").text.count('data-turn="') == 300


def test_a_verdict_opens_the_next_moment_and_says_what_was_done(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    answer = client.post("/moments/m3/verdict?order=stake", data={"verdict": "confirmed", "version": "0"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/moments/m6?done=m3&did=judged"
    assert "Confirmed: Brücke &amp; Söhne, Got the price" in client.get(answer.headers["location"]).text
    assert row(filled, "m3").verdict == "confirmed"


def test_a_script_gets_the_next_moment_at_once(filled: Engine, client_as: Client) -> None:
    headers = {"HX-Request": "true", "HX-Boosted": "true"}
    answer = client_as("reviewer").post("/moments/m3/verdict", data={"verdict": "rejected"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["hx-push-url"] == "/moments/m6"
    assert 'data-say="Rejected: Brücke &amp; Söhne' in answer.text
    assert "Next: A partner that is not known" in answer.text


def test_the_last_verdict_leads_back_to_the_queue(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    answer = client.post("/moments/m4/verdict?type=strategy_value_case", data={"verdict": "partly"})
    assert answer.headers["location"] == "/queue?type=strategy_value_case&done=m4&did=judged"
    assert "Partly so: Brücke" in client.get(answer.headers["location"]).text


def test_a_rejection_with_a_class_is_a_correction_to_it(filled: Engine, client_as: Client) -> None:
    client_as("reviewer").post("/moments/m3/verdict", data={"assist_type": "neutral_mention", "version": "0"})
    assert (row(filled, "m3").verdict, row(filled, "m3").told_type) == ("relabelled", "neutral_mention")


def test_words_and_partner_are_kept_with_the_verdict(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    answer = client.get("/moments/m1/words?turn=3&said=cleared+the+AUDIT")
    assert answer.headers["location"] == "/moments/m1?words=3.15-3.32"
    page = client.get("/moments/m1?words=3.15-3.32&told_partner=bk").text
    assert '<mark class="yours">cleared the audit</mark>' in page
    assert "You changed the words and the partner: Brücke &amp; Söhne" in page
    client.post("/moments/m1/verdict", data={"verdict": "confirmed", "words": "3.15-3.32", "partner": "bk"})
    kept = row(filled, "m1")
    assert kept.told_partner == "bk"
    assert kept.told_span == {"utterance_ids": ["c1-2"], "char_start": 15, "char_end": 32}


def test_words_that_do_not_stand_there_are_refused_in_the_open_tool(filled: Engine, client_as: Client) -> None:
    answer = client_as("reviewer").get("/moments/m1/words?turn=1&said=nothing+of+this")
    assert answer.status_code == 422
    assert "These words do not stand in turn 1." in answer.text
    assert re.search(r'id="tool-words"[^>]* open>', answer.text)


def test_a_partner_is_found_by_letters_of_its_name_or_typed_whole(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    found = client.get("/moments/m1/partners?name=partner&find=brück").text
    assert 'value="bk"' in found
    assert 'value="nw"' not in found
    assert "has these letters" in client.get("/moments/m1/partners?name=partner&find=zz").text
    assert client.get("/moments/m1/partner?partner_name=brücke+%26+söhne").headers["location"] == (
        "/moments/m1?told_partner=bk"
    )
    assert client.get("/moments/m1/partner?told_partner=nw").headers["location"] == "/moments/m1"
    assert client.get("/moments/m1/partner").status_code == 422


def test_a_moment_is_split_and_the_second_one_opened(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    answer = client.post("/moments/m2/split", data={"turn": "3", "said": "the audit questions for us."})
    new = answer.headers["location"].split("/")[2].split("?")[0]
    assert "Split in two" in client.get(answer.headers["location"]).text
    assert row(filled, new).quote == "the audit questions for us."
    assert row(filled, "m2").told_span["char_end"] == len("Northwind also cleared")
    assert client.post("/moments/m2/split", data={"turn": "3", "said": "Northwind also cleared"}).status_code == 422


def test_a_missed_moment_is_added_and_shown(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    form = {"selection": "1.0-1.22", "assist_type": "risk_save", "partner": "bk"}
    answer = client.post("/moments/m2/missed", data=form)
    new = answer.headers["location"].split("/")[2].split("?")[0]
    assert row(filled, new).quote == "Thanks for joining. Wh"
    assert "Added, and confirmed by you." in client.get(answer.headers["location"]).text
    missing = client.post("/moments/m2/missed", data=form | {"assist_type": ""})
    assert missing.status_code == 422
    assert 'role="alert"' in missing.text


def test_a_moment_that_is_there_already_is_not_added_again(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    form = {"selection": "1.0-1.22", "assist_type": "risk_save", "partner": "bk"}
    assert client.post("/moments/m2/missed", data=form).status_code == 303
    again = client.post("/moments/m2/missed", data=form)
    assert again.status_code == 422
    assert "already" in again.text
    client.post("/undo")
    assert client.post("/moments/m2/missed", data=form).status_code == 303


def test_undo_goes_back_step_by_step_and_opens_what_was_undone(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    client.post("/moments/m1/verdict", data={"verdict": "confirmed"})
    client.post("/moments/m2/ignore")
    first = client.post("/undo")
    assert first.headers["location"] == "/moments/m2?done=m2&did=undone"
    assert "Taken back: it is no longer set aside." in client.get(first.headers["location"]).text
    second = client.post("/undo")
    assert "Taken back: confirmed." in client.get(second.headers["location"]).text
    assert client.post("/undo").headers["location"] == "/queue?did=nothing"
    assert [row(filled, name).state for name in ("m1", "m2")] == ["waiting", "waiting"]


def test_a_note_is_kept_and_an_empty_one_refused(filled: Engine, client_as: Client) -> None:
    client = client_as("reviewer")
    answer = client.post("/moments/m1/note", data={"text": HOSTILE})
    page = client.get(answer.headers["location"]).text
    assert "Note kept." in page
    assert "&lt;script&gt;document.title" in page
    assert client.post("/moments/m1/note", data={"text": " "}).status_code == 422


def test_what_others_said_is_shown_only_after_ones_own_verdict(filled: Engine, client_as: Client) -> None:
    ann, bea = client_as("reviewer", name="ann"), client_as("reviewer", name="bea")
    ann.post("/moments/m1/verdict", data={"assist_type": "risk_save", "verdict": "relabelled", "note": "I was there."})
    before = bea.get("/moments/m1").text
    assert "I was there." not in before
    assert "judged by others" in before
    assert "<h1" in before
    assert "Warned of a risk" not in re.search(r"<h1.*?</h1>", before, re.DOTALL)[0]  # type: ignore[index]
    bea.post("/moments/m1/verdict", data={"verdict": "confirmed"})
    after = bea.get("/moments/m1").text
    assert "I was there." in after
    assert "corrected to Warned of a risk or saved the customer" in after
    assert "people disagree" in after


def test_somebody_who_judged_meanwhile_is_told_of(filled: Engine, client_as: Client) -> None:
    ann, bea = client_as("reviewer", name="ann"), client_as("reviewer", name="bea")
    ann.post("/moments/m1/verdict", data={"verdict": "confirmed", "version": "0"})
    answer = bea.post("/moments/m1/verdict", data={"verdict": "rejected", "version": "0"})
    assert answer.headers["location"].endswith("done=m1&did=judged&met=1")
    page = bea.get(answer.headers["location"]).text
    assert "While you were reading, ann has judged it as confirmed." in page
    assert "contested until somebody decides" in page


def test_a_manager_decides_what_is_contested(filled: Engine, client_as: Client) -> None:
    for name, verdict in (("ann", "confirmed"), ("bea", "rejected")):
        client_as("reviewer", name=name).post("/moments/m1/verdict", data={"verdict": verdict})
    manager = client_as("manager")
    assert "As the last word" in manager.get("/moments/m1").text
    manager.post("/moments/m1/verdict", data={"verdict": "confirmed", "decides": "true"})
    assert row(filled, "m1").state == "judged"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/moments/unknown", 404),
        ("/moments/m1?words=9.1-9.4", 422),
        ("/moments/m1?words=nonsense", 422),
        ("/moments/m1?tool=hammer", 422),
        ("/moments/m1/partners?name=csrf", 422),
        ("/moments/%00", 422),
    ],
)
def test_what_is_wrong_is_told(filled: Engine, client_as: Client, path: str, status: int) -> None:
    assert client_as("reviewer").get(path).status_code == status


def test_a_verdict_needs_the_right_to_judge(filled: Engine, client_as: Client) -> None:
    viewer = client_as("viewer")
    assert viewer.post("/moments/m1/verdict", data={"verdict": "confirmed"}).status_code == 403
    assert "<button" not in re.sub(r"(?s)<header class=\"top\">.*?</header>", "", viewer.get("/moments/m1").text)
    assert client_as("partner", partner_id="nw").get("/moments/m1").status_code == 403


def test_hostile_words_are_text(filled: Engine, client_as: Client) -> None:
    put_talk(filled, [HOSTILE] * 3, at=1, speaker=f"N\u043erthwind {HOSTILE}")
    with filled.begin() as connection:
        connection.execute(partners.update().where(partners.c.partner_id == "nw").values(name=f"N\u043erth{HOSTILE}"))
        connection.execute(conversations.update().values(url="javascript:alert(1)"))
    page = client_as("reviewer").get("/moments/m1").text
    assert "<script>document" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "javascript:" not in page
    assert page.count("look-alike letters") >= 4


def put_talk(engine: Engine, texts: list[str], *, at: int, speaker: str = "Lee") -> None:
    found = [Turn(f"t{number}", number, text, "customer", speaker) for number, text in enumerate(texts)]
    text = texts[at]
    span = {"utterance_ids": [f"t{at}"], "quote": text, "char_start": 0, "char_end": len(text)}
    with engine.begin() as connection:
        connection.execute(
            conversations.update().where(conversations.c.conversation_id == "c1").values(turns=packed(found))
        )
        connection.execute(moments.update().where(moments.c.moment_id == "m1").values(span))
