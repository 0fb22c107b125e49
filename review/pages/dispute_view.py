"""A dispute as it is shown: to our own people with all names, to a partner without those of our people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from features.assist.taxonomy import Taxonomy
from review.pages.moment_lines import MomentLine, moment_line
from review.roles import Right, Viewer
from review.store.dispute_files import STALE, Contested, DisputeFile, sees_moment
from review.store.schema import OPEN_DISPUTES

__all__ = ["DisputeView", "Entry", "dispute_view", "named"]

Row = Mapping[Any, Any]
OUR_TEAM: Final = "our partner team"
DID: Final = {
    "opened": "contested the claim",
    "comment": "wrote",
    "note": "noted, for our own people only",
    "assigned": "gave it to",
    "upheld": "upheld the dispute",
    "declined": "declined the dispute",
}


@dataclass(frozen=True)
class Entry:
    """One thing said or done; ``did`` in words."""

    who: str
    did: str
    text: str
    at: datetime
    is_internal: bool


@dataclass(frozen=True)
class DisputeView:
    """All that the page of one dispute shows; ``types`` are ids of what its moment may be instead."""

    row: dict[str, Any]
    about: Contested
    moment: MomentLine | None
    entries: list[Entry]
    is_open: bool
    may_add: bool
    may_decide: bool
    people: Sequence[str]
    types: Sequence[str]


def named(row: Row, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """The row with ``age_days``, ``is_open`` and ``is_stale``; a partner does not see who of our people has it."""
    is_open = row["state"] in OPEN_DISPUTES
    age = (row["closed_at"] or now) - row["opened_at"]
    shown = {**row, "is_open": is_open, "is_stale": is_open and age >= STALE, "age_days": max(age.days, 0)}
    if not viewer.may(Right.SEE):
        shown |= {"owner": None, "closed_by": None}
        shown["opened_by"] = row["opened_by"] if row["opener_of"] == viewer.partner_id else OUR_TEAM
    return shown


def dispute_view(
    found: DisputeFile, viewer: Viewer, now: datetime, people: Sequence[str], classes: Taxonomy
) -> DisputeView:
    """The dispute for one viewer."""
    may_decide = found.is_open and viewer.may(Right.DECIDE)
    moment = found.about.moment
    return DisputeView(
        named(found.row, viewer, now),
        found.about,
        moment_line(moment) if moment is not None and sees_moment(viewer, moment) else None,
        [_entry(row, viewer) for row in found.entries],
        found.is_open,
        viewer.may(Right.CONTEST),
        may_decide,
        people,
        classes.ids if may_decide else (),
    )


def _entry(row: Row, viewer: Viewer) -> Entry:
    is_hidden = not viewer.may(Right.SEE) and row["role"] != "partner"
    return Entry(OUR_TEAM if is_hidden else row["who"], DID[row["kind"]], row["text"], row["at"], row["is_internal"])
