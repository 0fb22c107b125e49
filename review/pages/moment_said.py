"""What people said of a moment, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from features.shown import day, listing
from review.pages.moment_lines import ANSWERS, VERDICTS
from review.rendering import type_name
from review.roles import Viewer
from review.store.asked import Asked
from review.store.moments import Moment, Said

__all__ = ["Told", "Voice", "asked_words", "others_of", "own", "told", "verdict_words", "voice"]

WORDS: Final = {name: words for name, (words, _) in VERDICTS.items()} | {
    "unsure": "not sure",
    "not_mine": "not my deal",
}
ROLES: Final = {"reviewer": "reviewer", "rep": "the deal's owner", "admin": "the last word"}
NOBODY: Final = "a partner that is not known"
DID: Final = {
    "split": "Split in two: this is the second one.",
    "added": "Added, and confirmed by you.",
    "ignored": "Set aside: {what}.",
    "brought_back": "Brought back: {what}.",
    "noted": "Note kept.",
    "undone": "Taken back: {back}.",
    "nothing": "There is nothing to take back.",
}
UNDOABLE: Final = ("judged", "split", "added", "ignored")
GOING_ON: Final = ("judged", "ignored")


@dataclass(frozen=True)
class Voice:
    """One judgement of somebody, in words."""

    who: str
    words: str
    tone: str
    role: str
    at: datetime
    note: str | None


@dataclass(frozen=True)
class Told:
    """What just happened; a warning where somebody else had judged the moment meanwhile.

    ``goes_on`` tells whether the page now shows another moment.
    """

    text: str
    is_warning: bool = False
    can_undo: bool = False
    goes_on: bool = False


def verdict_words(said: Said, found_type: str) -> str:
    """The verdict with what it corrects of what was found: ``corrected to Planned, and to Kite Systems``."""
    kind = type_name(said.assist_type) if said.assist_type not in (None, found_type) else None
    told = [name for name in (kind, said.partner_name or said.partner_id) if name]
    return f"{WORDS.get(said.verdict, said.verdict)}{' to ' if told else ''}{' and to '.join(told)}"


def voice(said: Said, found_type: str) -> Voice:
    """A judgement as a line."""
    tone = VERDICTS.get(said.verdict, ("", ""))[1]
    words = verdict_words(said, found_type)
    return Voice(said.reviewer, words, tone, ROLES.get(said.role, said.role), said.reviewed_at, said.note)


def own(moment: Moment, viewer: Viewer) -> Said | None:
    """The viewer's latest judgement that stands."""
    mine = [said for said in moment.said if said.reviewer == viewer.name and said.undone_at is None]
    return mine[-1] if mine else None


def others_of(moment: Moment, viewer: Viewer) -> list[Voice]:
    """What others say that has not been taken back, the earliest first; of each person the latest in each role."""
    latest = {(said.reviewer, said.role): said for said in moment.said if said.undone_at is None}
    return [voice(said, moment.assist_type) for (who, _), said in latest.items() if who != viewer.name]


def told(did: str, moment: Moment, viewer: Viewer, *, met: bool) -> list[Told]:
    """What the viewer has just done with a moment, in sentences."""
    what = f"{_partner(moment)}, {type_name(moment.standing_type)}"
    mine = own(moment, viewer)
    if did == "judged" and mine is not None:
        words = _sentence(verdict_words(mine, moment.assist_type))
        text = f"{words}: {moment.partner_name or NOBODY}, {type_name(moment.assist_type)}."
    else:
        text = DID.get(did, "").format(what=what, back=_taken_back(moment, viewer))
    happened = Told(text, can_undo=did in UNDOABLE, goes_on=did in GOING_ON) if text else None
    return [each for each in (happened, _meeting(moment, viewer) if met else None) if each is not None]


def asked_words(questions: Sequence[Asked], *, owner: str | None) -> str:
    """Where the question to the deal's owner stands."""
    if not questions:
        return f"{owner} has not been asked." if owner else "The deal's owner has not been asked."
    question = questions[0].question
    who = question.recipient_name or question.recipient
    if question.answer and question.answered_at:
        comment = f": “{question.comment}”" if question.comment else ""
        return f"{who} said {ANSWERS.get(question.answer, question.answer)} on {day(question.answered_at)}{comment}."
    states = {
        "queued": f"{who} will be asked in the next message.",
        "sent": f"{who} was asked on {day(question.sent_at or question.asked_at)} and has not answered.",
        "expired": f"{who} did not answer in time.",
        "withdrawn": f"The question to {who} was withdrawn.",
        "undeliverable": f"The question did not reach {who}.",
    }
    return states.get(question.state, f"The question to {who} is {question.state}.")


def _meeting(moment: Moment, viewer: Viewer) -> Told | None:
    voices = others_of(moment, viewer)
    said = [f"{each.who} has judged it as {each.words}" for each in voices] or ["somebody else has changed it"]
    end = (
        "You disagree, so it is contested until somebody decides."
        if moment.state == "contested"
        else "Both judgements are kept."
    )
    return Told(f"While you were reading, {listing(said)}. {end}", is_warning=True)


def _taken_back(moment: Moment, viewer: Viewer) -> str:
    mine = [said for said in moment.said if said.reviewer == viewer.name and said.undone_at is not None]
    latest = max(mine, key=lambda said: said.undone_at or said.reviewed_at, default=None)
    return verdict_words(latest, moment.assist_type) if latest else "it is no longer set aside"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _partner(moment: Moment) -> str:
    return moment.told_partner_name or moment.partner_name or moment.standing_partner or NOBODY
