"""A deal's touches and stages, out of the column ``deals.facts``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from features.tables import DIRECT

__all__ = ["Given", "Stage", "Touch", "given_of", "stages_of", "touches_of"]


@dataclass(frozen=True)
class Touch:
    """One recorded touch; ``partner_id`` is ``features.tables.DIRECT`` for one of the own team."""

    touchpoint_id: str
    partner_id: str
    kind: str
    occurred_at: datetime
    source_system: str | None
    conversation_id: str | None
    minutes: float | None


@dataclass(frozen=True)
class Stage:
    """A stage of the deal, and when it was entered."""

    stage: str
    entered_at: datetime


@dataclass(frozen=True)
class Given:
    """A lead that a partner gave or was given, or a quote with it: ``what``, and when."""

    partner_id: str | None
    what: str
    at: datetime


def touches_of(facts: Mapping[str, Any]) -> list[Touch]:
    """The deal's touches in order of time."""
    made = [_touch(row) for row in facts.get("touches") or () if row.get("occurred_at")]
    return sorted(made, key=lambda touch: (touch.occurred_at, touch.touchpoint_id))


def stages_of(facts: Mapping[str, Any]) -> list[Stage]:
    """The deal's stages in order of time."""
    made = [Stage(row["stage"], _moment(row["entered_at"])) for row in facts.get("stages") or () if row["entered_at"]]
    return sorted(made, key=lambda stage: stage.entered_at)


def given_of(facts: Mapping[str, Any]) -> list[Given]:
    """The deal's leads and quotes in order of time."""
    leads = [Given(row.get("partner_id"), "lead", _moment(row["given_at"])) for row in facts.get("leads") or ()]
    quotes = [Given(row.get("partner_id"), "quote", _moment(row["requested_at"])) for row in facts.get("quotes") or ()]
    return sorted([*leads, *quotes], key=lambda given: (given.at, given.what))


def _touch(row: Mapping[str, Any]) -> Touch:
    return Touch(
        row["touchpoint_id"],
        row.get("partner_id") or DIRECT,
        row["kind"],
        _moment(row["occurred_at"]),
        row.get("source_system"),
        row.get("conversation_id"),
        row.get("minutes"),
    )


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
