"""Messages by the incoming webhook of a chat: Slack, Mattermost, Rocket.Chat and others that take ``{"text": …}``."""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from features.shown import count, day, listing
from review.channels.message import Message, UndeliverableError, UnreachableError, one_line
from review.channels.wording import PROMISE, about

__all__ = ["WebhookChannel", "chat_text", "escaped", "is_safe_url"]

MEMBER: Final = re.compile(r"[UW][A-Z0-9]{6,20}")
"""A member's id in Slack, by which somebody is mentioned."""
PERSON: Final = re.compile(r"@[\w.-]{1,64}")
"""A name by which Mattermost and others deliver to one person."""
_BREAK: Final = "\u200b"


@dataclass(frozen=True)
class WebhookChannel:
    """Posts messages to one address, or to a recipient's own.

    url : ``https``, or ``http`` on this machine alone; redirects are not followed. It is a secret.
    addresses : recipient to an address of their own (a URL of the same kind), to a member's id that is mentioned
        (``U024BE7LH``), or to ``@name``, to whom the chat delivers it.
    timeout : seconds for each step.
    """

    url: str = field(repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 20.0
    name: str = "webhook"

    def send(self, message: Message) -> None:
        """Posts the message; raises ``UndeliverableError``, or ``UnreachableError`` when nobody answers."""
        to = self.addresses.get(message.recipient, "")
        own = to if "://" in to else self.url
        if not is_safe_url(own):
            raise UndeliverableError("The webhook's address is neither https nor on this machine. Give another one.")
        body: dict[str, str] = {"text": chat_text(message, to if MEMBER.fullmatch(to) else None)}
        if PERSON.fullmatch(to):
            body["channel"] = to
        status = self._post(urlsplit(own), json.dumps(body).encode())
        if not 200 <= status < 300:
            raise UndeliverableError(f"The webhook refused the message with status {status}.")

    def _post(self, url: SplitResult, body: bytes) -> int:
        assert url.hostname is not None
        connection = (
            http.client.HTTPSConnection(
                url.hostname, url.port, timeout=self.timeout, context=ssl.create_default_context()
            )
            if url.scheme == "https"
            else http.client.HTTPConnection(url.hostname, url.port, timeout=self.timeout)
        )
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        is_unsent = True
        try:
            connection.connect()
            is_unsent = False
            connection.request("POST", path, body, {"Content-Type": "application/json; charset=utf-8"})
            return connection.getresponse().status
        except TimeoutError as error:
            raise UnreachableError("The webhook did not answer in time.", is_unsent=is_unsent) from error
        except (OSError, http.client.HTTPException) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            told = f"The webhook cannot be reached: {one_line(reason, 120)}."
            raise UnreachableError(told, is_unsent=is_unsent) from error
        finally:
            connection.close()


def is_safe_url(text: str) -> bool:
    """Whether it is ``https``, or ``http`` to this machine alone."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return False
    if not url.hostname or not text.isascii() or not text.isprintable() or " " in text:
        return False
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname))


def chat_text(message: Message, member: str | None = None) -> str:
    """The message in the chat's notation; ``member`` is mentioned."""
    who = f"<@{member}>" if member else escaped(message.name or message.recipient)
    people = [escaped(name) for name in message.asked_by]
    verb = "asks" if len(people) == 1 else "ask"
    start = "Reminder: " if message.is_reminder else ""
    lines = [f"{start}{who}, {listing(people)} {verb} whether a partner helped as it was told:"]
    lines += [f"• {escaped(about(topic), 200)}" for topic in message.topics]
    lines += [
        f"<{message.link}|Answer {count(len(message.topics), 'question')} with one tap>",
        f"{PROMISE} The link is meant for you alone, and valid until {day(message.expires_at)}.",
    ]
    return "\n".join(lines)


def escaped(text: str, most: int = 80) -> str:
    """A name from outside that neither mentions anybody nor makes a link nor is taken for notation."""
    line = one_line(text, most)
    for mark in ("@", "://", "]("):
        line = line.replace(mark, mark[0] + _BREAK + mark[1:])
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
