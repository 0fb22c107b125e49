"""A Slack export, a folder or ZIP: ``users.json``, ``channels.json`` and one file of messages a channel and day."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from features.mail_domains import domain_of, is_free_mail
from features.sources.talk.archive import Archive
from features.sources.talk.decoded import decoded
from features.sources.talk.rows import Person, Talk, Turn, rejected
from features.sources.talk.slack_text import plain_text

__all__ = ["LISTS", "slack_talks"]

LISTS: Final = ("channels.json", "groups.json", "mpims.json", "dms.json")
"""Files that list a workspace's channels."""

_SPOKEN: Final = frozenset(("", "thread_broadcast", "me_message", "file_comment", "file_share", "reply_broadcast"))


@dataclass(frozen=True)
class _User:
    name: str
    email: str
    organisation: str
    is_bot: bool


@dataclass
class _Export:
    archive: Archive
    users: dict[str, _User] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)

    def name_of(self, kind: str, key: str) -> str | None:
        """The name that a mention of a user (``@``) or channel (``#``) stands for."""
        if kind == "@":
            return self.users[key].name if key in self.users else None
        return next((name for name, channel in self.channels.items() if channel == key), None)


@dataclass(frozen=True)
class _Message:
    file: str
    number: int
    at: float
    body: dict[str, Any]


def slack_talks(archive: Archive) -> Iterator[Talk]:
    """A talk for each thread, and one for each channel and day (UTC) of the messages outside of threads.

    Messages of bots, those that tell of joins and other events, and deleted ones are rejected.
    """
    export = _Export(archive)
    faults: list[Talk] = []
    _read_users(export, faults)
    _read_channels(export, faults)
    yield from faults
    folders: dict[str, list[str]] = defaultdict(list)
    for member in archive.names():
        folder, _, name = member.rpartition("/")
        if folder and "/" not in folder and name.endswith(".json"):
            folders[folder].append(member)
    for folder in sorted(folders):
        yield from _channel(export, folder, sorted(folders[folder]))


def _read_users(export: _Export, faults: list[Talk]) -> None:
    entries = _entries(export.archive, "users.json", faults)
    domains = Counter(d for e in entries if _is_member(e) and (d := domain_of(_email(e))) and not is_free_mail(d))
    own = _own_domain(domains)
    for entry in entries:
        profile = _dict(entry.get("profile"))
        names = (profile.get("real_name"), entry.get("real_name"), profile.get("display_name"), entry.get("name"))
        name = next((one.strip() for one in names if isinstance(one, str) and one.strip()), str(entry.get("id")))
        is_own = _is_member(entry) and (not domains or (own is not None and domain_of(_email(entry)) == own))
        is_bot = bool(entry.get("is_bot")) or entry.get("id") == "USLACKBOT"
        user = _User(name, _email(entry), "internal" if is_own and not is_bot else "unknown", is_bot)
        export.users[str(entry.get("id"))] = user


def _own_domain(domains: Counter[str]) -> str | None:
    """The domain that most members have; none when two have as many, as one of them may be a partner's."""
    most = max(domains.values(), default=0)
    first = [domain for domain, n in domains.items() if n == most]
    return first[0] if len(first) == 1 else None


