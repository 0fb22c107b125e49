"""Questions to the owners of deals: asked, answered, sent once a day, reminded, withdrawn and expired."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from review.channels.delivery import deliver
from review.channels.message import Message, UndeliverableError, UnreachableError
from review.desk import Desk, Options
from review.roles import Viewer
from review.security.links import read_link, signed_link
from review.store.asked import Filters, asked, counts, people, unasked_partners
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.judgements import add_judgement, ignore
from review.store.messages import Numbers, due_numbers
from review.store.replies import VERDICTS, TooLateError, answer, not_me, want_new_link
from review.store.schema import deals, events, judgements, messages, moments, verifications
from review.store.verifications import (
    OPEN,
    CannotAskError,
    Verification,
    ask,
    ask_again,
    ask_all,
    expire,
    found,
    withdraw,
)

AT = datetime(2026, 3, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OPTIONS = Options(link_days=14, remind_days=3, most_reminders=2)


@dataclass
class Postman:
    """A channel that keeps what it was given, refuses the recipients of ``refused``, and is down or dies when told."""

    sent: list[Message] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    is_down: str | None = None
    dies: bool = False
    name: str = "postman"

    def send(self, message: Message) -> None:
        if self.dies:
            raise KeyboardInterrupt
        if self.is_down is not None:
            raise UnreachableError("Nobody answers.", is_unsent=self.is_down == "before")
        if message.recipient in self.refused:
            raise UndeliverableError("No such box.")
        self.sent.append(message)


@dataclass
class Office:
    """The asked company's database, its time, and its postman."""

    engine: Engine
    postman: Postman = field(default_factory=Postman)
    now: datetime = AT

    def ask(self, moment_id: str, **given: Any) -> Verification:
        with writing(self.engine) as connection:
            return ask(connection, moment_id, **{"asked_by": "maria", "at": self.now, "options": OPTIONS, **given})

    def answer(self, question: Verification, said: Any, comment: str = "") -> Verification:
        with writing(self.engine) as connection:
            return answer(connection, question.verification_id, said, comment, self.now)

    def judge(self, moment_id: str, verdict: str, **given: Any) -> None:
        values = {"reviewer": "maria", "role": "reviewer", "source": "page", "at": self.now, **given}
        with writing(self.engine) as connection:
            add_judgement(connection, moment_id, verdict=verdict, **values)

    def deliver(self) -> Any:
        return deliver(Desk(self.engine, OPTIONS, lambda: self.now, "secret", self.postman), self.postman)

    def state(self, question: Verification) -> Verification:
        with self.engine.connect() as connection:
            now = found(connection, question.verification_id)
        assert now is not None
        return now

    def moment(self, moment_id: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(sa.select(moments).where(moments.c.moment_id == moment_id)).one()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        shutil.copy(empty_database, tmp_path / "review.db")
        url = f"sqlite:///{tmp_path}/review.db"
    else:
        url = request.getfixturevalue("postgres_url")
    made = open_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def office(filled: Engine) -> Office:
    return Office(filled)


def test_the_owner_of_the_moments_deal_is_asked_with_the_next_message(office: Office) -> None:
    question = office.ask("m1")

    assert (question.recipient, question.recipient_name, question.state) == ("ana@example.com", "Ana Pires", "queued")
    assert question.expires_at == AT + 14 * DAY


def test_nobody_has_two_open_questions_about_one_moment(office: Office) -> None:
    assert office.ask("m1").verification_id == office.ask("m1", asked_by="tom").verification_id


def test_what_cannot_be_asked_is_refused_with_a_reason(office: Office) -> None:
    office.judge("m2", "rejected")
    with writing(office.engine) as connection:
        ignore(connection, "m3", Viewer("maria", "reviewer"), AT)
        connection.execute(moments.update().where(moments.c.moment_id == "m4").values(deal_id=None))
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(owner_id=None, owner_email=None))

    for moment_id, reason in {
        "m2": "was rejected. Undo",
        "s1": "not taken for help",
        "m3": "was set aside",
        "m4": "belongs to no deal",
        "m5": "has no owner",
    }.items():
        with pytest.raises(CannotAskError, match=reason):
            office.ask(moment_id)
    assert office.ask("m5", recipient="u1").recipient == "ana@example.com"


def test_an_unknown_moment_and_an_unknown_question_are_said_to_be_so(office: Office) -> None:
    with pytest.raises(LookupError, match="no moment"):
        office.ask("nowhere")
    with writing(office.engine) as connection, pytest.raises(LookupError, match="no question"):
        withdraw(connection, "nowhere", who="maria", role="reviewer", at=AT)


