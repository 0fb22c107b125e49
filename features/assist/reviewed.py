"""What people's judgements of moments say about turns and partners, as further labelled examples."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from features.judgements import Judgement, deciding

__all__ = ["EXAMPLE_COLUMNS", "NOT_AN_ASSIST", "reviewed_examples"]

EXAMPLE_COLUMNS: Final = ("utterance_id", "partner_id", "label", "weight", "review_id")
NOT_AN_ASSIST: Final = "not_an_assist"
"""Label of what somebody rejected without saying what it is instead."""
PARTLY: Final = 0.5
"""Weight of a judgement that a moment is partly right, against 1 for a whole one."""
_SAID: Final = ("review_id", "reviewer", "role", "verdict", "reviewed_at")
_CORRECTED: Final = ("assist_type", "partner_id")


def reviewed_examples(reviews: pd.DataFrame, *moments: pd.DataFrame) -> pd.DataFrame:
    """Labelled turns from judgements.

    Of a moment's judgements the one that stands counts (``features.judgements``). A confirmed row is of its own class;
    a relabelled one of the class given; a partly right one of the class given, else its own, with half the weight; a
    rejected moment of the class given, else ``NOT_AN_ASSIST``. A corrected partner or span takes the place of the row's
    own. Left out are ``unsure`` and ``not_mine``, a relabelled one without a class, a rejected signal without a class
    (it says only what it is not), and moments about which people disagree.

    Parameters
    ----------
    reviews : the table.
    moments : ``judged_moments``, ``moments`` and ``signals``; of rows with one id the first counts.

    Returns
    -------
    ``EXAMPLE_COLUMNS``, one row per turn and judgement, sorted by ``review_id`` and turn; a turn and partner that
    several judgements name comes once, with the greatest weight.
    """
    rows = pd.concat(moments, ignore_index=True).drop_duplicates("moment_id")
    own = rows[["moment_id", "assist_type", "partner_id", "utterance_ids"]]
    judged = _standing(reviews).merge(own, on="moment_id", suffixes=("", "_before"))
    judged = judged.assign(label=_labels(judged), weight=judged["verdict"].map({"partly": PARTLY}).fillna(1.0))
    judged = judged[judged["label"].notna()]
    turns = _given(judged, "utterance_ids").map(list)
    found = judged.assign(partner_id=_given(judged, "partner_id"), utterance_id=turns).explode("utterance_id")
    found = found.sort_values(["weight", "review_id"], ascending=[False, True])
    once = found.drop_duplicates(["utterance_id", "partner_id"])
    ordered = once.sort_values(["review_id", "utterance_id"], ignore_index=True)
    return ordered[list(EXAMPLE_COLUMNS)]


def _standing(reviews: pd.DataFrame) -> pd.DataFrame:
    """The judgement that stands of each moment."""
    said = defaultdict(list)
    corrected = reviews[list(_CORRECTED)].astype(object)
    plain = reviews[list(_SAID)].assign(**corrected.where(corrected.notna(), None))
    for moment, row in zip(reviews["moment_id"], plain.to_dict("records"), strict=True):
        said[moment].append(Judgement(**{str(name): value for name, value in row.items()}))
    decided = {last.review_id for judgements in said.values() if (last := deciding(judgements)) is not None}
    return reviews[reviews["review_id"].isin(decided)]


def _labels(judged: pd.DataFrame) -> pd.Series:
    """The class that each judgement says; missing where it says none."""
    classes = taxonomy()
    given = judged["assist_type"].where(judged["assist_type"].isin(classes.ids))
    before = judged["assist_type_before"]
    verdict = judged["verdict"]
    rejected = given.where(given.isin(classes.other_ids))
    rejected = rejected.fillna(pd.Series(NOT_AN_ASSIST, index=judged.index).where(before.isin(classes.assist_ids)))
    label = given.where(verdict.eq("relabelled"))
    label = label.mask(verdict.eq("confirmed"), before)
    label = label.mask(verdict.eq("partly"), given.fillna(before))
    return label.mask(verdict.eq("rejected"), rejected)


def _given(judged: pd.DataFrame, column: str) -> pd.Series:
    """The corrected value where there is one, else that of the moment."""
    return judged[column].where(judged[column].notna(), judged[f"{column}_before"])
