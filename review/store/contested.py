"""Moments about which people disagree, and whom a decision overruled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.assist.taxonomy import taxonomy
from features.judgements import ABOUT, DECIDES, OWNER
from review.roles import Right, Viewer
from review.store.schema import deals, judgements, moments, partners
from review.store.standing import STANDS
from review.store.verdicts import Judged, judge

__all__ = ["PAGE_SIZE", "ContestedMoment", "Overruled", "contested", "follow", "n_contested", "overruled"]

PAGE_SIZE: Final = 20
MOST: Final = 100
"""Overruled judgements that are shown."""
SAYS: Final = STANDS & judgements.c.verdict.in_(ABOUT)
NAMED: Final = (
    *(moments.c[name] for name in ("moment_id", "quote", "assist_type", "partner_id", "confidence", "started_at")),
    partners.c.name.label("partner_name"),
    deals.c.deal_id,
    deals.c.name.label("deal_name"),
)
Row = Mapping[Any, Any]


@dataclass(frozen=True)
class ContestedMoment:
    """A moment with what each person said of it last, the earliest first; ``partner_name`` as it was found."""

    row: RowMapping
    said: Sequence[RowMapping]


@dataclass(frozen=True)
class Overruled:
    """What somebody said of a moment, and what was decided otherwise."""

    row: RowMapping
    said: RowMapping
    decided: RowMapping


def n_contested(connection: Connection, viewer: Viewer | None = None) -> int:
    """How many moments wait for a decision; with ``viewer`` those that ``contested`` shows."""
    query = sa.select(sa.func.count()).select_from(moments).where(*_is_contested(viewer))
    return connection.scalar(query) or 0


def contested(connection: Connection, viewer: Viewer, *, page: int = 1) -> list[ContestedMoment]:
    """A page of the moments about which people disagree, those with most at stake first.

    Somebody who judges, and does not decide, sees only those that they judged, so that all judge by themselves.
    """
    ordered = _moments().where(*_is_contested(viewer)).order_by(moments.c.stake.desc(), moments.c.moment_id)
    rows = connection.execute(ordered.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).mappings().all()
    said = _said(connection, [row["moment_id"] for row in rows])
    return [ContestedMoment(row, said[row["moment_id"]]) for row in rows]


def follow(
    connection: Connection, viewer: Viewer, moment_id: str, review_id: str, note: str | None, at: datetime
) -> Judged:
    """Decides a contested moment as one of those who judged it did.

    Raises
    ------
    LookupError : the moment has no such judgement.
    PermissionError : the viewer may not decide.
    ValueError : nobody disagrees about it any more.
    """
    query = sa.select(judgements).where(judgements.c.review_id == review_id, judgements.c.moment_id == moment_id, SAYS)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise LookupError("This judgement is gone. Look again at what people say of the moment.")
    if connection.scalar(sa.select(moments.c.state).where(moments.c.moment_id == moment_id)) != "contested":
        raise ValueError("Somebody decided this meanwhile, or nobody disagrees about it any more.")
    told = {name: found[name] for name in ("verdict", "assist_type", "partner_id", "span")}
    return judge(connection, moment_id, viewer, at=at, decides=True, note=note, **told)


def overruled(connection: Connection, reviewer: str) -> list[Overruled]:
    """A reviewer's judgements that a decision overruled, the latest decision first."""
    own = sa.select(judgements.c.moment_id).where(SAYS, judgements.c.reviewer == reviewer, judgements.c.role != DECIDES)
    decided = sa.select(judgements.c.moment_id).where(SAYS, judgements.c.role == DECIDES)
    query = _moments().where(moments.c.moment_id.in_(own.intersect(decided)))
    rows = {row["moment_id"]: row for row in connection.execute(query).mappings()}
    found = []
    for moment_id, said in _said(connection, rows).items():
        mine = [one for one in said if one["reviewer"] == reviewer and one["role"] != DECIDES][-1]
        decision = [one for one in said if one["role"] == DECIDES][-1]
        if _says(mine, rows[moment_id]) != _says(decision, rows[moment_id]):
            found.append(Overruled(rows[moment_id], mine, decision))
    return sorted(found, key=lambda one: one.decided["reviewed_at"], reverse=True)[:MOST]


def _is_contested(viewer: Viewer | None) -> list[sa.ColumnElement[bool]]:
    is_contested = [moments.c.state == "contested"]
    if viewer is not None and viewer.may(Right.JUDGE) and not viewer.may(Right.DECIDE):
        own = sa.select(judgements.c.moment_id).where(SAYS, judgements.c.reviewer == viewer.name)
        is_contested.append(moments.c.moment_id.in_(own))
    return is_contested


def _moments() -> sa.Select[Any]:
    return sa.select(*NAMED).select_from(
        moments.outerjoin(partners, partners.c.partner_id == moments.c.partner_id).outerjoin(
            deals, deals.c.deal_id == moments.c.deal_id
        )
    )


def _said(connection: Connection, moment_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """By moment: the last judgement of each person in each role, in order; with the corrected partner's name."""
    query = (
        sa.select(judgements, partners.c.name.label("told_name"))
        .select_from(judgements.outerjoin(partners, partners.c.partner_id == judgements.c.partner_id))
        .where(SAYS, judgements.c.moment_id.in_(list(moment_ids)))
        .order_by(judgements.c.reviewed_at, judgements.c.review_id)
    )
    latest = {(row["moment_id"], row["reviewer"], row["role"]): row for row in connection.execute(query).mappings()}
    grouped: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in sorted(latest.values(), key=lambda row: (row["reviewed_at"], row["review_id"])):
        grouped[row["moment_id"]].append(row)
    return grouped


def _says(judgement: Row, moment: Row) -> tuple[str | None, ...]:
    """What somebody's words come to; an owner is asked only whether it is so."""
    what = judgement["assist_type"] or moment["assist_type"]
    is_help = judgement["verdict"] != "rejected" and what not in taxonomy().other_ids
    if not is_help or judgement["role"] == OWNER:
        return ("help" if is_help else "none",)
    return "help", what, judgement["partner_id"] or moment["partner_id"]
