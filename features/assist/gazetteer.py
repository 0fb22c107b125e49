"""Partners by name: an index of names, aliases and domains, and where a text has them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from features.assist.lexicon import LEGAL_FORMS, TRADES
from features.assist.near import NearNames
from features.assist.words import Words, fold, frequency_rank, is_english, words

_LONGEST: Final = 7
_GLUE: Final = 600
"""Frequency rank up to which a word is no half of a misheard name ("rang her" is not Ranger)."""

_HEARD_WRONG: Final = 3000
"""Frequency rank from which a word may be half of a name that was heard wrong ("heath rig", Heathrigg)."""

_DOMAIN: Final = re.compile(r"(?<![\w.-])(?:[\w.+-]{1,64}@)?([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6})")
_MARKS: Final = re.compile("[™®©℠]")
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_KIND_ORDER: Final = {"name": 0, "alias": 1, "head": 2}


class Entry(NamedTuple):
    """One way to name a partner: whose it is, how it was given (name, alias, head), and its place among common words.

    ``rank`` is the frequency rank of the most telling word, None when a word of it is rare; ``capitals`` says that it
    is an acronym, which counts in capitals only.
    """

    partner_id: str
    kind: str
    capitals: bool
    rank: int | None
    n_words: int


@dataclass(frozen=True)
class Hit:
    """A stretch of words that may name a partner.

    ``partner_ids`` are all who bear the name; ``doubt`` is the frequency rank of a name that is also a common word
    (None: it is not); ``first`` and ``last`` are the places of its words; ``is_split`` tells that they are the pieces
    of one word ("sure foot").
    """

    first: int
    last: int
    start: int
    end: int
    partner_ids: tuple[str, ...]
    kind: str
    nearness: float = 1.0
    doubt: int | None = None
    is_acronym: bool = False
    n_words: int = 1
    is_split: bool = False


def _legal_off(parts: list[str]) -> list[str]:
    bare = list(parts)
    while len(bare) > 1 and (bare[-1] in LEGAL_FORMS or (len(bare) < len(parts) and bare[-1] == "and")):
        bare = bare[:-1]
    parts = bare if len("".join(bare)) > 3 else parts
    return parts[1:] if len(parts) > 2 and parts[0] in {"the", "die", "das", "der"} else parts


def _spellings(name: str) -> Iterator[tuple[str, list[str]]]:
    """The name as one run of letters, with and without what may be left out or said otherwise."""
    name = _MARKS.sub("", name)
    said = fold(re.sub(r"\s*[&+]\s*", " and ", name))
    for text in dict.fromkeys((fold(name), said)):
        parts = words(text).folded
        if parts and parts != ["and"]:
            yield "".join(parts), parts
            bare = _legal_off(parts)
            if bare != parts:
                yield "".join(bare), bare


def _rank(parts: list[str]) -> int | None:
    ranks = [frequency_rank(part) for part in parts]
    return None if None in ranks else max(rank for rank in ranks if rank is not None)


class Gazetteer:
    """All names of all partners, ready to be found in text.

    Parameters
    ----------
    partners : needs ``partner_id`` and ``name``; ``domains`` (a list each) if there are any.
    aliases : further names: ``partner_id``, ``alias``.

    Notes
    -----
    A name is compared without case, accents, spaces, hyphens and legal form, so that "bright mere" is Brightmere. A
    word that most names of its kind end in may be left out ("Sextant" for Sextant Advisory), and so may what stands in
    brackets, unless another partner bears what is left. The longest name that fits counts.
    """

    def __init__(self, partners: pd.DataFrame, aliases: pd.DataFrame) -> None:
        self._entries: dict[str, dict[str, Entry]] = defaultdict(dict)
        self._domains: dict[str, str] = {}
        rows = partners.sort_values("partner_id")
        for partner_id, name in zip(rows["partner_id"], rows["name"], strict=True):
            self._add(str(partner_id), str(name), "name")
        for partner_id, alias in aliases.sort_values(["partner_id", "alias"])[["partner_id", "alias"]].itertuples(
            index=False
        ):
            self._add(str(partner_id), str(alias), "alias")
        self._add_heads(rows)
        if "domains" in rows:
            self._add_domains(rows)
        self._prefixes = {key[:n] for key in self._entries for n in range(1, len(key) + 1)}
        self._near = NearNames({k: v for k, v in self._entries.items() if not any(e.capitals for e in v.values())})

    def _add(self, partner_id: str, name: str, kind: str) -> None:
        letters = "".join(c for c in name if c.isalpha())
        capitals = letters.isupper() and len(letters) <= 5
        for key, parts in _spellings(name):
            if len(key) < 2:
                continue
            entry = Entry(partner_id, kind, capitals, _rank(parts), len(parts))
            for form in (key,) if capitals or key.endswith("s") else (key, key + "s"):
                self._entries[form].setdefault(partner_id, entry)

    def _add_heads(self, rows: pd.DataFrame) -> None:
        heads: dict[str, set[str]] = defaultdict(set)
        for partner_id, name in zip(rows["partner_id"], rows["name"], strict=True):
            written = _MARKS.sub("", str(name))
            parts = _legal_off(words(fold(written)).folded)
            bare = _legal_off(words(fold(_BRACKETS.sub(" ", written))).folded)
            while len(bare) > 1 and bare[-1] in TRADES | {"and"}:
                bare = bare[:-1]
            if len(bare) < len(parts) and len("".join(bare)) >= 4:
                heads[" ".join(bare)].add(str(partner_id))
        for head, owners in sorted(heads.items()):
            if len(owners) == 1 and head.replace(" ", "") not in self._entries:
                self._add(next(iter(owners)), head, "head")

    def _add_domains(self, rows: pd.DataFrame) -> None:
        for partner_id, domains in zip(rows["partner_id"], rows["domains"], strict=True):
            for domain in domains if isinstance(domains, list | tuple) or hasattr(domains, "tolist") else ():
                self._domains.setdefault(str(domain).casefold(), str(partner_id))

    def owner_of_domain(self, domain: str) -> str | None:
        """The partner of a host or of one of the domains above it; None when it is nobody's."""
        labels = domain.casefold().strip(".").split(".")
        for start in range(max(0, len(labels) - 5), len(labels) - 1):
            owner = self._domains.get(".".join(labels[start:]))
            if owner is not None:
                return owner
        return None

    def find(self, text: Words, people: frozenset[str] = frozenset()) -> list[Hit]:
        """Names in a text, in order, none overlapping another.

        Parameters
        ----------
        text : an utterance's words.
        people : folded words that are names of people present; they are never taken for a misspelt partner.
        """
        hits = self._in_domains(text)
        taken = {place for hit in hits for place in range(hit.first, hit.last + 1)}
        exact = self._exact(text, taken)
        taken.update(place for hit in exact for place in range(hit.first, hit.last + 1))
        return sorted(hits + exact + self._misspelt(text, taken, people), key=lambda hit: hit.start)

    def _in_domains(self, text: Words) -> list[Hit]:
        hits = []
        for match in _DOMAIN.finditer(text.text) if self._domains and "." in text.text else ():
            owner = self.owner_of_domain(match.group(1))
            if owner is not None:
                first = bisect_left(text.starts, match.start())
                last = max(first, bisect_left(text.starts, match.end()) - 1)
                hits.append(Hit(first, last, match.start(), match.end(), (owner,), "domain"))
        return hits

    def _exact(self, text: Words, taken: set[int]) -> list[Hit]:
        hits, place = [], 0
        while place < len(text.folded):
            hit = None
            if text.folded[place] in self._prefixes and place not in taken:
                hit = self._longest(text, place)
            if hit is not None:
                hits.append(hit)
            place = place + 1 if hit is None else hit.last + 1
        return hits

    def _longest(self, text: Words, first: int) -> Hit | None:
        key, last, found = text.folded[first], first, None
        while True:
            if key in self._entries:
                found = self._hit(text, first, last, self._entries[key]) or found
            if last - first + 1 >= _LONGEST or last + 1 >= len(text.folded) or not text.joins(last):
                return found
            last += 1
            key += text.folded[last]
            if key not in self._prefixes:
                return found

    def _hit(self, text: Words, first: int, last: int, entries: dict[str, Entry]) -> Hit | None:
        upper = all(text.raw[i].isupper() or text.folded[i] == "and" for i in range(first, last + 1))
        upper = upper or "&" in text.text[text.ends[first] : text.starts[last]]
        fitting = [entry for entry in entries.values() if upper or not entry.capitals]
        if not fitting:
            return None
        if last > first and (text.folded[last] == "s" or not _may_be_split(text, first, last, fitting)):
            return None
        kind = min((entry.kind for entry in fitting), key=_KIND_ORDER.__getitem__)
        ids = tuple(sorted({entry.partner_id for entry in fitting if entry.kind == kind}))
        doubt = _rank(text.folded[first : last + 1])
        acronym = any(entry.capitals for entry in fitting)
        split = last > first and all(entry.n_words == 1 for entry in fitting)
        ends = text.starts[first], text.ends[last]
        return Hit(first, last, *ends, ids, kind, 1.0, doubt, acronym, last - first + 1, split)

    def _misspelt(self, text: Words, taken: set[int], people: frozenset[str]) -> list[Hit]:
        hits: list[Hit] = []
        taken = taken | {place for place, word in enumerate(text.folded) if word in people}
        for place, word in enumerate(text.folded):
            if place in taken or len(word) < 3 or not word.isalpha():
                continue
            rank = frequency_rank(word)
            if rank is None:
                best = self._nearest(text, _around(text, place, taken))
            elif rank > _HEARD_WRONG:
                best = self._nearest(text, _pairs(text, place, taken), by_sound=True)
            else:
                continue
            if best is not None:
                nearness, first, last, owner = best
                hits.append(Hit(first, last, text.starts[first], text.ends[last], (owner,), "fuzzy", nearness))
                taken.update(range(first, last + 1))
        return hits

    def _nearest(
        self, text: Words, spans: Iterator[tuple[int, int]], *, by_sound: bool = False
    ) -> tuple[float, int, int, str] | None:
        best: tuple[float, int, int, str] | None = None
        for first, last in spans:
            word = "".join(text.folded[first : last + 1])
            near = self._near.sounding(word) if by_sound else self._near.nearest(word)
            if near is not None and near[1] >= _needed(text, first, last) and (best is None or near[1] > best[0]):
                best = (near[1], first, last, near[0])
        return best


