"""What the report shows of conversations, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.report.views import Partner


@dataclass(frozen=True)
class Evidence:
    """A moment as evidence on a deal's page.

    ``name`` is the type of help, ``said_at`` when it was said, ``clock`` the time into a recording (``12:31``; empty
    for what was written), ``side`` whose person said it (empty: not known). ``is_unsure``: nobody has judged it, and
    the model doubts. ``is_deleted``: its conversation is gone, and ``quote`` says so. ``url``: a web address or empty.
    """

    name: str
    quote: str
    said_at: datetime | None
    clock: str
    medium: str
    side: str
    confidence: float
    is_confirmed: bool
    is_unsure: bool
    is_deleted: bool
    url: str


@dataclass(frozen=True)
class PartnerEvidence:
    """What conversations say of one partner on a deal, the best first.

    ``has_touch`` says whether the partner has a touch or credit on the deal at all; ``grade`` how well its claim is
    evidenced (empty: not known).
    """

    name: str
    anchor: str
    share: float
    best: tuple[Evidence, ...]
    n_more: int
    has_touch: bool = True
    grade: str = ""


@dataclass(frozen=True)
class PartnerMoments:
    """A partner's moments by type and signals by class, with their names for reading."""

    kinds: tuple[tuple[str, int], ...] = ()
    signals: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class JourneyRow:
    """A partner's moments by assist type, in the taxonomy's order; ``partner`` is ``None`` for all others together."""

    partner: Partner | None
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


@dataclass(frozen=True)
class Signals:
    """What partners did that is no help: the class, how often, and the partners with most."""

    name: str
    n: int
    most: tuple[tuple[Partner, int], ...]


@dataclass(frozen=True)
class Journey:
    """What was found in conversations, partner by type of help along the customer's journey.

    ``types`` are id, name and usual stage. ``left_out`` counts moments without a known deal or partner, ``unsure``
    those that the model doubts and nobody has judged; ``rest`` adds up ``n_rest`` further partners.
    """

    conversations: int
    deleted: int
    moments_deleted: int
    moments: int
    left_out: int
    unsure: int
    judged: int
    types: tuple[tuple[str, str, str], ...]
    rows: tuple[JourneyRow, ...]
    rest: JourneyRow | None
    n_rest: int
    signals: tuple[Signals, ...]
    sentence: str

    @property
    def most(self) -> int:
        """The largest count of a partner and type, at least 1."""
        return max((n for row in self.rows for n in row.counts), default=1) or 1
