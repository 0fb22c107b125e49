"""Labelled conversations through the product's own path, and what it says of each utterance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from features.assist.notation import Corpus, parsed
from features.assist.taxonomy import BACKGROUND, taxonomy
from features.tables import TABLES
from models.assist.classifier import AssistClassifier
from pipelines.config import AssistConfig
from pipelines.detecting.judge import Judged, judged
from pipelines.detecting.talk import Talk

HELD_OUT: Final = Path(__file__).with_name("assist_heldout")
NOBODY: Final = pd.DataFrame(columns=["partner_id", "name", "partner_type", "domains"])


def held_out() -> Corpus:
    """The conversations of an author of whom nothing is trained on."""
    files = sorted(HELD_OUT.glob("*.conv.txt"), key=lambda file: file.name)
    return parsed((file.name, file.read_text(encoding="utf-8")) for file in files)


def of_author(corpus: Corpus, author: str) -> Corpus:
    """The conversations and partners of one author."""
    talks = corpus.conversations[corpus.conversations["author"] == author]
    ids, begins = set(talks["conversation_id"]), f"{author}_"
    return replace(
        corpus,
        conversations=talks,
        utterances=corpus.utterances[corpus.utterances["conversation_id"].isin(ids)],
        labels=corpus.labels[corpus.labels["conversation_id"].isin(ids)],
        partners=corpus.partners[corpus.partners["partner_id"].str.startswith(begins)],
        partner_aliases=corpus.partner_aliases[corpus.partner_aliases["partner_id"].str.startswith(begins)],
    )


def talk_of(partners: pd.DataFrame, aliases: pd.DataFrame) -> Talk:
    """A workspace's talk of which only the partners are known."""
    present = pd.DataFrame(columns=["conversation_id", "partner_id"])
    nothing = pd.DataFrame()
    return Talk(nothing, nothing, partners, aliases, nothing, nothing, present)


def judged_in_batches(model: AssistClassifier, talk: Talk, turns: pd.DataFrame) -> Iterator[Judged]:
    """Judges whole conversations, as many at a time as the verb `detect` does by default; lacking columns are null."""
    turns = turns.reindex(columns=list(TABLES["utterances"].column_names))
    sizes = turns.groupby("conversation_id", sort=False).size()
    groups = (sizes.cumsum() - sizes) // AssistConfig().chunk_utterances
    for _, chunk in sizes.groupby(groups, sort=True):
        yield judged(model, talk, turns[turns["conversation_id"].isin(set(chunk.index))])


def said(model: AssistClassifier, corpus: Corpus) -> pd.DataFrame:
    """What the product says of each labelled utterance: see ``of_utterances``, with the truth of ``told``."""
    talk = talk_of(corpus.partners, corpus.partner_aliases)
    parts = [of_utterances(batch) for batch in judged_in_batches(model, talk, corpus.utterances)]
    return told(corpus).merge(pd.concat(parts, ignore_index=True), on="utterance_id", validate="one_to_one")


def of_utterances(said: Judged) -> pd.DataFrame:
    """The pairs of pieces as one row an utterance.

    Returns
    -------
    ``utterance_id``; ``p_assist``, the greatest of its pairs; and of the pair that speaks loudest (one decided for an
    assist before the others, then by probability) ``decided``, ``best_type`` (its likeliest assist) and ``linked`` (its
    partner). ``is_decided``: it is taken for an assist.
    """
    source = said.pieces.set_index("utterance_id")["source_id"]
    pairs = said.pairs.assign(source_id=said.pairs["utterance_id"].map(source).to_numpy())
    return loudest(pairs.drop(columns="utterance_id").rename(columns={"source_id": "utterance_id"}))


def loudest(pairs: pd.DataFrame) -> pd.DataFrame:
    """The same of ``utterance_id``, ``partner_id``, ``p_assist``, ``label`` and, if there are any, class columns."""
    assists = list(taxonomy().assist_ids)
    rows = pairs.assign(is_decided=pairs["label"].isin(assists))
    rows = rows.assign(
        best_type=rows[assists].idxmax(axis=1) if set(assists) <= set(rows) else rows["label"],
        greatest=rows.groupby("utterance_id")["p_assist"].transform("max"),
    )
    by = ["is_decided", "p_assist"]
    first = rows.sort_values(by, ascending=False, kind="stable").drop_duplicates("utterance_id").sort_index()
    names = {"label": "decided", "partner_id": "linked", "p_assist": "p_of_pair", "greatest": "p_assist"}
    columns = ["utterance_id", "p_assist", "decided", "is_decided", "best_type", "linked"]
    return first.rename(columns=names)[columns].reset_index(drop=True)


def told(corpus: Corpus) -> pd.DataFrame:
    """The truth, a row an utterance.

    Returns
    -------
    ``utterance_id``, ``conversation_id``, ``author``, ``group``, ``text``, ``labels`` (all its classes, in the
    taxonomy's order, where assists stand first), ``partners`` (of its assists, where they are known), ``is_assist`` and
    ``has_label``.
    """
    place = {name: n for n, name in enumerate(taxonomy().ids)}
    rows = corpus.labels.assign(place=corpus.labels["label"].map(place)).sort_values("place", kind="stable")
    classes = rows.groupby("utterance_id")["label"].agg(tuple)
    assists = rows[rows["label"].isin(taxonomy().assist_ids)]
    partners = assists.dropna(subset=["partner_id"]).groupby("utterance_id")["partner_id"].agg(tuple)
    frame = corpus.utterances[["utterance_id", "conversation_id", "text"]].merge(
        corpus.conversations[["conversation_id", "author", "group"]], on="conversation_id", validate="many_to_one"
    )
    found = frame["utterance_id"].map(classes)
    return frame.assign(
        labels=[names if isinstance(names, tuple) else (BACKGROUND,) for names in found],
        partners=[ids if isinstance(ids, tuple) else () for ids in frame["utterance_id"].map(partners)],
        is_assist=frame["utterance_id"].isin(set(assists["utterance_id"])),
        has_label=found.notna(),
    )
