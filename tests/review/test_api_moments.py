from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.engine import Engine
from starlette.testclient import TestClient

Clients = Callable[..., TestClient]
WORDS = {"utterance_ids": ["c1-1"], "char_start": 0, "char_end": 9}


@pytest.fixture
def ann(filled: Engine, client_as: Clients) -> TestClient:
    return client_as("reviewer", name="ann")


def verdict(client: TestClient, moment_id: str = "m1", **given: Any) -> Any:
    return client.post(f"/api/moments/{moment_id}/verdicts", json={"verdict": "confirmed", **given})


def test_a_moment_is_opened_judged_and_taken_back(ann: TestClient) -> None:
    queue = ann.get("/api/queue").json()
    assert queue["counts"]["waiting"] == len(queue["rows"]) == 6
    opened = ann.post("/api/queue/next").json()
    assert opened["moment_id"] == queue["rows"][0]["moment_id"]
    judged = verdict(ann, opened["moment_id"], version=opened["version"])
    assert judged.status_code == 201
    assert judged.json()["state"] == "judged"
    assert ann.post("/api/undo").json() == {"moment_id": opened["moment_id"]}
    assert ann.get(f"/api/moments/{opened['moment_id']}").json()["state"] == "waiting"
    assert ann.post("/api/undo").json() == {"moment_id": None}


def test_the_second_of_two_judges_is_told_of_the_first(ann: TestClient, client_as: Clients) -> None:
    bob = client_as("reviewer", name="bob")
    seen = ann.get("/api/moments/m1").json()["version"]
    assert verdict(ann, version=seen).json()["others"] == []
    second = verdict(bob, version=seen, verdict="rejected").json()
    assert [(other["who"], other["verdict"]) for other in second["others"]] == [("ann", "confirmed")]
    assert second["state"] == "contested"


def test_a_missed_moment_is_added_and_another_is_split(ann: TestClient) -> None:
    talk = ann.get("/api/moments/m1").json()
    turn = talk["turns"][1]["utterance_id"]
    span = {"utterance_ids": [turn], "char_start": 0, "char_end": 9}
    given = {"span": span, "assist_type": "technical_validation", "partner_id": "bk"}
    added = ann.post("/api/conversations/c1/moments", json=given)
    assert added.status_code == 201
    assert ann.get(f"/api/moments/{added.json()['moment_id']}").json()["quote"] == talk["turns"][1]["text"][:9]
    halves = [span, {**span, "char_start": 10, "char_end": 20}]
    assert ann.post("/api/moments/m1/split", json={"spans": halves}).json()["moment_ids"][0] == "m1"


def test_what_cannot_be_done_is_refused_with_a_reason(ann: TestClient) -> None:
    beyond = {**WORDS, "char_end": 9_000}
    kind = "technical_validation"
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("moments/none/verdicts", {"verdict": "confirmed"}, 404),
        ("moments/m1/verdicts", {"verdict": "splendid"}, 422),
        ("moments/m1/verdicts", {"verdict": "relabelled"}, 422),
        ("moments/m1/verdicts", {"verdict": "relabelled", "assist_type": "no such type"}, 422),
        ("moments/m1/verdicts", {"verdict": "confirmed", "partner_id": "nobody"}, 404),
        ("moments/m1/verdicts", {"verdict": "confirmed", "note": "a\x00b"}, 422),
        ("moments/m1/verdicts", {"verdict": "confirmed", "version": 10**30}, 422),
        ("moments/m1/verdicts", {"verdict": "confirmed", "typo": 1}, 422),
        ("moments/m1/verdicts", {"verdict": "confirmed", "decides": True}, 403),
        ("moments/m1/verdicts", {"verdict": "confirmed", "span": beyond}, 422),
        ("moments/m1/verdicts", {"verdict": "confirmed", "span": {**WORDS, "utterance_ids": ["c2-0"]}}, 422),
        ("moments/m1/split", {"spans": [WORDS, WORDS]}, 422),
        ("conversations/none/moments", {"span": WORDS, "assist_type": kind}, 404),
        ("conversations/c1/moments", {"span": WORDS, "assist_type": "negative_impact"}, 422),
        ("undo", {"review_id": "none"}, 404),
    ]
    answers = [ann.post(f"/api/{path}", json=given) for path, given, _ in cases]
    assert [answer.status_code for answer in answers] == [status for *_, status in cases]
    assert all(answer.json()["detail"] for answer in answers)


def test_a_lone_surrogate_in_a_note_is_refused(ann: TestClient) -> None:
    body = '{"verdict": "confirmed", "note": "\\ud800"}'
    answer = ann.post("/api/moments/m1/verdicts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_only_who_may_judge_does(filled: Engine, client_as: Clients) -> None:
    assert verdict(client_as("viewer")).status_code == 403
    assert verdict(client_as("partner", partner_id="nw")).status_code == 403


def test_nobody_reads_a_moment_without_logging_in(filled: Engine, visitor: TestClient) -> None:
    assert visitor.get("/api/moments/m1").status_code == 401
