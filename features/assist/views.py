"""What is seen of a pair: the masked words of its utterance and of the turns around it, and who says them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import pandas as pd

from features.assist.masking import NAME, Masker

__all__ = ["AROUND", "VIEW_COLUMNS", "unlisted", "views"]

AROUND: Final = {"before": -1, "earlier": -2, "after": 1}
"""Turns around the utterance that are seen, by how many turns they stand from it."""
VIEW_COLUMNS: Final = ("text", "side", "link", *(name for turn in AROUND for name in (turn, f"{turn}_side")))
NOBODY: Final = "none"
"""Side of a turn that is not there."""
OTHER_PARTNER: Final = "other_partner"
UNLISTED: Final = "unlisted"
"""Link of a pair whose partner, if it is one, stands on no list."""

_UNHEARD: Final = re.compile(r"<(?:inaudible|crosstalk|unk)>")
_FILLER: Final = re.compile(
    r"\b(?:uh+|um+|erm?|mm+|hmm+)\b[,.]?\s*|[{<]\w+[}>]\s*|\b(\w+)-,? (?=\1)|\b(\w+),? (?=\2\b)", re.IGNORECASE
)
_THIRD_PARTY: Final = re.compile(
    r"partner|re-?seller|integrat|alliance|distribut|dealer|consult|joint|vendor|collaborat|supplier|broker|agen[tc]"
    r"|contractor|provider|franchis|licen[sc]ee|advis|auditor|counsel|together with|along with|on our behalf"
    r"|for us\b|\bassist|\bhelp|\bthrough |\bvia |\bby ",
    re.IGNORECASE,
)


def views(utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Masked words of each pair and of the turns around it.

    Parameters
    ----------
    utterances : ``utterance_id``, ``conversation_id``, ``seq``, ``text``, ``speaker_org``; ``speaker`` and
        ``partner_id`` where they are known.
    mentions, pairs : from ``features.assist.links``.

    Returns
    -------
    Indexed as ``pairs``: ``text``; ``before``, ``earlier`` and ``after``, the turns one and two before and one after
    (empty where there is none); ``side`` and ``before_side`` and so on, who says them (``internal``, ``customer``,
    ``unknown``, ``partner`` for the pair's partner, ``other_partner`` or ``none``); ``link``, how the pair is linked.
    Names stand by role, and sounds that mean nothing are left out.
    """
    ordered = utterances.sort_values(["conversation_id", "seq", "utterance_id"], kind="stable")
    turns = _Turns(ordered, Masker(utterances, mentions))
    keys = list(zip(pairs["utterance_id"], pairs["partner_id"], strict=True))
    partners = [partner if isinstance(partner, str) else None for _, partner in keys]
    seen: dict[str, list[str]] = {"text": [], "side": []}
    for (utterance, _), partner in zip(keys, partners, strict=True):
        seen["text"].append(turns.text(utterance, 0, partner))
        seen["side"].append(turns.side(utterance, 0, partner))
        for name, step in AROUND.items():
            seen.setdefault(name, []).append(turns.text(utterance, step, partner))
            seen.setdefault(f"{name}_side", []).append(turns.side(utterance, step, partner))
    frame = pd.DataFrame({**seen, "link": pairs["link_kind"].tolist()}, index=pairs.index)
    return frame.assign(link=_links(frame, _has_partner(utterances, mentions, pairs)))[list(VIEW_COLUMNS)]


def unlisted(seen: pd.DataFrame) -> pd.DataFrame:
    """The views as they would be if no partner stood on any list: partners' names are names like any other."""
    texts = {
        column: seen[column].str.replace(r"\[(?:OTHER_)?PARTNER\]", NAME, regex=True) for column in ("text", *AROUND)
    }
    return seen.assign(**texts, link=UNLISTED)


def _has_partner(utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series[bool]:
    """Whether a partner of the list is mentioned anywhere in the pair's conversation; indexed as ``pairs``."""
    conversation = utterances.set_index("utterance_id")["conversation_id"]
    known = mentions.loc[mentions["partner_id"].notna(), "utterance_id"].map(conversation)
    return pairs["utterance_id"].map(conversation).isin(set(known))


def _links(seen: pd.DataFrame, has_partner: pd.Series[bool]) -> pd.Series[str]:
    """The link, or ``unlisted`` where nobody known is meant and yet somebody may have acted for us."""
    is_open = seen["link"].isin(["none", "generic"])
    may_act = ~has_partner | (
        seen["text"].str.contains(NAME, regex=False)
        | seen["text"].str.contains(_THIRD_PARTY)
        | seen["link"].eq("generic")
    )
    return seen["link"].mask(is_open & may_act, UNLISTED)


class _Turns:
    """Turns around an utterance, as one partner's pair sees them."""

    def __init__(self, ordered: pd.DataFrame, masker: Masker) -> None:
        self._ids = ordered["utterance_id"].astype(str).tolist()
        self._place = {utterance: place for place, utterance in enumerate(self._ids)}
        self._conversations = ordered["conversation_id"].tolist()
        self._orgs = ordered["speaker_org"].astype(str).tolist()
        self._speaking = _texts(ordered["partner_id"]) if "partner_id" in ordered else [None] * len(ordered)
        self._masker = masker

    def _at(self, utterance: str, step: int) -> int | None:
        here = self._place[utterance]
        there = here + step
        if 0 <= there < len(self._ids) and self._conversations[there] == self._conversations[here]:
            return there
        return None

    def text(self, utterance: str, step: int, partner: str | None) -> str:
        place = self._at(utterance, step)
        if place is None:
            return ""
        return _FILLER.sub("", _UNHEARD.sub(NAME, self._masker.masked(self._ids[place], partner).text))

    def side(self, utterance: str, step: int, partner: str | None) -> str:
        place = self._at(utterance, step)
        if place is None:
            return NOBODY
        org, speaking = self._orgs[place], self._speaking[place]
        return OTHER_PARTNER if org == "partner" and speaking not in {None, partner} else org


def _texts(values: Iterable[object]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]
