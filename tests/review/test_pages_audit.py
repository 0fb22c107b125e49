"""The page of the audit, and what is taken out of it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from review.pages.audit_files import as_csv, as_json_lines
from review.pages.differences import Change, changes
from review.store.audit import AuditFilters, all_events, events_page
from review.store.engine import writing
from review.store.events import Event, record
from review.store.judgements import add_judgement
from review.store.periods import Period
from review.store.schema import events
from review.store.triggers import drop_triggers

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
Client = Any


def fill(engine: Engine, n: int = 4) -> None:
    """That many rows, one a day, by two people."""
    with writing(engine) as connection:
        for day in range(n):
            who = ("ada", "=cmd()")[day % 2]
            event = Event(
                who, "reviewer", "judged", "moment", f"m{day}", {"state": "waiting"}, {"state": "judged"}, "v1"
            )
            record(connection, event, AT + timedelta(days=day))


def test_values_given_are_told_and_then_what_is_other_now() -> None:
    before = {"state": "waiting", "verdict": None, "assist_type": "strategy_value_case", "version": 3, "grade": "C"}
    now = before | {"state": "judged", "verdict": "rejected", "version": 4}
    given = {"verdict": "rejected", "assist_type": None, "note": "n1", "review_ids": ["r1"]}
    assert changes(before, {**given, "now": now}) == [
        Change("note", None, "n1"),
        Change("state", "waiting", "judged"),
        Change("verdict", "none", "rejected"),
    ]


def test_values_within_values_lists_and_types_are_written_for_people() -> None:
    after = {"span": {"char_start": 1, "utterance_ids": ["a", "b"]}, "assist_type": "strategy_value_case", "ok": True}
    assert changes(None, after) == [
        Change("span char start", None, "1"),
        Change("span utterance ids", None, "a, b"),
        Change("type", None, "Shaped the strategy or built the value case"),
        Change("ok", None, "yes"),
    ]
    assert changes({"a": 1}, None) == [Change("a", "1", None)]
    assert changes(None, {"from": "", "until": ""}) == []
    assert changes({"note": "x"}, {"note": ""}) == [Change("note", "x", "")]
    assert changes(None, None) == []


def test_filters_narrow_by_person_action_subject_and_days(filled: Engine) -> None:
    fill(filled)
    with filled.connect() as connection:

        def found(**asked: Any) -> list[str]:
            return [row["subject_id"] for row in events_page(connection, AuditFilters(**asked))]

        assert found() == ["m3", "m2", "m1", "m0"]
        assert found(who="ada") == ["m2", "m0"]
        assert found(action="undone") == []
        assert found(subject="moment", subject_id="m1") == ["m1"]
        assert found(period=Period(AT.date(), AT.date() + timedelta(days=1))) == ["m1", "m0"]
        older = events_page(connection, AuditFilters(), before=3, size=1)
        assert [row["seq"] for row in older] == [2]
        assert [row["seq"] for row in all_events(connection, AuditFilters())] == [1, 2, 3, 4]


def test_csv_holds_no_formula_and_all_columns(filled: Engine) -> None:
    fill(filled, 2)
    with filled.connect() as connection:
        text = "".join(as_csv(all_events(connection, AuditFilters())))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["who"] for row in rows] == ["ada", "'=cmd()"]
    assert rows[0]["after"] == '{"state": "judged"}'
    assert rows[1]["before_hash"] == rows[0]["hash"]


@pytest.fixture
def verify(root: Path) -> Callable[[Path], str]:
    """The program of the documentation that checks an export, as a function of the file; what it prints."""
    text = (root / "docs" / "audit.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert program

    def run(path: Path) -> str:
        said: list[str] = []
        code = program[1].replace('"audit.jsonl"', repr(str(path)))
        exec(compile(code, "docs/audit.md", "exec"), {"print": lambda *words: said.append(" ".join(map(str, words)))})
        return "\n".join(said)

    return run


def test_json_lines_are_verified_by_the_program_in_the_docs(
    filled: Engine, tmp_path: Path, verify: Callable[[Path], str]
) -> None:
    fill(filled, 3)
    with writing(filled) as connection:
        record(connection, Event("zoë", "admin", "shared", "claim", "d/1", None, {"share": 0.1 + 0.2, "é": "ß"}), AT)
    path = tmp_path / "audit.jsonl"
    with filled.connect() as connection:
        lines = list(as_json_lines(all_events(connection, AuditFilters())))
    path.write_text("".join(lines), encoding="utf-8")
    assert verify(path).startswith("4 rows, whole")
    path.write_text("".join([*lines[:1], lines[1].replace("m1", "m9"), *lines[2:]]), encoding="utf-8")
    assert "broken at row 2" in verify(path)
    path.write_text("".join([*lines[:1], *lines[2:]]), encoding="utf-8")
    assert "broken at row 3" in verify(path)


def test_the_page_shows_what_changed_and_that_the_record_is_whole(
    filled: Engine, client_as: Callable[..., Client]
) -> None:
    with writing(filled) as connection:
        add_judgement(connection, "m1", reviewer="ada", role="reviewer", verdict="rejected", at=AT, source="page")
    text = client_as("manager").get("/audit?who=ada").text
    assert "The record is whole" in text
    assert re.search(r"<del><bdi>waiting</bdi></del>.*<ins><bdi>judged</bdi></ins>", text)
    assert 'href="/moments/m1"' in text
    assert "shipped-1" in text


def test_a_record_that_was_changed_behind_the_page_is_said_to_be_broken(
    filled: Engine, client_as: Callable[..., Client]
) -> None:
    client = client_as("manager")
    fill(filled)
    with filled.begin() as connection:
        drop_triggers(connection)
        connection.execute(events.update().where(events.c.seq == 3).values(who="eve"))
    assert "broken at row 3" in client.get("/audit").text
    found = client.get("/api/events").json()
    assert (found["is_whole"], found["first_break"]) == (False, 3)


def test_only_those_who_decide_see_the_audit(filled: Engine, client_as: Callable[..., Client]) -> None:
    for role in ("reviewer", "viewer"):
        client = client_as(role)
        for path in ("/audit", "/audit/export.csv", "/audit/export.jsonl", "/api/events"):
            assert client.get(path).status_code == 403


def test_pages_follow_one_another_by_their_rows(filled: Engine, client_as: Callable[..., Client]) -> None:
    client = client_as("admin")
    fill(filled, 5)
    first = client.get("/api/events?size=3&subject=moment").json()
    second = client.get(f"/api/events?size=3&subject=moment&before={first['next_before']}").json()
    assert [row["subject_id"] for row in first["events"] + second["events"]] == ["m4", "m3", "m2", "m1", "m0"]
    assert second["next_before"] is None
    lines = client.get("/audit/export.jsonl?subject=moment").text.splitlines()
    assert [json.loads(line)["subject_id"] for line in lines] == ["m0", "m1", "m2", "m3", "m4"]
    sent = client.get("/audit/export.csv")
    assert sent.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert client.get("/audit/export.xlsx").status_code == 422
    assert client.get("/audit?since=yesterday").status_code == 422
