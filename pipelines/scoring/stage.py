"""Features of the deals that need them, computed in waves, and what is remembered of all others.

A deal's credit by a model rests on its features, of which a digest is part of its fingerprint. Features hang on the
deal's own rows and on the past: on deals that closed before. So the digest of each closed deal is remembered, beside a
number for the content of its own rows, and only those deals are featurised again whose own rows changed, or which
closed after the earliest close of a deal that came, went or changed. What is remembered is a memo and nothing more: a
run that finds none computes all, and comes to the same.

Waves bound the memory: whatever the number of deals, the engine works on so many of them at a time, and what it made
lies on disk until it is scored.
"""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow.parquet as pq

from features import history
from features.frame import FrameSpec, base, members
from features.inputs import Inputs
from features.records import Records, past_records
from features.sources.sqltext import literal, parquet
from pipelines.workspace import Workspace

logger = logging.getLogger(__name__)

JOINED: Final = "score_joined"
MEMO: Final = "results/digests.parquet"
WAVE_DEALS: Final = 100_000
"""Deals that are featurised at once: about 1 GiB for 28 touches a deal."""

_MEMO: Final = """
CREATE OR REPLACE TEMP TABLE score_memo AS SELECT * FROM {source}
"""
_NO_MEMO: Final = """
(SELECT NULL::VARCHAR AS deal_id, NULL::TIMESTAMPTZ AS closed_at, 0::BIGINT AS content, 0::UBIGINT AS own,
    0::UBIGINT AS digest WHERE false)
"""
_EARLIEST: Final = """
SELECT min(least(coalesce(o.closed_at, m.closed_at), coalesce(m.closed_at, o.closed_at)))
FROM score_own o FULL JOIN score_memo m USING (deal_id) WHERE o.content IS DISTINCT FROM m.content
"""
_ASKED: Final = """
CREATE OR REPLACE TEMP TABLE score_asked AS
SELECT o.deal_id FROM score_own o SEMI JOIN score_closed USING (deal_id) LEFT JOIN score_memo m USING (deal_id)
WHERE o.own IS DISTINCT FROM m.own OR o.closed_at > $earliest
"""
_MISSING: Final = """
CREATE OR REPLACE TEMP TABLE score_asked AS
SELECT DISTINCT deal_id FROM score_todo JOIN score_recipes USING (method)
WHERE uses_model AND deal_id NOT IN (SELECT deal_id FROM score_computed)
"""
_WAVES: Final = """
CREATE OR REPLACE TEMP TABLE score_waves AS
SELECT deal_id, bucket, (row_number() OVER (ORDER BY bucket, deal_id) - 1) // {deals} AS wave
FROM score_asked JOIN score_closed USING (deal_id)
"""
_WAVE: Final = "CREATE OR REPLACE TEMP TABLE score_wave AS SELECT deal_id, bucket FROM score_waves WHERE wave = {wave}"
_DIGESTS: Final = """
WITH member AS (SELECT deal_id, sum(hash(m)::HUGEINT) AS digest FROM {members} m GROUP BY deal_id)
SELECT b.deal_id, hash(hash(b), coalesce(member.digest, 0)) AS digest FROM {base} b LEFT JOIN member USING (deal_id)
"""
_REMEMBERED: Final = """
CREATE TEMP TABLE score_digests AS
SELECT * FROM score_computed_digests
UNION ALL SELECT m.deal_id, m.digest FROM score_memo m SEMI JOIN score_closed USING (deal_id)
    ANTI JOIN score_computed USING (deal_id) WHERE m.digest IS NOT NULL
"""
_TO_REMEMBER: Final = """
COPY (
    SELECT o.deal_id, o.closed_at, o.content, o.own, d.digest FROM score_own o LEFT JOIN score_digests d USING (deal_id)
    ORDER BY o.deal_id
) TO {path} (FORMAT parquet, KV_METADATA {{key: {key}}})
"""


_EXCLUDED: Final = re.compile(r"EXCLUDE \(([^()]*)\)")


def digests_of(base_rows: str, member_rows: str) -> str:
    """SQL of each deal's digest, ``deal_id`` and ``digest``, from tables of its features."""
    return _DIGESTS.format(base=base_rows, members=member_rows)


