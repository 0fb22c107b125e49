"""Evidence grades: how many independent witnesses a claim of help has beside the model."""

from __future__ import annotations

from typing import Final

__all__ = ["GRADES", "GRADE_TEXTS", "NEAR_DAYS", "grade"]

GRADES: Final = ("A", "B", "C", "D")
GRADE_TEXTS: Final = {
    "A": "A reviewer confirmed it, the deal's owner confirmed it, and an independent record bears it out.",
    "B": "Two of these three bear it out: a reviewer, the deal's owner, an independent record.",
    "C": "One of these three bears it out: a reviewer, the deal's owner, an independent record.",
    "D": "The model alone says so.",
}
NEAR_DAYS: Final = 14
"""Most days between a conversation and a touch that bears it out, before or after, inclusive."""


def grade(*, is_confirmed: bool, is_verified: bool, has_record: bool) -> str:
    """The grade of one moment; a claim (a partner on a deal) has the best grade of its moments, and D without any.

    Parameters
    ----------
    is_confirmed : by a reviewer, and not overruled (``features.judgements.Standing``).
    is_verified : by the deal's owner, likewise.
    has_record : a record other than the conversation itself shows the partner on that deal at about that time.
    """
    return GRADES[3 - sum((is_confirmed, is_verified, has_record))]
