"""Who wrote a quoted message, as the line or block of headers before it tells."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["author_of"]

_ADDRESS: Final = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_FROM: Final = re.compile(
    r"(?:^|\n)[\s>*]*(?:From|Von|De|Da|Van|От)\s*:\**\s*([^\n]+?)(?=\s+\**(?:Sent|Gesendet|Envoyé|Enviado|Inviato|"
    r"Verzonden|Отправлено|To|An|Date|Datum|Cc|Subject|Betreff)\s*:|\n|$)",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"(?:[,\d]|[AP]M|\bat)\s+([^,\d<>\[\]:]{2,80}?)[\s,]*(?:[<\[(][^\n]{0,120})?\s*\b(?:wrote|writes|написала?|пишет)\b"
)
_AFTER: Final = re.compile(r"\b(?:schrieb|schreef|a écrit|ha scritto|escribió)\s+([^:<\[(]{2,80})")
_NO_NAME: Final = re.compile(r"^\s*[AP]M\b|[\"'*]|\[mailto:[^\]]*\]|<[^>]*>|\(mailto:[^)]*\)")


def author_of(text: str) -> tuple[str, str] | None:
    """Name and address in ``On 9 May 2025, Ann Li <ann@a.example> wrote:`` or ``From: Ann Li [mailto:…]``.

    Either may be empty; ``None`` when the text names nobody.
    """
    text = text[:1_000]
    found = _FROM.search(text) or _BEFORE.search(text) or _AFTER.search(text)
    address = _ADDRESS.search(found[1] if found and "@" in found[1] else text)
    name = " ".join(_NO_NAME.sub(" ", found[1]).split()) if found else ""
    name = "" if _ADDRESS.search(name) else name.strip(" ,;")
    if not name and address is None:
        return None
    return name, address[0] if address else ""
