"""What the page of one moment shows, from what the database has of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from features.assist.taxonomy import BACKGROUND, taxonomy
from features.grades import GRADE_TEXTS
from features.shown import day, percent
from features.titles import partner_type
from review.highlight import link_out
from review.pages.deal_line import deal_line
from review.pages.filters import address, kept
from review.pages.moment_lines import state_of
from review.pages.moment_look import Look
from review.pages.moment_said import Told, asked_words, others_of, own, verdict_words, voice
from review.pages.moment_words import span_of
from review.pages.talk import AROUND, evidence_of, lines, shown_turns
from review.rendering import amount, segment, type_name
from review.roles import Right, Viewer
from review.scripts import mixes_scripts
from review.store.asked import Asked
from review.store.moments import Moment
from review.store.neighbours import Neighbours
from review.store.partner_names import Named
from review.store.turns import Turn

__all__ = ["KEYS", "Found", "confidence_words", "judges_blind", "moment_view", "partner_choices"]

STEP: Final = 10
CHANNELS: Final = {"call": "Call", "email": "E-mail", "chat": "Chat", "notes": "Notes"}
SOURCES: Final = {
    "gong": "Gong",
    "slack": "Slack",
    "vtt": "captions",
    "srt": "captions",
    "dialogue": "a transcript",
    "email": "",
    "notes": "",
}
"""Where a conversation came from, for reading; nothing where its channel tells as much."""
STAGES: Final = {
    "pre_sale": "before the sale",
    "point_of_sale": "at the point of sale",
    "post_sale": "after the sale",
}
KEYS: Final = (
    ("c", "Confirm"),
    ("r", "Reject; then a number says what it is instead"),
    ("p", "Partly so"),
    ("u", "Not sure: leave it to somebody else"),
    ("t", "Another kind: type letters, Enter takes it"),
    ("o", "Another partner"),
    ("s", "Move the evidence: arrows, with Shift they choose, Enter sets"),
    ("x", "Split in two"),
    ("m", "Add a missed moment"),
    ("n", "Note"),
    ("i", "Set aside, or bring back"),
    ("z", "Undo, as often as you like"),
    ("j k", "Next and previous, without a verdict"),
    ("q", "Back to the queue"),
    ("?", "These keys"),
)
TOOLS: Final = (
    ("relabel", "Other kind", "t"),
    ("partner", "Other partner", "o"),
    ("words", "Move words", "s"),
    ("split", "Split", "x"),
    ("missed", "Add missed", "m"),
    ("note", "Note", "n"),
)


@dataclass(frozen=True)
class Found:
    """A moment with what else its page shows."""

    moment: Moment
    turns: Sequence[Turn]
    beside: Neighbours
    partners: Sequence[Named]
    questions: Sequence[Asked]
    told_partner_name: str | None
    today: int


def moment_view(found: Found, viewer: Viewer, look: Look, told: Sequence[Told], error: str = "") -> dict[str, Any]:
    """The values of the moment's template; raises ``ValueError`` for words that the conversation has not."""
    moment = found.moment
    is_blind = judges_blind(moment, viewer)
    kind = moment.assist_type if is_blind else moment.standing_type
    whose, name = (moment.partner_id, moment.partner_name) if is_blind else _standing(moment)
    return {
        **_address(found, look),
        **_told(told, name or whose, kind),
        **_talk(found, look, is_blind=is_blind),
        **_claim(moment, kind, is_blind=is_blind),
        **_deal(moment, whose, is_blind=is_blind),
        **_people(found, viewer, is_blind=is_blind),
        **_changes(found, look),
        **partner_choices(found.partners, look.told_partner or whose),
        "partner": name or whose or "A partner that is not known",
        "partner_id": whose or "",
        "partner_href": f"/partners/{segment(whose)}" if whose else None,
        "is_mixed": mixes_scripts(name or ""),
        "assist_type": kind,
        "may_judge": viewer.may(Right.JUDGE),
        "may_decide": viewer.may(Right.DECIDE) and moment.state == "contested",
        "groups": _groups(),
        "reasons": [entry for entry in taxonomy().others if entry.id not in (kind, BACKGROUND)],
        "tools": [{"id": tool, "name": name, "key": key} for tool, name, key in TOOLS],
        "key_map": KEYS,
        "open_tool": look.tool or "",
        "tool_error": error,
        "find": look.find,
        "version": moment.version,
        "is_ignored": moment.state == "ignored",
    }


