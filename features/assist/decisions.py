"""From the model's probabilities to what is an assist, what is another signal, and what is neither."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from features.assist.taxonomy import BACKGROUND, taxonomy

__all__ = ["decided"]

_COLUMNS: Final = ["utterance_id", "partner_id", "assist_type", "confidence", "type_confidence"]


def decided(judged: pd.DataFrame, floor: float, threshold: float | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is an assist, and what else is worth keeping.

    Parameters
    ----------
    judged : one row per piece and candidate partner: ``utterance_id``, ``partner_id``, ``p_assist``, ``label`` (what
        the model decides) and one column of probabilities for each class of the taxonomy.
    floor : probability of an assist, in [0, 1], at or above which a row is kept whatever it is.
    threshold : probability at or above which it is an assist; None means where ``label`` is one.

    Returns
    -------
    Assists, and the rest with its most likely class but background: ``utterance_id``, ``partner_id``, ``assist_type``,
    ``confidence`` (that it is an assist) and ``type_confidence`` (that it is of this class).
    """
    classes = taxonomy()
    assists, others = list(classes.assist_ids), [name for name in classes.other_ids if name != BACKGROUND]
    if judged.empty:
        return pd.DataFrame(columns=_COLUMNS), pd.DataFrame(columns=_COLUMNS)
    is_named = judged["label"].isin(assists)
    is_assist = is_named if threshold is None else judged["p_assist"] >= threshold
    is_other = judged["label"].isin(others)
    is_kept = ~is_assist & (is_other | (judged["p_assist"] >= floor))
    return (
        _decision(judged, is_assist, judged["label"].where(is_named, judged[assists].idxmax(axis=1))),
        _decision(judged, is_kept, judged["label"].where(is_other, judged[others].idxmax(axis=1))),
    )


def _decision(judged: pd.DataFrame, is_kept: pd.Series, named: pd.Series) -> pd.DataFrame:
    rows, named = judged[is_kept], named[is_kept]
    classes = list(taxonomy().ids)
    chosen = pd.Index(classes).get_indexer(pd.Index(named))
    of_class = rows[classes].to_numpy(dtype="float64")[np.arange(len(rows)), chosen]
    return pd.DataFrame(
        {
            "utterance_id": rows["utterance_id"].astype(object),
            "partner_id": rows["partner_id"].astype(object).where(rows["partner_id"].notna(), None),
            "assist_type": named.astype(object),
            "confidence": rows["p_assist"].astype("float64").clip(0.0, 1.0),
            "type_confidence": of_class.clip(0.0, 1.0),
        }
    ).reset_index(drop=True)
