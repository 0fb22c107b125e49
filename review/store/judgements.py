"""Everything that people do to moments; each function works within a transaction of ``review.store.engine.writing``."""

from __future__ import annotations

from review.store.added import add_missed, split
from review.store.standing import settle
from review.store.undoing import add_note, ignore, undo, unignore
from review.store.verdicts import VERDICTS, Judged, Other, add_judgement, judge

__all__ = [
    "VERDICTS",
    "Judged",
    "Other",
    "add_judgement",
    "add_missed",
    "add_note",
    "ignore",
    "judge",
    "settle",
    "split",
    "undo",
    "unignore",
]
