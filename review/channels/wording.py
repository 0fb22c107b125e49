"""The words of a message."""

from __future__ import annotations

from features.shown import count, day, listing
from review.channels.message import Message, Topic, one_line
from review.rendering import environment

__all__ = ["PROMISE", "about", "html", "plain", "subject"]

PROMISE = "A yes changes nothing in your own split or commission."


def subject(message: Message) -> str:
    """The subject, on one line."""
    if len(message.topics) == 1:
        (topic,) = message.topics
        line = f"Did {_partner(topic)} help on {one_line(topic.deal, 60)}?"
    else:
        line = f"{count(len(message.topics), 'question')} about partners on your deals"
    return f"Reminder: {line}" if message.is_reminder else line


def about(topic: Topic) -> str:
    """One question's partner, deal and date on one line."""
    return f"{_partner(topic)} on {one_line(topic.deal)}, {day(topic.on)}"


def plain(message: Message) -> str:
    """The message as plain text."""
    lines = [f"Hello {one_line(message.name)}," if message.name else "Hello,", "", _asks(message)]
    lines += [f"- {about(topic)}" for topic in message.topics]
    lines += ["", "One tap answers it, without a log-in:", message.link, "", f"{PROMISE} {_until(message)}", ""]
    return "\n".join(lines)


def html(message: Message) -> str:
    """The message as a small page; every value in it is escaped."""
    template = environment().get_template("messages/question.html.jinja")
    return template.render(
        name=one_line(message.name) if message.name else None,
        asks=_asks(message),
        topics=[about(topic) for topic in message.topics],
        link=message.link,
        promise=PROMISE,
        until=_until(message),
    )


def _partner(topic: Topic) -> str:
    return one_line(topic.partner) if topic.partner else "a partner"


def _asks(message: Message) -> str:
    people = [one_line(name, 60) for name in message.asked_by]
    verb = "asks" if len(people) == 1 else "ask"
    return f"{listing(people)} {verb} whether a partner helped as it was told:"


def _until(message: Message) -> str:
    return f"The link is yours alone, and valid until {day(message.expires_at)}."
