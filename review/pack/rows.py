"""The rows of an evidence pack: everything on which a number of its page rests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.assist.taxonomy import taxonomy
from features.grades import grade
from features.shown import Interval
from review.pages.moment_lines import state_of
from review.store.claims import evidence, supports
from review.store.corrected import WHOSE
from review.store.deal_facts import given_of, touches_of
from review.store.grounds import grounds
from review.store.partners import Claim, claims_of, range_of
from review.store.periods import Period, quarter
from review.store.schema import claims, deals, judgements, moments, verifications
from review.store.standing import STANDS

__all__ = ["About", "PackRows", "gathered"]

Row = dict[str, Any]
BATCH: Final = 500
"""Ids in one query; SQLite takes no unlimited number of them."""
STANDS_AS: Final = {"good": "confirmed", "bad": "rejected"}
OPEN: Final = "open"


@dataclass(frozen=True)
class About:
    """What a pack is about; the same of these and the same rows give the same bytes."""

    partner_id: str
    partner_name: str
    period: Period
    method: str
    is_main: bool
    report_currency: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class PackRows:
    """The pack's tables, each a list of rows with the same columns, in a fixed order; ``claims`` as records as well."""

    found: tuple[Claim, ...]
    wins_range: Interval | None
    claims: tuple[Row, ...]
    credits: tuple[Row, ...]
    deals: tuple[Row, ...]
    moments: tuple[Row, ...]
    reviews: tuple[Row, ...]
    questions: tuple[Row, ...]
    records: tuple[Row, ...]


def gathered(connection: Connection, about: About) -> PackRows:
    """The rows of a pack: claims on deals that closed in the period, and moments on these or heard in the period."""
    found = claims_of(
        connection,
        about.partner_id,
        about.period,
        about.method,
        is_main=about.is_main,
        report_currency=about.report_currency,
    )
    ids = [claim.deal_id for claim in found]
    claimed = _by_id(connection, sa.select(deals), deals.c.deal_id, ids)
    heard = _moments(connection, about, set(ids))
    moment_ids = [row["moment_id"] for row in heard]
    stand = sa.select(judgements).where(STANDS).order_by(judgements.c.seq)
    judged = _by_id(connection, stand, judgements.c.moment_id, moment_ids)
    asking = sa.select(verifications).order_by(verifications.c.asked_at, verifications.c.verification_id)
    asked = _by_id(connection, asking, verifications.c.moment_id, moment_ids)
    of_deal = _grouped(heard, "deal_id")
    by_moment, by_question = _grouped(judged, "moment_id"), _grouped(asked, "moment_id")
    deal_of = {deal["deal_id"]: deal for deal in claimed}
    reasons = {key: grounds(of_deal.get(key, ()), by_moment, by_question, deal_of[key], is_inside=True) for key in ids}
    found = [replace(claim, **evidence(of_deal.get(claim.deal_id, ()))) for claim in found]
    return PackRows(
        tuple(found),
        range_of(connection, about.partner_id, about.period, about.method),
        tuple(_claim_row(claim, about.method, reasons[claim.deal_id]) for claim in found),
        tuple(_credit_rows(connection, about.partner_id, ids)),
        tuple(_deal_row(deal_of[key], about.report_currency) for key in ids),
        tuple(_moment_row(row, about.period) for row in heard),
        tuple(_review_row(row) for row in judged),
        tuple(_question_row(row) for row in asked),
        tuple(row for key in ids for row in _record_rows(deal_of[key], about.partner_id)),
    )


def _by_id(
    connection: Connection, select: sa.Select[Any], column: sa.Column[str], ids: Sequence[str]
) -> list[RowMapping]:
    """The rows of these ids, in the order of the ids and, of one id, of the query."""
    place = {key: at for at, key in enumerate(ids)}
    rows = [
        row
        for at in range(0, len(ids), BATCH)
        for row in connection.execute(select.where(column.in_(ids[at : at + BATCH]))).mappings()
    ]
    return sorted(rows, key=lambda row: place[row[column.name]])


def _grouped(rows: Iterable[RowMapping], column: str) -> Mapping[str, list[RowMapping]]:
    made: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        made[row[column]].append(row)
    return made


