"""What several people's judgements of one moment come to: the one definition of it.

``features.moments.standing_judgements`` says the same of whole tables; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from features.assist.taxonomy import taxonomy

__all__ = ["ABOUT", "DECIDES", "DISPUTED", "OWNER", "Judgement", "Standing", "deciding", "standing"]

ABOUT: Final = ("confirmed", "rejected", "partly", "relabelled")
"""Verdicts that say what a moment is; ``unsure`` and ``not_mine`` do not."""
DECIDES: Final = "admin"
"""The role whose judgement settles what others disagree about."""
OWNER: Final = "rep"
"""The role of a deal's owner, who is asked only whether it is so."""
DISPUTED: Final = "disputed"
"""The verdict of a moment about which people disagree; it counts as one that nobody has judged."""
Role = Literal["reviewer", "rep", "admin"]


@dataclass(frozen=True)
class Judgement:
    """One judgement, as a row of ``reviews``; ``assist_type`` and ``partner_id`` are the corrected ones, if any."""

    review_id: str
    reviewer: str
    role: Role
    verdict: str
    reviewed_at: datetime
    assist_type: str | None = None
    partner_id: str | None = None

    @property
    def is_help(self) -> bool:
        """Whether it says that a partner helped, of a moment that was flagged as help."""
        return self.verdict != "rejected" and self.assist_type not in taxonomy().other_ids


@dataclass(frozen=True)
class Standing:
    """What stands: ``verdict`` (None: nobody has judged), the corrected type and partner, and who stands behind it.

    ``is_confirmed`` by a reviewer, ``is_verified`` by a deal's owner (role ``rep``): both say so and are not overruled.
    """

    verdict: str | None = None
    assist_type: str | None = None
    partner_id: str | None = None
    is_confirmed: bool = False
    is_verified: bool = False


def standing(judgements: Iterable[Judgement]) -> Standing:
    """What the judgements of one moment come to.

    Of each person (in each role) the latest judgement that says what the moment is counts. The latest of role ``admin``
    decides. Without one, people who say different things (help or none, another type, another partner) leave it
    ``DISPUTED``; a deal's owner is asked only whether it is so, and so disagrees only by that. Otherwise the latest
    reviewer's judgement stands, else the owner's. An owner verifies the partner whom the question named: a later
    correction of the partner is not verified by an earlier answer.
    """
    latest = _latest(judgements)
    last = _deciding(latest)
    if last is None:
        return Standing(DISPUTED) if latest else Standing()
    agrees = [j for j in latest if j.is_help and last.is_help]
    return Standing(
        last.verdict,
        last.assist_type,
        last.partner_id,
        is_confirmed=any(j.role != OWNER for j in agrees),
        is_verified=any(j.role == OWNER and j.partner_id == last.partner_id for j in agrees),
    )


def deciding(judgements: Iterable[Judgement]) -> Judgement | None:
    """The judgement that stands; None where nobody has judged, or people disagree."""
    return _deciding(_latest(judgements))


def _latest(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Each person's latest judgement that says what the moment is, oldest first."""
    ordered = sorted((j for j in judgements if j.verdict in ABOUT), key=lambda j: (j.reviewed_at, j.review_id))
    latest = {(j.reviewer, j.role): j for j in ordered}
    return sorted(latest.values(), key=lambda j: (j.reviewed_at, j.review_id))


def _deciding(latest: list[Judgement]) -> Judgement | None:
    decided = [j for j in latest if j.role == DECIDES]
    reviewers = [j for j in latest if j.role == "reviewer"]
    is_disputed = len({_said(j) for j in reviewers}) > 1 or len({j.is_help for j in latest}) > 1
    if not latest or (is_disputed and not decided):
        return None
    return (decided or reviewers or latest)[-1]


def _said(judgement: Judgement) -> tuple[str | None, ...]:
    if judgement.verdict == "rejected":
        return ("rejected",)
    return "help" if judgement.is_help else "none", judgement.assist_type, judgement.partner_id
