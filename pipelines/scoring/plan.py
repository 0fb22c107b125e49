"""What a scoring run has to do: the deals and methods whose credit is missing, or rests on something that changed.

A deal's credit by a method rests on its *fingerprint*: the deal's row, all its touches, the method's settings, how well
its claims are evidenced and, for a model's methods, the deal's features, those of its members, and the model's version.
A deal belongs to a bucket; the
tables that scoring writes have one file for each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from features.eligible import Eligibility, MilestoneStages, is_eligible, milestones
from features.evidence import claims
from features.inputs import Inputs, inputs_from
from features.sources.sqltext import parquet
from pipelines.scoring.parts import bucket_of, scored_files
from pipelines.scoring.stage import digests_of
from pipelines.workspace import Workspace

_OWN: Final = """
CREATE TEMP TABLE score_own AS
WITH listed AS (SELECT partner_id, sum(hash(partner_type, tier)::HUGEINT) AS digest FROM partners GROUP BY partner_id),
touched AS (
    SELECT t.deal_id, sum(hash(t)::HUGEINT) AS digest, sum(hash(t.partner_id, listed.digest)::HUGEINT) AS by_whom
    FROM touchpoints t LEFT JOIN listed USING (partner_id) GROUP BY t.deal_id
),
staged AS (SELECT deal_id, sum(hash(h)::HUGEINT) AS digest FROM stage_history h GROUP BY deal_id),
led AS (SELECT deal_id, sum(hash(l)::HUGEINT) AS digest FROM leads l GROUP BY deal_id),
judged AS (SELECT moment_id, sum(hash(r)::HUGEINT) AS digest FROM reviews r GROUP BY moment_id),
said AS (
    SELECT moment_id, conversation_id, deal_id, hash(m) AS digest FROM moments m
    UNION ALL SELECT moment_id, conversation_id, deal_id, hash(s, 'signal')
    FROM signals s SEMI JOIN judged USING (moment_id)
    UNION ALL SELECT moment_id, conversation_id, deal_id, hash(j, 'judged') FROM judged_moments j
),
talked AS (
    SELECT s.deal_id, sum(hash(s.digest, c.started_at, judged.digest)::HUGEINT) AS digest
    FROM said s JOIN conversations c USING (conversation_id) LEFT JOIN judged USING (moment_id) GROUP BY s.deal_id
),
installed AS (SELECT account_id, sum(hash(i)::HUGEINT) AS digest FROM integrations i GROUP BY account_id)
SELECT d.deal_id, d.closed_at, (hash(hash(d), coalesce(touched.digest, 0)) >> 1)::BIGINT AS content,
    hash(content, touched.by_whom, staged.digest, led.digest, talked.digest, installed.digest) AS own
FROM deals d LEFT JOIN touched USING (deal_id) LEFT JOIN staged USING (deal_id) LEFT JOIN led USING (deal_id)
LEFT JOIN talked USING (deal_id) LEFT JOIN installed USING (account_id)
WHERE d.outcome <> 'open' AND d.closed_at IS NOT NULL
"""
_CLOSED: Final = """
CREATE TEMP TABLE score_closed AS
SELECT d.deal_id, d.outcome, d.amount, d.closed_at, {bucket} AS bucket,
    own.content
FROM deals d JOIN score_own own USING (deal_id)
WHERE d.closed_at >= coalesce($since::TIMESTAMPTZ, '-infinity')
    AND d.closed_at < coalesce($until::TIMESTAMPTZ, 'infinity')