def test_nobody_is_asked_by_themselves(office: Office) -> None:
    with pytest.raises(CannotAskError, match="owner is you"):
        office.ask("m1", asked_by="Ana@example.com")


def test_somebody_else_can_be_asked_if_they_own_a_deal(office: Office) -> None:
    assert office.ask("m1", recipient="u2").recipient == "ben@example.com"
    with pytest.raises(CannotAskError, match="owns no deal"):
        office.ask("m1", recipient="maria@example.com")


def test_all_confirmed_moments_that_nobody_was_asked_about_are_asked_about_once(office: Office) -> None:
    for moment_id in ("m1", "m2", "m5"):
        office.judge(moment_id, "confirmed")
    with writing(office.engine) as connection:
        connection.execute(deals.update().where(deals.c.deal_id == "d2").values(owner_id=None, owner_email=None))

    with writing(office.engine) as connection:
        first = ask_all(connection, asked_by="maria", at=AT, options=OPTIONS)
        again = ask_all(connection, asked_by="maria", at=AT, options=OPTIONS)

    assert sorted(question.moment_id for question in first[0]) == ["m1", "m2"]
    assert [reason[:21] for reason in first[1]] == ["The deal has no owner"]
    assert again[0] == []


def test_all_of_a_deal_or_of_a_partner_can_be_asked_about(office: Office) -> None:
    for moment_id in ("m1", "m2", "m5"):
        office.judge(moment_id, "confirmed")

    with writing(office.engine) as connection:
        assert unasked_partners(connection) == [("nw", "Northwind", 2), ("bk", "Brücke & Söhne", 1)]
        of_deal, _ = ask_all(connection, asked_by="maria", at=AT, options=OPTIONS, deal_id="d2")
        of_partner, _ = ask_all(connection, asked_by="maria", at=AT, options=OPTIONS, partner_id="nw")

        assert unasked_partners(connection) == []
    assert [question.moment_id for question in of_deal] == ["m5"]
    assert sorted(question.moment_id for question in of_partner) == ["m1", "m2"]


@pytest.mark.parametrize(
    ("said", "verdict", "is_verified"),
    [("yes", "confirmed", True), ("partly", "partly", True), ("no", "rejected", False), ("not_mine", None, False)],
)
def test_an_answer_is_a_judgement_of_the_deals_owner(
    office: Office, said: str, verdict: str | None, is_verified: bool
) -> None:
    question = office.answer(office.ask("m1"), said, "  They were\nthere. ")

    moment = office.moment("m1")
    assert (question.state, question.answer, question.comment) == ("answered", said, "They were there.")
    assert (moment.verdict, moment.is_verified, moment.is_confirmed) == (verdict, is_verified, False)
    with office.engine.connect() as connection:
        row = connection.execute(sa.select(judgements)).one()
    assert (row.reviewer, row.role, row.source, row.note) == ("ana@example.com", "rep", "link", "They were there.")


def test_a_confirmed_and_verified_moment_has_a_better_grade_than_either(office: Office) -> None:
    office.judge("m1", "confirmed")
    before = office.moment("m1").grade

    office.answer(office.ask("m1"), "yes")

    assert (before, office.moment("m1").grade) == ("B", "A")


def test_a_no_against_a_reviewer_leaves_the_moment_contested(office: Office) -> None:
    office.judge("m1", "confirmed")

    office.answer(office.ask("m1"), "no")

    assert (office.moment("m1").state, office.moment("m1").is_confirmed) == ("contested", False)


def test_the_same_answer_twice_changes_nothing(office: Office) -> None:
    question = office.ask("m1")
    first = office.answer(question, "yes", "So it was")
    office.now += DAY

    assert office.answer(question, "yes") == first
    with office.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(judgements)) == 1


def test_another_answer_takes_the_place_of_the_earlier_and_both_are_shown(office: Office) -> None:
    question = office.ask("m1")
    office.answer(question, "yes", "So it was")
    office.now += DAY

    after = office.answer(question, "no", "I mixed it up")

    with office.engine.connect() as connection:
        rows = connection.execute(sa.select(judgements).order_by(judgements.c.seq)).all()
        (item,) = asked(connection, Filters())
    assert (after.state, after.answer) == ("contradicted", "no")
    assert [(row.verdict, row.undone_at) for row in rows] == [("confirmed", office.now), ("rejected", None)]
    assert [(reply.answer, reply.comment) for reply in item.earlier] == [("yes", "So it was")]
    assert office.moment("m1").verdict == "rejected"


