"""Gong's API: answers of ``/v2/calls/transcript`` and ``/v2/calls/extensive``, saved as JSON, several pages a folder.

Times of sentences are milliseconds, a call's duration is seconds. A transcript names speakers by ``speakerId`` only,
which the extensive answer's parties resolve; either answer may lack what the other has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from features.sources.talk.rows import Person, Talk, Turn, rejected
from features.sources.talk.sentences import Piece, joined

__all__ = ["GongPage", "gong_page", "gong_talks"]

_ORGANISATIONS: Final = {"internal": "internal"}
_DEAL: Final = "opportunity"
_ACCOUNT: Final = "account"


@dataclass(frozen=True)
class GongPage:
    """One saved answer: its calls and its transcripts, as they are, with their number in the file (from 1)."""

    file: str
    calls: tuple[tuple[int, Any], ...]
    transcripts: tuple[tuple[int, Any], ...]


def gong_page(value: Any, file: str) -> GongPage | None:
    """The answer in a JSON value (or a list of answers); ``None`` when it is none."""
    answers = value if isinstance(value, list) else [value]
    calls, transcripts = (
        [one for answer in answers if isinstance(answer, dict) for one in _list(answer.get(key))]
        for key in ("calls", "callTranscripts")
    )
    if not calls and not transcripts and not any(isinstance(a, dict) and "callTranscripts" in a for a in answers):
        return None
    return GongPage(file, tuple(enumerate(calls, 1)), tuple(enumerate(transcripts, 1)))


def gong_talks(pages: Iterable[GongPage]) -> Iterator[Talk]:
    """The calls of all pages, by id, each with the transcript and the call data that any page has.

    What stands on a page twice alike counts once; a call or transcript that differs from an earlier one is rejected.
    """
    found: dict[str, dict[str, tuple[str, int, Any]]] = {}
    for page in sorted(pages, key=lambda page: page.file):
        for kind, entries in (("call", page.calls), ("transcript", page.transcripts)):
            for number, entry in entries:
                key = _call_id(kind, entry)
                if not key:
                    yield rejected(page.file, number, f"{kind} has no id", channel="call", source_system="gong")
                    continue
                seen = found.setdefault(key, {})
                if kind not in seen:
                    seen[kind] = (page.file, number, entry)
                elif _text_of(seen[kind][2]) != _text_of(entry):
                    fault = f"same call as on another page, but not alike: {seen[kind][0]}"
                    yield rejected(page.file, number, fault, channel="call", source_system="gong")
    for key in sorted(found):
        yield _talk(key, found[key])


def _talk(key: str, found: dict[str, tuple[str, int, Any]]) -> Talk:
    file, number, _ = found.get("transcript") or found["call"]
    call = found["call"][2] if "call" in found else {}
    meta = _dict(call.get("metaData"))
    talk = Talk(f"gong-{key}", "call", "gong", file, _moment(meta), number, url=_text(meta.get("url")))
    talk.account_id, talk.deal_id = _crm(call, _ACCOUNT), _crm(call, _DEAL)
    parties = [party for party in _list(call.get("parties")) if isinstance(party, dict)]
    talk.people = [person for party in parties if (person := _person(party)) is not None]
    speakers = {_text(party.get("speakerId")): party for party in parties if _text(party.get("speakerId"))}
    if "transcript" not in found:
        talk.fault = "call has no transcript in this export: fetch /v2/calls/transcript for it"
        return talk
    if "call" not in found:
        talk.fault = "transcript has no call data in this export: fetch /v2/calls/extensive for its start and parties"
    pieces: list[Piece] = []
    for line, monologue in enumerate(_list(found["transcript"][2].get("transcript")), 1):
        talk.turns += _monologue(monologue, line, file, speakers, pieces)
    talk.turns = [*joined(pieces), *talk.turns]
    if not pieces and talk.fault is None:
        talk.fault = "transcript has no sentence"
    return talk


def _monologue(
    monologue: Any, line: int, file: str, speakers: dict[str, dict[str, Any]], pieces: list[Piece]
) -> Iterator[Turn]:
    """Adds the sentences of one monologue to ``pieces``; gives those that cannot be used as faulty turns."""
    entry = _dict(monologue)
    key = _text(entry.get("speakerId"))
    party = speakers.get(key, {})
    name = _text(party.get("name")) or _text(party.get("emailAddress")) or (f"speaker {key}" if key else "")
    for sentence in _list(entry.get("sentences")):
        words = " ".join(_text(_dict(sentence).get("text")).split())
        start, end = (_milliseconds(_dict(sentence).get(side)) for side in ("start", "end"))
        if not words:
            yield Turn("", name, line=line, file=file, fault="sentence has no words")
        elif start is not None and end is not None and end < start:
            yield Turn(words, name, line=line, file=file, fault="sentence ends before it starts")
        else:
            pieces.append(Piece(name, words, start, end, line, _email(party), _organisation(party)))


def _person(party: dict[str, Any]) -> Person | None:
    name, email = _text(party.get("name")), _email(party)
    if not name and not email:
        return None
    key = _text(party.get("userId"))
    return Person(name, email, _organisation(party), "attendee", f"gong-{key}" if key else "")


def _organisation(party: dict[str, Any]) -> str:
    """Gong's External is a customer or a partner: which, it does not tell."""
    return _ORGANISATIONS.get(_text(party.get("affiliation")).lower(), "unknown")


def _crm(call: dict[str, Any], wanted: str) -> str:
    """Id of the only CRM object of that type that the call is tied to; empty for none or several."""
    objects = [
        _text(_dict(one).get("objectId"))
        for context in _list(call.get("context"))
        for one in _list(_dict(context).get("objects"))
        if _text(_dict(one).get("objectType")).lower() == wanted
    ]
    found = {one for one in objects if one}
    return found.pop() if len(found) == 1 else ""


def _moment(meta: dict[str, Any]) -> str:
    return _text(meta.get("started")) or _text(meta.get("scheduled"))


def _call_id(kind: str, entry: Any) -> str:
    if kind == "transcript":
        return _text(_dict(entry).get("callId"))
    return _text(_dict(_dict(entry).get("metaData")).get("id")) or _text(_dict(entry).get("id"))


def _milliseconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return value / 1000


def _email(party: dict[str, Any]) -> str:
    return _text(party.get("emailAddress")).strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _text_of(entry: Any) -> str:
    return json.dumps(entry, sort_keys=True)
