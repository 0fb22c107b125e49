"""Labelled pairs of a turn and a candidate partner: the shipped conversations, and what people judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assist.links import candidates, link_partners
from features.assist.notation import Corpus, shipped_corpus
from features.assist.reviewed import reviewed_examples
from features.assist.taxonomy import BACKGROUND
from features.directory import OwnCompany
from pipelines.detecting.state import JUDGED
from pipelines.detecting.talk import read_talk
from pipelines.workspace import Workspace

__all__ = ["Examples", "corpus_examples", "workspace_examples"]

REVIEWS: Final = "workspace/"
"""Begins the ids of what comes from the workspace's own reviews, and is their author."""
_PAIR: Final = ["utterance_id", "partner_id"]


@dataclass(frozen=True)
class Examples:
    """Turns, who is mentioned in them, and the labelled pairs.

    Attributes
    ----------
    utterances, mentions : of whole conversations, as ``features.assist.links`` takes and gives them.
    pairs : as ``features.assist.links.candidates`` gives them, with ``conversation_id``, ``author`` (who wrote or whose
        reviews they are), ``label`` (missing: nobody labelled it) and ``weight``.
    """

    utterances: pd.DataFrame
    mentions: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def labelled(self) -> pd.Series:
        """Whether a pair has a label."""
        return self.pairs["label"].notna()

    def of(self, conversations: npt.NDArray[np.object_] | pd.Series) -> Self:
        """Those of some conversations."""
        turns = self.utterances[self.utterances["conversation_id"].isin(conversations)]
        mentions = self.mentions[self.mentions["utterance_id"].isin(turns["utterance_id"])]
        pairs = self.pairs[self.pairs["conversation_id"].isin(conversations)]
        return type(self)(*(frame.reset_index(drop=True) for frame in (turns, mentions, pairs)))

    def joined(self, other: Self) -> Self:
        """These and others; ids must not be the same."""
        both = zip(
            (self.utterances, self.mentions, self.pairs), (other.utterances, other.mentions, other.pairs), strict=True
        )
        return type(self)(*(_joined(*frames) for frames in both))


def corpus_examples(corpus: Corpus | None = None) -> Examples:
    """The shipped labelled conversations; a pair without a label is background.

    Each author's turns are linked to the partners of that author, as a company's are to its own.
    """
    corpus = corpus or shipped_corpus()
    authors = corpus.conversations.set_index("conversation_id")["author"]
    return reduce(Examples.joined, [_of_author(corpus, authors, name) for name in sorted(authors.unique())])


def _of_author(corpus: Corpus, authors: pd.Series, author: str) -> Examples:
    turns = corpus.utterances[corpus.utterances["conversation_id"].map(authors) == author].reset_index(drop=True)
    own = [frame[frame["partner_id"].str.startswith(author)] for frame in (corpus.partners, corpus.partner_aliases)]
    mentions = link_partners(turns, *own)
    labels = corpus.labels.drop_duplicates(_PAIR).assign(weight=1.0)
    pairs = _labelled(candidates(turns, mentions), labels[labels["utterance_id"].isin(turns["utterance_id"])])
    conversation = pairs["utterance_id"].map(turns.set_index("utterance_id")["conversation_id"])
    pairs = pairs.assign(conversation_id=conversation, author=author, label=pairs["label"].fillna(BACKGROUND))
    return Examples(turns, mentions, pairs.assign(weight=1.0))


def workspace_examples(workspace: Workspace, own: OwnCompany, weight: float) -> Examples:
    """What people judged in a workspace, with the conversations around it for context; empty without reviews.

    Their ids begin with ``workspace/``, so that they are no others'. ``weight`` is that of a whole judgement.
    """
    with workspace.connect() as connection:
        moments = connection.execute("SELECT * FROM moments").df()
        path = workspace.root / JUDGED
        gone = pd.read_parquet(path) if path.exists() else moments.iloc[:0]
        signals = connection.execute("SELECT * FROM signals").df()
        reviews = connection.execute("SELECT * FROM reviews").df()
        judged = reviewed_examples(reviews, pd.concat([moments, gone], ignore_index=True), signals)
        talk = read_talk(connection, own)
        wanted = pd.DataFrame({"utterance_id": judged["utterance_id"].unique()})
        connection.register("wanted", wanted.astype({"utterance_id": "string"}))
        query = "SELECT DISTINCT conversation_id FROM utterances SEMI JOIN wanted USING (utterance_id) ORDER BY 1"
        concerned = [str(row[0]) for row in connection.execute(query).fetchall()]
        known = set(talk.conversations["conversation_id"])
        turns = talk.turns(connection, [name for name in concerned if name in known])
    present = talk.present[talk.present["conversation_id"].isin(turns["conversation_id"])]
    mentions = link_partners(turns, talk.partners, talk.partner_aliases, present=present)
    pairs = _labelled(candidates(turns, mentions), judged.assign(weight=judged["weight"].astype("float64") * weight))
    pairs = pairs.assign(conversation_id=pairs["utterance_id"].map(turns.set_index("utterance_id")["conversation_id"]))
    prefixed = [_prefixed(frame) for frame in (turns, mentions, pairs.assign(author=pairs["conversation_id"]))]
    return Examples(*prefixed)


def _labelled(pairs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Pairs with the label of their turn and partner, and what else ``labels`` has, missing where there is none.

    A label of a partner that linking did not find goes to the turn's row without a partner, where it has one and no
    label of its own: that is what detection sees of it.
    """
    more = [str(name) for name in labels if name not in (*_PAIR, "conversation_id")]
    told = labels[["utterance_id", *more]].assign(_partner=labels["partner_id"].fillna(""))
    keyed = pairs.assign(_partner=pairs["partner_id"].fillna(""))
    found = keyed.merge(told, on=["utterance_id", "_partner"], how="left")
    there = keyed[["utterance_id", "_partner"]].assign(_linked=True)
    lost = told.merge(there, on=["utterance_id", "_partner"], how="left")
    lost = lost[lost["_linked"].isna()].drop_duplicates("utterance_id").set_index("utterance_id")
    is_open = found["label"].isna() & found["partner_id"].isna()
    filled = {name: found[name].where(~is_open, found["utterance_id"].map(lost[name])) for name in more}
    return found.assign(**filled).drop(columns="_partner")


def _prefixed(frame: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in ("utterance_id", "conversation_id", "author") if name in frame]
    return frame.assign(**{name: REVIEWS + frame[name].astype(str) for name in names})


def _joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame for frame in frames if len(frame)] or [frames[0]], ignore_index=True)
