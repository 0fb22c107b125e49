"""What earlier detections left: which conversations they read, and the run that was cut short."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.assist.carried import FROM, carried
from features.assist.moments import ordered
from features.judgements import ABOUT
from features.tables import JUDGED_MOMENTS, MOMENT_CUES, MOMENTS, REVIEWS, SIGNALS
from pipelines.workspace import Transaction, Workspace, write_frame

__all__ = ["DETECTED", "JOURNAL", "Run", "Stored"]

JOURNAL: Final = "results/detect_run.json"
DETECTED: Final = "results/detected.parquet"
"""Conversations that were read, each with the fingerprint of all that its moments rest on."""
_EVIDENCE: Final = ["moment_id", "utterance_ids", "char_start", "char_end"]
_STATE: Final = pa.schema(
    [
        pa.field("conversation_id", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("detected_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


@dataclass(frozen=True)
class Run:
    """A detection in progress: what a resumed one must repeat."""

    key: str
    detected_at: datetime
    is_resumed: bool = False

    @classmethod
    def begun(cls, workspace: Workspace, key: str, now: datetime) -> Run:
        """The run that was cut short, when it was the same, else a new one."""
        path = workspace.root / JOURNAL
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            if before["key"] == key:
                return cls(key, datetime.fromisoformat(before["detected_at"]), is_resumed=True)
        return cls(key, now)

    def enter(self, transaction: Transaction) -> None:
        """Writes the run's entry, with which it is resumed."""
        text = json.dumps({"key": self.key, "detected_at": self.detected_at.isoformat()})
        transaction.file(JOURNAL).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Stored:
    """The moments and signals of a workspace, what people made of them, and the ``state`` of each conversation.

    ``cues`` say why the model flagged what it finds now.
    """

    moments: pd.DataFrame
    signals: pd.DataFrame
    judged: pd.DataFrame
    reviews: pd.DataFrame
    cues: pd.DataFrame
    state: pd.DataFrame

    @classmethod
    def read(cls, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> Stored:
        """What the workspace has; empty frames of what it has not."""
        tables = (MOMENTS, SIGNALS, JUDGED_MOMENTS, REVIEWS, MOMENT_CUES)
        moments, signals, judged, reviews, cues = (connection.execute(f"SELECT * FROM {t.name}").df() for t in tables)
        return cls(moments, signals, judged, reviews, cues, _parquet(workspace.root / DETECTED, _STATE))

    def read_in(self, run: Run) -> pd.Series:
        """Conversation to whether the run has read it already, before it was cut short."""
        is_read = self.state["detected_at"].eq(pd.Timestamp(run.detected_at)) & run.is_resumed
        return is_read.set_axis(self.state["conversation_id"])

    @property
    def found(self) -> tuple[pd.DataFrame, ...]:
        """Every frame of moments or signals."""
        return self.moments, self.signals, self.judged

    def without(self, conversation_ids: set[str]) -> Stored:
        """The same without everything of these conversations but their judgements."""
        names = ("moments", "signals", "judged", "cues", "state")
        frames = {name: getattr(self, name) for name in names}
        kept = {n: f[~f["conversation_id"].isin(conversation_ids)].reset_index(drop=True) for n, f in frames.items()}
        return replace(self, **kept)

    def replaced(self, moments: pd.DataFrame, signals: pd.DataFrame, cues: pd.DataFrame, state: pd.DataFrame) -> Stored:
        """The same with what was found in the conversations of ``state`` in place of what they had.

        Judged rows that are found no more hand their judgements on to those found in their place
        (``features.assist.carried``); those that find none stay among ``judged``, as do rows that people added or whose
        words they corrected.
        """
        fresh = set(state["conversation_id"])
        rest, found = self.without(fresh), _joined(moments, signals)
        before = [frame[frame["conversation_id"].isin(fresh)] for frame in self.found]
        gone = _joined(*before[:2])
        gone = gone[gone["moment_id"].isin(set(self.reviews["moment_id"]) - set(found["moment_id"]))]
        left = _joined(_others(before[2], found), gone).drop_duplicates("moment_id")
        new = found[~found["moment_id"].isin({*before[0]["moment_id"], *before[1]["moment_id"]})]
        handed = carried(self.reviews, left[~left["moment_id"].isin(found["moment_id"])], new)
        told = set(self.reviews.loc[self.reviews["verdict"].isin(ABOUT), "moment_id"])
        is_kept = left["moment_id"].isin({*before[2]["moment_id"], *told}) & ~left["moment_id"].isin(handed[FROM])
        return Stored(
            ordered(_joined(rest.moments, moments)),
            ordered(_joined(rest.signals, signals)),
            ordered(_joined(rest.judged, left[is_kept])),
            _joined(self.reviews, handed[~handed["review_id"].isin(self.reviews["review_id"])].drop(columns=FROM)),
            _joined(rest.cues, cues).sort_values(list(MOMENT_CUES.key), ignore_index=True),
            _joined(rest.state, state).sort_values("conversation_id", ignore_index=True),
        )

    def write(self, transaction: Transaction, workspace: Workspace, before: Stored | None = None) -> None:
        """Stages all of it; judgements only where ``before`` has fewer."""
        tables = {
            MOMENTS: self.moments,
            SIGNALS: self.signals,
            JUDGED_MOMENTS: self.judged,
            MOMENT_CUES: self.cues,
        }
        if before is not None and len(before.reviews) < len(self.reviews):
            tables[REVIEWS] = self.reviews.sort_values("review_id", ignore_index=True)
        for table, frame in tables.items():
            if workspace.path(table.name).is_dir():
                transaction.remove(f"tables/{table.name}.parquet")
            write_frame(frame, table, transaction.file(f"tables/{table.name}.parquet"))
        self.write_state(transaction)

    def write_state(self, transaction: Transaction) -> None:
        """Stages what stands beside the contract's tables."""
        arrow = pa.Table.from_pandas(self.state, schema=_STATE, preserve_index=False).replace_schema_metadata()
        pq.write_table(arrow, transaction.file(DETECTED))


def _others(judged: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Judged rows but those that are found in the very words."""
    evidence = {tuple(_words(row)) for row in found[_EVIDENCE].itertuples(index=False)}
    is_found = [tuple(_words(row)) in evidence for row in judged[_EVIDENCE].itertuples(index=False)]
    return judged[~pd.Series(is_found, index=judged.index, dtype=bool)]


def _words(row: Iterable[Any]) -> Iterator[Any]:
    return (value if np.isscalar(value) else tuple(value) for value in row)


def _joined(*frames: pd.DataFrame) -> pd.DataFrame:
    filled = [frame.astype(object) for frame in frames if len(frame)]
    joined = pd.concat(filled, ignore_index=True) if filled else frames[0].iloc[:0]
    return joined.infer_objects()


def _parquet(path: Path, schema: pa.Schema) -> pd.DataFrame:
    found: pd.DataFrame = pq.read_table(path).to_pandas() if path.exists() else schema.empty_table().to_pandas()
    return found