def confidence_words(moment: Moment) -> str:
    """How sure the model is, in words."""
    if moment.added_by:
        return "A person's word"
    return "Quite sure" if moment.confidence >= 0.8 else "Likely" if moment.confidence >= 0.6 else "Doubtful"


def partner_choices(partners: Sequence[Named], chosen: str | None) -> dict[str, Any]:
    """The partners to choose from, and the one that is chosen."""
    return {
        "partners": [
            {"id": one.partner_id, "name": one.name, "about": _about(one), "is_mixed": mixes_scripts(one.name)}
            for one in partners
        ],
        "chosen_partner": chosen or "",
    }


def _about(partner: Named) -> str:
    kind = partner_type(partner.partner_type or "")
    return ", ".join(part for part in ("on this deal" if partner.is_on_deal else "", kind) if part)


def _standing(moment: Moment) -> tuple[str | None, str | None]:
    if moment.told_partner:
        return moment.told_partner, moment.told_partner_name
    return moment.partner_id, moment.partner_name


def judges_blind(moment: Moment, viewer: Viewer) -> bool:
    """Whether what others said is kept from somebody who is still to judge."""
    if not viewer.may(Right.JUDGE) or own(moment, viewer) is not None or moment.added_by == viewer.name:
        return False
    if moment.state == "contested" and viewer.may(Right.DECIDE):
        return False
    return any(said.undone_at is None for said in moment.said)


def _address(found: Found, look: Look) -> dict[str, Any]:
    moment_id, beside = found.moment.moment_id, found.beside
    plain = Look(look.filters)
    return {
        "here": f"/moments/{segment(moment_id)}",
        "query": address("", look.filters),
        "address": look.href(moment_id),
        "unchanged": look.href(moment_id, words="", told_partner=""),
        "moment_id": moment_id,
        "kept": kept(look.filters),
        "previous": plain.href(beside.before) if beside.before else None,
        "next": plain.href(beside.after) if beside.after else None,
        "today": found.today,
        "tool_hrefs": {tool: look.href(moment_id, tool=tool) + f"#tool-{tool}" for tool, _, _ in TOOLS}
        | {"reject": look.href(moment_id, tool="reject"), "keys": look.href(moment_id, tool="keys")},
    }


def _told(told: Sequence[Told], name: str | None, kind: str) -> dict[str, Any]:
    happened = " ".join(each.text for each in told)
    now = f"{name or 'A partner that is not known'}: {type_name(kind)}."
    goes_on = "Next: " if any(each.goes_on for each in told) else ""
    return {"told": told, "say": f"{happened} {goes_on}{now}" if happened else ""}


def _talk(found: Found, look: Look, *, is_blind: bool) -> dict[str, Any]:
    moment, turns = found.moment, found.turns
    draft = span_of(look.words, turns) if look.words else None
    evidence = evidence_of(moment, turns, draft or (None if is_blind else moment.told_span))
    around = [AROUND if given is None else given for given in (look.before, look.after)]
    shown = shown_turns(evidence, len(turns), *around)
    first = min(evidence, default=0) + 1
    href, moment_id = look.href, moment.moment_id
    return {
        "turns": lines(turns, shown, evidence, frozenset({look.whole or 0})),
        "n_turns": len(turns),
        "first_turn": first,
        "is_moved": draft is not None,
        "earlier": shown.start,
        "later": shown.total - shown.end,
        "step": STEP,
        "show_earlier": href(moment_id, before=around[0] + STEP) + f"#turn-{max(1, shown.start + 1 - STEP)}",
        "show_later": href(moment_id, after=around[1] + STEP) + f"#turn-{shown.end + 1}",
        "show_all": href(moment_id, before=len(turns), after=len(turns)) + f"#turn-{first}",
        "whole_hrefs": {at: href(moment_id, whole=at) + f"#turn-{at}" for at in range(shown.start + 1, shown.end + 1)},
        "channel": CHANNELS.get(moment.channel, moment.channel),
        "started_at": moment.started_at,
        "recording": link_out(moment.url, moment.start_s),
        "source": SOURCES.get(moment.source_system or "", moment.source_system),
    }


