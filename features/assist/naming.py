"""Names in the turns of one conversation, each decided with what the other turns say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from features.assist.common_names import LIKELY, SURE, points
from features.assist.gazetteer import Gazetteer, Hit
from features.assist.words import Words, fold, frequency_rank, words

_CONFIDENCE: Final = {"name": 0.98, "alias": 0.95, "domain": 0.97, "head": 0.85}
_REASON: Final = {
    "name": "the partner's name",
    "alias": "one of the partner's other names",
    "domain": "the partner's domain",
    "head": "the partner's name without its last word",
    "fuzzy": "near to no other partner's name",
    "person": "a person of the partner's",
}
_FROM: Final = frozenset(["from", "at", "of", "with"])


class Turn(NamedTuple):
    """An utterance as the linker needs it; ``partner_id`` is that of a partner's speaker."""

    utterance_id: str
    text: str
    speaker: str | None
    speaker_email: str | None
    speaker_org: str
    partner_id: str | None


@dataclass(frozen=True)
class Named:
    """A name in a turn: the partner (None: two bear it and nothing tells which), where, how, how sure and why."""

    partner_id: str | None
    start: int
    end: int
    kind: str
    confidence: float
    reason: str


def speaker_partner(turn: Turn, gazetteer: Gazetteer) -> str | None:
    """The partner for whom the turn's speaker speaks: as the table says, or by e-mail domain; None for others."""
    if turn.partner_id is not None:
        return turn.partner_id
    if turn.speaker_org in {"internal", "customer"} or turn.speaker_email is None:
        return None
    return gazetteer.owner_of_domain(turn.speaker_email.rpartition("@")[2])


def people_of_partners(turns: Sequence[Turn], speaking: Sequence[str | None]) -> tuple[dict[str, str], frozenset[str]]:
    """First and last names of partners' speakers with their partner, and all words of all speakers' names.

    A name that somebody else in the conversation bears as well belongs to no partner.
    """
    owners: dict[str, set[str | None]] = {}
    for speaker, owner in {(turn.speaker, owner) for turn, owner in zip(turns, speaking, strict=True) if turn.speaker}:
        for word in words(str(speaker)).folded:
            owners.setdefault(word, set()).add(owner)
    sure = {w: next(iter(o)) for w, o in owners.items() if len(o) == 1 and len(w) > 2 and None not in o}
    return {word: owner for word, owner in sure.items() if owner is not None}, frozenset(owners)


def introduced(
    turns: Sequence[Turn], texts: Sequence[Words], names: list[list[Named]], speaking: list[str | None]
) -> list[str | None]:
    """For whom each turn's speaker speaks, with speakers of no known house who name theirs: "Diestel here"."""
    said: dict[str, str] = {}
    for turn, text, found in zip(turns, texts, names, strict=True):
        if turn.speaker is not None and turn.speaker_org == "unknown" and found:
            owner = _own_house(text, found[0])
            if owner is not None:
                said.setdefault(turn.speaker, owner)
    return [
        owner if owner is not None or turn.speaker is None or turn.speaker_org != "unknown" else said.get(turn.speaker)
        for turn, owner in zip(turns, speaking, strict=True)
    ]


def _own_house(text: Words, named: Named) -> str | None:
    after = text.text[named.end : named.end + 7].casefold()
    before = text.text[max(0, named.start - 12) : named.start].casefold()
    is_own = after.startswith(" here") or before.endswith(
        (" i'm from ", " i'm with ", "we're from ", "we at ", "us at ")
    )
    return named.partner_id if is_own and named.kind != "person" else None


def names_in(
    texts: Sequence[Words],
    gazetteer: Gazetteer,
    people: dict[str, str],
    speakers: frozenset[str],
    present: frozenset[str],
) -> list[list[Named]]:
    """Names in each turn.

    Parameters
    ----------
    texts : the turns' words.
    people : first names of partners' people, with the partner.
    speakers : all words of speakers' names, which are never taken for a misspelt partner.
    present : partners that surely take part: their people speak, or the deal is known to have them.

    Returns
    -------
    One list a turn, in the order of the text.
    """
    found = [gazetteer.find(text, speakers) for text in texts]
    scored = [[(hit, points(text, hit, speakers)) for hit in hits] for text, hits in zip(texts, found, strict=True)]
    sure = [
        hit
        for hits in scored
        for hit, score in hits
        if score >= SURE and len(hit.partner_ids) == 1 and hit.kind != "fuzzy"
    ]
    known = present | {hit.partner_ids[0] for hit in sure}
    certain = present | {hit.partner_ids[0] for hit in sure if hit.doubt is None or hit.n_words > 1}
    people = dict(people)
    return [_decided(text, hits, (known, certain), people) for text, hits in zip(texts, scored, strict=True)]


def _decided(
    text: Words,
    hits: list[tuple[Hit, float]],
    parties: tuple[frozenset[str], frozenset[str]],
    people: dict[str, str],
) -> list[Named]:
    """Names of one turn; ``parties`` are the partners named anywhere, and those named by more than a common word."""
    named = []
    for hit, score in hits:
        is_plain_word = hit.doubt is not None and hit.n_words == 1 and not text.raw[hit.first][0].isupper()
        one = _one(text, hit, score, parties[is_plain_word])
        if one is not None:
            named.append(one)
            _introduce(text, hit, one, people)
    covered = {i for hit, _ in hits for i in range(hit.first, hit.last + 1)}
    for place, word in enumerate(text.folded):
        if word in people and place not in covered and text.raw[place][0].isupper() | text.text.islower():
            reason = f"{text.raw[place]}: {_REASON['person']}"
            named.append(Named(people[word], text.starts[place], text.ends[place], "person", 0.8, reason))
    return sorted(named, key=lambda one: one.start)


def _one(text: Words, hit: Hit, score: float, known: frozenset[str]) -> Named | None:
    """The hit as a link, if what speaks for it is enough."""
    here = [partner_id for partner_id in hit.partner_ids if partner_id in known]
    if score < (LIKELY if here else SURE):
        return None
    written = text.text[hit.start : hit.end]
    if len(hit.partner_ids) > 1 and len(here) != 1:
        return Named(
            None, hit.start, hit.end, "name", 0.5, f"{written}: a name that {len(hit.partner_ids)} partners bear"
        )
    owner = here[0] if len(here) == 1 else hit.partner_ids[0]
    sureness = 0.9 * hit.nearness if hit.kind == "fuzzy" else _CONFIDENCE[hit.kind]
    sureness = min(0.985, sureness + (0.05 if here else 0.0)) if score > SURE or here else sureness - 0.15
    kind = "name" if hit.kind == "head" else hit.kind
    return Named(owner, hit.start, hit.end, kind, round(sureness, 3), f"{written}: {_REASON[hit.kind]}")


def _introduce(text: Words, hit: Hit, named: Named, people: dict[str, str]) -> None:
    """Learns that "Jakov from Marrakand" and "Hartwig's Jakov" are the partner's people, for the turns that follow."""
    if named.partner_id is None or named.kind == "fuzzy":
        return
    places = []
    if hit.first >= 2 and text.folded[hit.first - 1] in _FROM:
        places.append(hit.first - 2)
    if hit.last + 2 < len(text.folded) and text.folded[hit.last + 1] == "s":
        places.append(hit.last + 2)
    for place in places:
        word, rank = text.folded[place], frequency_rank(text.folded[place])
        if (
            text.raw[place].istitle()
            and len(word) > 2
            and not text.opens_sentence(place)
            and (rank is None or rank > 1000)
        ):
            people.setdefault(fold(word), named.partner_id)
