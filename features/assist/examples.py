"""Labelled pairs to train on: each author's conversations linked, masked and seen as in use."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from features.assist.links import candidates, link_partners
from features.assist.notation import Corpus
from features.assist.taxonomy import BACKGROUND, taxonomy
from features.assist.views import unlisted, views

__all__ = ["Examples", "examples", "without_lists"]


@dataclass(frozen=True)
class Examples:
    """Labelled pairs.

    Attributes
    ----------
    pairs : ``utterance_id``, ``partner_id``, ``link_kind`` and so on, and ``label``, ``conversation_id``, ``author``.
    seen : their views, in the same order.
    """

    pairs: pd.DataFrame
    seen: pd.DataFrame


def examples(corpus: Corpus) -> Examples:
    """All pairs of a corpus whose class is known; each author's partners are a company's of their own.

    A label goes to the pair of its partner. If the links missed that partner, it goes to the surest pair of the
    utterance that has no label: the words tell of the same act. Another pair of a labelled utterance is left out, as
    nobody said what holds for it.
    """
    told = corpus.conversations[["conversation_id", "author"]]
    spoken = corpus.utterances.merge(told, on="conversation_id", validate="many_to_one")
    found = [_of_author(corpus, turns) for _, turns in spoken.groupby("author", sort=True)]
    return Examples(*(pd.concat(parts, ignore_index=True) for parts in zip(*found, strict=True)))


def without_lists(made: Examples) -> Examples:
    """The pairs whose utterance names the partner, as they would be seen if it stood on no list."""
    is_named = made.pairs["link_kind"].isin(["name", "alias", "fuzzy", "domain"])
    is_named &= made.seen["text"].str.contains("[PARTNER]", regex=False)
    return Examples(made.pairs[is_named].reset_index(drop=True), unlisted(made.seen[is_named]).reset_index(drop=True))


def _of_author(corpus: Corpus, turns: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    prefix = turns["author"].iloc[0] + "_"
    partners = corpus.partners[corpus.partners["partner_id"].str.startswith(prefix)]
    aliases = corpus.partner_aliases[corpus.partner_aliases["partner_id"].str.startswith(prefix)]
    mentions = link_partners(turns, partners, aliases)
    pairs = _labelled(candidates(turns, mentions), corpus.labels)
    about = turns[["utterance_id", "conversation_id", "author"]]
    pairs = pairs.merge(about, on="utterance_id", validate="many_to_one")
    return pairs, views(turns, mentions, pairs).reset_index(drop=True)


def _labelled(pairs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    told: dict[str, dict[str | None, str]] = {}
    for utterance, label, partner in labels[["utterance_id", "label", "partner_id"]].itertuples(index=False):
        key = partner if isinstance(partner, str) else None
        earlier = told.setdefault(utterance, {}).get(key)
        told[utterance][key] = label if earlier is None else _first(earlier, label)
    found: list[str | None] = []
    for utterance, rows in pairs.groupby("utterance_id", sort=False):
        known = told.get(str(utterance), {})
        partners = [partner if isinstance(partner, str) else None for partner in rows["partner_id"]]
        found.extend(_matched(partners, known) if known else [BACKGROUND] * len(rows))
    return pairs.assign(label=pd.array(found, dtype="object")).dropna(subset=["label"]).reset_index(drop=True)


def _matched(partners: list[str | None], known: dict[str | None, str]) -> list[str | None]:
    """The label of each candidate; None where it has none."""
    found = [known.get(partner) for partner in partners]
    missed = [label for partner, label in known.items() if partner not in partners]
    free = [place for place, label in enumerate(found) if label is None]
    for place, label in zip(free, missed, strict=False):
        found[place] = label
    return found


def _first(one: str, other: str) -> str:
    """Of two classes the one that stands first in the taxonomy, where assists do."""
    return min(one, other, key=taxonomy().ids.index)
