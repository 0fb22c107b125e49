"""A simulated company's conversations as the systems that record them export them: Gong's API, and a mailbox."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from features.simulation.company import Company
from features.simulation.talks import Said, Speaker, Talk, said_truth, talks
from features.simulation.text import time_text
from features.sources.talk.rows import digest

__all__ = ["EXTENSIVE", "MAILBOX", "TRANSCRIPTS", "Recording", "recordings", "spoken"]

TRANSCRIPTS: Final = "gong_transcripts.json"
EXTENSIVE: Final = "gong_calls.json"
MAILBOX: Final = "partners.mbox"
_FIRST_CALL: Final = 7_312_000_000_000_000_000
_SENTENCE: Final = re.compile(r"(?<=[.?!])\s+")
_COLUMNS: Final = ["conversation_id", "deal_id", "partner_id", "label", "is_assist", "text"]


@dataclass(frozen=True)
class Recording:
    """What a file holds: a JSON value or text, and how many conversations it has."""

    content: Any
    conversations: int


def recordings(company: Company, said: list[Talk]) -> dict[str, Recording]:
    """File name to what it holds."""
    calls, mails = ([talk for talk in said if talk.channel == channel] for channel in ("call", "email"))
    contents = {
        TRANSCRIPTS: {"callTranscripts": [_transcript(talk) for talk in calls]},
        EXTENSIVE: {"calls": [_call(company, talk) for talk in calls]},
        MAILBOX: "".join(_mail(company, talk) for talk in mails),
    }
    return {name: Recording(value, len(mails if name == MAILBOX else calls)) for name, value in contents.items()}


def spoken(company: Company) -> tuple[list[Talk], pd.DataFrame]:
    """The conversations, and one row per turn in which a partner is spoken of.

    Columns: ``conversation_id`` (as it is after an import), ``deal_id``, ``partner_id`` (missing: none that is ours),
    ``label`` (a class of the taxonomy), ``is_assist``, ``text`` (the whole turn).
    """
    said = talks(company)
    rows = [{"conversation_id": _identity(talk), **row} for talk in said for row in said_truth(company, talk)]
    return said, pd.DataFrame(rows, columns=_COLUMNS).astype({"is_assist": bool})


def _identity(talk: Talk) -> str:
    return f"gong-{_call_id(talk)}" if talk.channel == "call" else f"email-{digest([_message_id(talk)])}"


def _call_id(talk: Talk) -> str:
    return str(_FIRST_CALL + talk.number)


def _message_id(talk: Talk) -> str:
    return f"partner-{talk.number:06d}@mail.vendor.example"


def _transcript(talk: Talk) -> dict[str, Any]:
    turns = [{"speakerId": turn.speaker.person_id, "topic": None, "sentences": _sentences(turn)} for turn in talk.turns]
    return {"callId": _call_id(talk), "transcript": turns}


def _sentences(turn: Said) -> list[dict[str, Any]]:
    """The turn's sentences with times in milliseconds, in proportion to their length."""
    words = _SENTENCE.split(turn.text)
    ends = np.cumsum([len(sentence) for sentence in words]) / sum(map(len, words))
    times = [round(1000 * (turn.start_s + share * (turn.end_s - turn.start_s))) for share in (0.0, *ends)]
    return [
        {"start": start, "end": end, "text": text}
        for start, end, text in zip(times[:-1], times[1:], words, strict=True)
    ]


def _call(company: Company, talk: Talk) -> dict[str, Any]:
    deal = company.deals.iloc[talk.deal]
    account_id = company.accounts["account_id"].to_numpy()[deal["account"]]
    objects = (("Opportunity", deal["deal_id"]), ("Account", account_id))
    return {
        "metaData": {
            "id": _call_id(talk),
            "url": f"https://gong.example/call?id={_call_id(talk)}",
            "title": f"Customer {deal['account'] + 1}",
            "started": str(time_text(np.array([talk.started]))[0]),
            "duration": round(talk.turns[-1].end_s),
        },
        "context": [
            {"system": "Salesforce", "objects": [{"objectType": kind, "objectId": key} for kind, key in objects]}
        ],
        "parties": [_party(speaker) for speaker in talk.speakers],
    }


def _party(speaker: Speaker) -> dict[str, Any]:
    return {
        "speakerId": speaker.person_id,
        "name": speaker.name,
        "emailAddress": speaker.email,
        "affiliation": "Internal" if speaker.org == "internal" else "External",
    }


def _mail(company: Company, talk: Talk) -> str:
    """One message of the mailbox: from the partner's person to the deal's owner, with the customer in copy."""
    (turn,) = talk.turns
    deal = company.deals.iloc[talk.deal]
    at = datetime.fromtimestamp(talk.started, UTC)
    message = EmailMessage()
    message["From"] = f"{turn.speaker.name} <{turn.speaker.email}>"
    message["To"] = ", ".join(f"{one.name} <{one.email}>" for one in talk.readers)
    message["Subject"] = f"Customer {deal['account'] + 1}, {talk.number}"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{_message_id(talk)}>"
    message.set_content(turn.text, cte="8bit")
    return f"From {turn.speaker.email} {at:%a %b %d %H:%M:%S %Y}\n{message.as_string()}\n"
