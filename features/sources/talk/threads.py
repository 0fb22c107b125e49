"""Mails put together to threads, each mail's words counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from features.sources.talk.mail import Mail
from features.sources.talk.mail_text import Part
from features.sources.talk.rows import Person, Talk, Turn, digest

__all__ = ["mail_talks"]

_LONGEST_GAP: Final = timedelta(days=60)
_SHORTEST_SUBJECT: Final = 4
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def mail_talks(mails: Iterable[Mail]) -> Iterator[Talk]:
    """One talk for each thread, by its key.

    Mails belong together by Message-ID and references; one that is a reply without them, by subject, a person in common
    and at most 60 days. A second copy of a mail is rejected. Quoted text is left out where a mail of the thread has it,
    or quoted it before; else it is kept as quoted, by whom its introduction names. Signatures are left out.
    """
    ordered = sorted(mails, key=lambda mail: (mail.sent_at or _EVER, mail.key, mail.file, mail.line))
    threads = _Threads()
    for mail in ordered:
        threads.join([mail.key, *mail.references])
    _join_by_subject(ordered, threads)
    grouped: dict[str, list[Mail]] = defaultdict(list)
    for mail in ordered:
        grouped[threads.root(mail.key)].append(mail)
    yield from sorted(map(_talk, grouped.values()), key=lambda talk: talk.key)


class _Threads:
    """Sets of message ids that belong together."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}

    def root(self, key: str) -> str:
        while (parent := self.parents.setdefault(key, key)) != key:
            self.parents[key] = self.parents.get(parent, parent)
            key = parent
        return key

    def join(self, keys: list[str]) -> None:
        roots = sorted({self.root(key) for key in keys})
        for root in roots[1:]:
            self.parents[root] = roots[0]


def _join_by_subject(ordered: list[Mail], threads: _Threads) -> None:
    latest: dict[str, list[Mail]] = defaultdict(list)
    for mail in ordered:
        subject = mail.subject.casefold()
        if len(subject) < _SHORTEST_SUBJECT:
            continue
        if mail.is_reply and not mail.references and mail.sent_at is not None:
            earlier = [one for one in reversed(latest[subject]) if _is_near(one, mail)]
            if earlier:
                threads.join([earlier[0].key, mail.key])
        latest[subject].append(mail)


def _is_near(earlier: Mail, mail: Mail) -> bool:
    if earlier.sent_at is None or mail.sent_at is None or mail.sent_at - earlier.sent_at > _LONGEST_GAP:
        return False
    return bool(_everyone(earlier) & _everyone(mail))


def _everyone(mail: Mail) -> set[str]:
    return {address.lower() for _, address in (mail.sender, *mail.recipients) if address}


def _talk(thread: list[Mail]) -> Talk:
    first = thread[0]
    dates = [mail.sent_at for mail in thread if mail.sent_at is not None]
    started = min(dates) if dates else None
    talk = Talk(f"email-{digest([_root(thread)])}", "email", "email", first.file, line=first.line)
    talk.started_at = started.isoformat() if started else ""
    told = _Told(thread)
    seen: set[str] = set()
    for mail in thread:
        if mail.key in seen:
            talk.turns.append(_faulty(mail, "copy of a mail that is in this import already"))
            continue
        seen.add(mail.key)
        since = (mail.sent_at - started).total_seconds() if mail.sent_at and started else None
        talk.turns += _turns(mail, since, told)
        talk.people.append(Person(*mail.sender, role="sender"))
        talk.people += [Person(*recipient, role="recipient") for recipient in mail.recipients]
    talk.people = [person for person in talk.people if person.name or person.email]
    return talk


def _root(thread: list[Mail]) -> str:
    """The id of the mail that began the thread, even where that mail is not there."""
    beginners = [mail.key for mail in thread if not mail.references and not mail.is_reply]
    if beginners:
        return beginners[0]
    ids = {mail.key for mail in thread}
    oldest = [mail.references[0] for mail in thread if mail.references and mail.references[0] not in ids]
    return min(oldest) if oldest else thread[0].key


class _Told:
    """The words that the mails of a thread have themselves, and those that were quoted so far."""

    def __init__(self, thread: list[Mail]) -> None:
        self.own = {
            mail.key: " ".join(_folded(p.text) for p in mail.passages if p.part is not Part.QUOTED) for mail in thread
        }
        self.quoted: set[str] = set()

    def is_new(self, mail: Mail, text: str) -> bool:
        """Whether the quoted text stands in no other mail of the thread and was not quoted before."""
        folded = _folded(text)
        if not folded or folded in self.quoted:
            return False
        self.quoted.add(folded)
        return not any(folded in words for key, words in self.own.items() if key != mail.key)


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _turns(mail: Mail, since: float | None, told: _Told) -> Iterator[Turn]:
    if mail.fault is not None:
        yield _faulty(mail, mail.fault)
        return
    name, address = mail.sender
    n_kept = 0
    for passage in mail.passages:
        is_quoted = passage.part is Part.QUOTED
        if passage.part is Part.SIGNATURE or (is_quoted and not told.is_new(mail, passage.text)):
            continue
        n_kept += 1
        yield Turn(
            passage.text,
            (passage.author or passage.address) if is_quoted else name or address,
            None if is_quoted else since,
            email=passage.address if is_quoted else address,
            is_quoted=is_quoted,
            unit=_unit(mail),
            file=mail.file,
            line=mail.line,
        )
    if not n_kept:
        yield _faulty(mail, "mail has no words beside its signature and what is quoted from other mails")


def _faulty(mail: Mail, fault: str) -> Turn:
    return Turn("", mail.sender[0], email=mail.sender[1], unit=_unit(mail), file=mail.file, line=mail.line, fault=fault)


def _unit(mail: Mail) -> str:
    return f"email-{digest([mail.key])}"
