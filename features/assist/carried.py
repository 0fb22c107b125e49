"""Judgements handed on from moments that are found no more to those found in their place: by evidence, not by id."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from features.judgements import ABOUT
from features.tables import REVIEWS

__all__ = ["FROM", "carried"]

FROM: Final = "from_moment_id"
"""Column of ``carried`` beside those of ``reviews``: the moment that a judgement was handed on from."""
LEAST: Final = 0.5
"""Least part of the shorter one's words that two moments share when they are the same."""
_PLACE: Final = ["moment_id", "conversation_id", "partner_id", "assist_type", "char_start", "char_end"]
_SAME: Final = ["moment_id", "reviewer", "role", "reviewed_at"]


def carried(reviews: pd.DataFrame, known: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """The judgements of moments that are found no more, as rows of ``reviews`` for those found in their place.

    Two moments are the same when they are of one conversation, share words (at least half of the turns of the one with
    fewer; a turn in which both begin counts where they share at least half of the shorter one's characters in it), and
    have the same partner, which is the old moment's own or the one that a judgement gave it, or one of them is not
    known. A moment takes over from the one it shares most with; one moment may hand on to several.

    What was said stays, told of the new moment: confirmed as A, and now found as B, is relabelled as A; relabelled as
    what is found now is confirmed; a partner that is found otherwise is corrected. Of each person the latest judgement
    that says what the moment is goes on, and the latest one that does not. A rejection says nothing of another partner,
    nor, without a class, of what is found as another class that is no assist: then none of a moment's judgements is
    handed on.

    Parameters
    ----------
    reviews : the table.
    known : rows of moments, signals or judged moments, judged ones that are not current any more; others do no harm.
    current : moments and signals as they are found now, without those that were there beside the known ones.

    Returns
    -------
    Rows of ``reviews`` and ``FROM``, by ``review_id``. Ids rest on the old ``review_id`` and the new ``moment_id``
    alone. A judgement that the new moment has already (of the same person, role and time) is returned as it stands, so
    that handing on again, there and back, adds nothing: put in what has an unknown ``review_id``.
    """
    judged = known[known["moment_id"].isin(reviews["moment_id"])].drop_duplicates("moment_id")
    fresh = current[~current["moment_id"].isin(known["moment_id"])].drop_duplicates("moment_id")
    reviews = reviews[reviews["moment_id"].isin({*judged["moment_id"], *fresh["moment_id"]})]
    if judged.empty or fresh.empty:
        return reviews.iloc[:0].reindex(columns=[*REVIEWS.column_names, FROM])
    pairs = _taken_over(judged, fresh, reviews)
    told = pairs.merge(_latest(reviews), left_on="old_moment_id", right_on="moment_id", suffixes=("_pair", ""))
    by_moment = [[_handed_on(pair) for pair in part.to_dict("records")] for _, part in told.groupby("moment_id_pair")]
    rows = [row for part in by_moment if all(part) for row in part]
    if not rows:
        return reviews.iloc[:0].reindex(columns=[*REVIEWS.column_names, FROM])
    made = pd.DataFrame(rows, columns=[*REVIEWS.column_names, FROM])
    there = reviews.merge(made[[*_SAME, FROM]].drop_duplicates(_SAME), on=_SAME)
    keys = pd.MultiIndex.from_frame(there[_SAME].astype(object))
    new = made[~pd.MultiIndex.from_frame(made[_SAME].astype(object)).isin(keys)].drop_duplicates("review_id")
    found = [frame.astype(object) for frame in (there, new) if len(frame)]
    joined = pd.concat(found, ignore_index=True).infer_objects() if found else made
    return joined.sort_values("review_id", ignore_index=True)[[*REVIEWS.column_names, FROM]]


def _latest(reviews: pd.DataFrame) -> pd.DataFrame:
    """Of each person, in each role, the latest judgement of a moment that says what it is, and the latest other one."""
    ordered = reviews.assign(is_about=reviews["verdict"].isin(ABOUT)).sort_values(["reviewed_at", "review_id"])
    latest = ordered.drop_duplicates(["moment_id", "reviewer", "role", "is_about"], keep="last")
    return latest.drop(columns="is_about")


def _taken_over(known: pd.DataFrame, current: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """Each current moment with the known one that it shares most with; columns of both, the latter's ``old_…``."""
    shared = _overlaps(known, current)
    corrected = reviews.loc[reviews["partner_id"].notna(), ["moment_id", "partner_id"]]
    names = corrected.groupby("moment_id")["partner_id"].agg(set).to_dict()
    is_same = [
        pd.isna(old) or pd.isna(new) or new == old or new in names.get(moment, ())
        for moment, old, new in zip(
            shared["old_moment_id"], shared["old_partner_id"], shared["partner_id"], strict=True
        )
    ]
    kept = shared[pd.Series(is_same, index=shared.index, dtype=bool)]
    ranked = kept.assign(
        is_named=kept["old_partner_id"].notna() & kept["partner_id"].notna(),
        is_alike=kept["old_assist_type"].eq(kept["assist_type"]),
    )
    order = ["part", "is_named", "is_alike", "letters", "old_moment_id"]
    ranked = ranked.sort_values(order, ascending=[False, False, False, False, True])
    return ranked.drop_duplicates("moment_id").drop(columns=["is_named", "is_alike", "part", "letters"])


def _overlaps(known: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Pairs of both that share enough words; ``part`` of the turns that are shared, and ``letters`` of the first."""
    old, new = _turns(known).add_prefix("old_"), _turns(current)
    keys = ["conversation_id", "utterance_id"]
    both = new.merge(old, left_on=keys, right_on=[f"old_{key}" for key in keys])
    ends, starts = both[["char_end", "old_char_end"]], both[["char_start", "old_char_start"]]
    letters = (ends.min(axis=1) - starts.max(axis=1)).clip(lower=0)
    shorter = pd.concat([both[f"{side}char_end"] - both[f"{side}char_start"] for side in ("", "old_")], axis=1)
    begin_both = both["is_first"] & both["old_is_first"]
    both = both.assign(
        is_shared=~begin_both | (letters >= LEAST * shorter.min(axis=1)) & (letters > 0),
        letters=letters.where(begin_both, 0),
        size=both[["turns", "old_turns"]].min(axis=1),
    )
    by_pair = both.groupby(["old_moment_id", "moment_id"], as_index=False).agg(
        n=("is_shared", "sum"), size=("size", "first"), letters=("letters", "max")
    )
    by_pair = by_pair.assign(part=by_pair["n"] / by_pair["size"])
    by_pair = by_pair[by_pair["part"] >= LEAST].drop(columns=["n", "size"])
    found = by_pair.merge(current[_PLACE].drop(columns=["char_start", "char_end"]), on="moment_id")
    before = known[["moment_id", "partner_id", "assist_type"]].add_prefix("old_")
    return found.merge(before, on="old_moment_id")


def _turns(moments: pd.DataFrame) -> pd.DataFrame:
    """A row for each turn of each moment; ``turns``, how many it has, and whether it ``is_first``."""
    ids = moments["utterance_ids"].map(list)
    rows = moments[_PLACE].assign(utterance_id=ids, turns=ids.map(len), first=ids.map(lambda turns: turns[0]))
    exploded = rows.explode("utterance_id", ignore_index=True)
    return exploded.assign(is_first=exploded["utterance_id"].eq(exploded["first"])).drop(columns="first")


def _handed_on(pair: dict[Any, Any]) -> dict[str, Any] | None:
    """The judgement told of the new moment; None when it says nothing of it."""
    told = _told(pair)
    if told is None:
        return None
    moment_id = pair["moment_id_pair"]
    text = json.dumps([pair["review_id"], moment_id], ensure_ascii=False)
    review_id = hashlib.sha256(text.encode()).hexdigest()[:16]
    kept = {name: pair[name] for name in REVIEWS.column_names if name in pair}
    return kept | told | {"review_id": review_id, "moment_id": moment_id, FROM: pair["old_moment_id"]}


def _told(pair: dict[Any, Any]) -> dict[str, Any] | None:
    """Verdict and corrections about the new moment."""
    verdict, found = pair["verdict"], pair["assist_type_pair"]
    if verdict == "rejected":
        return _rejected(pair)
    partner = _given(pair["partner_id"], pair["old_partner_id"])
    corrected = partner if partner != _given(pair["partner_id_pair"]) else None
    kind = _given(pair["assist_type"])
    if verdict not in ABOUT:
        return {"assist_type": kind, "partner_id": corrected}
    if verdict == "relabelled" and kind is None:
        return {"assist_type": None, "partner_id": corrected}
    is_same = (kind or pair["old_assist_type"]) == found
    if verdict != "partly":
        verdict = "confirmed" if is_same else "relabelled"
    told = None if is_same else kind or pair["old_assist_type"]
    return {"verdict": verdict, "assist_type": told, "partner_id": corrected}


def _rejected(pair: dict[Any, Any]) -> dict[str, Any] | None:
    """A rejection told of the new moment: a class that was given with it is what the moment is instead."""
    others, found, given = taxonomy().other_ids, pair["assist_type_pair"], _given(pair["assist_type"])
    before, now = _given(pair["old_partner_id"]), _given(pair["partner_id_pair"])
    if before is not None and now is not None and before != now:
        return None
    if found in others and found != pair["old_assist_type"]:
        if given not in others:
            return None
        is_same = given == found
        return {"verdict": "confirmed" if is_same else "relabelled", "assist_type": None if is_same else given}
    return {"assist_type": given}


def _given(*values: Any) -> Any:
    """The first value that is there; None without one."""
    return next((value for value in values if isinstance(value, str)), None)
