"""Conversations changed on purpose: other names, words misheard, speakers' affiliations mixed up or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pandas as pd

from features.assist.links import link_partners
from features.assist.notation import Corpus
from features.assist.words import fold, frequency_rank, is_english, words

FREQUENT: Final = 200
"""So many of the most frequent words stand in for a word of which none sounds alike."""
HEARD: Final = 20_000
"""Words, by frequency, that a recogniser may hear instead."""
TYPICAL: Final = 3_000
"""A person's name that is so frequent a word is not exchanged where any word has a capital."""
_SOUNDS: Final = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556", "aeiouyhw")
_NAMED: Final = frozenset({"name", "alias", "domain", "fuzzy"})


def with_other_names(corpus: Corpus, names: Corpus, seed: int, *, coined: bool) -> Corpus:
    """All partners, and all people who speak, under names of another corpus.

    Parameters
    ----------
    names : whose partners and speakers lend theirs.
    coined : only partners' names are lent of which no word is English; else any.
    """
    rng = np.random.default_rng(seed)
    of_partners = _partner_names(corpus, names, rng, coined=coined)
    of_people = _people(corpus.utterances, names.utterances, rng)
    misspelt = _misspelt(corpus, of_partners)
    pattern = _pattern(of_partners)

    def renamed(text: str, *, people: bool = True) -> str:
        text = pattern.sub(lambda found: _cased(found[0], of_partners[found[0].lower()]), text)
        return _with_people(text, of_people) if people else text

    texts = [
        renamed(_spliced(text, misspelt.get(identity, ())))
        for identity, text in zip(corpus.utterances["utterance_id"], corpus.utterances["text"], strict=True)
    ]
    speakers = [" ".join(of_people.get(word, word) for word in name.split()) for name in corpus.utterances["speaker"]]
    emails = [
        renamed(mail, people=False) if isinstance(mail, str) else None for mail in corpus.utterances["speaker_email"]
    ]
    partners = corpus.partners.assign(
        name=[renamed(name, people=False) for name in corpus.partners["name"]],
        domains=[[renamed(domain, people=False) for domain in found] for found in corpus.partners["domains"]],
    )
    aliases = corpus.partner_aliases.assign(
        alias=[renamed(alias, people=False) for alias in corpus.partner_aliases["alias"]]
    )
    utterances = corpus.utterances.assign(text=texts, speaker=speakers, speaker_email=emails)
    return replace(corpus, utterances=utterances, partners=partners, partner_aliases=aliases)


def _partner_names(corpus: Corpus, names: Corpus, rng: np.random.Generator, *, coined: bool) -> dict[str, str]:
    """Each name and domain in lower case to that of the partner's stand-in; a name that several bear stays one."""
    taken = {fold(word) for text in corpus.utterances["text"] for word in words(text).folded}
    lent = [list(group) for _, group in names.partner_aliases.groupby("partner_id", sort=True)["alias"]]
    free = [given for given in lent if not taken & {w for name in given for w in words(name).folded}]
    if coined:
        free = [g for g in free if all(not is_english(w) for w in words(min(g, key=len)).folded)]
    order = rng.permutation(len(free))
    found: dict[str, str] = {}
    used: set[str] = set()
    pool = (free[place] for place in order)
    for partner in corpus.partners.itertuples():
        given = next(g for g in pool if not used & {fold(name) for name in g})
        used |= {fold(name) for name in given}
        own = corpus.partner_aliases.loc[corpus.partner_aliases["partner_id"] == partner.partner_id, "alias"]
        longest = sorted(given, key=lambda name: (-len(name), name))
        for place, name in enumerate(sorted(own, key=lambda name: (-len(name), name))):
            found.setdefault(name.lower(), longest[min(place, len(longest) - 1)])
        site = re.sub(r"\W+", "", longest[0].lower())
        for domain in partner.domains:
            found.setdefault(domain.lower(), f"{site}.example")
    return found


