"""One moment, with all that its page shows of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from review.store.schema import claims, conversations, deals, judgements, moments, notes, partners
from review.store.turns import Span

__all__ = ["Claim", "Deal", "Moment", "Note", "Said", "moment"]


@dataclass(frozen=True)
class Deal:
    """The deal of a moment; ``facts`` as the column of that name."""

    deal_id: str
    name: str | None
    account_id: str | None
    owner_id: str | None
    owner_name: str | None
    outcome: str
    stage: str | None
    amount: float | None
    currency: str | None
    amount_in_report: float | None
    created_at: datetime
    closed_at: datetime | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """What the partner has of the deal: its share by the model, and ``credits`` by every method."""

    share: float | None
    amount: float | None
    currency: str | None
    grade: str | None
    n_moments: int
    n_confirmed: int
    n_verified: int
    credits: Any


@dataclass(frozen=True)
class Said:
    """One judgement that somebody made; ``undone_at`` is set where it was taken back."""

    review_id: str
    reviewer: str
    role: str
    verdict: str
    assist_type: str | None
    partner_id: str | None
    partner_name: str | None
    note: str | None
    source: str
    reviewed_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True)
class Note:
    """What somebody noted beside judgements."""

    author: str
    text: str
    written_at: datetime


@dataclass(frozen=True)
class Moment:
    """A moment as found (``told_…``: as people corrected it), its conversation, deal, claim, and what people said.

    ``claim`` is that of the partner that stands, and None where no credit was worked out.
    """

    moment_id: str
    conversation_id: str
    deal_id: str | None
    partner_id: str | None
    partner_name: str | None
    assist_type: str
    is_assist: bool
    journey_stage: str
    start_s: float | None
    end_s: float | None
    utterance_ids: list[str]
    quote: str
    char_start: int
    char_end: int
    magnitude: str | None
    confidence: float
    type_confidence: float
    model_version: str
    detected_at: datetime
    cues: Any
    started_at: datetime
    stake: float
    has_record: bool
    is_found: bool
    added_by: str | None
    split_from: str | None
    state: str
    version: int
    verdict: str | None
    told_type: str | None
    told_partner: str | None
    told_partner_name: str | None
    told_span: Span | None
    is_confirmed: bool
    is_verified: bool
    grade: str | None
    ignored_by: str | None
    opened_by: str | None
    opened_until: datetime | None
    channel: str
    source_system: str | None
    url: str | None
    deal: Deal | None
    claim: Claim | None
    said: tuple[Said, ...]
    notes: tuple[Note, ...]

    @property
    def standing_type(self) -> str:
        """The type as people corrected it, else as found."""
        return self.told_type or self.assist_type

    @property
    def standing_partner(self) -> str | None:
        """The partner as people corrected it, else as found."""
        return self.told_partner or self.partner_id


def moment(connection: Connection, moment_id: str) -> Moment | None:
    """The moment of that id; None where there is none."""
    found = connection.execute(_MOMENT.where(moments.c.moment_id == moment_id)).mappings().first()
    if found is None:
        return None
    deal_id, partner_id = found["deal_id"], found["told_partner"] or found["partner_id"]
    return Moment(
        **found,
        deal=_deal(connection, deal_id),
        claim=_claim(connection, deal_id, partner_id),
        said=tuple(
            Said(**row) for row in connection.execute(_SAID.where(judgements.c.moment_id == moment_id)).mappings()
        ),
        notes=tuple(Note(**row) for row in connection.execute(_NOTES.where(notes.c.moment_id == moment_id)).mappings()),
    )


def _deal(connection: Connection, deal_id: str | None) -> Deal | None:
    query = sa.select(*(deals.c[field.name] for field in fields(Deal))).where(deals.c.deal_id == deal_id)
    return _one(connection, query, Deal) if deal_id else None


def _claim(connection: Connection, deal_id: str | None, partner_id: str | None) -> Claim | None:
    is_it = (claims.c.deal_id == deal_id) & (claims.c.partner_id == partner_id)
    query = sa.select(*(claims.c[field.name] for field in fields(Claim))).where(is_it)
    return _one(connection, query, Claim) if deal_id and partner_id else None


def _one(connection: Connection, query: sa.Select[Any], kind: type[Any]) -> Any:
    row: RowMapping | None = connection.execute(query).mappings().first()
    return None if row is None else kind(**row)


_TOLD: Final = partners.alias("told")
_OF_OTHERS: Final = ("partner_name", "told_partner_name", "channel", "source_system", "url")
_BESIDE: Final = ("deal", "claim", "said", "notes")
_MOMENT: Final = sa.select(
    *(moments.c[field.name] for field in fields(Moment) if field.name not in (*_OF_OTHERS, *_BESIDE)),
    partners.c.name.label("partner_name"),
    _TOLD.c.name.label("told_partner_name"),
    conversations.c.channel,
    conversations.c.source_system,
    conversations.c.url,
).select_from(
    moments.join(conversations, conversations.c.conversation_id == moments.c.conversation_id)
    .outerjoin(partners, partners.c.partner_id == moments.c.partner_id)
    .outerjoin(_TOLD, _TOLD.c.partner_id == moments.c.told_partner)
)
_SAID: Final = (
    sa.select(
        *(judgements.c[field.name] for field in fields(Said) if field.name != "partner_name"),
        partners.c.name.label("partner_name"),
    )
    .select_from(judgements.outerjoin(partners, partners.c.partner_id == judgements.c.partner_id))
    .order_by(judgements.c.reviewed_at, judgements.c.seq)
)
_NOTES: Final = sa.select(notes.c.author, notes.c.text, notes.c.written_at).order_by(notes.c.note_id)