def _claim(moment: Moment, kind: str, *, is_blind: bool) -> dict[str, Any]:
    entry = taxonomy()[kind] if kind in taxonomy().ids else None
    state, tone = ("judged by others", "") if is_blind else state_of(vars(moment))
    by = "A person added it" if moment.added_by else f"Found by model {moment.model_version}"
    cues = moment.cues if isinstance(moment.cues, list) else []
    return {
        "type_name": type_name(kind),
        "definition": entry.definition if entry else "",
        "is_help": kind in taxonomy().assist_ids,
        "confidence": moment.confidence,
        "confidence_words": confidence_words(moment),
        "stage": STAGES.get(moment.journey_stage, moment.journey_stage.replace("_", " ")),
        "magnitude": moment.magnitude,
        "cues": list(dict.fromkeys(str(cue.get("text", "")) if isinstance(cue, dict) else str(cue) for cue in cues)),
        "is_added": bool(moment.added_by),
        "found_words": f"{by} on {day(moment.detected_at)}.",
        "state_name": state,
        "state_tone": tone,
        "quote": moment.quote,
    }


def _deal(moment: Moment, partner_id: str | None, *, is_blind: bool) -> dict[str, Any]:
    deal, claim = moment.deal, moment.claim
    if is_blind and moment.told_partner:
        claim = None
    credit = "none worked out"
    if claim is not None and claim.share is not None:
        money = f", {amount(claim.amount, claim.currency)}" if claim.amount is not None else ""
        credit = f"{percent(claim.share)} of the deal{money}"
    return {
        "deal": deal,
        "deal_name": (deal.name or deal.deal_id) if deal else None,
        "credit": credit,
        "has_credit": claim is not None,
        "grade": claim.grade if claim else None,
        "grade_text": GRADE_TEXTS.get(claim.grade or "", "") if claim else "",
        "line": deal_line(deal, partner_id, moment.started_at) if deal else None,
    }


def _people(found: Found, viewer: Viewer, *, is_blind: bool) -> dict[str, Any]:
    moment = found.moment
    mine = own(moment, viewer)
    owner = (moment.deal.owner_name or moment.deal.owner_id) if moment.deal else None
    is_help = moment.standing_type in taxonomy().assist_ids and moment.verdict != "rejected"
    is_open = any(each.question.is_open for each in found.questions)
    return {
        "is_blind": is_blind,
        "mine": voice(mine, moment.assist_type) if mine else None,
        "my_words": verdict_words(mine, moment.assist_type) if mine else "",
        "others": [] if is_blind else others_of(moment, viewer),
        "notes": [note for note in moment.notes if not is_blind or note.author == viewer.name],
        "asked_words": "" if is_blind else asked_words(found.questions, owner=owner),
        "owner": owner,
        "may_ask": viewer.may(Right.JUDGE) and bool(owner) and is_help and not is_open and moment.state != "gone",
    }


def _changes(found: Found, look: Look) -> dict[str, Any]:
    changed = ["the words"] if look.words else []
    if look.told_partner:
        changed.append(f"the partner: {found.told_partner_name or look.told_partner}")
    return {"draft_words": look.words, "draft_partner": look.told_partner, "changed": changed}


def _groups() -> list[dict[str, Any]]:
    classes = taxonomy()
    return [{"name": "Help", "entries": classes.assists}, {"name": "No help", "entries": classes.others}]
