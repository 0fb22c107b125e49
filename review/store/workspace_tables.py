"""Judgements as rows of the workspace's tables `reviews` and `judged_moments`, there and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.tables import MOMENTS, REVIEWS
from review.store.added import evidence_of
from review.store.events import Event, record
from review.store.schema import events, judgements, moments
from review.store.standing import STANDS, settle_all
from review.store.turns import Span, turns

__all__ = ["SOURCE", "corrected_partners", "judged_moments", "last_change", "review_ids", "reviews", "take_reviews"]

SOURCE: Final = "table"
"""``source`` of a judgement that was in the table before the database knew it."""
WHO: Final = "exchange"
Row = Mapping[str, Any]


def review_ids(connection: Connection) -> list[str]:
    """The ids of all judgements, undone ones as well."""
    return list(connection.scalars(sa.select(judgements.c.review_id)))


def take_reviews(connection: Connection, rows: Iterable[Row], at: datetime) -> set[str]:
    """Takes rows of ``reviews`` for judgements, each with its ``span`` (or None), and settles their moments.

    Returns the ids of these moments. Claims are not graded anew.
    """
    taken = [{**row, "source": SOURCE} for row in rows]
    if not taken:
        return set()
    connection.execute(judgements.insert(), taken)
    about = {row["moment_id"] for row in taken}
    settle_all(connection, about)
    after = {"review_ids": len(taken), "moments": len(about)}
    record(connection, Event(WHO, "system", "judgements taken in", "table", REVIEWS.name, after=after), at)
    return about


def reviews(connection: Connection) -> list[dict[str, Any]]:
    """The rows of ``reviews``: every judgement that has not been undone, by id."""
    columns = [judgements.c[name] for name in REVIEWS.column_names]
    query = sa.select(*columns).where(STANDS).order_by(judgements.c.review_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def judged_moments(connection: Connection) -> list[dict[str, Any]]:
    """The rows of ``judged_moments``, by id: moments added by people, with words they moved, or found no more.

    Those stand in their own type and partner; corrections of these are in ``reviews``.
    """
    is_judged = moments.c.verdict.is_not(None)
    is_other = moments.c.told_span.is_not(None) | moments.c.is_found.is_(False)
    columns = [*(moments.c[name] for name in MOMENTS.column_names), moments.c.told_span]
    query = sa.select(*columns).where(is_judged, is_other).order_by(moments.c.conversation_id, moments.c.moment_id)
    found = connection.execute(query).mappings().all()
    return sorted(_left(connection, found), key=lambda row: str(row["moment_id"]))


def last_change(connection: Connection) -> int:
    """A number that grows with every change that people make."""
    return connection.scalar(sa.select(sa.func.max(events.c.seq))) or 0


def corrected_partners(connection: Connection) -> str:
    """A digest of which moments people gave to which other partners."""
    query = sa.select(moments.c.moment_id, moments.c.told_partner).where(moments.c.told_partner.is_not(None))
    rows = sorted(map(tuple, connection.execute(query)))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _left(connection: Connection, found: Iterable[RowMapping]) -> Iterator[dict[str, Any]]:
    for conversation_id, rows in groupby(found, key=lambda row: str(row["conversation_id"])):
        said = None
        for row in rows:
            own = {name: row[name] for name in MOMENTS.column_names}
            span: Span | None = row["told_span"]
            if span is None:
                yield own
                continue
            said = turns(connection, conversation_id) if said is None else said
            known = {turn.utterance_id for turn in said}
            yield own | (evidence_of(span, said) if known.issuperset(span["utterance_ids"]) else {})
