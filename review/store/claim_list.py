"""Claims of any deal and partner, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from review.store.periods import Period
from review.store.schema import claims

__all__ = ["CLAIMS_A_PAGE", "ClaimsWanted", "found_claims"]

CLAIMS_A_PAGE: Final = 100
ALL_TIME: Final = Period()


@dataclass(frozen=True)
class ClaimsWanted:
    """Which claims; an empty text means any. The period is that in which deals closed."""

    deal: str = ""
    partner: str = ""
    grade: str = ""
    outcome: str = ""
    period: Period = ALL_TIME
    page: int = 1


def found_claims(connection: Connection, wanted: ClaimsWanted) -> tuple[Sequence[RowMapping], int]:
    """One page of the claims that are wanted, by deal and partner, and how many there are on all pages."""
    asked = (
        (claims.c.deal_id, wanted.deal),
        (claims.c.partner_id, wanted.partner),
        (claims.c.grade, wanted.grade),
        (claims.c.outcome, wanted.outcome),
    )
    conditions = [column == value for column, value in asked if value] + wanted.period.holds(claims.c.closed_at)
    total = connection.scalar(sa.select(sa.func.count()).select_from(claims).where(*conditions)) or 0
    page = sa.select(claims).where(*conditions).order_by(claims.c.deal_id, claims.c.partner_id).limit(CLAIMS_A_PAGE)
    return connection.execute(page.offset((wanted.page - 1) * CLAIMS_A_PAGE)).mappings().all(), total
