"""Moments as lines of a deal's or a partner's page: what was said, what people say of it, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from features.assist.taxonomy import taxonomy
from features.judgements import OWNER
from features.shown import day
from review.rendering import type_name

__all__ = ["MomentLine", "moment_line", "state_of"]

Row = Mapping[Any, Any]
STATES: Final = {
    "waiting": ("not judged yet", ""),
    "unsure": ("a reviewer was not sure", ""),
    "ignored": ("set aside", ""),
    "contested": ("people disagree", "warn"),
    "gone": ("found no more", ""),
}
VERDICTS: Final = {
    "confirmed": ("confirmed", "good"),
    "partly": ("partly so", "good"),
    "relabelled": ("corrected", "good"),
    "rejected": ("rejected", "bad"),
}
ANSWERS: Final = {"yes": "yes", "partly": "partly", "no": "no", "not_mine": "not my deal"}
QUESTIONS: Final = {
    "queued": "The deal's owner will be asked",
    "sent": "The deal's owner was asked",
    "expired": "The deal's owner did not answer in time",
    "withdrawn": "The question to the deal's owner was withdrawn",
    "undeliverable": "The question did not reach the deal's owner",
}


@dataclass(frozen=True)
class MomentLine:
    """A moment; ``said`` are sentences of who judged or answered what, and ``found_as`` a type that was corrected."""

    moment_id: str
    partner_id: str | None
    type_name: str
    found_as: str
    quote: str
    started_at: datetime
    confidence: float
    grade: str | None
    state: str
    tone: str
    said: tuple[str, ...]


def state_of(moment: Row) -> tuple[str, str]:
    """Where a moment stands, in words, and their tone: good, bad, warn or none."""
    if moment["state"] == "judged":
        text, tone = VERDICTS.get(moment["verdict"], ("judged", ""))
        is_help = (moment["told_type"] or moment["assist_type"]) not in taxonomy().other_ids
        return (text, tone) if is_help or tone == "bad" else (f"{text}: no help", "")
    return STATES.get(moment["state"], (moment["state"], ""))


def moment_line(moment: Row, judged: Sequence[Row] = (), asked: Sequence[Row] = ()) -> MomentLine:
    """A moment as a line, with its judgements and the questions to the deal's owner."""
    text, tone = state_of(moment)
    kind = moment["told_type"] or moment["assist_type"]
    is_corrected = kind != moment["assist_type"]
    return MomentLine(
        moment["moment_id"],
        moment["told_partner"] or moment["partner_id"],
        type_name(kind),
        type_name(moment["assist_type"]) if is_corrected else "",
        moment["quote"],
        moment["started_at"],
        moment["confidence"],
        moment["grade"] if tone != "bad" else None,
        text,
        tone,
        (*(_judgement(row) for row in judged if row["role"] != OWNER), *(_question(row) for row in asked)),
    )


def _judgement(row: Row) -> str:
    note = f": “{row['note']}”" if row["note"] else ""
    return f"{row['verdict'].replace('_', ' ').capitalize()} by {row['reviewer']} on {day(row['reviewed_at'])}{note}"


def _question(row: Row) -> str:
    if row["answer"] is None:
        return f"{QUESTIONS.get(row['state'], 'The deal owner was asked')} ({day(row['asked_at'])})"
    comment = f": “{row['comment']}”" if row["comment"] else ""
    who = row["answered_by"] or row["recipient_name"] or row["recipient"]
    said = ANSWERS.get(row["answer"], row["answer"])
    return f"The deal's owner, {who}, said {said} on {day(row['answered_at'])}{comment}"