def test_a_better_comment_on_the_same_answer_is_no_contradiction(office: Office) -> None:
    question = office.ask("m1")
    office.answer(question, "yes")

    after = office.answer(question, "yes", "They got us the meeting")

    assert (after.state, after.comment) == ("answered", "They got us the meeting")


def test_an_answer_that_comes_too_late_is_not_recorded(office: Office) -> None:
    question = office.ask("m1")
    office.now = question.expires_at

    with pytest.raises(TooLateError):
        office.answer(question, "yes")
    assert office.moment("m1").verdict is None


def test_a_withdrawn_question_takes_no_answer(office: Office) -> None:
    question = office.ask("m1")
    with writing(office.engine) as connection:
        withdraw(connection, question.verification_id, who="maria", role="reviewer", at=AT)
        with pytest.raises(CannotAskError, match="withdrawn and can be withdrawn no more"):
            withdraw(connection, question.verification_id, who="maria", role="reviewer", at=AT)

    with pytest.raises(TooLateError):
        office.answer(question, "yes")


def test_what_nobody_answers_expires_and_can_be_asked_again(office: Office) -> None:
    question = office.ask("m1")
    office.now += 14 * DAY

    with writing(office.engine) as connection:
        assert expire(connection, office.now) == 1
        again = ask_again(
            connection, question.verification_id, asked_by="tom", at=office.now, options=OPTIONS, recipient="u2"
        )

    assert office.state(question).state == "expired"
    assert (again.recipient, again.state, again.asked_by) == ("ben@example.com", "queued", "tom")


def test_asking_somebody_else_withdraws_a_question_that_is_still_open(office: Office) -> None:
    question = office.ask("m1")

    with writing(office.engine) as connection:
        ask_again(connection, question.verification_id, asked_by="maria", at=AT, options=OPTIONS, recipient="u2")

    assert office.state(question).state == "withdrawn"


def test_word_of_somebody_else_or_of_a_wish_for_a_link_is_kept_once_and_counts_as_no_answer(office: Office) -> None:
    question = office.ask("m1")

    for _ in range(2):
        with writing(office.engine) as connection:
            not_me(connection, [question], AT)
            want_new_link(connection, [question], AT)

    with office.engine.connect() as connection:
        (item,) = asked(connection, Filters())
        actions = connection.scalars(sa.select(events.c.action).order_by(events.c.seq)).all()
    assert [reply.kind for reply in item.replies] == ["not_me", "new_link"]
    assert actions == ["asked", "forwarded", "new_link_wanted"]
    assert office.state(question).state == "queued"


def test_a_person_gets_one_message_a_day_about_everything(office: Office) -> None:
    for moment_id in ("m1", "m2", "m5"):
        office.ask(moment_id)
    office.deliver()
    office.now += timedelta(hours=3)
    office.ask("m3")

    done = office.deliver()

    assert (done.sent, office.state(office.ask("m3")).state) == (0, "queued")
    assert [(m.recipient, len(m.topics)) for m in office.postman.sent] == [
        ("ana@example.com", 2),
        ("ben@example.com", 1),
    ]
    office.now += DAY
    assert office.deliver().sent == 1
    assert [topic.deal for topic in office.postman.sent[-1].topics] == ["Acme renewal"]


def test_what_is_due_is_counted(office: Office) -> None:
    def numbers() -> Numbers:
        with office.engine.connect() as connection:
            return due_numbers(connection, office.now, OPTIONS)

    for moment_id in ("m1", "m2", "m5"):
        office.ask(moment_id)
    assert numbers() == Numbers(messages=2, questions=3, later=0)
    office.deliver()
    office.ask("m3")
    assert numbers() == Numbers(messages=0, questions=0, later=1)


def test_a_day_is_one_of_utc(office: Office) -> None:
    office.ask("m1")
    office.now = datetime(2026, 3, 20, 23, 59, tzinfo=UTC)
    office.deliver()
    office.ask("m2")
    office.now = datetime(2026, 3, 21, 0, 1, tzinfo=UTC)

    assert office.deliver().sent == 1


def test_the_link_of_a_message_names_its_questions_and_is_valid_from_its_sending(office: Office) -> None:
    question = office.ask("m1")
    office.now += 2 * DAY
    office.deliver()

    (message,) = office.postman.sent
    link = read_link("secret", message.link.rpartition("/v/")[2])
    assert link is not None
    assert link.verification_ids == (question.verification_id,)
    assert link.expires_at == office.now + 14 * DAY == office.state(question).expires_at


