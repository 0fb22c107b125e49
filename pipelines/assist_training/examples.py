"""What the model of assists learns from: the shipped conversations, and what people judged in a workspace."""

from __future__ import annotations

from typing import Final

import duckdb
import pandas as pd

from features.assist.examples import Examples, examples
from features.assist.links import candidates, link_partners
from features.assist.notation import shipped_corpus
from features.assist.reviewed import NOT_AN_ASSIST, reviewed_examples
from features.assist.taxonomy import taxonomy
from features.assist.views import VIEW_COLUMNS, views
from features.directory import OwnCompany
from models.assist.classifier import AssistClassifier
from models.assist.training import Sample, sampled
from pipelines.detecting.talk import read_talk
from pipelines.workspace import Workspace

__all__ = ["REVIEWS", "corpus_examples", "corpus_sample", "joined", "reviewed_sample", "workspace_examples"]

REVIEWS: Final = "workspace/"
"""Begins the ids of what comes from the workspace's own reviews; each of its conversations is an author of its own."""


def corpus_examples() -> Examples:
    """The shipped labelled conversations."""
    return examples(shipped_corpus())


def corpus_sample(encoder: str | None = None) -> Sample:
    """The same with their features, each pair with weight 1; ``encoder`` is a user's own."""
    return sampled([(corpus_examples(), 1.0)], encoder)


def joined(one: Sample, other: Sample) -> Sample:
    """Two samples as one; their ids must not be the same."""
    found = {family: [*rows, *other.found[family]] for family, rows in one.found.items()}
    return Sample(pd.concat([one.rows, other.rows], ignore_index=True), found, one.encoder)


def reviewed_sample(made: Examples, weight: float, model: AssistClassifier) -> Sample:
    """Judged pairs with their features; ``weight`` is that of a whole judgement beside a shipped pair's 1.

    Of a pair of which it is only known that it is no assist, the class is what ``model`` finds likeliest.
    """
    parts = [(_only(made, made.pairs["weight"] == part), part * weight) for part in sorted(set(made.pairs["weight"]))]
    sample = sampled(parts, model.encoder)
    likeliest = model.judged(sample.found, sample.rows["partner_id"])[list(taxonomy().other_ids)].idxmax(axis=1)
    label = sample.rows["label"].mask(sample.rows["label"].eq(NOT_AN_ASSIST), likeliest)
    return Sample(sample.rows.assign(label=label), sample.found, sample.encoder)


def workspace_examples(workspace: Workspace, own: OwnCompany) -> Examples:
    """What people judged in a workspace; empty without reviews.

    ``pairs`` has ``weight``, 1 for a whole judgement, and ``review_id`` as well. Ids begin with ``workspace/``, so that
    they are no others'.
    """
    with workspace.connect() as connection:
        judged = _judged(connection)
        talk = read_talk(connection, own)
        known = set(talk.conversations["conversation_id"])
        turns = talk.turns(connection, [name for name in _concerned(connection, judged) if name in known])
    present = talk.present[talk.present["conversation_id"].isin(turns["conversation_id"])]
    mentions = link_partners(turns, talk.partners, talk.partner_aliases, present=present)
    pairs = _labelled(candidates(turns, mentions), judged.astype({"weight": "float64"}))
    seen = pd.DataFrame(columns=list(VIEW_COLUMNS)) if pairs.empty else views(turns, mentions, pairs)
    conversation = REVIEWS + pairs["utterance_id"].map(turns.set_index("utterance_id")["conversation_id"]).astype(str)
    utterance = REVIEWS + pairs["utterance_id"].astype(str)
    return Examples(pairs.assign(utterance_id=utterance, conversation_id=conversation, author=conversation), seen)


def _only(made: Examples, is_kept: pd.Series) -> Examples:
    return Examples(made.pairs[is_kept].reset_index(drop=True), made.seen[is_kept].reset_index(drop=True))


def _judged(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The labelled turns that judgements give, also of moments that people added and that are found no more."""
    names = ("reviews", "judged_moments", "moments", "signals")
    reviews, *rows = (connection.execute(f"SELECT * FROM {name}").df() for name in names)
    return reviewed_examples(reviews, *rows)


def _concerned(connection: duckdb.DuckDBPyConnection, judged: pd.DataFrame) -> list[str]:
    """The conversations of the judged turns that are still there, in order."""
    ids = pd.DataFrame({"utterance_id": pd.Series(judged["utterance_id"].unique(), dtype="string")})
    connection.register("wanted", ids)
    query = "SELECT DISTINCT conversation_id FROM utterances SEMI JOIN wanted USING (utterance_id) ORDER BY 1"
    return [str(row[0]) for row in connection.execute(query).fetchall()]


def _labelled(pairs: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """The pairs that a judgement names, with its label, weight and id.

    A judgement on a partner that linking did not find goes to the turn's row without a partner, where it has one.
    """
    told = judged.assign(_partner=judged["partner_id"].fillna("")).drop(columns="partner_id")
    keyed = pairs.assign(_partner=pairs["partner_id"].fillna(""))
    found = keyed.merge(told, on=["utterance_id", "_partner"])
    lost = told[~told["review_id"].isin(found["review_id"])].assign(_partner="")
    more = keyed[~keyed["utterance_id"].isin(found["utterance_id"])].merge(lost, on=["utterance_id", "_partner"])
    return pd.concat([frame for frame in (found, more) if len(frame)] or [found], ignore_index=True).drop(
        columns="_partner"
    )
