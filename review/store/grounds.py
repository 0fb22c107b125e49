"""Why a claim has its grade, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from features.grades import NEAR_DAYS, grade
from features.judgements import OWNER
from features.shown import day
from review.store.claims import supports
from review.store.deal_facts import given_of, touches_of

__all__ = ["Record", "grounds", "latest", "record_of"]

Row = Mapping[Any, Any]
SAID: Final = {"confirmed": "confirmed", "partly": "partly confirmed", "relabelled": "corrected"}
"""Verdicts that bear a moment out, as one reads them."""
UNASKED: Final = "the deal's owner has not been asked"
QUESTION_TEXTS: Final = {
    "queued": "the deal's owner has not answered",
    "sent": "the deal's owner has not answered",
    "expired": "the deal's owner did not answer in time",
    "undeliverable": "the question did not reach the deal's owner",
}


@dataclass(frozen=True)
class Record:
    """What bears a moment out beside its conversation: a touch, a lead or a quote (``record_id``: of a touch)."""

    what: str
    at: datetime
    record_id: str | None = None
    source_system: str | None = None


def grounds(
    found: Iterable[Row],
    judged: Mapping[str, Sequence[Row]],
    asked: Mapping[str, Sequence[Row]],
    deal: Row,
    *,
    is_inside: bool,
) -> str:
    """What supports a claim and what is missing, by its strongest moment.

    Parameters
    ----------
    found : the claim's moments.
    judged, asked : judgements that stand, and questions to the owner, by moment.
    deal : the row of ``deals``.
    is_inside : whether the reader may know the reviewer's name.
    """
    all_moments = list(found)
    standing = [moment for moment in all_moments if supports(moment)]
    if not standing:
        return _without(all_moments)
    best = min(standing, key=_strength)
    reviewed = latest(judged.get(best["moment_id"], ()), is_owner=False)
    answered = latest(judged.get(best["moment_id"], ()), is_owner=True)
    questions = asked.get(best["moment_id"], ())
    witnesses = (
        (best["is_confirmed"], _confirmed(reviewed, is_inside=is_inside), "no reviewer has confirmed it"),
        (best["is_verified"], f"{_said(answered)} by the deal's owner{_on(answered)}", _unverified(questions)),
        (
            best["has_record"],
            _recorded(record_of(best, deal) if best["has_record"] else None),
            "no other record shows it",
        ),
    )
    there = [text for holds, text, _ in witnesses if holds]
    missing = [text for holds, _, text in witnesses if not holds]
    first = " and ".join(there) if len(there) < 3 else f"{there[0]}, {there[1]} and {there[2]}"
    return _sentence("; ".join([first or "the model alone says so", *missing]))


def latest(judged: Sequence[Row], *, is_owner: bool) -> Row | None:
    """The last judgement that bears the moment out by the deal's owner, or by anybody else; None without one."""
    of_them = [row for row in judged if (row["role"] == OWNER) == is_owner and row["verdict"] in SAID]
    return of_them[-1] if of_them else None


def record_of(moment: Row, deal: Row) -> Record | None:
    """The record that bears a moment out; None where the deal's copy shows none.

    The touch of its partner nearest in time, at most ``NEAR_DAYS`` away and not of the same conversation; else the
    partner's first lead or quote up to the deal's close.
    """
    whose, at = moment["told_partner"] or moment["partner_id"], moment["started_at"]
    near = [
        (abs(touch.occurred_at - at), touch.touchpoint_id, touch)
        for touch in touches_of(deal["facts"])
        if touch.partner_id == whose and touch.conversation_id != moment["conversation_id"]
    ]
    nearest = min(near, default=None, key=lambda found: found[:2])
    if nearest and nearest[0] <= timedelta(days=NEAR_DAYS):
        touch = nearest[2]
        return Record(touch.kind.replace("_", " "), touch.occurred_at, touch.touchpoint_id, touch.source_system)
    until = deal["closed_at"]
    given = [row for row in given_of(deal["facts"]) if row.partner_id == whose and (until is None or row.at <= until)]
    return Record(given[0].what, given[0].at) if given else None


def _strength(moment: Row) -> tuple[Any, ...]:
    letter = grade(
        is_confirmed=moment["is_confirmed"], is_verified=moment["is_verified"], has_record=moment["has_record"]
    )
    return letter, not moment["is_verified"], not moment["is_confirmed"], -moment["confidence"], moment["moment_id"]


def _without(found: Sequence[Row]) -> str:
    if any(moment["state"] == "contested" for moment in found):
        return "People disagree about what was said, and nobody has decided."
    if any(moment["verdict"] == "rejected" for moment in found):
        return "What was flagged has been rejected; the credit rests on recorded touches alone."
    return "No recorded words support it; the credit rests on recorded touches alone."


def _confirmed(judgement: Row | None, *, is_inside: bool) -> str:
    who = judgement["reviewer"] if judgement and is_inside else "a reviewer"
    return f"{_said(judgement)} by {who}{_on(judgement)}"


def _said(judgement: Row | None) -> str:
    return SAID[judgement["verdict"]] if judgement else "confirmed"


def _unverified(questions: Sequence[Row]) -> str:
    if not questions:
        return UNASKED
    last = questions[-1]
    if last["answer"] == "not_mine":
        return "the one who was asked says that the deal is not theirs"
    return QUESTION_TEXTS.get(last["state"], UNASKED)


def _recorded(record: Record | None) -> str:
    if record is None:
        return "borne out by an independent record"
    article = "an" if record.what[:1].lower() in "aeiou" else "a"
    where = f" in {record.source_system}" if record.source_system else ""
    return f"borne out by {article} {record.what} on {day(record.at)}{where}"


def _on(judgement: Row | None) -> str:
    at: datetime | None = judgement["reviewed_at"] if judgement else None
    return f" on {day(at)}" if at else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
