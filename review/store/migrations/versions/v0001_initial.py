"""The first schema."""

from __future__ import annotations

from alembic import op

from review.store.schema import METADATA
from review.store.triggers import create_triggers, drop_triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    METADATA.create_all(op.get_bind())
    create_triggers(op.get_bind())


def downgrade() -> None:
    """Back from it."""
    drop_triggers(op.get_bind())
    METADATA.drop_all(op.get_bind())
