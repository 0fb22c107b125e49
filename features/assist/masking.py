"""Text without names: each name becomes its role, so that no model can learn a company or a person by heart."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import pandas as pd

from features.assist.common_names import SURE, points
from features.assist.gazetteer import Gazetteer
from features.assist.lexicon import LEGAL_FORMS
from features.assist.other_names import name_words, rival_words
from features.assist.words import Words, words

__all__ = ["CUSTOMER", "NAME", "OTHER_PARTNER", "PARTNER", "RIVAL", "VENDOR", "MaskedText", "Masker", "masked"]

PARTNER: Final = "[PARTNER]"
OTHER_PARTNER: Final = "[OTHER_PARTNER]"
RIVAL: Final = "[RIVAL]"
CUSTOMER: Final = "[CUSTOMER]"
VENDOR: Final = "[VENDOR]"
NAME: Final = "[NAME]"

_NAMED: Final = frozenset({"name", "alias", "domain", "fuzzy"})
_STAND_INS: Final = frozenset({"pronoun", "description", "speaker", "person"})
_ADDRESS: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}|https?://\S+")
_LEGAL_FORM: Final = re.compile(r",? ([A-Z][A-Za-z]{1,7})\b\.?")


class MaskedText(NamedTuple):
    """A text without names, and where in it the pair's partner is meant: tags, pronouns and descriptions alike.

    ``partner_spans`` and ``rival_spans`` are character offsets in ``text``, end excluded, in order.
    """

    text: str
    partner_spans: tuple[tuple[int, int], ...]
    rival_spans: tuple[tuple[int, int], ...]


class _Span(NamedTuple):
    start: int
    end: int
    tag: str
    partner_id: str | None


class _Place(NamedTuple):
    start: int
    end: int
    new_start: int
    new_end: int
    tag: str


class Masker:
    """Masks any turn of the conversations from the point of view of one partner.

    Parameters
    ----------
    utterances : ``utterance_id``, ``conversation_id``, ``text``, and ``speaker`` where known.
    mentions : from `features.assist.links.link_partners`.
    customers, vendors, rivals : names of customers' companies, of the seller and its products, and of competitors.
    """

    def __init__(
        self,
        utterances: pd.DataFrame,
        mentions: pd.DataFrame,
        *,
        customers: Iterable[str] = (),
        vendors: Iterable[str] = (),
        rivals: Iterable[str] = (),
    ) -> None:
        self._roles = _role_names({CUSTOMER: customers, VENDOR: vendors, RIVAL: rivals})
        self._texts = {u: t if isinstance(t, str) else "" for u, t in _pairs_of(utterances, "utterance_id", "text")}
        self._conversation = dict(_pairs_of(utterances, "utterance_id", "conversation_id"))
        self._speakers = _speaker_words(utterances)
        self._mentions = _by_utterance(mentions)
        self._rivals = self._rival_words()
        self._spans: dict[str, list[_Span]] = {}

    def masked(self, utterance_id: str, partner_id: str | None) -> MaskedText:
        """One turn, whose pair's partner is ``partner_id`` (None: a partner, but which is not known).

        Raises ``KeyError`` for an utterance that the masker was not given.
        """
        text = self._texts[utterance_id]
        if utterance_id not in self._spans:
            self._spans[utterance_id] = self._found(utterance_id, words(text))
        parts, places, at, length = [], [], 0, 0
        for span in self._spans[utterance_id]:
            tag = PARTNER if span.tag == OTHER_PARTNER and span.partner_id == partner_id is not None else span.tag
            parts += [text[at : span.start], tag]
            length += span.start - at
            places.append(_Place(span.start, span.end, length, length + len(tag), tag))
            length, at = length + len(tag), span.end
        partner = {(place.new_start, place.new_end) for place in places if place.tag == PARTNER}
        rival = {(place.new_start, place.new_end) for place in places if place.tag == RIVAL}
        starts = [place.start for place in places]
        for start, end, kind, owner in self._mentions.get(utterance_id, ()):
            if kind == "rival":
                rival.add((_moved(start, starts, places, to_end=False), _moved(end, starts, places, to_end=True)))
            elif kind in _STAND_INS and owner is not None and owner == partner_id:
                partner.add((_moved(start, starts, places, to_end=False), _moved(end, starts, places, to_end=True)))
        return MaskedText("".join([*parts, text[at:]]), tuple(sorted(partner)), tuple(sorted(rival)))

    def _found(self, utterance_id: str, text: Words) -> list[_Span]:
        """What is replaced, in order and without overlap: partners first, then known companies, then other names."""
        conversation = self._conversation[utterance_id]
        spans = [
            _Span(start, _with_legal_form(text, end), OTHER_PARTNER, owner)
            for start, end, kind, owner in self._mentions.get(utterance_id, ())
            if kind in _NAMED
        ]
        spans += [_Span(m.start(), m.end(), NAME, None) for m in _ADDRESS.finditer(text.text)]
        for hit in self._roles.find(text) if self._roles is not None else ():
            if hit.kind != "fuzzy" and points(text, hit) >= SURE:
                spans.append(_Span(hit.start, _with_legal_form(text, hit.end), hit.partner_ids[0], None))
        rivals = self._rivals.get(conversation, frozenset())
        for place, end_place in name_words(text, self._speakers.get(conversation, frozenset()) | rivals):
            tag = RIVAL if any(w in rivals for w in text.folded[place : end_place + 1]) else NAME
            spans.append(_Span(text.starts[place], text.ends[end_place], tag, None))
        return _without_overlap(spans)

    def _rival_words(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for utterance_id, text in self._texts.items():
            spans = [(start, end) for start, end, kind, _ in self._mentions.get(utterance_id, ()) if kind == "rival"]
            taken = [(start, end) for start, end, kind, _ in self._mentions.get(utterance_id, ()) if kind in _NAMED]
            if spans:
                conversation = self._conversation[utterance_id]
                speakers = self._speakers.get(conversation, frozenset())
                found.setdefault(conversation, set()).update(rival_words(words(text), spans, taken) - speakers)
        return {conversation: frozenset(names) for conversation, names in found.items()}


def masked(
    utterances: pd.DataFrame,
    mentions: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    customers: Iterable[str] = (),
    vendors: Iterable[str] = (),
    rivals: Iterable[str] = (),
) -> pd.Series[str]:
    """Text of each pair's utterance with names by role.

    Parameters
    ----------
    utterances, mentions : see `Masker`.
    pairs : ``utterance_id`` and ``partner_id``, from `features.assist.links.candidates`.
    customers, vendors, rivals : see `Masker`.

    Returns
    -------
    Texts, indexed as ``pairs``: names are ``[PARTNER]`` (the pair's), ``[OTHER_PARTNER]``, ``[RIVAL]``, ``[CUSTOMER]``,
    ``[VENDOR]`` or ``[NAME]``. Pronouns stay as they are.
    """
    masker = Masker(utterances, mentions, customers=customers, vendors=vendors, rivals=rivals)
    rows = zip(pairs["utterance_id"], pairs["partner_id"], strict=True)
    texts = [masker.masked(u, p if isinstance(p, str) else None).text for u, p in rows]
    return pd.Series(texts, index=pairs.index, name="text", dtype="object")


def _pairs_of(frame: pd.DataFrame, key: str, value: str) -> list[tuple[str, str]]:
    return list(zip(frame[key].tolist(), frame[value].tolist(), strict=True))


def _role_names(roles: Mapping[str, Iterable[str]]) -> Gazetteer | None:
    rows = [(tag, name) for tag, names in roles.items() for name in names]
    if not rows:
        return None
    table = pd.DataFrame(rows, columns=["partner_id", "alias"])
    return Gazetteer(pd.DataFrame({"partner_id": [], "name": []}), table)


def _speaker_words(utterances: pd.DataFrame) -> dict[str, frozenset[str]]:
    if "speaker" not in utterances:
        return {}
    found: dict[str, set[str]] = {}
    known = utterances[["conversation_id", "speaker"]].dropna().drop_duplicates()
    for conversation, speaker in _pairs_of(known, "conversation_id", "speaker"):
        found.setdefault(conversation, set()).update(w for w in words(str(speaker)).folded if len(w) > 2)
    return {conversation: frozenset(names) for conversation, names in found.items()}


def _by_utterance(mentions: pd.DataFrame) -> dict[str, list[tuple[int, int, str, str | None]]]:
    spans: dict[str, list[tuple[int, int, str, str | None]]] = {}
    placed = mentions.dropna(subset=["char_start"])
    columns = [placed[c].tolist() for c in ("utterance_id", "char_start", "char_end", "kind", "partner_id")]
    for utterance_id, start, end, kind, owner in zip(*columns, strict=True):
        owned = owner if isinstance(owner, str) else None
        spans.setdefault(utterance_id, []).append((int(start), int(end), kind, owned))
    return spans


def _with_legal_form(text: Words, end: int) -> int:
    """End of the name with the legal form behind it: "Hartwig GmbH"."""
    match = _LEGAL_FORM.match(text.text, end)
    return match.end() if match is not None and match.group(1).lower() in LEGAL_FORMS else end


def _without_overlap(spans: list[_Span]) -> list[_Span]:
    """Spans in order; of two that overlap, the one listed first stays."""
    kept: list[_Span] = []
    taken: set[int] = set()
    for span in spans:
        if span.end > span.start and taken.isdisjoint(range(span.start, span.end)):
            kept.append(span)
            taken.update(range(span.start, span.end))
    return sorted(kept)


def _moved(offset: int, starts: list[int], places: list[_Place], *, to_end: bool) -> int:
    """A character offset of the text as an offset of the masked text; within a tag it is the tag's start or end."""
    index = (bisect_left(starts, offset) if to_end else bisect_right(starts, offset)) - 1
    if index < 0:
        return offset
    place = places[index]
    if offset < place.end:
        return place.new_end if to_end else place.new_start
    return offset + place.new_end - place.end