def _pairs(text: Words, place: int, taken: set[int]) -> Iterator[tuple[int, int]]:
    """The word at ``place`` with the one before and the one after it."""
    for first, last in ((place - 1, place), (place, place + 1)):
        if first < 0 or last >= len(text.folded) or first in taken or last in taken or not text.joins(first):
            continue
        if not _is_glue(text.folded[first]) and not _is_glue(text.folded[last]):
            yield first, last


def _is_glue(word: str, most: int = _GLUE) -> bool:
    rank = frequency_rank(word)
    return rank is not None and rank < most


def _may_be_split(text: Words, first: int, last: int, entries: list[Entry]) -> bool:
    """Whether the words may be pieces of a name: no piece of a one-word name is a lone letter or the t of "wasn't"."""
    follows = text.starts[first] > 0 and text.text[text.starts[first] - 1] in "'’"
    pieces = all(len(w) > 1 and not (len(w) <= 3 and _is_glue(w, 100)) for w in text.folded[first : last + 1])
    return not follows and (pieces or any(entry.capitals or entry.n_words > 1 for entry in entries))


def _needed(text: Words, first: int, last: int) -> float:
    """How near a name must be: nearer when it is short or has no capital."""
    n_letters = sum(len(text.folded[i]) for i in range(first, last + 1))
    capital = text.raw[first][0].isupper()
    return (0.82 if capital else 0.88) + (0.05 if n_letters < 7 else 0.0)


def _around(text: Words, place: int, taken: set[int]) -> Iterator[tuple[int, int]]:
    """Stretches of up to three words that hold the word at ``place`` and none that is taken."""
    for first in range(max(0, place - 2), place + 1):
        for last in range(place, min(len(text.folded), first + 3)):
            if first == last and is_english(text.folded[place]):
                continue
            span = range(first, last + 1)
            if any(i in taken or (i != place and _is_glue(text.folded[i])) for i in span):
                continue
            if all(text.joins(i) for i in range(first, last)):
                yield first, last
