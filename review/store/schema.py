"""The tables of the review database, declared once; ``migrations`` brings a database to them.

Times are UTC. Deals, partners, conversations, credits and what a model found are copied from the workspace to be shown,
and are brought up to date with it; what people do lies in columns and tables of its own, which no copy overwrites.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

__all__ = [
    "DISPUTE_STATES",
    "METADATA",
    "MOMENT_STATES",
    "OPEN_DISPUTES",
    "VERIFICATION_STATES",
    "Utc",
    "claims",
    "conversations",
    "deals",
    "dispute_entries",
    "disputes",
    "events",
    "judgements",
    "messages",
    "moments",
    "notes",
    "partner_scores",
    "partners",
    "replies",
    "sessions",
    "settings",
    "users",
    "verifications",
]

MOMENT_STATES: Final = ("waiting", "judged", "contested", "ignored", "unsure", "gone")
"""``contested``: people disagree and nobody has decided. ``gone``: found no more before anybody judged it."""
VERIFICATION_STATES: Final = ("queued", "sent", "answered", "contradicted", "expired", "withdrawn", "undeliverable")
"""``contradicted``: it was answered again, otherwise."""
OPEN_DISPUTES: Final = ("open", "in_review")
"""States of a dispute that is not decided."""
DISPUTE_STATES: Final = (*OPEN_DISPUTES, "upheld", "declined")


class Utc(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, with a zone in PostgreSQL, without one in SQLite, which knows none."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the database takes it; raises ``ValueError`` for one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone. Give an aware datetime.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment as Python has it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str = "id") -> sa.Column[int]:
    """A number that grows with every row, in both databases."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = True, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable, **options)


settings = sa.Table(
    "settings",
    METADATA,
    _text("name", nullable=False, primary_key=True),
    _text("value", nullable=False),
    comment="What the page keeps for itself: its secret, and how far the exchange with the workspace has come.",
)

users = sa.Table(
    "users",
    METADATA,
    _text("name", nullable=False, primary_key=True),
    _text("password_hash"),
    _text("role", nullable=False),
    _text("partner_id"),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("disabled_at", Utc()),
    comment="People who may log in; without a password only the proxy in front of the page can vouch for them.",
)

sessions = sa.Table(
    "sessions",
    METADATA,
    _text("token_hash", nullable=False, primary_key=True),
    _text("user", nullable=False, index=True),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc(), nullable=False, index=True),
    comment="Who is logged in; only a hash of the token is kept.",
)

partners = sa.Table(
    "partners",
    METADATA,
    _text("partner_id", nullable=False, primary_key=True),
    _text("name", nullable=False),
    _text("partner_type"),
    _text("tier"),
    _text("digest"),
    comment="Copied from the workspace.",
)

deals = sa.Table(
    "deals",
    METADATA,
    _text("deal_id", nullable=False, primary_key=True),
    _text("name"),
    _text("account_id"),
    _text("owner_id"),
    _text("owner_name"),
    _text("owner_email"),
    _text("outcome", nullable=False),
    _text("stage"),
    sa.Column("amount", sa.Float()),
    _text("currency"),
    sa.Column("amount_in_report", sa.Float()),
    sa.Column("worth", sa.Float()),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("closed_at", Utc()),
    _text("digest", nullable=False),
    sa.Column("facts", sa.JSON(), nullable=False),
    # The list of deals is filtered and ordered within these, past the long facts. PostgreSQL keeps facts apart by
    # itself, and has no room in an index for a long name.
    sa.Index("ix_deals_owned", "owner_id", "owner_name").ddl_if(dialect="sqlite"),
    sa.Index(
        "ix_deals_listed",
        *("outcome", "owner_id", "owner_name", "name", "worth", "closed_at", "deal_id"),
    ).ddl_if(dialect="sqlite"),
    comment="Copied from the workspace: deals with a moment or a partner. `facts`: stages, touches, leads, quotes. "
    "`worth`: the amount at its rate, by which deals in several currencies are ordered.",
)

