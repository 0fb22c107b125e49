"""How many moments were found, and found rightly, where somebody knows what was really said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["MomentRecovery", "moment_recovery"]


@dataclass(frozen=True)
class MomentRecovery:
    """Found moments against the truth.

    Parameters
    ----------
    n_true, n_found : turns in which a partner truly helped, and those of them that lie in a moment of that partner.
    n_moments, n_right : moments, and those in which that partner truly helped.
    n_right_type : of the right ones, those with the right type as well.
    n_others, n_fooled : turns that speak of a partner without an assist, and those of them that lie in a moment.
    by_type : one row per assist type that is true or was found: ``assist_type``, ``true`` and ``found`` (turns),
        ``moments`` and ``right`` (with partner and type right), most true ones first.
    """

    n_true: int
    n_found: int
    n_moments: int
    n_right: int
    n_right_type: int
    n_others: int
    n_fooled: int
    by_type: pd.DataFrame

    @property
    def precision(self) -> float | None:
        """Right ones among the moments; ``None`` without any."""
        return self.n_right / self.n_moments if self.n_moments else None

    @property
    def recall(self) -> float | None:
        """Found ones among the true; ``None`` without any."""
        return self.n_found / self.n_true if self.n_true else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        counts = {name: value for name, value in vars(self).items() if name != "by_type"}
        rows = self.by_type.to_dict("records")
        return {**counts, "precision": self.precision, "recall": self.recall, "by_type": rows}


def moment_recovery(moments: pd.DataFrame, utterances: pd.DataFrame, truth: pd.DataFrame) -> MomentRecovery:
    """Compares moments with what is true.

    Parameters
    ----------
    moments, utterances : the tables.
    truth : one row per turn that speaks of a partner: ``conversation_id``, ``text`` (the whole turn), ``partner_id``
        (missing: none of ours), ``label`` (a class of the taxonomy), ``is_assist``.
    """
    turns = utterances[["conversation_id", "text", "utterance_id"]]
    told = truth.merge(turns, on=["conversation_id", "text"], how="left").reset_index(names="told")
    spans = moments[["moment_id", "partner_id", "assist_type", "utterance_ids"]].explode("utterance_ids")
    spans = spans.rename(columns={"utterance_ids": "utterance_id"})
    met = spans.merge(told[told["is_assist"]], on=["utterance_id", "partner_id"])
    same = met[met["assist_type"] == met["label"]]
    others = told[~told["is_assist"]]
    return MomentRecovery(
        n_true=int(truth["is_assist"].sum()),
        n_found=met["told"].nunique(),
        n_moments=len(moments),
        n_right=met["moment_id"].nunique(),
        n_right_type=same["moment_id"].nunique(),
        n_others=others["told"].nunique(),
        n_fooled=int(others.drop_duplicates("told")["utterance_id"].isin(set(spans["utterance_id"])).sum()),
        by_type=_by_type(moments, told, met, same),
    )


def _by_type(moments: pd.DataFrame, told: pd.DataFrame, met: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame(
        {
            "true": told[told["is_assist"]].groupby("label")["told"].nunique(),
            "found": met.groupby("label")["told"].nunique(),
            "moments": moments.groupby("assist_type").size(),
            "right": same.groupby("assist_type")["moment_id"].nunique(),
        }
    )
    table = counts.fillna(0).astype("int64").rename_axis("assist_type").reset_index()
    return table.sort_values(["true", "assist_type"], ascending=[False, True], ignore_index=True)
