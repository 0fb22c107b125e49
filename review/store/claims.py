"""Claims (one player on one deal) and how well each is evidenced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.assist.taxonomy import taxonomy
from features.grades import GRADES, grade
from features.tables import DIRECT
from review.store.corrected import WHOSE
from review.store.schema import claims, moments

__all__ = ["LEAST", "evidence", "regrade", "regrade_all", "supports"]

Row = Mapping[Any, Any]
LEAST: Final = GRADES[-1]
"""The grade of a claim without a moment that supports it."""
SUPPORTING: Final = ("waiting", "ignored", "unsure", "judged")
"""States of a moment that may support a claim; one that is contested or found no more supports nothing."""
COUNTS: Final = ("n_moments", "n_confirmed", "n_verified")
NEEDED: Final = (
    moments.c.deal_id,
    moments.c.assist_type,
    moments.c.told_type,
    moments.c.state,
    moments.c.verdict,
    moments.c.is_confirmed,
    moments.c.is_verified,
    moments.c.has_record,
    WHOSE.label("whose"),
)


def supports(moment: Row) -> bool:
    """Whether a moment supports its partner's claim: it tells of help, and people neither reject nor dispute it."""
    tells_of = moment["told_type"] or moment["assist_type"]
    return moment["state"] in SUPPORTING and moment["verdict"] != "rejected" and tells_of not in taxonomy().other_ids


def evidence(found: Iterable[Row]) -> dict[str, Any]:
    """The grade of a claim with these moments, and how many support it, are confirmed and are verified."""
    standing = [moment for moment in found if supports(moment)]
    grades = [
        grade(is_confirmed=m["is_confirmed"], is_verified=m["is_verified"], has_record=m["has_record"])
        for m in standing
    ]
    return {
        "grade": min(grades, default=LEAST),
        "n_moments": len(standing),
        "n_confirmed": sum(bool(m["is_confirmed"]) for m in standing),
        "n_verified": sum(bool(m["is_verified"]) for m in standing),
    }


def regrade(connection: Connection, deal_id: str | None, partner_id: str | None) -> None:
    """Brings a claim's grade up to date with its moments; does nothing where there is no such claim.

    Call it for the partner of a moment before and after any change of the moment.
    """
    if deal_id is None or partner_id is None or partner_id == DIRECT:
        return
    found = connection.execute(
        sa.select(*NEEDED).where(moments.c.deal_id == deal_id, sa.literal(partner_id) == WHOSE)
    ).mappings()
    is_it = (claims.c.deal_id == deal_id) & (claims.c.partner_id == partner_id)
    connection.execute(claims.update().where(is_it).values(**evidence(found)))


def regrade_all(connection: Connection) -> None:
    """Brings the grades of all claims up to date with their moments."""
    by_claim: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for moment in connection.execute(sa.select(*NEEDED).where(moments.c.deal_id.is_not(None))).mappings():
        by_claim[moment["deal_id"], moment["whose"]].append(moment)
    columns = (claims.c.deal_id, claims.c.partner_id, claims.c.grade, *(claims.c[name] for name in COUNTS))
    changed = []
    for claim in connection.execute(sa.select(*columns).where(claims.c.partner_id != DIRECT)).mappings():
        now = evidence(by_claim.get((claim["deal_id"], claim["partner_id"]), ()))
        if any(claim[name] != value for name, value in now.items()):
            changed.append({"of_deal": claim["deal_id"], "of_partner": claim["partner_id"], **now})
    if changed:
        is_it = (claims.c.deal_id == sa.bindparam("of_deal")) & (claims.c.partner_id == sa.bindparam("of_partner"))
        connection.execute(claims.update().where(is_it), changed)