def test_who_does_not_answer_is_reminded_a_few_times_and_then_left_alone(office: Office) -> None:
    question = office.ask("m1")
    for _ in range(14):
        office.deliver()
        office.now += DAY

    assert [(m.at - AT, m.is_reminder) for m in office.postman.sent] == [
        (0 * DAY, False),
        (3 * DAY, True),
        (6 * DAY, True),
    ]
    office.deliver()
    assert office.state(question).state == "expired"


def test_who_has_answered_is_not_reminded(office: Office) -> None:
    question = office.ask("m1")
    office.deliver()
    office.answer(question, "yes")
    office.now += 4 * DAY

    assert office.deliver().sent == 0


def test_a_refused_message_is_shown_and_tried_again_on_the_next_day(office: Office) -> None:
    question = office.ask("m1")
    office.postman.refused = {"ana@example.com"}

    done = office.deliver()

    assert (done.failed, done.error) == (1, "No such box.")
    assert (office.state(question).state, office.state(question).error) == ("undeliverable", "No such box.")
    assert (office.deliver().failed, office.postman.sent) == (0, [])
    office.now, office.postman.refused = office.now + DAY, set()
    assert office.deliver().sent == 1
    assert (office.state(question).state, office.state(question).error) == ("sent", None)


def test_a_message_that_never_arrives_expires_as_well(office: Office) -> None:
    question = office.ask("m1")
    office.postman.refused = {"ana@example.com"}
    for _ in range(15):
        office.deliver()
        office.now += DAY

    assert office.state(question).state == "expired"


def test_a_channel_that_is_down_leaves_all_messages_for_later_that_day(office: Office) -> None:
    questions = [office.ask(moment_id) for moment_id in ("m1", "m5")]
    office.postman.is_down = "before"

    done = office.deliver()

    assert (done.sent, done.failed, done.left, done.error) == (0, 0, 2, "Nobody answers.")
    assert (office.state(questions[0]).state, office.state(questions[0]).error) == ("queued", "Nobody answers.")
    office.postman.is_down = None
    assert office.deliver().sent == 2
    assert office.state(questions[0]).error is None


def test_a_channel_that_breaks_off_has_perhaps_sent_and_is_not_given_the_message_again_that_day(office: Office) -> None:
    for moment_id in ("m1", "m5"):
        office.ask(moment_id)
    office.postman.is_down = "meanwhile"

    done = office.deliver()

    assert (done.sent, done.failed, done.left) == (0, 1, 1)
    office.postman.is_down = None
    assert [office.deliver().sent, office.postman.sent[0].recipient] == [1, "ben@example.com"]


def test_a_server_that_dies_while_it_sends_does_not_send_twice_on_that_day(office: Office) -> None:
    question = office.ask("m1")
    office.postman.dies = True
    with pytest.raises(KeyboardInterrupt):
        office.deliver()

    office.postman.dies = False
    assert (office.deliver().sent, office.state(question).state) == (0, "queued")
    office.now += DAY
    assert office.deliver().sent == 1


def test_two_servers_that_send_at_once_send_one_message(office: Office) -> None:
    office.ask("m1")
    other = Office(office.engine, office.postman)

    def meanwhile(message: Message) -> None:
        office.postman.sent.append(message)
        if len(office.postman.sent) == 1:
            other.deliver()

    office.postman.send = meanwhile  # type: ignore[method-assign]
    office.deliver()

    assert len(office.postman.sent) == 1
    with office.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(messages)) == 1


def test_many_servers_and_many_taps_at_once_come_to_one_message_and_one_judgement(office: Office) -> None:
    question = office.ask("m1")

    with ThreadPoolExecutor(4) as pool:
        sent = [done.sent for done in pool.map(lambda _: office.deliver(), range(4))]
        answers = list(pool.map(lambda _: office.answer(question, "yes"), range(4)))

    assert (sorted(sent), len(office.postman.sent)) == ([0, 0, 0, 1], 1)
    assert {given.answered_at for given in answers} == {AT}
    with office.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(judgements)) == 1


def test_what_happens_is_in_the_audit_without_any_words(office: Office) -> None:
    question = office.ask("m1")
    office.deliver()
    office.answer(question, "yes", "a secret remark")

    with office.engine.connect() as connection:
        rows = connection.execute(sa.select(events).order_by(events.c.seq)).mappings().all()
        assert chain(connection).first_break is None
    assert [row["action"] for row in rows] == ["asked", "sent", "judged", "answered"]
    assert not any("secret remark" in str(dict(row)) for row in rows)


