"""Threads of mail and chat that come in parts: a later part goes on with the thread, in the order of time."""

from __future__ import annotations

from typing import Final

import duckdb

from features.sources.sqltext import name
from features.sources.talk import UNIT

__all__ = ["earliest", "in_order", "remember_starts"]

_THREADS: Final = "channel IN ('email', 'chat')"


def remember_starts(con: duckdb.DuckDBPyConnection) -> None:
    """Table ``older_starts`` of the threads that the workspace has, before it is changed; ``newer_starts``, empty."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE older_starts AS "
        f"SELECT conversation_id, started_at FROM conversations WHERE {_THREADS}"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE newer_starts AS FROM older_starts WHERE false")


def earliest(con: duckdb.DuckDBPyConnection, accepted: str) -> str:
    """A view of the accepted conversations in which a thread that was there already begins no later than it did.

    It also makes the table ``newer_starts`` of the threads that come again, as they come.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE newer_starts AS SELECT conversation_id, started_at FROM {name(accepted)} "
        f"SEMI JOIN older_starts USING (conversation_id) WHERE {_THREADS}"
    )
    con.execute(
        "CREATE OR REPLACE TEMP VIEW conversations_continued AS "
        "SELECT a.* REPLACE (CASE WHEN o.started_at < a.started_at THEN o.started_at ELSE a.started_at END "
        f"AS started_at) FROM {name(accepted)} AS a LEFT JOIN older_starts AS o "
        f"ON o.conversation_id = a.conversation_id AND a.{_THREADS}"
    )
    return "conversations_continued"


def in_order(con: duckdb.DuckDBPyConnection, accepted: str, staying: str) -> tuple[str, str]:
    """Views of the accepted and the staying utterances with their seconds and positions in the thread as it now is.

    Seconds count from the thread's start in ``conversations``. Rows of all other conversations are as they were.
    """
    sides = {"new": (accepted, "newer_starts"), "old": (staying, "older_starts")}
    timed = " UNION ALL ".join(
        f"SELECT '{side}' AS side, u.utterance_id, u.conversation_id, u.seq, epoch(s.started_at) - epoch(c.started_at) "
        f"AS shift, epoch(s.started_at) + coalesce(u.start_s, max(u.start_s) OVER (PARTITION BY {UNIT}), 0) AS moment "
        f"FROM {name(rows)} AS u SEMI JOIN newer_starts USING (conversation_id) "
        f"JOIN {starts} AS s USING (conversation_id) JOIN conversations AS c USING (conversation_id)"
        for side, (rows, starts) in sides.items()
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE placed AS SELECT side, utterance_id, shift, "
        "row_number() OVER (PARTITION BY conversation_id ORDER BY moment, seq, utterance_id) - 1 AS place "
        f"FROM ({timed})"
    )
    for side, (rows, _) in sides.items():
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW utterances_{side} AS SELECT u.* REPLACE (coalesce(p.place, u.seq) AS seq, "
            "u.start_s + coalesce(p.shift, 0) AS start_s, u.end_s + coalesce(p.shift, 0) AS end_s) "
            f"FROM {name(rows)} AS u LEFT JOIN placed AS p ON p.side = '{side}' AND p.utterance_id = u.utterance_id"
        )
    return "utterances_new", "utterances_old"
