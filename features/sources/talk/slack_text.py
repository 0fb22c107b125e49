"""Slack's markup of messages as plain text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

__all__ = ["plain_text"]

_LINK: Final = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def plain_text(text: str, name_of: Callable[[str, str], str | None]) -> str:
    """The text as it is shown: ``<@U1>`` by its name, ``<#C1|sales>`` as ``#sales``, links by their label, entities.

    ``name_of("@", "U1")`` and ``name_of("#", "C1")`` give a user's and a channel's name, ``None`` where not known; then
    the label in the message counts, else the id.
    """
    return html.unescape(_LINK.sub(lambda found: _shown(found, name_of), text))


def _shown(found: re.Match[str], name_of: Callable[[str, str], str | None]) -> str:
    kind, target, label = found[1], found[2], found[3] or ""
    if kind in ("@", "#") and kind:
        return kind + (name_of(kind, target) or label or target).lstrip("@#")
    if kind == "!":
        return label or f"@{target.partition('^')[0]}"
    return label or target.removeprefix("mailto:")
