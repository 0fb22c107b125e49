"""Why moments and signals were found: words and clauses that speak for their class, and how the partner is known."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from features.tables import MOMENT_CUES
from pipelines.detecting.judge import Judge, Judged

__all__ = ["cue_rows"]

_KEYS: Final = ["source_id", "partner_id", "assist_type"]


def cue_rows(model: Judge, said: Judged, decisions: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``moment_cues`` of what was found, each moment by its surest piece.

    Parameters
    ----------
    decisions : of ``features.assist.decisions.decided``.
    found : the moments or signals made of them.
    """
    if found.empty:
        return pd.DataFrame(columns=list(MOMENT_CUES.column_names))
    surest = _surest(said.pieces, decisions, found)
    pairs = _pairs(said.pairs, surest)
    told = model.why(said.pieces, said.mentions, pairs, surest["assist_type"].tolist())
    rows: list[dict[str, Any]] = []
    for moment, link, cues in zip(surest.to_dict("records"), pairs.to_dict("records"), told, strict=True):
        facts = [("partner", link["link_reason"], None), *((cue.kind, cue.text, cue.weight) for cue in cues)]
        rows += [
            {
                "moment_id": moment["moment_id"],
                "place": place,
                "conversation_id": moment["conversation_id"],
                "kind": kind,
                "cue": text,
                "weight": weight,
            }
            for place, (kind, text, weight) in enumerate(facts, start=1)
        ]
    return pd.DataFrame(rows)


def _surest(pieces: pd.DataFrame, decisions: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """For each moment its surest piece: ``utterance_id`` of the piece beside the moment's own columns."""
    sources = pieces.set_index("utterance_id")["source_id"]
    turns = found[["moment_id", "conversation_id", "partner_id", "assist_type", "utterance_ids"]]
    turns = turns.explode("utterance_ids").rename(columns={"utterance_ids": "source_id"})
    by_piece = decisions.assign(source_id=decisions["utterance_id"].map(sources))
    joined = turns.merge(by_piece[[*_KEYS, "utterance_id", "confidence"]], on=_KEYS)
    joined = joined.sort_values(["moment_id", "confidence", "utterance_id"], ascending=[True, False, True])
    return joined.drop_duplicates("moment_id").reset_index(drop=True)


def _pairs(pairs: pd.DataFrame, surest: pd.DataFrame) -> pd.DataFrame:
    """The judged pair of each row of ``surest``, in its order."""
    places = pairs.reset_index(drop=True).reset_index(names="_place")[["_place", "utterance_id", "partner_id"]]
    joined = surest[["utterance_id", "partner_id"]].merge(places, on=["utterance_id", "partner_id"], how="left")
    return pairs.iloc[joined["_place"].astype("int64")]
