"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from review.store.schema import Utc
from review.store.triggers import create_triggers, drop_triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "dispute_entries",
    "disputes",
    "messages",
    "replies",
    "verifications",
    "events",
    "notes",
    "judgements",
    "moments",
    "conversations",
    "partner_scores",
    "claims",
    "deals",
    "partners",
    "sessions",
    "users",
    "settings",
)


def upgrade() -> None:
    """To this schema."""
    _settings()
    _users()
    _sessions()
    _partners()
    _deals()
    _claims()
    _partner_scores()
    _conversations()
    _moments()
    _judgements()
    _notes()
    _events()
    _verifications()
    _replies()
    _messages()
    _disputes()
    _dispute_entries()
    if op.get_bind().dialect.name == "sqlite":
        _indexes_of_sqlite()
    else:
        _indexes_of_postgresql()
    create_triggers(op.get_bind())


def downgrade() -> None:
    """Back from it."""
    drop_triggers(op.get_bind())
    for table in TABLES:
        op.drop_table(table)


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
        comment="What the page keeps for itself: its secret, and how far the exchange with the workspace has come.",
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("disabled_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
        comment="People who may log in; without a password only the proxy in front of the page can vouch for them.",
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
        comment="Who is logged in; only a hash of the token is kept.",
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    op.create_index(op.f("ix_sessions_user"), "sessions", ["user"])


def _partners() -> None:
    op.create_table(
        "partners",
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("partner_type", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partner_id", name=op.f("pk_partners")),
        comment="Copied from the workspace.",
    )


def _deals() -> None:
    op.create_table(
        "deals",
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("owner_name", sa.Text(), nullable=True),
        sa.Column("owner_email", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("amount", sa.Float(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("amount_in_report", sa.Float(), nullable=True),
        sa.Column("worth", sa.Float(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("deal_id", name=op.f("pk_deals")),
        comment="Copied from the workspace: deals with a moment or a partner. `facts`: stages, touches, leads, "
        "quotes. `worth`: the amount at its rate, by which deals in several currencies are ordered.",
    )


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("amount", sa.Float(), nullable=True),
        sa.Column("amount_in_report", sa.Float(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("n_moments", sa.Integer(), server_default="0", nullable=False),
        sa.Column("n_confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("n_verified", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("credits", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("deal_id", "partner_id", name=op.f("pk_claims")),
        comment="One row per deal and player: its credit by every method, copied, and how well it is evidenced.",
    )
    op.create_index("ix_claims_by_grade", "claims", ["grade", "deal_id"])
    op.create_index(
        "ix_claims_by_partner",
        "claims",
        ["partner_id", "outcome", "grade", "currency", "closed_at", "share", "amount", "amount_in_report"],
    )
    op.create_index(op.f("ix_claims_closed_at"), "claims", ["closed_at"])


def _partner_scores() -> None:
    op.create_table(
        "partner_scores",
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partner_id", "period", "method", "currency", name=op.f("pk_partner_scores")),
        comment="Copied from the workspace; `values` are the other columns of the table of that name.",
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("source_system", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("turns", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversations")),
        comment="Copied from the workspace: conversations with a moment. `turns`: the utterances, JSON, deflated.",
    )
    op.create_index(op.f("ix_conversations_deal_id"), "conversations", ["deal_id"])


def _moments() -> None:
    op.create_table(
        "moments",
        sa.Column("moment_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("partner_id", sa.Text(), nullable=True),
        sa.Column("assist_type", sa.Text(), nullable=False),
        sa.Column("is_assist", sa.Boolean(), nullable=False),
        sa.Column("journey_stage", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Float(), nullable=True),
        sa.Column("end_s", sa.Float(), nullable=True),
        sa.Column("utterance_ids", sa.JSON(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("char_start", sa.Integer(), nullable=False),
        sa.Column("char_end", sa.Integer(), nullable=False),
        sa.Column("magnitude", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("type_confidence", sa.Float(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("detected_at", Utc(), nullable=False),
        sa.Column("cues", sa.JSON(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("stake", sa.Float(), nullable=False),
        sa.Column("has_record", sa.Boolean(), nullable=False),
        sa.Column("is_found", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=True),
        sa.Column("split_from", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("told_type", sa.Text(), nullable=True),
        sa.Column("told_partner", sa.Text(), nullable=True),
        sa.Column("told_span", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("is_confirmed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("ignored_by", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("opened_until", Utc(), nullable=True),
        sa.Column("second_after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("moment_id", name=op.f("pk_moments")),
        comment="Moments and signals as found, those that people added, and what people say of them.",
    )
    op.create_index(
        "ix_moments_by_whose",
        "moments",
        [sa.literal_column("coalesce(told_partner, partner_id)"), "state", "is_assist"],
    )
    op.create_index("ix_moments_choice_owner", "moments", ["state", "is_assist", "owner_id"])
    op.create_index("ix_moments_choice_partner", "moments", ["state", "is_assist", "partner_id"])
    op.create_index("ix_moments_choice_type", "moments", ["state", "is_assist", "assist_type"])
    op.create_index(op.f("ix_moments_conversation_id"), "moments", ["conversation_id"])
    op.create_index(op.f("ix_moments_deal_id"), "moments", ["deal_id"])
    op.create_index("ix_moments_ignored", "moments", ["ignored_by"])
    op.create_index("ix_moments_opened", "moments", ["opened_until"])
    op.create_index(op.f("ix_moments_partner_id"), "moments", ["partner_id"])
    op.create_index(
        "ix_moments_second",
        "moments",
        ["second_after", "is_assist"],
        sqlite_where=sa.text("second_after IS NOT NULL"),
        postgresql_where=sa.text("second_after IS NOT NULL"),
    )


def _judgements() -> None:
    op.create_table(
        "judgements",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("moment_id", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("assist_type", sa.Text(), nullable=True),
        sa.Column("partner_id", sa.Text(), nullable=True),
        sa.Column("utterance_ids", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("span", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("reviewed_at", Utc(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("undone_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_judgements")),
        sa.UniqueConstraint("review_id", name=op.f("uq_judgements_review_id")),
        comment="Every judgement ever made; one that was undone keeps its row. `source`: page, link or table.",
    )
    op.create_index("ix_judgements_by_reviewer", "judgements", ["reviewer", "seq"])
    op.create_index("ix_judgements_by_time", "judgements", ["reviewed_at", "reviewer", "undone_at"])
    op.create_index(op.f("ix_judgements_moment_id"), "judgements", ["moment_id"])


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("note_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("moment_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_notes")),
        comment="What people noted of a moment beside their judgements.",
    )
    op.create_index(op.f("ix_notes_moment_id"), "notes", ["moment_id"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("before_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        comment="The audit: append-only, each row with a hash of itself and the row before. Holds ids, no words of "
        "talks.",
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"])
    op.create_index("ix_events_by_action", "events", ["action", "seq"])
    op.create_index("ix_events_by_subject", "events", ["subject_id", "subject"])
    op.create_index("ix_events_by_who", "events", ["who", "seq"])


def _verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("verification_id", sa.Text(), nullable=False),
        sa.Column("moment_id", sa.Text(), nullable=False),
        sa.Column("deal_id", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("reminded_at", Utc(), nullable=True),
        sa.Column("reminders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("answered_at", Utc(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("verification_id", name=op.f("pk_verifications")),
        comment="Questions to the owners of deals, whether a moment was as it is told. `error`: of the last delivery.",
    )
    op.create_index(op.f("ix_verifications_moment_id"), "verifications", ["moment_id"])
    op.create_index(op.f("ix_verifications_recipient"), "verifications", ["recipient"])
    op.create_index(op.f("ix_verifications_state"), "verifications", ["state"])


def _replies() -> None:
    op.create_table(
        "replies",
        sa.Column("reply_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("verification_id", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_replies")),
        comment="All that came back by link: an `answer`, `not_me` (opened by somebody else) or `new_link` (wanted).",
    )
    op.create_index(op.f("ix_replies_verification_id"), "replies", ["verification_id"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("verification_ids", sa.JSON(), nullable=False),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_messages")),
        sa.UniqueConstraint("recipient", "day", name=op.f("uq_messages_recipient_day")),
        comment="What was sent; nobody gets more than one a day.",
    )


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column(
            "dispute_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("deal_id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("moment_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
        comment="Claims of credit that somebody contests: open, in_review, upheld or declined.",
    )
    op.create_index(op.f("ix_disputes_deal_id"), "disputes", ["deal_id"])
    op.create_index(op.f("ix_disputes_partner_id"), "disputes", ["partner_id"])
    op.create_index(op.f("ix_disputes_state"), "disputes", ["state"])


def _dispute_entries() -> None:
    op.create_table(
        "dispute_entries",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_dispute_entries")),
        comment="What was said and done in a dispute, in order; a partner does not see internal ones.",
    )
    op.create_index(op.f("ix_dispute_entries_dispute_id"), "dispute_entries", ["dispute_id"])


def _indexes_of_sqlite() -> None:
    op.create_index(
        "ix_deals_listed", "deals", ["outcome", "owner_id", "owner_name", "name", "worth", "closed_at", "deal_id"]
    )
    op.create_index("ix_deals_owned", "deals", ["owner_id", "owner_name"])
    _moments_in_order("DESC")


def _indexes_of_postgresql() -> None:
    _moments_in_order("DESC NULLS LAST")


def _moments_in_order(place: str) -> None:
    filtered = ("told_partner", "partner_id", "told_type", "assist_type", "owner_id", "deal_id", "started_at")
    for name, column, further in (
        ("close", "closed_at", ("confidence",)),
        ("confidence", "confidence", ()),
        ("stake", "stake", ("confidence",)),
    ):
        ordered: sa.ColumnElement[Any] = sa.literal_column(f"{column} {place}")
        columns = ["state", "is_assist", ordered, "moment_id", *filtered, *further]
        op.create_index(f"ix_moments_by_{name}", "moments", columns)