def test_questions_are_found_by_state_deal_partner_and_recipient(office: Office) -> None:
    first = office.ask("m1")
    office.ask("m5")
    office.answer(first, "yes")

    def moment_ids(**wanted: str) -> list[str]:
        with office.engine.connect() as connection:
            return [item.question.moment_id for item in asked(connection, Filters(**wanted))]

    assert moment_ids(state="answered") == moment_ids(deal_id="d1") == moment_ids(partner_id="nw") == ["m1"]
    assert moment_ids(recipient="ben@example.com") == moment_ids(moment_id="m5") == ["m5"]
    with office.engine.connect() as connection:
        assert counts(connection, Filters(state="queued")) == {"answered": 1, "queued": 1}
        assert people(connection) == [("ana@example.com", "Ana Pires"), ("ben@example.com", "Ben Okafor")]


def test_a_question_is_another_one_after_the_partner_was_corrected(office: Office) -> None:
    office.ask("m1")

    def stamp() -> str:
        with office.engine.connect() as connection:
            (item,) = asked(connection, Filters())
        return item.stamp

    before = stamp()
    office.judge("m1", "confirmed")
    assert stamp() == before
    office.now += DAY
    office.judge("m1", "relabelled", partner_id="bk", assist_type="technical_validation")
    assert stamp() != before


@pytest.mark.parametrize(
    "change", [lambda t: t + "x", lambda t: t[:-3], lambda t: "x" + t, lambda t: "", lambda t: "ü"]
)
def test_a_link_that_was_changed_is_none(change: Callable[[str], str]) -> None:
    token = signed_link("secret", ["a1", "b2"], AT)

    assert read_link("secret", change(token)) is None
    assert read_link("other", token) is None


def test_a_link_expires_by_the_given_clock() -> None:
    link = read_link("secret", signed_link("secret", ["a1"], AT))

    assert link is not None
    assert link.has_expired(AT)
    assert not replace(link, expires_at=AT + DAY).has_expired(AT)


STEPS = st.lists(
    st.sampled_from(("ask", "again", "send", "yes", "no", "not_mine", "refuse", "day", "week", "withdraw", "judge")),
    max_size=25,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_one_message_a_day_one_open_question_and_one_word_of_the_owner(
    steps: list[str], tmp_path: Path, filled_copy: Callable[[Path], Engine]
) -> None:
    office = Office(filled_copy(tmp_path / f"{uuid4().hex}.db"))
    try:
        for step in steps:
            take(office, step)
            with office.engine.connect() as connection:
                twice = sa.select(verifications.c.moment_id).where(verifications.c.state.in_(OPEN))
                twice = twice.group_by(verifications.c.moment_id, verifications.c.recipient)
                assert connection.execute(twice.having(sa.func.count() > 1)).first() is None
                by_link = judgements.c.undone_at.is_(None) & (judgements.c.source == "link")
                said = sa.select(judgements.c.moment_id).where(by_link).group_by(judgements.c.moment_id)
                assert connection.execute(said.having(sa.func.count() > 1)).first() is None
        days = [(message.recipient, message.at.date()) for message in office.postman.sent]
        assert len(days) == len(set(days))
        with office.engine.connect() as connection:
            assert chain(connection).first_break is None
    finally:
        office.engine.dispose()


def take(office: Office, step: str) -> None:
    """One step of an office's life; what cannot be done is left undone."""
    with office.engine.connect() as connection:
        items = asked(connection, Filters())
    last = items[0].question if items else None
    office.postman.refused = {"ana@example.com"} if step == "refuse" else set()
    office.now += {"day": DAY, "week": 7 * DAY}.get(step, timedelta(minutes=1))
    with suppress(CannotAskError, TooLateError):
        if step == "ask":
            office.ask("m1")
            office.ask("m2")
        elif step in ("send", "refuse"):
            office.deliver()
        elif step == "judge":
            office.judge("m1", "confirmed")
        elif last is not None and step in VERDICTS:
            office.answer(last, step)
        elif last is not None and step in ("again", "withdraw"):
            with writing(office.engine) as connection:
                if step == "again":
                    ask_again(connection, last.verification_id, asked_by="maria", at=office.now, options=OPTIONS)
                else:
                    withdraw(connection, last.verification_id, who="maria", role="reviewer", at=office.now)


@pytest.fixture
def filled_copy(filled: Engine) -> Callable[[Path], Engine]:
    """A factory: a copy of the small company's database at that path."""

    def copied(path: Path) -> Engine:
        if filled.dialect.name != "sqlite":
            pytest.skip("only a file can be copied")
        with closing(sqlite3.connect(str(filled.url.database))) as source:
            source.execute("VACUUM INTO ?", (str(path),))
        return open_engine(f"sqlite:///{path}")

    return copied
