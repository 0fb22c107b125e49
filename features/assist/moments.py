"""From decisions about pieces of talk to the rows of ``moments`` and ``signals``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pandas as pd

from features.assist.evidence import Named, evidence, named_at
from features.assist.magnitude import magnitude
from features.assist.sentences import sentence_spans
from features.assist.taxonomy import taxonomy
from features.tables import MOMENTS

__all__ = ["moment_rows", "ordered"]

GAP_TURNS: Final = 2
"""Most turns from one to the next of the same partner and type that are taken to speak of one act."""
GAP_SECONDS: Final = 60.0
"""Most seconds between the two, where the turns have times."""
ANY_STAGE: Final = "any"
FIRST_STAGE: Final = "pre_sale"
_GROUP: Final = ["conversation_id", "partner_id", "assist_type"]
_PLACE: Final = ["source_seq", "source_id", "char_start"]
_WORD: Final = re.compile(r"\w+")


def moment_rows(
    decisions: pd.DataFrame,
    pieces: pd.DataFrame,
    mentions: pd.DataFrame,
    conversations: pd.DataFrame,
    *,
    model_version: str,
    detected_at: datetime,
) -> pd.DataFrame:
    """Rows of ``moments`` or ``signals``: neighbouring pieces about one act by one partner become one row.

    What an e-mail quotes counts only where the quoted words do not stand in the conversation themselves. Of a partner
    that is not known, nothing counts in a turn that has the same type of a known one.

    Parameters
    ----------
    decisions : a frame as ``features.assist.decisions.decided`` gives it.
    pieces : of ``features.assist.sentences.pieces``, all of the conversations.
    mentions : of ``features.assist.links.link_partners`` on these pieces.
    conversations : ``conversation_id``, ``deal_id`` and ``told_stage`` (where in the journey the deal was; missing: not
        known, which makes it the type's own stage).
    model_version, detected_at : as the columns of those names.

    Returns
    -------
    The declared columns, sorted as ``ordered`` does. ``confidence`` is that of the surest piece. ``quote`` holds the
    words of each turn on a line of their own; those of the first lie at ``char_start`` to ``char_end`` of its text.
    ``moment_id`` rests on conversation, turns, partner and type alone.
    """
    rows = decisions.merge(_without_repeats(pieces), on="utterance_id", suffixes=("", "_of_speaker"))
    rows = _known_first(rows).sort_values([*_GROUP, *_PLACE], ignore_index=True)
    rows = _surest_runs(rows)
    if rows.empty:
        return pd.DataFrame(columns=list(MOMENTS.column_names))
    named = named_at(mentions)
    acts = zip(_acts(rows).tolist(), rows.to_dict("records"), strict=True)
    grouped = [[turn for _, turn in act] for _, act in groupby(acts, key=itemgetter(0))]
    table = pd.DataFrame([_row(turns, named) for turns in grouped])
    table = table.merge(conversations[["conversation_id", "deal_id", "told_stage"]], on="conversation_id", how="left")
    stage = table["told_stage"].fillna(table["assist_type"].map(_own_stages()))
    table = table.assign(journey_stage=stage, model_version=model_version, detected_at=detected_at)
    return ordered(table[list(MOMENTS.column_names)])


def ordered(moments: pd.DataFrame) -> pd.DataFrame:
    """The rows by conversation, time and turns, whatever order they come in."""
    first = moments["utterance_ids"].map(lambda ids: ids[0])
    keys = ["conversation_id", "start_s", "_first", "char_start", "moment_id"]
    return moments.assign(_first=first).sort_values(keys, ignore_index=True).drop(columns="_first")


def _without_repeats(pieces: pd.DataFrame) -> pd.DataFrame:
    """The pieces less those that quote what the conversation has already, by at least half of their characters."""
    is_quoted = pieces["is_quoted"].eq(other=True).fillna(value=False)
    concerned = pieces[pieces["conversation_id"].isin(pieces.loc[is_quoted, "conversation_id"])]
    repeated: list[Any] = []
    for _, turns in concerned.groupby("conversation_id", sort=False):
        own, quoted = turns[~is_quoted[turns.index]], turns[is_quoted[turns.index]]
        said = f" {' '.join(map(_plain, own['text']))} "
        for index, text in quoted["text"].items():
            sentences = [_plain(text[start:end]) for start, end in sentence_spans(text)]
            known = sum(len(sentence) for sentence in sentences if f" {sentence} " in said)
            if 2 * known >= sum(map(len, sentences)):
                repeated.append(index)
            said += f"{' '.join(sentences)} "
    return pieces.drop(index=repeated)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _known_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows less those of an unknown partner where the same turn has the same type of a known one; one row a piece."""
    known = rows.loc[rows["partner_id"].notna(), ["source_id", "assist_type"]].drop_duplicates().assign(_known=1)
    marked = rows.merge(known, on=["source_id", "assist_type"], how="left")
    kept = marked[marked["partner_id"].notna() | marked["_known"].isna()].drop(columns="_known")
    surest = kept.sort_values(["confidence", "type_confidence"], ascending=False)
    return surest.drop_duplicates(["utterance_id", "partner_id", "assist_type"])


def _surest_runs(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each turn only the unbroken run of pieces with the surest one, so that a turn's evidence is one span."""
    keys = [*_GROUP, "source_id"]
    run = (_is_other(rows, keys) | (rows["seq"].diff() != 1)).cumsum()
    best = rows.groupby(run)["confidence"].transform("max")
    order = rows[keys].assign(run=run, best=best).sort_values(["best", "run"], ascending=[False, True])
    return rows[run.isin(order.drop_duplicates(keys)["run"])].reset_index(drop=True)


def _acts(rows: pd.DataFrame) -> pd.Series:
    """For each row, sorted within its group, the number of the act that it is about."""
    before = rows["end_s"].fillna(rows["start_s"]).astype("float64").shift()
    is_late = rows["start_s"].astype("float64") - before > GAP_SECONDS
    return (_is_other(rows, _GROUP) | (rows["source_seq"].diff() > GAP_TURNS) | is_late).cumsum()


def _is_other(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Whether a row differs from the one above it."""
    values = rows[keys].astype(object).where(rows[keys].notna(), None)
    return (values.ne(values.shift()) & ~(values.isna() & values.shift().isna())).any(axis=1)


def _row(turns: list[dict[Hashable, Any]], named: Named) -> dict[str, Any]:
    """The row of one act, without what its conversation adds."""
    first, surest = turns[0], max(turns, key=itemgetter("confidence"))
    texts = {turn["source_id"]: turn["source_text"] for turn in turns}
    spans = evidence(turns, named)
    quote = "\n".join(texts[source][start:end] for source, (start, end) in spans.items())
    ids = list(spans)
    partner = first["partner_id"] if pd.notna(first["partner_id"]) else None
    return {
        "moment_id": _identity(first["conversation_id"], ids, partner, first["assist_type"]),
        "conversation_id": first["conversation_id"],
        "partner_id": partner,
        "assist_type": first["assist_type"],
        "start_s": first["start_s"],
        "end_s": turns[-1]["end_s"],
        "utterance_ids": ids,
        "quote": quote,
        "char_start": spans[ids[0]][0],
        "char_end": spans[ids[0]][1],
        "magnitude": magnitude(quote),
        "confidence": surest["confidence"],
        "type_confidence": surest["type_confidence"],
    }


def _identity(conversation: str, utterances: list[str], partner: str | None, kind: str) -> str:
    """Sixteen hex digits that only these decide, so that a judgement stays with its moment when it is found again."""
    text = json.dumps([conversation, utterances, partner, kind], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _own_stages() -> dict[str, str]:
    """Each class's own stage; the first where it may be any."""
    classes = taxonomy()
    stages = {entry.id: entry.stage for entry in (*classes.assists, *classes.others)}
    return {name: FIRST_STAGE if stage == ANY_STAGE else stage for name, stage in stages.items()}
