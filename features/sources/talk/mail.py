"""Mail as it lies in ``.eml`` files and mbox archives: one message at a time, its own words and what it quotes."""

from __future__ import annotations

import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Final

from features.sources.talk.decoded import decoded
from features.sources.talk.html_text import text_of_html
from features.sources.talk.mail_text import Passage, passages
from features.sources.talk.rows import digest

__all__ = ["MAX_MESSAGE", "Mail", "mbox_messages", "read_mail"]

MAX_MESSAGE: Final = 64 * 1024 * 1024
"""Longest message that is read, attachments included, in bytes."""

_MAX_BODY: Final = 4 * 1024 * 1024
_MAX_DEPTH: Final = 30
_SEPARATOR: Final = re.compile(rb"From \S.* \d{4}\s*$|From \S+\s*$|From -?\s")
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]+)>")
_REPLY: Final = re.compile(
    r"^\s*(?:(?:re|aw|sv|antw|fwd?|wg|tr|rv|ref|回复|答复)(?:\[\d+\])?\s*[:：]\s*)+", re.IGNORECASE
)
_BROKEN: Final = (MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message.

    ``sent_at`` is ``None`` where no header tells; ``references`` are the ids of those it answers, the oldest first;
    ``subject`` is without ``Re:`` and the like, which ``is_reply`` tells of. ``sender`` and ``recipients`` are pairs of
    name and address.
    """

    key: str
    file: str
    line: int
    sent_at: datetime | None
    sender: tuple[str, str]
    recipients: tuple[tuple[str, str], ...]
    subject: str
    is_reply: bool
    references: tuple[str, ...]
    passages: tuple[Passage, ...]
    fault: str | None = None


def mbox_messages(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Line and bytes of each message of an mbox file, ``>From`` unescaped; ``None`` for one longer than 64 MiB."""
    held: list[bytes] = []
    size, first, is_after_blank, has_begun = 0, 1, True, False
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if is_after_blank and line.startswith(b"From ") and (number == 1 or _SEPARATOR.match(line)):
                if has_begun:
                    yield first, b"".join(held) if size <= MAX_MESSAGE else None
                held, size, first, has_begun = [], 0, number, True
                continue
            is_after_blank = not line.strip()
            size += len(line)
            if size <= MAX_MESSAGE:
                held.append(line[1:] if re.match(rb">+From ", line) else line)
            else:
                held = []
    if has_begun:
        yield first, b"".join(held) if size <= MAX_MESSAGE else None


def read_mail(raw: bytes, file: str, line: int) -> Mail:
    """The message in these bytes, however odd; one without any words has a ``fault``."""
    message = message_from_bytes(raw, policy=email.policy.default)
    subject = _header(message, "Subject")
    sender = next(iter(_addresses(message, "From") or _addresses(message, "Sender")), ("", ""))
    recipients = [pair for name in ("To", "Cc") for pair in _addresses(message, name)]
    sent_at = _sent_at(message)
    body, fault = _body(message)
    found = tuple(passages(body)) if fault is None else ()
    key = next(iter(_ids(message, "Message-ID")), "") or digest([str(sent_at), sender[1], subject, body])
    return Mail(
        key,
        file,
        line,
        sent_at,
        sender,
        tuple(dict.fromkeys(recipients)),
        _REPLY.sub("", subject).strip(),
        bool(_REPLY.match(subject)),
        tuple(dict.fromkeys((*_ids(message, "References"), *_ids(message, "In-Reply-To")))),
        found,
        fault if fault is not None or found else "mail has no words",
    )


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except _BROKEN:  # the standard library fails on some headers that no standard allows
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        return " ".join(str(raw).encode("utf-8", "replace").decode("utf-8").split())


def _ids(message: Message, name: str) -> list[str]:
    text = _header(message, name)
    return _MESSAGE_ID.findall(text) or [one for one in text.split() if "@" in one]


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    try:
        found = getaddresses([_header(message, name)])
    except _BROKEN:
        return []
    return [(" ".join(n.strip("'\" ").split()), a.strip()) for n, a in found if n or "@" in a]


def _sent_at(message: Message) -> datetime | None:
    received = _header(message, "Received").rpartition(";")[2]
    for text in (_header(message, "Date"), received):
        try:
            moment = parsedate_to_datetime(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _body(message: Message) -> tuple[str, str | None]:
    """The plain text, else the text of the HTML; and why there is none that can be used."""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    try:
        _collect(message, texts, 0)
        plain = "\n\n".join(texts["plain"])
        body = plain if plain.strip() else "\n\n".join(map(text_of_html, texts["html"]))
    except _BROKEN as error:
        return "", f"mail cannot be read: {type(error).__name__} {str(error)[:80]}"
    if len(body) > _MAX_BODY:
        return "", f"mail's text is longer than {_MAX_BODY:,} characters"
    return body, None


def _collect(part: Message, texts: dict[str, list[str]], depth: int) -> None:
    """Adds the text parts that are shown; attachments, attached mails among them, are left out."""
    if depth > _MAX_DEPTH or part.get_content_disposition() == "attachment":
        return
    maintype, _, subtype = part.get_content_type().partition("/")
    if part.is_multipart():
        if maintype == "multipart":
            for one in part.get_payload():
                if isinstance(one, Message):
                    _collect(one, texts, depth + 1)
        return
    if maintype == "text" and subtype in texts and not part.get_filename():
        payload = part.get_payload(decode=True)
        texts[subtype].append(decoded(payload if isinstance(payload, bytes) else b"", part.get_content_charset()))
