"""What programs send and get about moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from review.pages.filters import LongText, Short, Text

__all__ = [
    "Added",
    "AddedAnswer",
    "JudgedAnswer",
    "MomentAnswer",
    "QueueAnswer",
    "Split",
    "SplitAnswer",
    "Undo",
    "UndoneAnswer",
    "Verdict",
    "as_answer",
]

Place = Annotated[int, Field(ge=0, le=10_000_000)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
Given = Literal["confirmed", "rejected", "partly", "relabelled", "unsure"]


class Asked(BaseModel):
    """What is sent; an unknown field is most likely a typing error."""

    model_config = ConfigDict(extra="forbid")


class SpanGiven(Asked):
    """Words of a conversation: from ``char_start`` of the first turn to before ``char_end`` of the last one.

    Characters are Unicode code points.
    """

    utterance_ids: Annotated[list[Short], Field(min_length=1, max_length=1_000)]
    char_start: Place
    char_end: Place


class Verdict(Asked):
    """A judgement; ``version`` is the moment's when it was read, and ``decides`` settles what people disagree about."""

    verdict: Given
    assist_type: Text = None
    partner_id: Text = None
    span: SpanGiven | None = None
    note: LongText = None
    version: Version | None = None
    decides: bool = False


class Split(Asked):
    """The words of both halves."""

    spans: Annotated[list[SpanGiven], Field(min_length=2, max_length=2)]


class Added(Asked):
    """A moment that was missed."""

    span: SpanGiven
    assist_type: Short
    partner_id: Text = None
    note: LongText = None


class Undo(Asked):
    """What to take back; without ``review_id`` the latest action."""

    review_id: Text = None


class Answer(BaseModel):
    """What is answered, read from what the store gives."""

    model_config = ConfigDict(from_attributes=True)


class RowAnswer(Answer):
    """A row of the queue; type and partner as people corrected them, else as found."""

    moment_id: str
    conversation_id: str
    quote: str
    assist_type: str
    is_assist: bool
    partner_id: str | None
    partner_name: str | None
    confidence: float
    journey_stage: str
    started_at: AwareDatetime
    stake: float
    state: str
    verdict: str | None
    grade: str | None
    version: int
    deal_id: str | None
    deal_name: str | None
    owner_id: str | None
    owner_name: str | None
    outcome: str | None
    closed_at: AwareDatetime | None
    amount: float | None
    currency: str | None


class CountsAnswer(Answer):
    """How many match, and of all moments that were flagged as help: wait, are contested, leave somebody unsure."""

    matching: int
    waiting: int
    judged_today_by_you: int
    judged_today_by_all: int
    contested: int
    verifications_open: int
    unsure: int


class QueueAnswer(Answer):
    """One page of the queue."""

    page: int
    size: int
    rows: list[RowAnswer]
    counts: CountsAnswer


class TurnAnswer(Answer):
    """One turn of the conversation; times in seconds."""

    utterance_id: str
    seq: int
    text: str
    speaker_org: str
    speaker: str | None
    partner_id: str | None
    start_s: float | None
    end_s: float | None
    is_quoted: bool


class DealAnswer(Answer):
    """The deal."""

    deal_id: str
    name: str | None
    account_id: str | None
    owner_id: str | None
    owner_name: str | None
    outcome: str
    stage: str | None
    amount: float | None
    currency: str | None
    created_at: AwareDatetime
    closed_at: AwareDatetime | None


class ClaimOfMoment(Answer):
    """What the partner has of the deal by the main method."""

    share: float | None
    amount: float | None
    currency: str | None
    grade: str | None
    n_moments: int
    n_confirmed: int
    n_verified: int


class SaidAnswer(Answer):
    """One judgement."""

    review_id: str
    reviewer: str
    role: str
    verdict: str
    assist_type: str | None
    partner_id: str | None
    note: str | None
    source: str
    reviewed_at: AwareDatetime
    undone_at: AwareDatetime | None


class NoteAnswer(Answer):
    """A note beside judgements."""

    author: str
    text: str
    written_at: AwareDatetime


class Standing(Answer):
    """What stands of a moment."""

    moment_id: str
    state: str
    verdict: str | None
    grade: str | None
    version: int
    standing_type: str
    standing_partner: str | None


class MomentAnswer(Standing):
    """A moment as found, with what stands of it, its conversation, deal, claim and judgements."""

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
    detected_at: AwareDatetime
    cues: Any
    started_at: AwareDatetime
    told_span: dict[str, Any] | None
    is_confirmed: bool
    is_verified: bool
    has_record: bool
    is_found: bool
    added_by: str | None
    split_from: str | None
    ignored_by: str | None
    channel: str
    url: str | None
    turns: list[TurnAnswer]
    deal: DealAnswer | None
    claim: ClaimOfMoment | None
    said: list[SaidAnswer]
    notes: list[NoteAnswer]


class OtherAnswer(Answer):
    """What somebody else did meanwhile."""

    who: str
    action: str
    verdict: str | None
    assist_type: str | None
    partner_id: str | None
    at: AwareDatetime


class JudgedAnswer(Standing):
    """The judgement's id, what now stands, and what others did meanwhile."""

    review_id: str
    others: list[OtherAnswer]


class SplitAnswer(BaseModel):
    """Both moments: the one that was split, and the new one."""

    moment_ids: list[str]


class AddedAnswer(BaseModel):
    """The new moment."""

    moment_id: str


class UndoneAnswer(BaseModel):
    """The moment of what was taken back."""

    moment_id: str | None


Kind = TypeVar("Kind", bound=BaseModel)


def as_answer(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """The answer, with its parts read from the store's records."""
    return kind.model_validate(dict(values), from_attributes=True)
