"""What the review database is to hold of a workspace, in SQL over its tables."""

from __future__ import annotations

from typing import Final

import duckdb
import ibis
import pyarrow as pa

from features.assist.taxonomy import taxonomy
from features.directory import OwnCompany
from features.evidence import recorded
from features.inputs import inputs_from
from features.money import reported
from features.sources.sqltext import literal, text_list
from features.tables import METHODS
from pipelines.reviewing.speaking import TABLES

__all__ = ["prepare"]


def prepare(
    connection: duckdb.DuckDBPyConnection, known: pa.Table, report_currency: str | None, own: OwnCompany
) -> None:
    """Makes the temporary tables on which the copies rest: moments, deals, owners and the method that leads reports.

    ``known`` are the database's moments: ``moment_id``, ``conversation_id``, ``deal_id``, ``told_partner``, and
    ``stands`` (not gone). Rows of ``judged_moments`` are copied only where the database knows no such moment.
    """
    connection.register("known", known)
    units = ibis.to_sql(reported(inputs_from(connection).deals, report_currency), dialect="duckdb")
    is_reported = "true" if report_currency is None else f"u.currency = {literal(report_currency)}"
    connection.execute(_FOUND)
    connection.execute(_UNIT.format(units=units, is_reported=is_reported, is_named=report_currency is not None))
    for statement in (_TALK, _DEAL, _OWNER, _RECORD.format(recorded=_recorded(connection))):
        connection.execute(statement)
    told = ", ".join(f"(SELECT sum(hash(t)::HUGEINT) FROM {name} t)" for name in TABLES)
    connection.execute(f"CREATE TEMP TABLE known_people AS SELECT hash({told}, {literal(repr(own))}) AS digest")
    order = ", ".join(literal(method) for method in METHODS)
    connection.execute(
        "CREATE TEMP TABLE main AS SELECT method FROM (SELECT DISTINCT method FROM credits WHERE kind = 'split') "
        f"ORDER BY list_position([{order}], method) LIMIT 1"
    )


def _recorded(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL of which moments an independent record bears out, with the partner that people say it was."""
    claimed = ibis.table(
        {"moment_id": "string", "conversation_id": "string", "deal_id": "string", "partner_id": "string"}, "claimed"
    )
    return str(ibis.to_sql(recorded(claimed, inputs_from(connection)), dialect="duckdb"))


_UNIT: Final = """
CREATE TEMP TABLE unit AS
SELECT u.*, CASE WHEN {is_reported} THEN rate END AS to_report,
    CASE WHEN {is_named} THEN rate ELSE coalesce(fx_rate, rate) END AS scale
FROM ({units}) u JOIN deals USING (deal_id)
"""
"""``scale`` puts amounts in several currencies in one order, also where nobody has named the report currency."""
_ASSISTS: Final = text_list(taxonomy().assist_ids)
_FOUND: Final = f"""
CREATE TEMP TABLE found AS
SELECT DISTINCT ON (moment_id) * EXCLUDE (place) FROM (
    SELECT *, true AS is_assist, true AS is_found, 0 AS place FROM moments
    UNION ALL BY NAME SELECT *, false AS is_assist, true AS is_found, 1 AS place FROM signals
    UNION ALL BY NAME
    SELECT *, assist_type IN ({_ASSISTS}) AS is_assist, false AS is_found, 2 AS place
    FROM judged_moments ANTI JOIN known USING (moment_id)
) ANTI JOIN deletions USING (conversation_id) ORDER BY moment_id, place
"""
_RECORD: Final = """
CREATE TEMP TABLE record AS
WITH claimed AS (
    SELECT moment_id, f.conversation_id, f.deal_id, coalesce(told_partner, partner_id) AS partner_id
    FROM found f LEFT JOIN known USING (moment_id)
)
SELECT moment_id, has_record FROM ({recorded})
"""
_TALK: Final = """
CREATE TEMP TABLE talk AS SELECT conversation_id FROM conversations ANTI JOIN deletions USING (conversation_id)
SEMI JOIN (SELECT conversation_id FROM found UNION SELECT conversation_id FROM known WHERE stands)
USING (conversation_id)
"""
_DEAL: Final = """
CREATE TEMP TABLE deal AS
SELECT deal_id FROM deals SEMI JOIN (
    SELECT deal_id FROM found UNION SELECT deal_id FROM known WHERE stands
    UNION SELECT deal_id FROM touchpoints WHERE partner_id IS NOT NULL
) USING (deal_id)
"""
_OWNER: Final = """
CREATE TEMP TABLE owner AS
SELECT contact_id AS owner_id, arg_max(name, coalesce(valid_from, TIMESTAMPTZ '0001-01-01')) AS owner_name,
    arg_max(email, coalesce(valid_from, TIMESTAMPTZ '0001-01-01')) AS owner_email
FROM contacts WHERE organisation = 'internal' GROUP BY contact_id
"""
