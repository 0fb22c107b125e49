"""The verb `forget`: conversations deleted with all that was derived from them, but for a hash and `source deleted`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import pandas as pd

from features.sources.sqltext import parquet
from features.tables import CONVERSATION_TABLES, DELETIONS, TABLES
from pipelines.config import Config
from pipelines.detecting.state import Stored
from pipelines.reviewing.before import reviews_forgotten
from pipelines.stored import schema_of
from pipelines.upsert import write
from pipelines.workspace import Transaction, Workspace, WorkspaceError, write_frame

__all__ = ["ForgetReport", "forget"]

STATUS: Final = "source deleted"
REQUESTED: Final = "requested"
DUE: Final = "due"
TEXTS: Final = (*CONVERSATION_TABLES, "conversation_links", "moments", "signals", "judged_moments", "moment_cues")
"""Tables of which all rows of a conversation go."""
FOUND: Final = ("moments", "signals", "judged_moments")
DETECTED_ORDER: Final = "conversation_id, start_s NULLS LAST, utterance_ids[1], char_start, moment_id"
"""The order in which ``features.assist.moments.ordered`` leaves moments and signals."""
logger: Final = logging.getLogger(__name__)

_CONTENT: Final = """
SELECT c.conversation_id, to_json(c)::VARCHAR AS head, count(u.utterance_id) AS utterances,
    string_agg(to_json(u)::VARCHAR, chr(10) ORDER BY u.seq, u.utterance_id) AS turns
