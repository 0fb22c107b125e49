"""What earlier detections left: which conversations they read, and the run that was cut short."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.assist.moments import ordered
from features.tables import MOMENTS, SIGNALS
from pipelines.workspace import Transaction, Workspace, write_frame

__all__ = ["DETECTED", "JOURNAL", "JUDGED", "Run", "Stored"]

JOURNAL: Final = "results/detect_run.json"
DETECTED: Final = "results/detected.parquet"
"""Conversations that were read, each with the fingerprint of all that its moments rest on."""
JUDGED: Final = "results/reviewed_moments.parquet"
"""Moments and signals that somebody judged and that are found no more, kept for training with reviews."""
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
    """The moments and signals of a workspace, those judged before, and the ``state`` of each conversation."""

    moments: pd.DataFrame
    signals: pd.DataFrame
    judged: pd.DataFrame
    state: pd.DataFrame

    @classmethod
    def read(cls, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> Stored:
        """What the workspace has; empty frames of what it has not."""
        judged = _parquet(workspace.root / JUDGED, MOMENTS.arrow_schema())
        state = _parquet(workspace.root / DETECTED, _STATE)
        moments, signals = (connection.execute(f"SELECT * FROM {name}").df() for name in ("moments", "signals"))
        return cls(moments, signals, judged, state)

    def read_in(self, run: Run) -> pd.Series:
        """Conversation to whether the run has read it already, before it was cut short."""
        is_read = self.state["detected_at"].eq(pd.Timestamp(run.detected_at)) & run.is_resumed
        return is_read.set_axis(self.state["conversation_id"])

    @property
    def found(self) -> tuple[pd.DataFrame, ...]:
        """Every frame of moments or signals."""
        return self.moments, self.signals, self.judged

    def without(self, conversation_ids: set[str]) -> Stored:
        """The same without everything of these conversations."""
        kept = [
            frame[~frame["conversation_id"].isin(conversation_ids)].reset_index(drop=True)
            for frame in (self.moments, self.signals, self.judged, self.state)
        ]
        return Stored(*kept)

    def replaced(self, moments: pd.DataFrame, signals: pd.DataFrame, state: pd.DataFrame, reviewed: set[str]) -> Stored:
        """The same with what was found in the conversations of ``state`` in place of what they had.

        Rows with a judgement (``reviewed`` holds their ids) that are found no more stay among ``judged``.
        """
        fresh = set(state["conversation_id"])
        rest = self.without(fresh)
        found = {*moments["moment_id"], *signals["moment_id"]}
        mine = [frame[frame["conversation_id"].isin(fresh)] for frame in (self.moments, self.signals, self.judged)]
        gone = _joined(*mine)
        gone = gone[gone["moment_id"].isin(reviewed - found)].drop_duplicates("moment_id")
        return Stored(
            ordered(_joined(rest.moments, moments)),
            ordered(_joined(rest.signals, signals)),
            ordered(_joined(rest.judged, gone)),
            _joined(rest.state, state).sort_values("conversation_id", ignore_index=True),
        )

    def write(self, transaction: Transaction, workspace: Workspace) -> None:
        """Stages all of it, the tables ``moments`` and ``signals`` as well."""
        for table, frame in ((MOMENTS, self.moments), (SIGNALS, self.signals)):
            if workspace.path(table.name).is_dir():
                transaction.remove(f"tables/{table.name}.parquet")
            write_frame(frame, table, transaction.file(f"tables/{table.name}.parquet"))
        self.write_results(transaction)

    def write_results(self, transaction: Transaction) -> None:
        """Stages what stands beside the contract's tables."""
        write_frame(self.judged, MOMENTS, transaction.file(JUDGED))
        arrow = pa.Table.from_pandas(self.state, schema=_STATE, preserve_index=False).replace_schema_metadata()
        pq.write_table(arrow, transaction.file(DETECTED))


def _joined(*frames: pd.DataFrame) -> pd.DataFrame:
    filled = [frame.astype(object) for frame in frames if len(frame)]
    joined = pd.concat(filled, ignore_index=True) if filled else frames[0].iloc[:0]
    return joined.infer_objects()


def _parquet(path: Path, schema: pa.Schema) -> pd.DataFrame:
    found: pd.DataFrame = pq.read_table(path).to_pandas() if path.exists() else schema.empty_table().to_pandas()
    return found