def _pattern(renamed: Iterable[str]) -> re.Pattern[str]:
    longest = sorted(renamed, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def _cased(old: str, new: str) -> str:
    return new.lower() if old.islower() else new


def _misspelt(corpus: Corpus, renamed: Mapping[str, str]) -> dict[str, list[tuple[int, int, str]]]:
    """Names that are written otherwise than on the list, with the stand-in's shortest name, by utterance."""
    mentions = link_partners(corpus.utterances, corpus.partners, corpus.partner_aliases)
    named = mentions[mentions["kind"].isin(_NAMED) & mentions["partner_id"].notna()]
    texts = corpus.utterances.set_index("utterance_id")["text"]
    shortest = corpus.partner_aliases.groupby("partner_id")["alias"].agg(lambda given: min(given, key=len))
    found: dict[str, list[tuple[int, int, str]]] = {}
    for row in named.itertuples():
        written = texts[row.utterance_id][int(row.char_start) : int(row.char_end)]
        if not _pattern(renamed).search(written):
            stand_in = _cased(written, renamed[shortest[row.partner_id].lower()])
            found.setdefault(row.utterance_id, []).append((int(row.char_start), int(row.char_end), stand_in))
    return found


def _spliced(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _people(utterances: pd.DataFrame, lenders: pd.DataFrame, rng: np.random.Generator) -> dict[str, str]:
    """Each word of a speaker's name to another person's: first names to first names, last ones to last ones."""
    found: dict[str, str] = {}
    for place in (0, 1):
        own, lent = (_name_words(frame, place) for frame in (utterances, lenders))
        free = sorted(set(lent) - set(own))
        drawn = rng.permutation(len(free))[: len(own)]
        found |= {old: free[new] for old, new in zip(own, drawn, strict=True)}
    return found


def _name_words(utterances: pd.DataFrame, place: int) -> list[str]:
    names = (name.split() for name in utterances["speaker"].dropna().unique())
    return sorted(
        {name[place] for name in names if len(name) == 2 and all(word.isalpha() and word.istitle() for word in name)}
    )


def _with_people(text: str, renamed: Mapping[str, str]) -> str:
    split = words(text)
    spans = [
        (split.starts[place], split.ends[place], renamed[word])
        for place, word in enumerate(split.raw)
        if word in renamed and not (split.opens_sentence(place) and _is_typical(word))
    ]
    return _spliced(text, spans)


def _is_typical(word: str) -> bool:
    rank = frequency_rank(fold(word))
    return rank is not None and rank < TYPICAL


def misheard(corpus: Corpus, rate: float, seed: int, *, bare: bool) -> tuple[Corpus, float]:
    """The words as a recogniser may hear them, and the share of words that are wrong.

    Of the wrong words 45 % sound like the right one (or, if none does, are frequent), 25 % are left out, 15 % run
    together with the next and 15 % fall in two.

    Parameters
    ----------
    rate : share of words that are wrong, in [0, 1].
    bare : without capitals and punctuation.
    """
    rng = np.random.default_rng(seed)
    heard = [_misheard(text.split(), rate, rng) for text in corpus.utterances["text"]]
    texts = [" ".join(found) for found, _ in heard]
    share = sum(wrong for _, wrong in heard) / sum(len(text.split()) for text in corpus.utterances["text"])
    utterances = corpus.utterances.assign(text=[stripped(text) for text in texts] if bare else texts)
    return replace(corpus, utterances=utterances), share


def stripped(text: str) -> str:
    """A text without capitals and punctuation, but for apostrophes and the dots of addresses."""
    return " ".join(re.sub(r"[^\w\s'’@.]|\.(?=\s|$)", " ", text.lower()).split())


def _misheard(spoken: list[str], rate: float, rng: np.random.Generator) -> tuple[list[str], int]:
    found: list[str] = []
    wrong = 0
    joins = False
    for word in spoken:
        if joins and found:
            found[-1] += word.lower()
            joins = False
            continue
        if rng.random() >= rate:
            found.append(word)
            continue
        wrong += 1
        how = rng.random()
        if how < 0.25:
            continue
        if how < 0.4 and word[-1].isalnum():
            found.append(word)
            joins = True
        elif how < 0.55 and len(word) > 5:
            found += [word[: len(word) // 2], word[len(word) // 2 :]]
        else:
            found.append(_alike(word, rng))
    return found or spoken[:1], wrong


def _alike(word: str, rng: np.random.Generator) -> str:
    """Another word that sounds alike, or a frequent one, with the stops of the first."""
    core = re.search(r"\w+(?:['’]\w+)?", word)
    bare = core[0] if core else word
    sounds, frequent = _heard()
    near = [other for other in sounds.get(sound(bare), ()) if other != bare.lower()]
    other = near[int(rng.integers(min(len(near), 8)))] if near else frequent[int(rng.integers(len(frequent)))]
    return word.replace(bare, other.capitalize() if bare[0].isupper() else other, 1)


def sound(word: str) -> str:
    """The consonants of a word by how they are made, doubled ones once, after its first letter."""
    lower = fold(word).replace("'", "")
    codes = re.sub(r"(.)\1+", r"\1", lower[1:].translate(_SOUNDS))
    return lower[:1] + codes


@cache
def _heard() -> tuple[dict[str, list[str]], list[str]]:
    lines = files("features.assist").joinpath("frequent_words.txt").read_text(encoding="utf-8").splitlines()
    known = [line for line in lines if line and not line.startswith("#")][:HEARD]
    by_sound: dict[str, list[str]] = {}
    for word in known:
        by_sound.setdefault(sound(word), []).append(word)
    return by_sound, known[:FREQUENT]


def with_shuffled_speakers(corpus: Corpus, seed: int) -> tuple[Corpus, float]:
    """The affiliations of each conversation's speakers dealt out anew, and the share of turns that have another."""
    rng = np.random.default_rng(seed)
    turns = corpus.utterances
    who = turns[["conversation_id", "speaker", "speaker_org", "partner_id"]].drop_duplicates(
        ["conversation_id", "speaker"]
    )
    order = np.concatenate(
        [
            rng.permutation(rows)
            for rows in who.reset_index(drop=True).groupby("conversation_id", sort=False).indices.values()
        ]
    )
    dealt = who.assign(speaker_org=who["speaker_org"].to_numpy()[order], partner_id=who["partner_id"].to_numpy()[order])
    keys = ["conversation_id", "speaker"]
    mixed = turns.drop(columns=["speaker_org", "partner_id"]).merge(dealt, on=keys, how="left", validate="many_to_one")
    is_other = (mixed["speaker_org"].to_numpy() != turns["speaker_org"].to_numpy()) | (
        mixed["partner_id"].fillna("").to_numpy() != turns["partner_id"].fillna("").to_numpy()
    )
    return replace(corpus, utterances=mixed.assign(speaker_email=None)), float(is_other.mean())


def with_unknown_speakers(corpus: Corpus) -> Corpus:
    """Nobody's affiliation is known."""
    return replace(
        corpus, utterances=corpus.utterances.assign(speaker_org="unknown", partner_id=None, speaker_email=None)
    )
