"""Which partner an utterance is about: by name, by who speaks, by what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from features.assist.focus import RIVAL, Focus, Mention, Windows
from features.assist.gazetteer import Gazetteer
from features.assist.lexicon import FIRST_PERSON, HE_OR_SHE, THEY, YOU
from features.assist.naming import Named, Turn, names_in, people_of_partners, speaker_partner
from features.assist.phrases import Phrase, phrases
from features.assist.words import Words, words

__all__ = ["MENTION_COLUMNS", "PAIR_COLUMNS", "Windows", "candidates", "link_partners"]

MENTION_COLUMNS: Final = Mention._fields
PAIR_COLUMNS: Final = ("utterance_id", "partner_id", "link_kind", "link_confidence", "link_reason")

_CONFIDENCE: Final = {
    "they": 0.75,
    "description": 0.75,
    "group": 0.75,
    "person": 0.6,
    "addressed": 0.55,
    "ellipsis": 0.4,
}


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
    ``link_confidence``, ``link_reason``. An utterance that links to nobody has one row without a partner, whose
    ``link_kind`` is ``generic``, ``rival`` or ``none`` (confidence 0).
    """
    ranked = mentions.assign(
        _unknown=mentions["partner_id"].isna(),
        _order=range(len(mentions)),
    ).sort_values(["utterance_id", "confidence", "_order"], ascending=[True, False, True], kind="stable")
    best = ranked.drop_duplicates(["utterance_id", "partner_id"])
    named = best.loc[~best["_unknown"] & (best["kind"] != "ellipsis"), "utterance_id"]
    best = best[~(best["_unknown"] & best["utterance_id"].isin(set(named)))]
    pairs = best.rename(columns={"kind": "link_kind", "confidence": "link_confidence", "reason": "link_reason"})
    pairs = pairs[list(PAIR_COLUMNS)]
    lonely = utterances.loc[~utterances["utterance_id"].isin(set(pairs["utterance_id"])), ["utterance_id"]]
    nobody = lonely.assign(partner_id=None, link_kind="none", link_confidence=0.0, link_reason="no partner in sight")
    place = {utterance_id: n for n, utterance_id in enumerate(utterances["utterance_id"])}
    both = pd.concat([frame for frame in (pairs, nobody) if len(frame)], ignore_index=True)
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
        focus = Focus(self._types)
        for place, (turn, text) in enumerate(zip(turns, texts, strict=True)):
            around = [speaking[i] for i in (place - 1, place - 2, place + 1) if 0 <= i < len(turns)]
            addressed = next((owner for owner in around if owner is not None), None)
            yield from _Turn(turn, text, place, speaking[place], focus, self._windows).links(names[place], addressed)


