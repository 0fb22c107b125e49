"""What a detection tells a partner manager."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from features.shown import count
from pipelines.console import text_table
from pipelines.detecting.state import Stored
from pipelines.detecting.talk import Talk

__all__ = ["DetectReport", "summary"]

UNSURE: Final = 0.25
"""Probability from which on what is no moment deserves a look."""
LISTED: Final = 10
NOBODY: Final = "(partner not known)"


@dataclass(frozen=True)
class DetectReport:
    """What a detection did, and what the workspace's conversations hold now.

    ``conversations`` = ``detected`` (read in this run) + ``unchanged``; ``removed`` ones are gone, with their moments.
    ``by_type`` and ``by_partner`` (names) count moments, most first; ``by_signal`` counts signals by class. ``unsure``
    counts signals that may be assists after all, ``without_partner`` and ``without_deal`` moments that lack one.
    ``look_next`` are conversations with the most of what a person should settle.
    """

    conversations: int
    utterances: int
    detected: int
    unchanged: int
    removed: int
    moments: int
    signals: int
    by_type: dict[str, int]
    by_partner: dict[str, int]
    by_signal: dict[str, int]
    unsure: int
    without_partner: int
    without_deal: int
    look_next: dict[str, int]
    model_version: str
    detected_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "detected_at": self.detected_at.isoformat()}

    def text(self) -> str:
        """The report in plain lines."""
        if not self.conversations:
            return "There are no conversations. Bring some in with `partnerlift ingest`."
        lines = [
            f"{count(self.conversations, 'conversation')} ({count(self.utterances, 'utterance')}).",
            f"{self.detected:,} read by model {self.model_version}, {self.unchanged:,} unchanged.",
            f"{count(self.moments, 'moment')} in which a partner helped, {count(self.signals, 'other signal')}.",
        ]
        if self.removed:
            lines.append(f"Conversations that are gone, and their moments with them: {self.removed:,}.")
        lines += _table("What partners did", {_title(name): n for name, n in self.by_type.items()})
        lines += _table("Who", self.by_partner)
        lines += _table("Other signals", {_title(name): n for name, n in self.by_signal.items()})
        return "\n".join([*lines, "", *self._next()])

    def _next(self) -> list[str]:
        """Where to look next."""
        lines = []
        if self.unsure:
            lines.append(
                f"Signals that may be assists after all: {self.unsure:,} (`partnerlift export signals --out FILE`)."
            )
        if self.without_partner:
            lines.append(
                f"Moments of a partner that is not known: {self.without_partner:,}. Add its names to partner_aliases."
            )
        if self.without_deal:
            lines.append(
                f"Moments that belong to no deal: {self.without_deal:,}. Give their conversations an account or a deal."
            )
        if self.look_next:
            listed = ", ".join(f"{name} ({n})" for name, n in self.look_next.items())
            lines.append(f"Conversations with most to settle: {listed}.")
        return lines or ["Nothing is left to settle."]


def summary(
    stored: Stored, talk: Talk, *, detected: int, removed: int, model_version: str, detected_at: datetime
) -> DetectReport:
    """The report of what stands in the workspace."""
    moments, signals = stored.moments, stored.signals
    names = dict(zip(talk.partners["partner_id"], talk.partners["name"], strict=True))
    partner = moments["partner_id"].map(lambda name: names.get(name, name)).fillna(NOBODY)
    doubtful = signals[signals["confidence"] >= UNSURE]
    nobody = moments[moments["partner_id"].isna()]
    to_settle = pd.concat([doubtful["conversation_id"], nobody["conversation_id"]])
    return DetectReport(
        conversations=len(talk.conversations),
        utterances=int(talk.conversations["n_utterances"].sum()),
        detected=detected,
        unchanged=len(talk.conversations) - detected,
        removed=removed,
        moments=len(moments),
        signals=len(signals),
        by_type=_counts(moments["assist_type"]),
        by_partner=_counts(partner),
        by_signal=_counts(signals["assist_type"]),
        unsure=len(doubtful),
        without_partner=len(nobody),
        without_deal=int(moments["deal_id"].isna().sum()),
        look_next=dict(list(_counts(to_settle).items())[:LISTED]),
        model_version=model_version,
        detected_at=detected_at,
    )


def _counts(values: pd.Series) -> dict[str, int]:
    """Number of each value, most first, then by name."""
    counted = values.value_counts()
    return {str(name): int(n) for name, n in sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))}


def _title(name: str) -> str:
    classes = taxonomy()
    return classes[name].name if name in classes.ids else name


def _table(title: str, counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    rows = [[name, f"{n:,}"] for name, n in list(counts.items())[:LISTED]]
    more = len(counts) - LISTED
    return ["", text_table([title, "n"], rows, right=[1]), *([f"and {more:,} more"] if more > 0 else [])]