def _moments(connection: Connection, about: About, ids: set[str]) -> list[RowMapping]:
    own = sa.select(moments).where(sa.literal(about.partner_id) == WHOSE, moments.c.state != "gone")
    ordered = own.order_by(moments.c.started_at, moments.c.moment_id)
    others = taxonomy().other_ids
    return [
        row
        for row in connection.execute(ordered).mappings()
        if (row["told_type"] or row["assist_type"]) not in others
        and (row["deal_id"] in ids or about.period.includes(row["started_at"]))
    ]


def _claim_row(claim: Claim, method: str, reason: str) -> Row:
    return {
        "deal_id": claim.deal_id,
        "deal_name": claim.deal_name,
        "outcome": claim.outcome,
        "closed_at": claim.closed_at,
        "quarter": quarter(claim.closed_at) if claim.closed_at else None,
        "method": method,
        "share": claim.share,
        "credited": None if claim.cents is None else Decimal(claim.cents).scaleb(-2),
        "currency": claim.currency,
        "grade": claim.grade,
        "reason": reason,
        "n_moments": claim.n_moments,
        "n_confirmed": claim.n_confirmed,
        "n_verified": claim.n_verified,
    }


def _credit_rows(connection: Connection, partner_id: str, ids: Sequence[str]) -> Iterable[Row]:
    own = sa.select(claims.c.deal_id, claims.c.credits).where(claims.c.partner_id == partner_id)
    for row in _by_id(connection, own, claims.c.deal_id, ids):
        for method, targets in sorted(row["credits"].items()):
            for target, credit in sorted(targets.items()):
                yield {
                    "deal_id": row["deal_id"],
                    "method": method,
                    "target": target,
                    **{name: credit.get(name) for name in ("kind", "credit", "share")},
                    "credit_lo": credit.get("lo"),
                    "credit_hi": credit.get("hi"),
                    "model_version": credit.get("model_version"),
                }


def _deal_row(deal: RowMapping, report_currency: str) -> Row:
    amount, reported = deal["amount"], deal["amount_in_report"]
    is_known = bool(report_currency) and bool(amount) and reported is not None
    names = ("deal_id", "name", "account_id", "owner_id", "owner_name", "outcome", "stage", "amount", "currency")
    return {
        **{name: deal[name] for name in names},
        "rate": reported / amount if is_known else None,
        "report_currency": report_currency or None,
        "created_at": deal["created_at"],
        "closed_at": deal["closed_at"],
    }


def _moment_row(row: RowMapping, period: Period) -> Row:
    does_support = supports(row)
    witnesses = {name: bool(row[name]) for name in ("is_confirmed", "is_verified", "has_record")}
    return {
        **{name: row[name] for name in ("moment_id", "deal_id", "conversation_id", "started_at")},
        "assist_type": row["told_type"] or row["assist_type"],
        "found_as": row["assist_type"],
        "quote": row["quote"],
        "magnitude": row["magnitude"],
        "confidence": row["confidence"],
        "is_heard_in_period": period.includes(row["started_at"]),
        "state": row["state"],
        "verdict": row["verdict"],
        "stands_as": STANDS_AS.get(state_of(row)[1], OPEN),
        **witnesses,
        "supports_claim": does_support,
        "grade": grade(**witnesses) if does_support else None,
        "model_version": row["model_version"],
    }


def _review_row(row: RowMapping) -> Row:
    names = ("review_id", "moment_id", "reviewer", "role", "verdict", "assist_type", "note", "model_version")
    return {**{name: row[name] for name in names}, "reviewed_at": row["reviewed_at"]}


def _question_row(row: RowMapping) -> Row:
    names = ("verification_id", "moment_id", "recipient", "asked_by", "asked_at", "state", "answer", "comment")
    return {**{name: row[name] for name in names}, "answered_at": row["answered_at"], "answered_by": row["answered_by"]}


def _record_rows(deal: RowMapping, partner_id: str) -> Iterable[Row]:
    key = deal["deal_id"]
    for touch in touches_of(deal["facts"]):
        if touch.partner_id == partner_id:
            yield _record(
                key, touch.kind, touch.occurred_at, touch.touchpoint_id, touch.source_system, touch.conversation_id
            )
    for given in given_of(deal["facts"]):
        if given.partner_id == partner_id:
            yield _record(key, given.what, given.at, None, None, None)


def _record(deal_id: str, what: str, at: datetime, *more: str | None) -> Row:
    names = ("touchpoint_id", "source_system", "conversation_id")
    return {"deal_id": deal_id, "what": what, "at": at, **dict(zip(names, more, strict=True))}
