"""What a moment tells of as people corrected it, else as it was found: parts of queries."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from review.store.schema import moments

__all__ = ["WHAT", "WHOSE"]

WHOSE: Final = sa.func.coalesce(moments.c.told_partner, moments.c.partner_id)
"""The partner whose help it tells of."""
WHAT: Final = sa.func.coalesce(moments.c.told_type, moments.c.assist_type)
"""The type."""