def _is_member(entry: dict[str, Any]) -> bool:
    """Whether it is a person of the workspace's own, no guest and nobody of a connected workspace."""
    return not any(entry.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot"))


def _read_channels(export: _Export, faults: list[Talk]) -> None:
    for name in LISTS:
        for entry in _entries(export.archive, name, faults):
            key = str(entry.get("id"))
            export.channels[key if name == "dms.json" else str(entry.get("name") or key)] = key


def _entries(archive: Archive, member: str, faults: list[Talk]) -> list[dict[str, Any]]:
    if member not in archive.names():
        return []
    value, fault = _json(archive, member)
    if fault is not None:
        faults.append(rejected(archive.title(member), None, fault, channel="chat", source_system="slack"))
    return [one for one in value if isinstance(one, dict)]


def _json(archive: Archive, member: str) -> tuple[list[Any], str | None]:
    try:
        value = json.loads(decoded(archive.read(member)))
    except (ValueError, RecursionError) as error:
        return [], f"file cannot be read: {str(error)[:100]}"
    return (value, None) if isinstance(value, list) else ([], "file holds no list")


def _channel(export: _Export, folder: str, members: list[str]) -> Iterator[Talk]:
    channel = export.channels.get(folder, folder)
    grouped: dict[tuple[str, float], list[_Message]] = defaultdict(list)
    for member in members:
        value, fault = _json(export.archive, member)
        if fault is not None:
            yield rejected(export.archive.title(member), None, fault, channel="chat", source_system="slack")
        for number, body in enumerate(value, 1):
            at = _moment(body)
            if at is None:
                fault = "message has no time (ts)"
                file = export.archive.title(member)
                yield rejected(file, number, fault, channel="chat", source_system="slack")
                continue
            message = _Message(export.archive.title(member), number, at, body)
            grouped[_group(channel, message)].append(message)
    for (key, _), messages in sorted(grouped.items()):
        yield _talk(export, key, channel, sorted(messages, key=lambda m: (m.at, m.file, m.number)))


def _moment(body: Any) -> float | None:
    try:
        at = float(_dict(body).get("ts", ""))
    except (TypeError, ValueError):
        return None
    return at if 0 <= at < 4e9 else None


def _group(channel: str, message: _Message) -> tuple[str, float]:
    thread = message.body.get("thread_ts")
    if isinstance(thread, str) and thread:
        return f"slack-{channel}-{thread}", 0.0
    return f"slack-{channel}-{datetime.fromtimestamp(message.at, UTC):%Y-%m-%d}", 0.0


def _talk(export: _Export, key: str, channel: str, messages: list[_Message]) -> Talk:
    first = messages[0]
    talk = Talk(key, "chat", "slack", first.file, line=first.number)
    talk.started_at = datetime.fromtimestamp(first.at, UTC).isoformat()
    seen: set[str] = set()
    for message in messages:
        turn = _turn(export, channel, message, message.at - first.at)
        copy = turn.unit in seen
        talk.turns.append(_with_fault(turn, "copy of a message that is in this import already") if copy else turn)
        seen.add(turn.unit)
        user = export.users.get(_author(message.body))
        if user is not None and not user.is_bot and turn.fault is None:
            talk.people.append(
                Person(user.name, user.email, user.organisation, "sender", f"slack-{_author(message.body)}")
            )
    if all(turn.fault for turn in talk.turns):
        talk.fault = "no message of a person in it"
    return talk


def _turn(export: _Export, channel: str, message: _Message, since: float) -> Turn:
    body = message.body
    user = export.users.get(_author(body))
    profile = _dict(body.get("user_profile"))
    name = user.name if user else str(profile.get("real_name") or profile.get("name") or body.get("username") or "")
    text = " ".join(plain_text(str(body.get("text") or ""), export.name_of).split())
    return Turn(
        text,
        name,
        since,
        email=user.email if user else "",
        organisation=user.organisation if user else "unknown",
        unit=f"slack-{channel}-{body.get('ts')}",
        file=message.file,
        line=message.number,
        fault=_fault(body, text, is_bot=user is not None and user.is_bot),
    )


def _fault(body: dict[str, Any], text: str, *, is_bot: bool) -> str | None:
    subtype = str(body.get("subtype") or "")
    if subtype in ("tombstone", "message_deleted"):
        return "message was deleted"
    if subtype == "bot_message" or is_bot or (body.get("bot_id") and not body.get("user")):
        return "message of a bot"
    if subtype not in _SPOKEN:
        return f"tells of an event: {subtype[:40]}"
    return None if text else "message has no words"


def _with_fault(turn: Turn, fault: str) -> Turn:
    return Turn(turn.text, turn.speaker, unit=turn.unit, file=turn.file, line=turn.line, fault=fault)


def _author(body: dict[str, Any]) -> str:
    return str(body.get("user") or body.get("bot_id") or "")


def _email(entry: dict[str, Any]) -> str:
    email = _dict(entry.get("profile")).get("email")
    return email.strip() if isinstance(email, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