FROM conversations c SEMI JOIN wanted USING (conversation_id) LEFT JOIN utterances u USING (conversation_id)
GROUP BY ALL ORDER BY c.conversation_id
"""
_DUE: Final = "SELECT conversation_id FROM conversations WHERE delete_after <= $now"


@dataclass(frozen=True)
class ForgetReport:
    """What was deleted: the conversations, and how many rows of each table; ``already`` had been deleted before."""

    deleted: tuple[str, ...]
    already: tuple[str, ...]
    rows: dict[str, int]
    deleted_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "deleted_at": self.deleted_at.isoformat()}

    def text(self) -> str:
        """The report in plain lines."""
        lines = [f"{len(self.deleted):,} conversations deleted for good."] if self.deleted else ["Nothing to delete."]
        counts = [f"{n:,} {name.replace('_', ' ')}" for name, n in self.rows.items() if n]
        if counts:
            lines.append(f"With them went {', '.join(counts)}.")
        if self.already:
            lines.append(f"{len(self.already):,} had been deleted before.")
        if self.deleted:
            lines.append("Run `partnerlift score` and `partnerlift report` to bring credit and report up to date.")
        return "\n".join(lines)


def forget(
    workspace: Workspace,
    conversations: Sequence[str] = (),
    *,
    config: Config | None = None,
    due: bool = False,
    wait: float = 0.0,
    now: datetime | None = None,
) -> ForgetReport:
    """Deletes conversations with their utterances, moments, signals and judgements, in one step.

    From the review database they go right afterwards; when that is cut short, doing it again finishes it. What stays is
    a row of ``deletions``: the conversation's id, a hash of what it held, and ``source deleted``; ``ingest`` leaves out
    what comes again under that id. Doing it again changes nothing. Reports, exports, other databases and models that
    were made before hold what they held: make them anew.

    Parameters
    ----------
    conversations : ids.
    config : says where the review database is; None means the file in the workspace, if there is one.
    due : delete as well what ``delete_after`` says should be gone by ``now``.
    wait : seconds to wait for another run that holds the workspace.
    now : written as ``deleted_at``; None means the present time.

    Raises
    ------
    WorkspaceError
        When an id is no conversation of the workspace and never was deleted, or another run holds the workspace.
    """
    now = now or datetime.now(UTC)
    with reviews_forgotten(workspace, config or Config(), now):
        return _forgotten(workspace, conversations, due=due, wait=wait, now=now)


def _forgotten(
    workspace: Workspace, conversations: Sequence[str], *, due: bool, wait: float, now: datetime
) -> ForgetReport:
    with workspace.lock("forget", wait=wait), workspace.connect() as connection:
        before = connection.execute("SELECT * FROM deletions").df()
        reasons = _reasons(connection, conversations, set(before["conversation_id"]), now if due else None)
        already = tuple(sorted(set(conversations) - set(reasons)))
        if not reasons:
            return ForgetReport((), already, {}, now)
        stored = Stored.read(workspace, connection)
        _register(connection, reasons, stored)
        with workspace.transaction() as transaction:
            rows = {name: _cut(connection, workspace, transaction, name) for name in _tables(workspace)}
            stored.without(set(reasons)).write_state(transaction)
            _cut_rejects(connection, workspace, transaction)
            kept = before[~before["conversation_id"].isin(set(reasons))]
            table = pd.concat([kept.astype(object), _entries(connection, reasons, stored, now).astype(object)])
            table = table.sort_values("conversation_id", ignore_index=True).infer_objects()
            write_frame(table, DELETIONS, transaction.file("tables/deletions.parquet"))
    logger.info("Deleted %s conversations: %s.", f"{len(reasons):,}", ", ".join(sorted(reasons)))
    return ForgetReport(tuple(sorted(reasons)), already, rows, now)


def _reasons(
    connection: duckdb.DuckDBPyConnection, asked: Iterable[str], deleted: set[str], now: datetime | None
) -> dict[str, str]:
    """The conversations to delete, and why."""
    there = {str(row[0]) for row in connection.execute("SELECT conversation_id FROM conversations").fetchall()}
    unknown = sorted(set(asked) - there - deleted)
    if unknown:
        raise WorkspaceError(f"There is no conversation {unknown[0]!r}; nothing was deleted. Check the id.")
    due = [] if now is None else [str(row[0]) for row in connection.execute(_DUE, {"now": now}).fetchall()]
    return dict.fromkeys(due, DUE) | {name: REQUESTED for name in asked if name in there}


def _register(connection: duckdb.DuckDBPyConnection, reasons: dict[str, str], stored: Stored) -> None:
    """Makes the conversations to delete, and their moments, tables of the connection."""
    found = [frame[frame["conversation_id"].isin(set(reasons))] for frame in stored.found]
    moment_ids = {name for frame in found for name in frame["moment_id"]}
    there = {name for frame in stored.found for name in frame["moment_id"]}
    of_gone = stored.reviews["moment_id"].isin(moment_ids)
    # Judgements that were handed on to a moment to delete: of the same person and time, on one that is there no more.
    handed_on = ~stored.reviews["moment_id"].isin(there) & _said(stored.reviews).isin(
        set(_said(stored.reviews)[of_gone])
    )
    moment_ids |= set(stored.reviews.loc[handed_on, "moment_id"])
    connection.register("wanted", pd.DataFrame({"conversation_id": pd.Series(sorted(reasons), dtype="string")}))
    connection.register("gone", pd.DataFrame({"moment_id": pd.Series(sorted(moment_ids), dtype="string")}))


def _said(reviews: pd.DataFrame) -> pd.Series:
    said = reviews[["reviewer", "role", "reviewed_at", "note"]].astype(object)
    return said.where(said.notna(), None).apply(tuple, axis=1) if len(said) else pd.Series(dtype=object)


def _tables(workspace: Workspace) -> list[str]:
    return [name for name in (*TEXTS, "reviews") if name in TABLES and workspace.has(name)]


def _cut(connection: duckdb.DuckDBPyConnection, workspace: Workspace, transaction: Transaction, name: str) -> int:
    """Stages a table without the rows to delete, and says how many these are."""
    rest = "ANTI JOIN gone USING (moment_id)" if name == "reviews" else "ANTI JOIN wanted USING (conversation_id)"
    if workspace.path(name).is_dir():
        transaction.remove(f"tables/{name}.parquet")
    order = DETECTED_ORDER if name in FOUND else ", ".join(TABLES[name].key)
    path = transaction.file(f"tables/{name}.parquet")
    kept = write(connection, f"SELECT * FROM {name} {rest} ORDER BY {order}", TABLES[name].arrow_schema(), path)
    return int(connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]) - kept


def _cut_rejects(connection: duckdb.DuckDBPyConnection, workspace: Workspace, transaction: Transaction) -> None:
    """Stages the rejected rows without those that speak of a conversation to delete."""
    for name in TEXTS:
        path = workspace.rejects / f"{name}.parquet"
        if path.exists():
            speaks = "EXISTS (SELECT 1 FROM wanted w WHERE contains(r.row, w.conversation_id))"
            select = f"SELECT * FROM {parquet([path])} r WHERE row IS NULL OR NOT {speaks}"
            write(connection, select, schema_of(path), transaction.file(f"rejects/{name}.parquet"))


def _entries(
    connection: duckdb.DuckDBPyConnection, reasons: dict[str, str], stored: Stored, now: datetime
) -> pd.DataFrame:
    """The rows of ``deletions``."""
    content = connection.execute(_CONTENT).df()
    frames = {"moments": stored.moments, "signals": stored.signals}
    counts = {name: frame["conversation_id"].value_counts() for name, frame in frames.items()}
    texts = content["head"].str.cat(content["turns"].fillna(""), sep="\n")
    ids = content["conversation_id"]
    return pd.DataFrame(
        {
            "conversation_id": ids,
            "status": STATUS,
            "reason": ids.map(reasons),
            "content_hash": [hashlib.sha256(text.encode()).hexdigest() for text in texts],
            "utterances": content["utterances"].astype("int64"),
            **{name: ids.map(found).fillna(0).astype("int64") for name, found in counts.items()},
            "deleted_at": pd.Timestamp(now),
        }
    )