class _Turn:
    """One turn on its way into the table."""

    def __init__(
        self, turn: Turn, text: Words, place: int, speaks_for: str | None, focus: Focus, windows: Windows
    ) -> None:
        self._turn, self._text, self._place = turn, text, place
        self._own, self._focus, self._windows = speaks_for, focus, windows

    def links(self, names: list[Named], addressed: str | None) -> Iterator[Mention]:
        """All links of the turn, and the focus moved on."""
        said = [self._mention(n.partner_id, (n.start, n.end), n.kind, n.confidence, n.reason) for n in names]
        said += self._speaker()
        before = [*said, *self._stand_ins(names, addressed)]
        if all(m.partner_id is None for m in before) and not any(m.kind == "rival" for m in before):
            before += self._ellipsis()
        yield from sorted(before, key=lambda m: (m.char_start is not None, m.char_start or 0, m.kind))
        self._move(names, before)

    def _mention(
        self, partner_id: str | None, span: tuple[int, int] | None, kind: str, confidence: float, reason: str
    ) -> Mention:
        start, end = span or (None, None)
        return Mention(self._turn.utterance_id, partner_id, start, end, kind, confidence, reason)

    def _speaker(self) -> list[Mention]:
        if self._own is None:
            return []
        spans = [self._span(i) for i, word in enumerate(self._text.folded) if word in FIRST_PERSON]
        whole = self._mention(self._own, None, "speaker", 0.9 if spans else 0.8, "the partner's own people speak")
        reason = "first person of the partner's speaker"
        return [whole, *(self._mention(self._own, span, "speaker", 0.9, reason) for span in spans)]

    def _span(self, place: int) -> tuple[int, int]:
        return self._text.starts[place], self._text.ends[place]

    def _stand_ins(self, names: list[Named], addressed: str | None) -> Iterator[Mention]:
        for phrase in phrases(self._text):
            if not any(name.start < phrase.end and phrase.start < name.end for name in names):
                yield self._described(phrase, names)
        for place, word in enumerate(self._text.folded):
            if word in THEY:
                yield from self._referred(place, names, "they", self._windows.they)
            elif word in HE_OR_SHE:
                yield from self._referred(place, names, "person", self._windows.person)
            elif word in YOU and addressed is not None and self._own is None:
                reason = "said to the partner's people"
                yield self._mention(addressed, self._span(place), "pronoun", _CONFIDENCE["addressed"], reason)

    def _referred(self, place: int, names: list[Named], how: str, window: int) -> Iterator[Mention]:
        start, end = self._span(place)
        earlier = [name for name in names if name.end <= start and name.partner_id is not None]
        if earlier:
            found: tuple[str | None, int] | None = (earlier[-1].partner_id, 0)
        else:
            found = self._focus.latest(self._place, window)
        if found is None or found[0] == self._own:
            return
        owner, ago = found
        if owner == RIVAL:
            yield self._mention(None, (start, end), "rival", 0.5, "a competitor was spoken of last")
        else:
            sure = round(_CONFIDENCE[how] * 0.97**ago, 3)
            yield self._mention(owner, (start, end), "pronoun", sure, f"the partner spoken of {_ago(ago)}")

    def _described(self, phrase: Phrase, names: list[Named]) -> Mention:
        span = (phrase.start, phrase.end)
        if phrase.sort == "rival":
            return self._mention(None, span, "rival", 0.7, "a competitor or its partner")
        if phrase.sort == "theirs":
            latest = self._focus.latest(self._place, self._windows.they)
            if latest is not None and latest[0] == RIVAL:
                return self._mention(None, span, "rival", 0.7, "a competitor's partner")
        if phrase.sort in {"description", "group"}:
            window = self._windows.description if phrase.types else self._windows.they
            found = self._focus.latest(self._place, window, phrase.types)
            if found is not None and found[0] != RIVAL and not names:
                sure = round(_CONFIDENCE[phrase.sort] * 0.97 ** found[1], 3)
                written = self._text.text[phrase.start : phrase.end]
                return self._mention(
                    found[0], span, "description", sure, f"{written}: the one spoken of {_ago(found[1])}"
                )
        return self._mention(None, span, "generic", 0.6, "a partner, but which is not said")

    def _ellipsis(self) -> list[Mention]:
        found = self._focus.latest(self._place, self._windows.ellipsis)
        if found is None or found[0] == RIVAL:
            return []
        sure = round(_CONFIDENCE["ellipsis"] * 0.85 ** max(0, found[1] - 1), 3)
        return [
            self._mention(found[0], None, "ellipsis", sure, f"nobody is named; the partner spoken of {_ago(found[1])}")
        ]

    def _move(self, names: list[Named], said: list[Mention]) -> None:
        if any(m.kind == "rival" for m in said):
            self._focus.note(RIVAL, self._place, 90)
        for order, mention in enumerate(m for m in said if m.kind in {"pronoun", "description"}):
            if mention.partner_id is not None:
                self._focus.note(mention.partner_id, self._place, 50 + order)
        if self._own is not None:
            self._focus.note(self._own, self._place, 40)
        for order, name in enumerate(names):
            if name.partner_id is not None:
                self._focus.note(name.partner_id, self._place, order)


def _ago(turns: int) -> str:
    return "in this turn" if turns == 0 else "one turn ago" if turns == 1 else f"{turns} turns ago"