claims = sa.Table(
    "claims",
    METADATA,
    _text("deal_id", nullable=False, primary_key=True),
    _text("partner_id", nullable=False, primary_key=True),
    sa.Column("closed_at", Utc(), index=True),
    _text("outcome", nullable=False),
    _text("currency"),
    sa.Column("share", sa.Float()),
    sa.Column("amount", sa.Float()),
    sa.Column("amount_in_report", sa.Float()),
    _text("grade"),
    sa.Column("n_moments", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("n_confirmed", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("n_verified", sa.Integer(), nullable=False, server_default="0"),
    _text("digest", nullable=False),
    sa.Column("credits", sa.JSON(), nullable=False),
    sa.Index("ix_claims_by_grade", "grade", "deal_id"),
    # Holds all that sums over a partner's claims need, so that they never read the credits, which are long.
    sa.Index(
        "ix_claims_by_partner",
        *("partner_id", "outcome", "grade", "currency", "closed_at", "share", "amount", "amount_in_report"),
    ),
    comment="One row per deal and player: its credit by every method, copied, and how well it is evidenced.",
)

partner_scores = sa.Table(
    "partner_scores",
    METADATA,
    _text("partner_id", nullable=False, primary_key=True),
    _text("period", nullable=False, primary_key=True),
    _text("method", nullable=False, primary_key=True),
    _text("currency", nullable=False, primary_key=True),
    sa.Column("values", sa.JSON(), nullable=False),
    _text("digest"),
    comment="Copied from the workspace; `values` are the other columns of the table of that name.",
)

conversations = sa.Table(
    "conversations",
    METADATA,
    _text("conversation_id", nullable=False, primary_key=True),
    _text("deal_id", index=True),
    _text("account_id"),
    _text("channel", nullable=False),
    sa.Column("started_at", Utc(), nullable=False),
    _text("source_system"),
    _text("url"),
    _text("digest", nullable=False),
    sa.Column("turns", sa.LargeBinary(), nullable=False),
    comment="Copied from the workspace: conversations with a moment. `turns`: the utterances, JSON, deflated.",
)

_FILTERED: Final = ("told_partner", "partner_id", "told_type", "assist_type", "owner_id", "deal_id", "started_at")
"""What the queue is filtered by, in its indexes, so that no row is read that is not shown."""


def _ordered(name: str, column: str) -> tuple[sa.Index, ...]:
    """The index of one order of the queue: the greatest first, rows without a value last, as SQLite has them anyway."""
    filtered = ("moment_id", *_FILTERED, *(() if column == "confidence" else ("confidence",)))

    def made(place: str, dialect: str) -> sa.Index:
        by = sa.text(f"{column} {place}")
        return sa.Index(f"ix_moments_by_{name}", "state", "is_assist", by, *filtered).ddl_if(dialect)

    return made("DESC", "sqlite"), made("DESC NULLS LAST", "postgresql")


moments = sa.Table(
    "moments",
    METADATA,
    _text("moment_id", nullable=False, primary_key=True),
    _text("conversation_id", nullable=False, index=True),
    _text("deal_id", index=True),
    _text("partner_id", index=True),
    _text("assist_type", nullable=False),
    sa.Column("is_assist", sa.Boolean(), nullable=False),
    _text("journey_stage", nullable=False),
    sa.Column("start_s", sa.Float()),
    sa.Column("end_s", sa.Float()),
    sa.Column("utterance_ids", sa.JSON(), nullable=False),
    _text("quote", nullable=False),
    sa.Column("char_start", sa.Integer(), nullable=False),
    sa.Column("char_end", sa.Integer(), nullable=False),
    _text("magnitude"),
    sa.Column("confidence", sa.Float(), nullable=False),
    sa.Column("type_confidence", sa.Float(), nullable=False),
    _text("model_version", nullable=False),
    sa.Column("detected_at", Utc(), nullable=False),
    sa.Column("cues", sa.JSON(), nullable=False),
    # What is wanted of its conversation and deal for filters and order, so that a page of the queue is one index scan.
    sa.Column("started_at", Utc(), nullable=False),
    _text("owner_id"),
    sa.Column("closed_at", Utc()),
    sa.Column("stake", sa.Float(), nullable=False),
    sa.Column("has_record", sa.Boolean(), nullable=False),
    sa.Column("is_found", sa.Boolean(), nullable=False),
    _text("digest"),
    # What people did.
    _text("added_by"),
    _text("split_from"),
    _text("state", nullable=False),
    sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
    _text("verdict"),
    _text("told_type"),
    _text("told_partner"),
    sa.Column("told_span", sa.JSON(none_as_null=True)),
    sa.Column("is_confirmed", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("is_verified", sa.Boolean(), nullable=False, server_default=sa.false()),
    _text("grade"),
    _text("ignored_by"),
    _text("opened_by"),
    sa.Column("opened_until", Utc()),
    _text("second_after"),
    sa.Index("ix_moments_by_whose", sa.text("coalesce(told_partner, partner_id)"), "state", "is_assist"),
    *_ordered("stake", "stake"),
    *_ordered("close", "closed_at"),
    *_ordered("confidence", "confidence"),
    sa.Index("ix_moments_choice_partner", "state", "is_assist", "partner_id"),
    sa.Index("ix_moments_choice_type", "state", "is_assist", "assist_type"),
    sa.Index("ix_moments_choice_owner", "state", "is_assist", "owner_id"),
    sa.Index("ix_moments_opened", "opened_until"),
    sa.Index("ix_moments_ignored", "ignored_by"),
    sa.Index(
        "ix_moments_second",
        *("second_after", "is_assist"),
        sqlite_where=sa.text("second_after IS NOT NULL"),
        postgresql_where=sa.text("second_after IS NOT NULL"),
    ),
    comment="Moments and signals as found, those that people added, and what people say of them.",
)

judgements = sa.Table(
    "judgements",
    METADATA,
    _id("seq"),
    _text("review_id", nullable=False, unique=True),
    _text("moment_id", nullable=False, index=True),
    _text("reviewer", nullable=False),
    _text("role", nullable=False),
    _text("verdict", nullable=False),
    _text("assist_type"),
    _text("partner_id"),
    sa.Column("utterance_ids", sa.JSON(none_as_null=True)),
    sa.Column("span", sa.JSON(none_as_null=True)),
    _text("note"),
    _text("model_version", nullable=False),
    sa.Column("reviewed_at", Utc(), nullable=False),
    _text("source", nullable=False),
    sa.Column("undone_at", Utc()),
    sa.Index("ix_judgements_by_reviewer", "reviewer", "seq"),
    sa.Index("ix_judgements_by_time", "reviewed_at", "reviewer", "undone_at"),
    comment="Every judgement ever made; one that was undone keeps its row. `source`: page, link or table.",
)

notes = sa.Table(
    "notes",
    METADATA,
    _id("note_id"),
    _text("moment_id", nullable=False, index=True),
    _text("author", nullable=False),
    _text("text", nullable=False),
    sa.Column("written_at", Utc(), nullable=False),
    comment="What people noted of a moment beside their judgements.",
)

events = sa.Table(
    "events",
    METADATA,
    _id("seq"),
    sa.Column("at", Utc(), nullable=False, index=True),
    _text("who", nullable=False),
    _text("role", nullable=False),
    _text("action", nullable=False),
    _text("subject", nullable=False),
    _text("subject_id", nullable=False),
    sa.Column("before", sa.JSON()),
    sa.Column("after", sa.JSON()),
    _text("model_version"),
    _text("before_hash", nullable=False),
    _text("hash", nullable=False),
    sa.Index("ix_events_by_subject", "subject_id", "subject"),
    sa.Index("ix_events_by_action", "action", "seq"),
    sa.Index("ix_events_by_who", "who", "seq"),
    comment="The audit: append-only, each row with a hash of itself and the row before. Holds ids, no words of talks.",
)

verifications = sa.Table(
    "verifications",
    METADATA,
    _text("verification_id", nullable=False, primary_key=True),
    _text("moment_id", nullable=False, index=True),
    _text("deal_id"),
    _text("recipient", nullable=False, index=True),
    _text("recipient_name"),
    _text("asked_by", nullable=False),
    sa.Column("asked_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc(), nullable=False),
    _text("state", nullable=False, index=True),
    sa.Column("sent_at", Utc()),
    sa.Column("reminded_at", Utc()),
    sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"),
    _text("answer"),
    _text("comment"),
    sa.Column("answered_at", Utc()),
    _text("answered_by"),
    _text("error"),
    comment="Questions to the owners of deals, whether a moment was as it is told. `error`: of the last delivery.",
)

replies = sa.Table(
    "replies",
    METADATA,
    _id("reply_id"),
    _text("verification_id", nullable=False, index=True),
    sa.Column("at", Utc(), nullable=False),
    _text("kind", nullable=False),
    _text("answer"),
    _text("comment"),
    comment="All that came back by link: an `answer`, `not_me` (opened by somebody else) or `new_link` (wanted).",
)

messages = sa.Table(
    "messages",
    METADATA,
    _id("message_id"),
    _text("recipient", nullable=False),
    sa.Column("day", sa.Date(), nullable=False),
    _text("channel", nullable=False),
    sa.Column("verification_ids", sa.JSON(), nullable=False),
    sa.Column("sent_at", Utc()),
    _text("error"),
    sa.UniqueConstraint("recipient", "day"),
    comment="What was sent; nobody gets more than one a day.",
)

disputes = sa.Table(
    "disputes",
    METADATA,
    _id("dispute_id"),
    _text("deal_id", nullable=False, index=True),
    _text("partner_id", nullable=False, index=True),
    _text("moment_id"),
    _text("state", nullable=False, index=True),
    _text("reason", nullable=False),
    _text("opened_by", nullable=False),
    sa.Column("opened_at", Utc(), nullable=False),
    _text("owner"),
    sa.Column("closed_at", Utc()),
    _text("closed_by"),
    _text("resolution"),
    comment="Claims of credit that somebody contests: open, in_review, upheld or declined.",
)

dispute_entries = sa.Table(
    "dispute_entries",
    METADATA,
    _id("entry_id"),
    sa.Column("dispute_id", sa.BigInteger(), nullable=False, index=True),
    sa.Column("at", Utc(), nullable=False),
    _text("who", nullable=False),
    _text("role", nullable=False),
    _text("kind", nullable=False),
    sa.Column("is_internal", sa.Boolean(), nullable=False),
    _text("text", nullable=False),
    comment="What was said and done in a dispute, in order; a partner does not see internal ones.",
)
