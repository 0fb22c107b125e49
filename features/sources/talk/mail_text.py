"""The body of a mail cut into what its author wrote, what is quoted from earlier mail, and the signature.

Everything is told line by line, in one pass, so that answers between quoted lines are kept and a hostile body costs no
more than a long one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from features.sources.talk.mail_authors import author_of

__all__ = ["Part", "Passage", "passages"]


class Part(StrEnum):
    """What a passage is."""

    OWN = "own"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph or list item, its lines joined, and what it is; ``line`` counts from 0 within the body.

    ``author`` and ``address`` are those of a quoted message, where its introduction tells.
    """

    part: Part
    text: str
    line: int
    author: str = ""
    address: str = ""


_QUOTE: Final = re.compile(r"^\s*(?:>\s?)+")
_ADDRESS_OR_TIME: Final = re.compile(
    r"@[\w-]+\.|\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d{2}\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
)
_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|escribió|escreveu|a écrit|ha scritto|scrisse|schreef|napisał|skrev|"
    r"kirjoitti|написала?|пише[тс]?)\b[^:]{0,120}:$|(?:写道|書きました|작성)[:：]?$",
    re.IGNORECASE,
)
_ON: Final = re.compile(r"^(?:On|Am|Le|El|Il|Em|Op|Den|Dnia|W dniu|\d{1,4}[./-]\d{1,2})\b", re.IGNORECASE)
_RULE: Final = re.compile(
    r"^[\s>*]*(?:-{2,}\s*(?:Original Message|Original Appointment|Forwarded (?:message|by\b.*)|Reply message|"
    r"Ursprüngliche Nachricht|Message d'origine|Mensaje original|Messaggio originale|Oorspronkelijk bericht|"
    r"Пересланное сообщение|Исходное сообщение)\s*-*|Begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_FIELD: Final = re.compile(
    r"^[\s>*]*(?P<name>From|Sent|To|Cc|Subject|Date|Reply-To|Organization|Importance|Von|Gesendet|An|Betreff|Datum|De|"
    r"Envoyé|À|Objet|Enviado(?: el)?|Para|Asunto|Fecha|Da|Inviato|A|Oggetto|Data|Van|Verzonden|Aan|Onderwerp|От|"
    r"Отправлено|Кому|Тема|Дата)\s*:\**\s",
    re.IGNORECASE,
)
_SENDERS: Final = frozenset(("from", "von", "de", "da", "van", "от"))
_DELIMITER: Final = re.compile(r"^\s*(?:--|—|__)\s*$")
_LINE: Final = re.compile(r"^[\s>*]*[-_=~]{5,19}[-_=~]*\s*$")
_SIGNED: Final = re.compile(r"^[-–—][^\W\d_][\w.'-]+(?:\s[^\W\d_][\w.'-]+){0,2}\s*$")
_LIST_FOOTER: Final = re.compile(r"^\s*_{20,}\s*$")
_SENT_FROM: Final = re.compile(
    r"^\s*(?:(?:Sent|Gesendet|Envoyé|Enviado|Inviato|Verzonden|Отправлено)\s+(?:from|via|with|von|mit|depuis|de|desde|da|"
    r"dal|vanaf|met|с|из)\s+(?:(?:my|meinem|mon|mi|mio|mijn)\s+)?[^.!?]{2,60}|Get Outlook for \w+.*|via mobile)\s*$",
    re.IGNORECASE,
)
_NOT_SENT_FROM: Final = re.compile(r"\b(?:is|was|are|desk|office|home)\b", re.IGNORECASE)
_CLOSING: Final = re.compile(
    r"^\s*(?:(?:best|kind|warm|warmest|many|with (?:best|kind|warm))\s+(?:regards|wishes|thanks)|regards|rgds|cheers|"
    r"sincerely(?: yours)?|yours (?:sincerely|truly|faithfully)|best|thanks(?: again)?|thank you|thx|mit freundlichen "
    r"grüßen|viele grüße|beste grüße|cordialement|saludos|cordiali saluti|met vriendelijke groet|с уважением)[,.!\s]*$",
    re.IGNORECASE,
)
_CONFIDENTIAL: Final = re.compile(
    r"^\W*(?:(?:confidentiality|legal) (?:notice|note)\b|disclaimer\b|this (?:e-?mail|message|communication)"
    r"(?: and any| \(including|,? including| is (?:confidential|intended|for))|the information (?:contained )?in this "
    r"(?:e-?mail|message))",
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_NAME: Final = re.compile(r"^[^\W\d_][\w.'’-]*(?:,?\s+[^\W\d_][\w.'’-]*){1,5}$")
_REACHED: Final = re.compile(r"@[\w-]+\.\w|https?://|www\.|\+?\(?\d[\d ()./-]{6,}\d")
_SAYS: Final = re.compile(r"[!?:,]$|(?:\S+\s+){4}.*\.$")
_CARD_LINES: Final = 8
_MOST_SIGNATURE: Final = 12
_INTRO_LINES: Final = 3


def passages(body: str) -> list[Passage]:
    """All paragraphs of a mail in their order; joined, they hold every word but marks of quotation and introductions.

    Quoted is a line behind ``>``, and all from a header block (``From: … Sent: …``), a rule such as ``-----Original
    Message-----``, or a line like ``On … wrote:`` with no ``>`` after it. An introduction is dropped. A signature
    begins with ``-- ``, ``Sent from my …``, a closing formula within 8 short lines of the end, a legal notice,
    or is a name with how to reach it.
    """
    lines = [line.rstrip() for line in body.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").split("\n")]
    parts = _quoted(lines)
    _mark_signatures(lines, parts)
    parts = [
        None if part is not Part.SIGNATURE and _LINE.match(line) else part
        for line, part in zip(lines, parts, strict=True)
    ]
    return list(_paragraphs(lines, parts))


def _quoted(lines: list[str]) -> list[Part | None]:
    """What each line is; ``None`` for introductions and rules, which are nobody's words."""
    parts: list[Part | None] = [Part.QUOTED if _QUOTE.match(line) else Part.OWN for line in lines]
    is_rest = False
    number = 0
    while number < len(lines):
        if is_rest:
            parts[number] = parts[number] and Part.QUOTED
        if parts[number] is Part.OWN or is_rest:
            taken, starts_rest = _introduction(lines, number)
            for one in range(number, number + taken):
                parts[one] = None
            is_rest |= starts_rest
            number += max(taken, 1)
        else:
            number += 1
    return parts


def _introduction(lines: list[str], number: int) -> tuple[int, bool]:
    """How many lines from here introduce a quotation, and whether all after them is quoted without marks."""
    if _RULE.match(lines[number]):
        return 1, True
    if n := _header_block(lines, number):
        return n, True
    if not (_ADDRESS_OR_TIME.search(lines[number]) or _ON.match(lines[number].strip())):
        return 0, False
    for taken in range(1, _INTRO_LINES + 1):
        block = lines[number : number + taken]
        if len(block) < taken or not block[-1].strip() or (taken > 1 and _QUOTE.match(block[-1])):
            return 0, False
        text = " ".join(line.strip() for line in block)
        if not text.endswith((":", "：", "写道")) or not _ADDRESS_OR_TIME.search(text):
            continue
        follows = _next_words(lines, number + taken)
        if follows is not None and _QUOTE.match(lines[follows]):
            return (taken, False) if _ON.match(text) or _WROTE.search(text) or "@" in text else (0, False)
        if _WROTE.search(text) and (_ON.match(text) or "@" in text):
            return taken, True
    return 0, False


def _header_block(lines: list[str], number: int) -> int:
    """Lines of a block ``From: … Sent: … To: …`` that begins here; 0 where there is none."""
    first = _FIELD.match(f"{lines[number]} ")
    if first is None or lines[number].startswith(">") or first["name"].lower() not in _SENDERS | {"date", "subject"}:
        return 0
    names, taken = set(), 0
    for line in lines[number : number + 12]:
        found = _FIELD.match(f"{line} ")
        if found is None and (not line.strip() or taken == 0):
            break
        if found is not None:
            names.add(found["name"].lower())
        taken += 1
        if found is None and len(names) >= 4:
            taken -= 1
            break
    return taken if len(names) >= 3 and names & _SENDERS else 0


def _next_words(lines: list[str], number: int) -> int | None:
    return next((n for n in range(number, min(number + 6, len(lines))) if lines[n].strip()), None)


def _mark_signatures(lines: list[str], parts: list[Part | None]) -> None:
    """Marks the end of the author's own words as signature, up to where a quotation begins."""
    own = [n for n, part in enumerate(parts) if part is Part.OWN and lines[n].strip()]
    for position, number in enumerate(own):
        rest = own[position:]
        if _begins_signature(lines, rest, has_words=position > 0):
            for one in rest:
                parts[one] = Part.SIGNATURE
            return
        if len(rest) <= 6 and _SENT_FROM.match(lines[number]) and not _NOT_SENT_FROM.search(lines[number]):
            parts[number] = Part.SIGNATURE
    for number in _contact_block(lines, own):
        parts[number] = Part.SIGNATURE


def _contact_block(lines: list[str], own: list[int]) -> list[int]:
    """The author's last lines, if they are a name and how to reach them: short, and no sentence among them."""
    first = len(own)
    while first > 0 and (first == len(own) or own[first - 1] == own[first] - 1):
        first -= 1
    block = [lines[n].strip() for n in own[first:]]
    is_card = 2 <= len(block) <= _CARD_LINES and first > 0 and all(len(one) <= 60 for one in block)
    if not is_card or any(_SAYS.search(one) for one in block) or not _NAME.match(block[0]):
        return []
    return own[first:] if any(_REACHED.search(one) for one in block[1:]) else []


def _begins_signature(lines: list[str], rest: list[int], *, has_words: bool) -> bool:
    line = lines[rest[0]]
    is_short = len(rest) <= _MOST_SIGNATURE and all(len(lines[n]) <= 100 for n in rest[1:])
    if _LIST_FOOTER.match(line):
        return len(rest) <= _MOST_SIGNATURE
    if _DELIMITER.match(line):
        return len(rest) <= 2 * _MOST_SIGNATURE
    if _SIGNED.match(line):
        return (
            has_words
            and not lines[rest[0] - 1].strip()
            and (len(rest) == 1 or bool(_LIST_FOOTER.match(lines[rest[1]])))
        )
    if _CONFIDENTIAL.match(line):
        return has_words
    is_closing = has_words and is_short and bool(_CLOSING.match(line)) and len(rest) <= 8
    return is_closing and not any(_is_sentence(lines[n]) for n in rest[1:])


def _is_sentence(line: str) -> bool:
    words = line.split()
    return len(words) > 8 or (len(words) >= 4 and words[-1].endswith((".", "!", "?")))


def _paragraphs(lines: list[str], parts: list[Part | None]) -> Iterator[Passage]:
    held: list[str] = []
    introduction: list[str] = []
    part, first, depth = Part.OWN, 0, 0
    author = ("", "")
    for number, (line, kind) in enumerate(zip([*lines, ""], [*parts, None], strict=True)):
        words = _QUOTE.sub("", line) if kind is Part.QUOTED else line
        is_break = kind is not part or not words.strip() or bool(_ITEM.match(words))
        if held and (is_break or kind is Part.SIGNATURE):
            text = " ".join(" ".join(held).split())
            if part is Part.QUOTED and _is_introduction(text):
                author = author_of(text) or author
            else:
                is_told = part is Part.QUOTED and depth <= 1
                yield Passage(part, text, first, *(author if is_told else ("", "")))
            held = []
        if kind is None:
            introduction.append(line)
        elif introduction and words.strip():
            author, introduction = author_of("\n".join(introduction)) or author, []
        if kind is not None and words.strip():
            if not held:
                part, first, depth = kind, number, _depth(line)
            held.append(words)


def _depth(line: str) -> int:
    found = _QUOTE.match(line)
    return found[0].count(">") if found else 0


def _is_introduction(text: str) -> bool:
    """Whether a quoted paragraph only tells of the mail that it is from."""
    if _FIELD.match(f"{text} "):
        return bool(_ADDRESS_OR_TIME.search(text))
    return len(text) <= 250 and bool(_WROTE.search(text)) and bool(_ADDRESS_OR_TIME.search(text))
