"""Where the work of a scoring run is done: the bucket of each changed deal, and the buckets in waves.

The tables that scoring writes have one file for each bucket. A first scoring deals the deals to buckets by a hash of
their ids. Later ones score a deal where its credit lies, and fill further buckets with the deals that are new, so that
a few new deals touch no file of the many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.scoring.stage import WAVE_DEALS

_PLACES: Final = """
CREATE TEMP TABLE score_places AS SELECT deal_id, any_value(bucket) AS bucket FROM score_scored GROUP BY deal_id
"""
_NEW: Final = """
CREATE TEMP TABLE score_new AS
WITH fresh AS (SELECT DISTINCT deal_id, bucket FROM score_changed ANTI JOIN score_places USING (deal_id)),
numbered AS (SELECT *, row_number() OVER (ORDER BY md5_number_lower(deal_id), deal_id) - 1 AS number FROM fresh)
SELECT deal_id, CASE WHEN $chunk::BIGINT IS NULL THEN bucket
    ELSE $first + (number + $taken) // $chunk::BIGINT END AS bucket
FROM numbered
"""
_TODO: Final = """
CREATE TEMP TABLE score_todo AS
SELECT c.* EXCLUDE (bucket), coalesce(p.bucket, n.bucket)::INTEGER AS bucket
FROM score_changed c LEFT JOIN score_places p USING (deal_id) LEFT JOIN score_new n USING (deal_id)
WHERE NOT list_contains($done, coalesce(p.bucket, n.bucket)) ORDER BY bucket
"""
_WAVE: Final = """
CREATE OR REPLACE TEMP TABLE wave AS
SELECT DISTINCT t.deal_id, t.bucket, c.bucket AS by_hash
FROM score_todo t JOIN score_closed c USING (deal_id) WHERE t.bucket BETWEEN {first} AND {last}
"""
_DEALS: Final = """
CREATE OR REPLACE TEMP TABLE wave_deals AS
SELECT w.bucket, c.* EXCLUDE (bucket), m.* EXCLUDE (deal_id)
FROM wave w JOIN score_closed c USING (deal_id) LEFT JOIN score_milestones m USING (deal_id) ORDER BY w.bucket
"""
_IN_WAVE: Final = """
CREATE OR REPLACE TEMP TABLE wave_{name} AS
SELECT w.bucket, f.* EXCLUDE (bucket) FROM score_{name} f JOIN wave w USING (deal_id)
WHERE f.bucket BETWEEN (SELECT min(by_hash) FROM wave) AND (SELECT max(by_hash) FROM wave) ORDER BY w.bucket
"""


@dataclass(frozen=True)
class Layout:
    """In which buckets deals are scored: those scored before where their credit lies, new ones as said here.

    Attributes
    ----------
    buckets : those to which deals are dealt by a hash of their id.
    chunk : None when new deals go there as well; else how many of them fill one of the further buckets, which come
        after these, so that a few new deals touch the credit of no others.
    done : buckets that this run finished before it was interrupted.
    """

    buckets: int
    chunk: int | None = None
    done: tuple[int, ...] = ()

    def room(self, connection: Any) -> dict[str, int | None]:
        """The first further bucket that has room, and how many deals it has already."""
        query = "SELECT bucket, count(*) FROM score_places WHERE bucket >= ? GROUP BY bucket"
        sizes = dict(connection.execute(query, [self.buckets]).fetchall())
        last = max((*sizes, *self.done), default=-1)
        if self.chunk is None or last < self.buckets:
            return {"chunk": self.chunk, "first": self.buckets, "taken": 0}
        is_full = last in self.done or sizes.get(last, 0) >= self.chunk
        return {"chunk": self.chunk, "first": last + is_full, "taken": 0 if is_full else sizes.get(last, 0)}


def stage_work(connection: Any, layout: Layout) -> None:
    """Makes ``score_todo``: the changed ones, each with the bucket in which the deal is scored."""
    connection.execute(_PLACES)
    connection.execute(_NEW, layout.room(connection))
    connection.execute(_TODO, {"done": list(layout.done)})


def buckets_with_work(connection: Any) -> list[int]:
    """Buckets in which something must be scored or taken away, ascending."""
    query = "SELECT bucket FROM score_todo UNION SELECT bucket FROM score_gone ORDER BY bucket"
    return [int(row[0]) for row in connection.execute(query).fetchall()]


def waves(connection: Any) -> Iterator[list[int]]:
    """Buckets with work, ascending, in groups of at most ``WAVE_DEALS`` deals to score, at least one bucket each.

    The rows of a group's deals are staged while it is at hand: ``wave_deals``, ``wave_touches``, ``wave_claims`` and,
    where there are features, ``wave_base`` and ``wave_members``.
    """
    query = "SELECT bucket, count(DISTINCT deal_id) FROM score_todo GROUP BY bucket"
    sizes = dict(connection.execute(query).fetchall())
    names = [n for n in ("touches", "claims", "base", "members") if _has(connection, f"score_{n}")]
    group: list[int] = []
    for bucket in buckets_with_work(connection):
        if group and sum(sizes.get(b, 0) for b in (*group, bucket)) > WAVE_DEALS:
            yield _staged_wave(connection, group, names)
            group = []
        group.append(bucket)
    if group:
        yield _staged_wave(connection, group, names)


def _staged_wave(connection: Any, buckets: list[int], names: list[str]) -> list[int]:
    connection.execute(_WAVE.format(first=buckets[0], last=buckets[-1]))
    connection.execute(_DEALS)
    for name in names:
        connection.execute(_IN_WAVE.format(name=name))
    return buckets


def _has(connection: Any, table: str) -> bool:
    query = "SELECT count(*) FROM information_schema.tables WHERE table_name = ?"
    return bool(connection.execute(query, [table]).fetchall()[0][0])
