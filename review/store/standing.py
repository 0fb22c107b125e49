"""What people's judgements make of a moment, written into its row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row, RowMapping

from features.assist.taxonomy import taxonomy
from features.grades import grade
from features.judgements import ABOUT, DISPUTED, OWNER, Judgement, Standing, standing
from review.store.claims import regrade
from review.store.schema import judgements, moments
from review.store.second import kept_share, wants_second

__all__ = ["STANDS", "settle", "settle_all", "standing_judgements"]

STANDS: Final = judgements.c.undone_at.is_(None)
"""The condition that a judgement has not been undone."""
BATCH: Final = 500
"""Moments that ``settle_all`` looks at in one query."""
NEEDED: Final = (
    moments.c.moment_id,
    moments.c.deal_id,
    moments.c.partner_id,
    moments.c.assist_type,
    moments.c.told_partner,
    moments.c.has_record,
    moments.c.is_found,
    moments.c.ignored_by,
    moments.c.version,
)


def settle(connection: Connection, moment_id: str) -> None:
    """Works out anew what stands of a moment, and the grades of the claims that it bears on.

    To be called after any change of its judgements, in the transaction of that change. Does nothing of an unknown one.
    """
    found = connection.execute(sa.select(*NEEDED).where(moments.c.moment_id == moment_id)).mappings().first()
    if found is None:
        return
    said = standing_judgements(connection, moment_id)
    result, changed = _settled(found, said, kept_share(connection))
    connection.execute(moments.update().where(moments.c.moment_id == moment_id).values(changed))
    own = found["partner_id"]
    for partner_id in {found["told_partner"] or own, result.partner_id or own}:
        regrade(connection, found["deal_id"], partner_id)


def settle_all(connection: Connection, moment_ids: Iterable[str]) -> None:
    """The same of many moments, but for their claims: call ``review.store.claims.regrade_all`` after it."""
    names, share = sorted(set(moment_ids)), kept_share(connection)
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        query = sa.select(judgements).where(judgements.c.moment_id.in_(some), STANDS)
        said: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(query.order_by(judgements.c.reviewed_at, judgements.c.review_id)):
            said[row.moment_id].append(row)
        found = connection.execute(sa.select(*NEEDED).where(moments.c.moment_id.in_(some))).mappings().all()
        rows = [{"of_id": row["moment_id"], **_settled(row, said[row["moment_id"]], share)[1]} for row in found]
        if rows:
            is_it = moments.c.moment_id == sa.bindparam("of_id")
            connection.execute(moments.update().where(is_it), rows)


def standing_judgements(connection: Connection, moment_id: str) -> Sequence[Row[Any]]:
    """The rows of its judgements that have not been undone, the latest last."""
    query = sa.select(judgements).where(judgements.c.moment_id == moment_id, STANDS)
    return connection.execute(query.order_by(judgements.c.reviewed_at, judgements.c.review_id)).all()


def _settled(found: RowMapping, said: Sequence[Row[Any]], share: float) -> tuple[Standing, dict[str, Any]]:
    """What its judgements come to, and the moment's columns that say so."""
    result = standing(_judgement(row) for row in said)
    return result, {
        "state": _state(found, result, said),
        "verdict": result.verdict,
        "told_type": result.assist_type,
        "told_partner": result.partner_id,
        "told_span": _span(result, said),
        "is_confirmed": result.is_confirmed,
        "is_verified": result.is_verified,
        "grade": _grade(found, result),
        "version": found["version"] + 1,
        "second_after": _second_after(found, result, said, share),
    }


def _judgement(row: Row[Any]) -> Judgement:
    return Judgement(
        row.review_id, row.reviewer, row.role, row.verdict, row.reviewed_at, row.assist_type, row.partner_id
    )


def _state(found: RowMapping, result: Standing, said: Sequence[Row[Any]]) -> str:
    if result.verdict is not None:
        return "contested" if result.verdict == DISPUTED else "judged"
    if not found["is_found"]:
        return "gone"
    if found["ignored_by"] is not None:
        return "ignored"
    return "unsure" if any(row.verdict == "unsure" for row in said) else "waiting"


def _second_after(found: RowMapping, result: Standing, said: Sequence[Row[Any]], share: float) -> str | None:
    """The only reviewer who judged a moment of which a second opinion is wanted; None for another moment."""
    judged = {(row.reviewer, row.role) for row in said if row.role != OWNER}
    if result.verdict is None or not found["is_found"] or len(judged) != 1:
        return None
    ((reviewer, role),) = judged
    return reviewer if role == "reviewer" and wants_second(found["moment_id"], share) else None


def _span(result: Standing, said: Sequence[Row[Any]]) -> Any:
    """The span last given by somebody whose judgement agrees with what stands; None: as it was found."""
    if result.verdict in (None, DISPUTED, "rejected"):
        return None
    about = [row for row in said if row.verdict in ABOUT]
    latest = {(row.reviewer, row.role): _judgement(row) for row in about}
    is_help = result.assist_type not in taxonomy().other_ids
    spans = [row.span for row in about if row.span and latest[row.reviewer, row.role].is_help == is_help]
    return spans[-1] if spans else None


def _grade(found: RowMapping, result: Standing) -> str | None:
    """The grade of a moment that stands as help; None for another."""
    what = result.assist_type or found["assist_type"]
    if result.verdict == "rejected" or what in taxonomy().other_ids:
        return None
    has_record = found["has_record"] and result.verdict != DISPUTED
    return grade(is_confirmed=result.is_confirmed, is_verified=result.is_verified, has_record=has_record)
