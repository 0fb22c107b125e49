"""Which partner an utterance is about: by name, by who speaks, by what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from features.assist.focus import Focus, Mention, Windows
from features.assist.gazetteer import Gazetteer
from features.assist.lexicon import ASKING
from features.assist.naming import Named, Turn, introduced, names_in, people_of_partners, speaker_partner
from features.assist.turn_links import Scene, turn_links
from features.assist.words import Words, words

__all__ = ["MENTION_COLUMNS", "PAIR_COLUMNS", "Windows", "candidates", "link_partners"]

MENTION_COLUMNS: Final = Mention._fields
PAIR_COLUMNS: Final = ("utterance_id", "partner_id", "link_kind", "link_confidence", "link_reason")

_STATED: Final = ("name", "alias", "domain", "fuzzy", "person", "speaker", "description")


def link_partners(
    utterances: pd.DataFrame,
    partners: pd.DataFrame,
    aliases: pd.DataFrame,
    *,
    present: pd.DataFrame | None = None,
    windows: Windows | None = None,
) -> pd.DataFrame:
    """Links of utterances to partners.

    Parameters
    ----------
    utterances : ``utterance_id``, ``conversation_id``, ``seq``, ``text``, ``speaker_org``; ``speaker``,
        ``speaker_email`` and ``partner_id`` (of a partner's speaker) where they are known.
    partners : all partners: ``partner_id``, ``name``; ``partner_type`` and ``domains`` where they are known.
    aliases : ``partner_id``, ``alias``.
    present : partners known to take part in a conversation's deal: ``conversation_id``, ``partner_id``. They decide
        between two partners of one name, and for a name that is a common word. None: nothing is known.
    windows : how far back stand-ins reach; None: as measured.

    Returns
    -------
    Mentions, in the order of conversation, turn and text: ``utterance_id``; ``partner_id`` (missing: a rival, or a
    partner, but which is not known); ``char_start`` and ``char_end`` (end excluded; missing for ``speaker`` as a whole
    and ``ellipsis``); ``kind`` (``name``, ``alias``, ``domain``, ``fuzzy``, ``person``, ``speaker``, ``pronoun``,
    ``description``, ``ellipsis``, ``generic``, ``rival``); ``confidence`` in (0, 1); ``reason`` in words.
    """
    linker = _Linker(Gazetteer(partners, aliases), _types(partners), windows or Windows())
    guests = _guests(present)
    ordered = utterances.sort_values(["conversation_id", "seq", "utterance_id"], kind="stable")
    rows: list[Mention] = []
    for conversation_id, turns in _conversations(ordered):
        rows.extend(linker.mentions(turns, guests.get(conversation_id, frozenset())))
    frame = pd.DataFrame(rows, columns=list(MENTION_COLUMNS))
    return frame.astype({"char_start": "Int64", "char_end": "Int64", "confidence": "float64"})


def candidates(utterances: pd.DataFrame, mentions: pd.DataFrame) -> pd.DataFrame:
    """Pairs to be judged: each utterance with each partner it may be about.

    Parameters
    ----------
    utterances : ``utterance_id``.
    mentions : from `link_partners`.

    Returns
    -------
    One row per utterance and candidate, the surest first: ``utterance_id``, ``partner_id``, ``link_kind``,
    ``link_confidence``, ``link_reason``. An utterance has a row without a partner if it speaks of a rival, or of some
    partner while none is stated (``link_kind`` ``rival``, ``generic``; ``name``: several bear it), or if nobody is in
    sight (``none``, confidence 0).
    """
    ranked = mentions.assign(
        _unknown=mentions["partner_id"].isna(),
        _order=range(len(mentions)),
    ).sort_values(["utterance_id", "confidence", "_order"], ascending=[True, False, True], kind="stable")
    best = ranked.drop_duplicates(["utterance_id", "partner_id"])
    stated = set(best.loc[~best["_unknown"] & best["kind"].isin(_STATED), "utterance_id"])
    is_needless = best["_unknown"] & (best["kind"] != "rival") & best["utterance_id"].isin(stated)
    best = best[~is_needless]
    pairs = best.rename(columns={"kind": "link_kind", "confidence": "link_confidence", "reason": "link_reason"})
    pairs = pairs[list(PAIR_COLUMNS)]
    lonely = utterances.loc[~utterances["utterance_id"].isin(set(pairs["utterance_id"])), ["utterance_id"]]
    nobody = lonely.assign(partner_id=None, link_kind="none", link_confidence=0.0, link_reason="no partner in sight")
    place = {utterance_id: n for n, utterance_id in enumerate(utterances["utterance_id"])}
    both = (
        pd.concat([pairs, nobody], ignore_index=True) if len(pairs) and len(nobody) else pairs if len(pairs) else nobody
    )
    order = both["utterance_id"].map(place)
    return both.assign(_place=order).sort_values("_place", kind="stable").drop(columns="_place").reset_index(drop=True)


def _types(partners: pd.DataFrame) -> dict[str, str]:
    if "partner_type" not in partners:
        return {}
    typed = partners.dropna(subset=["partner_type"])
    return dict(zip(typed["partner_id"].astype(str), typed["partner_type"].astype(str), strict=True))


def _guests(present: pd.DataFrame | None) -> dict[str, frozenset[str]]:
    if present is None:
        return {}
    grouped = present.groupby("conversation_id")["partner_id"]
    return {str(conversation_id): frozenset(map(str, ids)) for conversation_id, ids in grouped}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _conversations(utterances: pd.DataFrame) -> Iterator[tuple[str, list[Turn]]]:
    columns = ("conversation_id", "utterance_id", "text", "speaker", "speaker_email", "speaker_org", "partner_id")
    lists = [utterances[c].tolist() if c in utterances else [None] * len(utterances) for c in columns]
    current, turns = None, list[Turn]()
    for conversation_id, utterance_id, text, *rest in zip(*lists, strict=True):
        if conversation_id != current and turns:
            yield str(current), turns
            turns = []
        current = conversation_id
        speaker, email, org, partner_id = map(_text, rest)
        turns.append(Turn(utterance_id, _text(text) or "", speaker, email, org or "unknown", partner_id))
    if turns:
        yield str(current), turns


class _Linker:
    def __init__(self, gazetteer: Gazetteer, types: Mapping[str, str], windows: Windows) -> None:
        self._gazetteer = gazetteer
        self._types = types
        self._windows = windows

    def mentions(self, turns: Sequence[Turn], guests: frozenset[str]) -> Iterator[Mention]:
        """Links of one conversation's turns, which are in order."""
        speaking = [speaker_partner(turn, self._gazetteer) for turn in turns]
        people, speakers = people_of_partners(turns, speaking)
        texts = [words(turn.text) for turn in turns]
        present = guests | {owner for owner in speaking if owner is not None}
        names = names_in(texts, self._gazetteer, people, speakers, present)
        speaking = introduced(turns, texts, names, speaking)
        focus = Focus(self._types)
        for place, (turn, text) in enumerate(zip(turns, texts, strict=True)):
            around = [*range(place - 1, place - 1 - self._windows.addressed, -1), place + 1]
            spoke = [speaking[i] for i in around if 0 <= i < len(turns)]
            addressed = next((owner for owner in spoke if owner is not None), None)
            following = _following(texts, names, place, self._windows.ahead)
            scene = Scene(place, speaking[place], addressed, following, focus, self._windows, guests)
            yield from turn_links(turn, text, names[place], scene)


def _following(
    texts: Sequence[Words], names: list[list[Named]], place: int, window: int
) -> tuple[str, int, bool] | None:
    """The partner that is named next, in how many turns, and whether it was asked for; None if none is so near."""
    is_asked = False
    for ahead in range(1, min(window, len(names) - place - 1) + 1):
        for named in names[place + ahead]:
            if named.partner_id is not None:
                return named.partner_id, ahead, is_asked
        is_asked = is_asked or not ASKING.isdisjoint(texts[place + ahead].folded)
    return None