"""
_DATED: Final = """
CREATE TEMP VIEW score_dated AS
SELECT c.bucket, c.closed_at, t.touchpoint_id, t.deal_id, t.partner_id, t.kind, t.occurred_at, t.recorded_at
FROM touchpoints t JOIN score_closed c USING (deal_id)
"""
_TOUCHES: Final = "CREATE TEMP VIEW score_touches AS {select}"
_MILESTONES: Final = """
CREATE TEMP TABLE score_milestones AS SELECT m.* FROM ({select}) m JOIN score_closed USING (deal_id)
"""
_NO_MILESTONES: Final = """
CREATE TEMP TABLE score_milestones (deal_id VARCHAR, lead_at TIMESTAMPTZ, opportunity_at TIMESTAMPTZ)
"""
_FEATURES: Final = """
CREATE TEMP TABLE score_{name} AS
SELECT c.bucket, f.* FROM ({select}) f JOIN score_closed c USING (deal_id) ORDER BY c.bucket
"""
_NO_DIGESTS: Final = "CREATE TEMP TABLE score_digests (deal_id VARCHAR, digest UBIGINT)"
_CLAIMS: Final = """
CREATE TEMP TABLE score_claims AS
SELECT c.bucket, f.deal_id, f.partner_id, f.grade, f.is_backed FROM ({select}) f JOIN score_closed c USING (deal_id)
"""
_WANTED: Final = """
CREATE TEMP TABLE score_wanted AS
WITH claimed AS (
    SELECT deal_id, sum(hash(partner_id, grade, is_backed)::HUGEINT) AS digest FROM score_claims GROUP BY deal_id
)
SELECT c.deal_id, c.bucket, r.method, c.content,
    (hash(c.content, r.recipe, CASE WHEN r.uses_model THEN d.digest END,
        CASE WHEN r.uses_milestones THEN hash(m.lead_at, m.opportunity_at) END, claimed.digest) >> 1)::BIGINT
        AS fingerprint
