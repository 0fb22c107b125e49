"""What people do at the same time, and what they do at all, in SQLite and in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import open_engine, reading, writing
from review.store.events import chain
from review.store.filters import Filters
from review.store.judgements import Judged, add_missed, add_note, ignore, judge, split, undo
from review.store.moments import moment
from review.store.queue import choices, counts, next_moment, queue_page
from review.store.schema import conversations, deals, judgements, moments, partners
from review.store.turns import Turn, packed

pytestmark = pytest.mark.slow
AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN, BOB, CY = Viewer("ann", "reviewer"), Viewer("bob", "reviewer"), Viewer("cy", "manager")
TURNS = [Turn("u1", 0, "Northwind brought us in.", "customer"), Turn("u2", 1, "Brücke too.", "customer")]
HALVES = [
    {"utterance_ids": ["u1"], "char_start": 0, "char_end": 9},
    {"utterance_ids": ["u1", "u2"], "char_start": 10, "char_end": 6},
]


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of each kind with moments ``m0`` to ``m3``, the greatest stake first, one of each deal."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'review.db'}" if is_sqlite else str(request.getfixturevalue("postgres_url"))
    engine = open_engine(url)
    with writing(engine) as connection:
        names = [{"partner_id": "nw", "name": "Northwind"}, {"partner_id": "bk", "name": "Brücke"}]
        connection.execute(partners.insert(), names)
        for number in range(4):
            closed = None if number == 0 else AT - timedelta(days=number)
            connection.execute(deals.insert().values(deal_row(number, closed)))
            talk = {"conversation_id": f"c{number}", "deal_id": f"d{number}", "channel": "call", "started_at": AT}
            connection.execute(conversations.insert().values(**talk, digest="", turns=packed(TURNS)))
            connection.execute(moments.insert().values(moment_row(number, closed)))
    yield engine
    engine.dispose()


def deal_row(number: int, closed: datetime | None) -> dict[str, Any]:
    """A deal, open where it was not closed."""
    return {
        "deal_id": f"d{number}",
        "outcome": "won" if closed else "open",
        "owner_id": "ana",
        "created_at": AT,
        "closed_at": closed,
        "digest": "",
        "facts": {},
    }


def moment_row(number: int, closed: datetime | None) -> dict[str, Any]:
    """A moment that waits."""
    return {
        "moment_id": f"m{number}",
        "conversation_id": f"c{number}",
        "deal_id": f"d{number}",
        "partner_id": "nw",
        "assist_type": "technical_validation",
        "is_assist": True,
        "journey_stage": "pre_sale",
        "utterance_ids": ["u1"],
        "quote": TURNS[0].text,
        "char_start": 0,
        "char_end": len(TURNS[0].text),
        "confidence": 0.9 - 0.2 * number,
        "type_confidence": 0.7,
        "model_version": "1",
        "detected_at": AT,
        "cues": [],
        "started_at": AT - timedelta(days=number),
        "owner_id": "ana",
        "closed_at": closed,
        "stake": 100.0 - number,
        "has_record": False,
        "is_found": True,
        "state": "waiting",
    }


def at_once(*acts: Callable[[], object]) -> None:
    """Runs them at the same time, each in a thread of its own; raises what one of them raised."""
    ready, faults = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        ready.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001 - raised below, where the test sees it
            faults.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def test_of_two_who_judge_at_once_both_are_kept_and_the_later_is_told(both: Engine) -> None:
    said: dict[str, Judged] = {}

    def act(viewer: Viewer, verdict: str) -> Callable[[], None]:
        def run() -> None:
            with writing(both) as connection:
                said[viewer.name] = judge(connection, "m0", viewer, verdict=verdict, at=AT, seen_version=0)

        return run

    at_once(act(ANN, "confirmed"), act(BOB, "rejected"))
    assert sorted(len(judged.others) for judged in said.values()) == [0, 1]
    (told,) = [other for judged in said.values() for other in judged.others]
    assert told.who in said
    with both.connect() as connection:
        assert len(connection.execute(sa.select(judgements)).all()) == 2
        found = moment(connection, "m0")
        assert chain(connection).is_whole
    assert found is not None
    assert (found.state, found.version) == ("contested", 2)


def test_many_who_ask_at_once_get_different_moments(both: Engine) -> None:
    given: list[str | None] = []

    def act(name: str) -> Callable[[], None]:
        def run() -> None:
            with writing(both) as connection:
                given.append(next_moment(connection, Filters(), name, AT))

        return run

    at_once(*(act(f"reviewer{number}") for number in range(6)))
    assert sorted(map(str, given)) == ["None", "None", "m0", "m1", "m2", "m3"]


def test_orders_and_filters_are_the_same_in_both(both: Engine) -> None:
    def ids(**asked: Any) -> list[str]:
        with both.connect() as connection:
            return [row.moment_id for row in queue_page(connection, Filters(**asked))]

    assert ids() == ["m0", "m1", "m2", "m3"]
    assert ids(order="close") == ["m1", "m2", "m3", "m0"]
    assert ids(order="confidence") == ["m0", "m1", "m2", "m3"]
    assert ids(band="doubtful", state="all", kind="all") == ["m2", "m3"]
    assert ids(since=date(2026, 5, 30), until=date(2026, 5, 31)) == ["m1", "m2"]
    assert ids(deal="d2", owner="ana", partner="nw", assist_type="technical_validation") == ["m2"]
    with both.connect() as connection:
        assert [row.moment_id for row in queue_page(connection, Filters(), page=2, size=3)] == ["m3"]


def test_everything_that_people_do_is_done_and_undone_in_both(both: Engine) -> None:
    with writing(both) as connection:
        judge(connection, "m0", ANN, verdict="relabelled", assist_type="risk_save", partner_id="bk", at=AT)
        split(connection, "m1", ANN, HALVES, AT)
        added = add_missed(connection, ANN, "c2", HALVES[1], "bk", "risk_save", "missed", AT)
        ignore(connection, "m3", ANN, AT)
        add_note(connection, "m3", ANN, "später", AT)
        now = counts(connection, Filters(), "ann", AT - timedelta(hours=9))
        assert (now.waiting, now.judged_today_by_you, now.judged_today_by_all) == (1, 4, 4)
        assert [(choice.value, choice.count) for choice in choices(connection).partners] == [("nw", 1)]
        found = moment(connection, added)
        assert found is not None
        assert (found.quote, found.partner_name) == ("brought us in.\nBrücke", "Brücke")
        assert [undo(connection, ANN, AT) for _ in range(5)] == ["m3", added, "m1", "m0", None]
        assert [row.moment_id for row in queue_page(connection, Filters())] == ["m0", "m1", "m2", "m3"]
        assert chain(connection).is_whole


def test_a_manager_takes_back_what_another_said(both: Engine) -> None:
    with writing(both) as connection:
        said = judge(connection, "m0", ANN, verdict="confirmed", at=AT)
        with pytest.raises(PermissionError, match="what others judged"):
            undo(connection, BOB, AT, said.review_id)
        assert undo(connection, CY, AT, said.review_id) == "m0"
        with pytest.raises(LookupError, match="could be taken back"):
            undo(connection, CY, AT, said.review_id)


def test_a_reading_sees_one_state_whatever_is_written_meanwhile(both: Engine) -> None:
    states = sa.select(moments.c.state).order_by(moments.c.moment_id)
    with reading(both) as reader:
        before = reader.scalars(states).all()
        with writing(both) as connection:
            connection.execute(moments.update().values(state="judged"))
        assert reader.scalars(states).all() == before
    with both.connect() as connection:
        assert set(connection.scalars(states)) == {"judged"}