class FeatureStage:
    """The features of deals in one run, as the views ``score_base`` and ``score_members`` of files in ``folder``.

    Needs ``score_own`` and ``score_closed`` (``pipelines.scoring.plan``) on the connection.
    """

    def __init__(self, connection: Any, spec: FrameSpec, folder: Path) -> None:
        self._connection, self._folder, self._n_waves = connection, folder, 0
        engine = ibis.duckdb.from_connection(connection)
        inputs = Inputs.from_backend(engine)
        self._joined = _sql(history.participations(inputs.deals, inputs.touchpoints))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE score_joined AS {self._joined} LIMIT 0")
        for name in ("score_asked", "score_computed"):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} (deal_id VARCHAR)")
        connection.execute("CREATE OR REPLACE TEMP TABLE score_wave (deal_id VARCHAR, bucket INTEGER)")
        past = past_records(inputs, engine.table("score_joined"), spec.cutoff, engine.table("score_asked"))
        self._records = {"score_past_deals": _sql(past.deals), "score_past_partners": _sql(past.partners)}
        for name, select in self._records.items():
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
        records = Records(engine.table("score_past_deals"), engine.table("score_past_partners"))
        some = inputs.of_deals(engine.table("score_wave"))
        self._frames = {"base": _sql(base(some, spec, records)), "members": _sql(members(some, spec, records))}
        connection.execute("CREATE OR REPLACE TEMP TABLE score_computed_digests (deal_id VARCHAR, digest UBIGINT)")
        self._compute_wave(0)

    @property
    def joined(self) -> str | None:
        """Name of the table of all closed deals' partners; None when this run had no need of it."""
        return JOINED if self._n_waves else None

    @property
    def key(self) -> str:
        """Changes whenever features of the same rows may: it is the text of all queries, and the engine's version."""
        queries = [duckdb.__version__, self._joined, *self._records.values(), *self._frames.values()]
        return hashlib.sha256(_EXCLUDED.sub(_sorted_names, "\n".join(queries)).encode()).hexdigest()

    def stage_digests(self, workspace: Workspace) -> None:
        """Makes ``score_digests``, featurising the deals of ``score_closed`` that may have changed.

        A deal that never reached its cutoff has no row.
        """
        path = workspace.root / MEMO
        is_valid = path.exists() and (pq.read_schema(path).metadata or {}).get(b"key") == self.key.encode()
        self._connection.execute(_MEMO.format(source=parquet([path]) if is_valid else _NO_MEMO))
        earliest = self._connection.execute(_EARLIEST).fetchall()[0][0]
        self._connection.execute(_ASKED, {"earliest": earliest})
        self._compute()
        self._connection.execute(_REMEMBERED)

    def stage_rest(self) -> None:
        """Featurises those deals of ``score_todo`` that a model is asked about and that were only remembered."""
        self._connection.execute(_MISSING)
        self._compute()

    def remember(self, workspace: Workspace) -> None:
        """Keeps the digests of all closed deals for the next run; for a run that looked at all of them."""
        with workspace.transaction() as transaction:
            path = literal(str(transaction.file(MEMO)))
            self._connection.execute(_TO_REMEMBER.format(path=path, key=literal(self.key)))

    def _compute(self) -> None:
        """Features and digests of the deals in ``score_asked``."""
        run = self._connection.execute
        run(_WAVES.format(deals=WAVE_DEALS))
        n_waves = run("SELECT coalesce(max(wave) + 1, 0) FROM score_waves").fetchall()[0][0]
        if not n_waves:
            return
        if not run("SELECT count(*) FROM score_joined").fetchall()[0][0]:
            run(f"CREATE OR REPLACE TEMP TABLE score_joined AS {self._joined}")
        for name, select in self._records.items():
            run(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
        for wave in range(n_waves):
            run(_WAVE.format(wave=wave))
            self._compute_wave(self._n_waves + 1)
        run("INSERT INTO score_computed SELECT deal_id FROM score_asked")
        count = run("SELECT count(*) FROM score_asked").fetchall()[0][0]
        logger.info("Made the features of %s deals.", f"{count:,}")

    def _compute_wave(self, number: int) -> None:
        """Features of the deals in ``score_wave`` as files of that number, and their digests."""
        fresh = {}
        for name, select in self._frames.items():
            file = self._folder / f"{name}-{number:05}.parquet"
            rows = f"SELECT w.bucket, f.* FROM ({select}) f JOIN score_wave w USING (deal_id)"
            self._connection.execute(f"COPY ({rows}) TO {literal(str(file))} (FORMAT parquet)")
            everything = parquet(sorted(self._folder.glob(f"{name}-*.parquet")))
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW score_{name} AS SELECT * FROM {everything}")
            fresh[name] = f"(SELECT * EXCLUDE (bucket) FROM {parquet([file])})"
        self._connection.execute(f"INSERT INTO score_computed_digests {digests_of(fresh['base'], fresh['members'])}")
        self._n_waves = number


def _sorted_names(excluded: re.Match[str]) -> str:
    """A list of columns to leave out, sorted: Ibis keeps it as a set, whose order differs from process to process."""
    return ",".join(sorted(name.strip() for name in excluded.group(1).split(",")))


def _sql(table: ir.Table) -> str:
    return str(ibis.to_sql(table, dialect="duckdb"))
