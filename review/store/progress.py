"""How much somebody has done."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from features.judgements import OWNER
from review.store.schema import judgements
from review.store.standing import STANDS

__all__ = ["judged_since"]


def judged_since(connection: Connection, reviewer: str, since: datetime) -> int:
    """Judgements of a reviewer since then that have not been taken back."""
    is_it = (judgements.c.reviewed_at >= since) & (judgements.c.reviewer == reviewer) & (judgements.c.role != OWNER)
    return connection.scalar(sa.select(sa.func.count()).where(is_it, STANDS)) or 0
