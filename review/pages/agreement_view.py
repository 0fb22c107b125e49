"""What the page of agreement shows one viewer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from review.agreement import ENOUGH, Agreement, Confused, PairAgreement, agreement, confused, in_words, pairs
from review.precision import Precision, by_band, by_type, by_week, precision
from review.roles import Right, Viewer
from review.store.agreement import Reviewer, reviewed, reviewers, said_by_several
from review.store.periods import Period

__all__ = ["AgreementView", "agreement_view"]


@dataclass(frozen=True)
class AgreementView:
    """Agreement on whether a partner helped and on how, people's work, and the model's precision.

    Pairs and reviewers are those that the viewer may see: all for whoever decides, oneself for others. ``precision`` is
    None where nothing was judged.
    """

    on_help: Agreement
    on_type: Agreement
    words_on_help: str
    words_on_type: str
    pairs_on_help: list[PairAgreement]
    pairs_on_type: list[PairAgreement]
    confused: list[Confused]
    reviewers: list[Reviewer]
    precision: Precision | None
    by_type: list[Precision]
    by_week: list[Precision]
    by_confidence: list[Precision]
    enough: int = ENOUGH


def agreement_view(connection: Connection, viewer: Viewer, period: Period) -> AgreementView:
    """All of it, worked out from the judgements of a period."""
    said = said_by_several(connection, period)
    people = reviewers(connection, period, said)
    judged = reviewed(connection, period)
    on_help, on_type = agreement(said, "says_help"), agreement(said, "says_type")
    return AgreementView(
        on_help,
        on_type,
        in_words(on_help),
        in_words(on_type),
        [pair for pair in pairs(said, "says_help") if _may_see(viewer, pair.one, pair.other)],
        [pair for pair in pairs(said, "says_type") if _may_see(viewer, pair.one, pair.other)],
        confused(said, "says_type"),
        [one for one in people if _may_see(viewer, one.name)],
        precision("all", judged) if len(judged) else None,
        by_type(judged) if len(judged) else [],
        by_week(judged) if len(judged) else [],
        by_band(judged) if len(judged) else [],
    )


def _may_see(viewer: Viewer, *names: str) -> bool:
    return viewer.may(Right.DECIDE) or viewer.name in names
