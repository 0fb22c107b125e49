"""Where in the customer's journey a touchpoint of a CRM lies."""

from __future__ import annotations

from typing import Final

from features.sources.sqltext import literal

__all__ = ["journey_stage"]

_SELLING: Final = r"propos|quot|negotiat|contract|verbal|commit|clos|legal|procure"


def journey_stage(moment: str, *, outcome: str, closed_at: str, stage: str) -> str:
    """SQL: after a won close ``post_sale``; before, by the stage that the deal was in; null when that is not known.

    A stage whose name speaks of proposals, contracts or closing is ``point_of_sale``, any other ``pre_sale``. What
    comes after a lost close belongs to no stage.
    """
    return (
        f"CASE WHEN {outcome} = 'won' AND {moment} > {closed_at} THEN 'post_sale' "
        f"WHEN {moment} > {closed_at} THEN NULL "
        f"WHEN regexp_matches(lower({stage}), {literal(_SELLING)}) THEN 'point_of_sale' "
        f"WHEN {stage} IS NOT NULL THEN 'pre_sale' END"
    )
