"""Judgements as tables, for what they say of those who judge and of the model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.assist.taxonomy import taxonomy
from features.judgements import ABOUT, DISPUTED, OWNER
from review.store.periods import Period
from review.store.schema import judgements, moments
from review.store.standing import STANDS

__all__ = ["NO_HELP", "Reviewer", "reviewed", "reviewers", "said_by_several"]

NO_HELP: Final = "no_help"
"""What stands for the type where somebody says that no partner helped."""
PAUSE: Final = 600
"""Seconds after which somebody who judges no further has paused, and no longer works at the next one."""
BY_REVIEWERS: Final = STANDS & (judgements.c.role == "reviewer") & judgements.c.verdict.in_(ABOUT)
TOLD: Final = (moments.c.assist_type, moments.c.told_type, moments.c.verdict.label("standing"))


@dataclass(frozen=True)
class Reviewer:
    """What somebody did: judgements that stand, and the median seconds between two of them without a pause.

    n_shared : moments that somebody else judged as well and of which something stands; n_as_standing : of these, on
    how many it is what the reviewer said.
    """

    name: str
    n: int
    seconds: float | None
    n_shared: int
    n_as_standing: int


def said_by_several(connection: Connection, period: Period) -> pd.DataFrame:
    """What each reviewer said last of the moments that two or more of them judged in the period.

    Columns: ``moment_id``, ``reviewer``, ``says_help`` (``help`` or ``no_help``), ``says_type`` and ``standing_type``
    (a type, or ``no_help``; the latter empty where people disagree).
    """
    is_in = (BY_REVIEWERS, *period.holds(judgements.c.reviewed_at))
    several = (
        sa.select(judgements.c.moment_id)
        .where(*is_in)
        .group_by(judgements.c.moment_id)
        .having(sa.func.min(judgements.c.reviewer) != sa.func.max(judgements.c.reviewer))
    )
    told = judgements.c.assist_type.label("said_type")
    query = (
        sa.select(judgements.c.moment_id, judgements.c.reviewer, judgements.c.verdict, told, *TOLD)
        .join_from(judgements, moments, moments.c.moment_id == judgements.c.moment_id)
        .where(*is_in, judgements.c.moment_id.in_(several))
        .order_by(judgements.c.reviewed_at, judgements.c.review_id)
    )
    latest = {(row["moment_id"], row["reviewer"]): row for row in connection.execute(query).mappings()}
    rows = [(*key, *_said(row)) for key, row in sorted(latest.items())]
    return pd.DataFrame(rows, columns=["moment_id", "reviewer", "says_help", "says_type", "standing_type"])


def reviewers(connection: Connection, period: Period, said: pd.DataFrame) -> list[Reviewer]:
    """Everybody who judged in the period, the busiest first; ``said`` is ``said_by_several`` of the same period."""
    query = (
        sa.select(judgements.c.reviewer, judgements.c.reviewed_at, judgements.c.source)
        .where(BY_REVIEWERS, *period.holds(judgements.c.reviewed_at))
        .order_by(judgements.c.reviewed_at)
    )
    times: defaultdict[str, list[float]] = defaultdict(list)
    numbers: Counter[str] = Counter()
    for name, at, source in connection.execute(query):
        numbers[name] += 1
        if source == "page":
            times[name].append(at.timestamp())
    shared = said[said["standing_type"] != ""]
    agrees = shared["says_type"] == shared["standing_type"]
    n_shared, n_agrees = shared["reviewer"].value_counts(), shared.loc[agrees, "reviewer"].value_counts()
    found = [
        Reviewer(name, n, _median_gap(times[name]), int(n_shared.get(name, 0)), int(n_agrees.get(name, 0)))
        for name, n in numbers.items()
    ]
    return sorted(found, key=lambda one: (-one.n, one.name))


def reviewed(connection: Connection, period: Period) -> pd.DataFrame:
    """The moments that the model flagged as help and of which a reviewer's word stands, judged last in the period.

    Columns: ``moment_id``, ``assist_type`` (as flagged), ``confidence``, ``is_confirmed`` (as flagged), ``is_help`` (of
    some kind), ``judged_at`` (UTC).
    """
    at = sa.func.max(judgements.c.reviewed_at).label("judged_at")
    by_people = STANDS & (judgements.c.role != OWNER) & judgements.c.verdict.in_(ABOUT)
    last = sa.select(judgements.c.moment_id, at).where(by_people).group_by(judgements.c.moment_id).subquery()
    query = (
        sa.select(moments.c.moment_id, *TOLD, moments.c.told_partner, moments.c.confidence, last.c.judged_at)
        .join_from(moments, last, last.c.moment_id == moments.c.moment_id)
        .where(
            moments.c.is_assist,
            moments.c.added_by.is_(None),
            moments.c.split_from.is_(None),
            moments.c.verdict.is_not(None),
            moments.c.verdict != DISPUTED,
            *period.holds(last.c.judged_at),
        )
    )
    rows = connection.execute(query).mappings().all()
    standing = [_standing(row) for row in rows]
    pairs = list(zip(rows, standing, strict=True))
    return pd.DataFrame(
        {
            "moment_id": [row["moment_id"] for row in rows],
            "assist_type": [row["assist_type"] for row in rows],
            "confidence": np.array([row["confidence"] for row in rows], dtype=np.float64),
            "is_confirmed": [what == row["assist_type"] and row["told_partner"] is None for row, what in pairs],
            "is_help": [what != NO_HELP for what in standing],
            "judged_at": pd.to_datetime([row["judged_at"] for row in rows], utc=True),
        }
    )


def _said(row: Mapping[Any, Any]) -> tuple[str, str, str]:
    what = _type(row["verdict"], row["said_type"], row["assist_type"])
    is_open = row["standing"] in (None, DISPUTED)
    return "help" if what != NO_HELP else NO_HELP, what, "" if is_open else _standing(row)


def _standing(row: Mapping[Any, Any]) -> str:
    return _type(row["standing"], row["told_type"], row["assist_type"])


def _type(verdict: str, told: str | None, found: str) -> str:
    """The type that a verdict comes to, or ``NO_HELP``."""
    what = told or found
    return NO_HELP if verdict == "rejected" or what in _others() else what


@cache
def _others() -> frozenset[str]:
    return frozenset(taxonomy().other_ids)


def _median_gap(times: list[float]) -> float | None:
    """The median of the seconds between two times, which ascend; pauses left out."""
    gaps = np.diff(times)
    worked = gaps[(gaps > 0) & (gaps <= PAUSE)]
    return float(np.median(worked)) if len(worked) else None