FROM score_closed c CROSS JOIN score_recipes r LEFT JOIN score_digests d USING (deal_id)
LEFT JOIN score_milestones m USING (deal_id) LEFT JOIN claimed USING (deal_id)
"""
_CHANGED: Final = """
CREATE TEMP TABLE score_changed AS
SELECT w.* FROM score_wanted w LEFT JOIN score_scored s USING (deal_id, method)
WHERE $all OR s.fingerprint IS DISTINCT FROM w.fingerprint
"""
_GONE: Final = """
CREATE TEMP TABLE score_gone AS
WITH there AS (SELECT deal_id FROM deals WHERE outcome <> 'open' AND closed_at IS NOT NULL)
SELECT s.deal_id, s.bucket, s.method, there.deal_id IS NULL AS is_removed
FROM score_scored s LEFT JOIN there USING (deal_id) LEFT JOIN score_closed c USING (deal_id)
WHERE there.deal_id IS NULL OR (s.content <> c.content AND s.method NOT IN (SELECT method FROM score_recipes))
"""


@dataclass(frozen=True)
class Window:
    """The closed deals that a run looks at: closed at or after ``since`` and before ``until``; None is no bound.

    Credit of deals outside stays as it is, except that of deals that are gone or open again.
    """

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Recipe:
    """What the credit of one method depends on besides the data; any change of ``settings`` means scoring anew.

    ``milestones`` says where a rule finds those of a deal; None for a method that looks at none.
    """

    method: str
    uses_model: bool
    version: str
    settings: Mapping[str, Any]
    milestones: MilestoneStages | None = None

    @property
    def text(self) -> str:
        """All of it as one line."""
        return json.dumps([self.method, self.version, dict(self.settings)], sort_keys=True)


def stage_deals(connection: Any, buckets: int, window: Window, eligibility: Eligibility) -> None:
    """Makes ``score_closed`` (closed deals in the window, their content, and their bucket by hash).

    Beside it ``score_own``: all closed deals and numbers for what their rows say: ``content`` for the deal and its
    touches, ``own`` for everything else as well that its features are made from, but for the past of other deals. And
    ``score_touches``, the touches of the deals.
    """
    connection.execute(_OWN)
    connection.execute(_CLOSED.format(bucket=bucket_of("d.deal_id", buckets)), asdict(window))
    connection.execute(_DATED)
    dated = ibis.duckdb.from_connection(connection).table("score_dated")
    marked = dated.mutate(is_eligible=is_eligible(dated, eligibility)).drop("closed_at", "kind")
    connection.execute(_TOUCHES.format(select=_sql(marked)))


def stage_frames(connection: Any, frames: Mapping[str, str] | None) -> None:
    """Makes ``score_base``, ``score_members`` and ``score_digests`` from both as SQL, wherever they were computed.

    None, without a model, makes empty digests only.
    """
    if frames is None:
        connection.execute(_NO_DIGESTS)
        return
    for name, select in frames.items():
        connection.execute(_FEATURES.format(name=name, select=select))
    rows = (f"(SELECT * EXCLUDE (bucket) FROM score_{name})" for name in ("base", "members"))
    connection.execute(f"CREATE TEMP TABLE score_digests AS {digests_of(*rows)}")


def stage_claims(connection: Any, select: str | None = None) -> None:
    """Makes ``score_claims``, the evidenced claims of the closed deals, from them as SQL, wherever they were computed.

    None asks the connection's own tables (``features.evidence.claims``).
    """
    connection.execute(_CLAIMS.format(select=select or _sql(claims(inputs_from(connection)))))


def stage_wanted(connection: Any, recipes: list[Recipe]) -> None:
    """Makes ``score_wanted``, the fingerprint of every closed deal and method asked for, and ``score_milestones``."""
    connection.execute(
        "CREATE TEMP TABLE score_recipes (method VARCHAR, uses_model BOOLEAN, uses_milestones BOOLEAN, recipe VARCHAR)"
    )
    for recipe in recipes:
        row = [recipe.method, recipe.uses_model, recipe.milestones is not None, recipe.text]
        connection.execute("INSERT INTO score_recipes VALUES (?, ?, ?, ?)", row)
    _stage_milestones(connection, recipes)
    connection.execute(_WANTED)


def stage_changes(connection: Any, workspace: Workspace, *, all_deals: bool) -> None:
    """Makes ``score_changed`` (deal, method, fingerprint to score) and ``score_gone`` (credit that no longer holds)."""
    connection.execute(f"CREATE TEMP VIEW score_scored AS {_scored(workspace)}")
    connection.execute(_CHANGED, {"all": all_deals})
    connection.execute(_GONE)


def content_hash(connection: Any) -> str:
    """A number for everything that this run's credit rests on, independent of the order of rows."""
    row = connection.execute("SELECT sum(hash(deal_id, method, fingerprint)::HUGEINT)::VARCHAR FROM score_wanted")
    return str(row.fetchall()[0][0])


def count(connection: Any, table: str, condition: str = "true") -> int:
    """Distinct deals in one of the staged tables."""
    query = f"SELECT count(DISTINCT deal_id) FROM {table} WHERE {condition}"
    return int(connection.execute(query).fetchall()[0][0])


def _stage_milestones(connection: Any, recipes: list[Recipe]) -> None:
    stages = next((recipe.milestones for recipe in recipes if recipe.milestones is not None), None)
    if stages is None:
        connection.execute(_NO_MILESTONES)
        return
    inputs = Inputs.from_backend(ibis.duckdb.from_connection(connection))
    connection.execute(_MILESTONES.format(select=_sql(milestones(inputs, stages))))


def _scored(workspace: Workspace) -> str:
    files = scored_files(workspace)
    if not files:
        return (
            "SELECT NULL::VARCHAR AS deal_id, NULL::VARCHAR AS method, 0::BIGINT AS content, "
            "0::BIGINT AS fingerprint, 0 AS bucket WHERE false"
        )
    bucket = r"regexp_extract(filename, 'part-(\d+)\.parquet$', 1)::INTEGER"
    rows = parquet(files, "filename = true")
    return f"SELECT deal_id, method, content, fingerprint, {bucket} AS bucket FROM {rows}"


def _sql(table: ir.Table) -> str:
    return str(ibis.to_sql(table, dialect="duckdb"))
