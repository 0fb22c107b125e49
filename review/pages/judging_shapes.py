"""The queue and moments as JSON: what programs send and get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from review.pages.filters import Long, Short
from review.pages.moment_view import judges_blind
from review.roles import Viewer
from review.store.moments import Moment
from review.store.turns import Span as WordSpan

__all__ = [
    "Back",
    "Ids",
    "Line",
    "Meanwhile",
    "Missed",
    "Note",
    "Numbers",
    "OneMoment",
    "Queue",
    "Row",
    "Span",
    "Spans",
    "Taken",
    "Verdict",
]

Offset = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Span(BaseModel):
    """Words that follow on each other: from a character of the first turn's text to before one of the last one's."""

    utterance_ids: Annotated[list[Short], Field(min_length=1, max_length=1000)]
    char_start: Offset
    char_end: Offset

    def plain(self) -> WordSpan:
        """As the database has it."""
        return WordSpan(utterance_ids=self.utterance_ids, char_start=self.char_start, char_end=self.char_end)


class Row(BaseModel):
    """A moment of the queue."""

    model_config = ConfigDict(from_attributes=True)

    moment_id: str
    conversation_id: str
    deal_id: str | None
    deal_name: str | None
    amount: float | None
    currency: str | None
    partner_id: str | None
    partner_name: str | None
    assist_type: str
    is_assist: bool
    quote: str
    confidence: float
    started_at: datetime
    state: str
    verdict: str | None
    grade: str | None
    version: int


class Numbers(BaseModel):
    """How much matches the filters, waits and was done today (UTC)."""

    model_config = ConfigDict(from_attributes=True)

    matching: int
    waiting: int
    judged_today_by_you: int
    judged_today_by_all: int
    contested: int
    verifications_open: int
    unsure: int


class Queue(BaseModel):
    """A page of the queue."""

    counts: Numbers
    page: int
    moments: list[Row]


class Line(BaseModel):
    """A turn of the conversation."""

    model_config = ConfigDict(from_attributes=True)

    utterance_id: str
    speaker: str | None
    speaker_org: str
    start_s: float | None
    text: str


class Judgement(BaseModel):
    """What somebody said of it."""

    model_config = ConfigDict(from_attributes=True)

    review_id: str
    reviewer: str
    role: str
    verdict: str
    assist_type: str | None
    partner_id: str | None
    note: str | None
    reviewed_at: datetime


class OneMoment(BaseModel):
    """A moment as it was found and, where the viewer may see it, as people left it."""

    model_config = ConfigDict(from_attributes=True)

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
    confidence: float
    model_version: str
    detected_at: datetime
    started_at: datetime
    version: int
    state: str | None = None
    verdict: str | None = None
    told_type: str | None = None
    told_partner: str | None = None
    grade: str | None = None
    judgements: list[Judgement] = []
    turns: list[Line] = []

    @classmethod
    def of(cls, found: Moment, viewer: Viewer) -> Self:
        """The moment; what others said of it is kept from somebody who is still to judge."""
        made = cls.model_validate(found)
        if judges_blind(found, viewer):
            return made.model_copy(update=dict.fromkeys(("state", "verdict", "told_type", "told_partner", "grade")))
        said = [Judgement.model_validate(each) for each in found.said if each.undone_at is None]
        return made.model_copy(update={"judgements": said})


class Verdict(BaseModel):
    """A verdict; ``version`` is that of the moment when it was read."""

    verdict: Literal["confirmed", "rejected", "partly", "relabelled", "unsure"]
    assist_type: Short | None = None
    partner_id: Short | None = None
    span: Span | None = None
    note: Long | None = None
    version: Offset | None = None
    decides: bool = False


class Meanwhile(BaseModel):
    """What somebody else did since that version."""

    model_config = ConfigDict(from_attributes=True)

    who: str
    action: str
    verdict: str | None
    assist_type: str | None
    partner_id: str | None
    at: datetime


class Taken(BaseModel):
    """A verdict that was kept, what others did meanwhile, and how the moment stands now."""

    review_id: str
    others: list[Meanwhile]
    state: str
    version: int


class Missed(BaseModel):
    """A moment that was not found."""

    conversation_id: Short
    span: Span
    partner_id: Short | None
    assist_type: Short
    note: Long | None = None


class Spans(BaseModel):
    """The words of the first moment, and those of the second."""

    spans: Annotated[list[Span], Field(min_length=2, max_length=2)]


class Note(BaseModel):
    """A note."""

    text: Annotated[Long, Field(min_length=1)]


class Back(BaseModel):
    """The judgement to take back; without one, the latest of one's own."""

    review_id: Short | None = None


class Ids(BaseModel):
    """Ids of the moments that something was done to; none where there was nothing to do."""

    moment_ids: list[str]
