"""What the review database is to hold of a workspace, in SQL over its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb
import ibis
import pyarrow as pa

from features.assist.taxonomy import taxonomy
from features.evidence import recorded
from features.inputs import inputs_from
from features.money import reported
from features.sources.sqltext import literal, text_list
from features.tables import METHODS, NO_CURRENCY

__all__ = ["COPIES", "Copy", "prepare"]

STAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How times stand in JSON."""


@dataclass(frozen=True)
class Copy:
    """A table of the database that is copied: the columns of its key, and SQL of its rows but for the digest."""

    name: str
    key: tuple[str, ...]
    rows: str


def prepare(connection: duckdb.DuckDBPyConnection, known: pa.Table, report_currency: str | None) -> None:
    """Makes the temporary tables on which the copies rest: moments, deals, owners and the method that leads reports.

    ``known`` are the database's moments: ``moment_id``, ``conversation_id``, ``deal_id``, ``told_partner``, and
    ``stands`` (not gone). Rows of ``judged_moments`` are copied only where the database knows no such moment.
    """
    connection.register("known", known)
    units = ibis.to_sql(reported(inputs_from(connection).deals, report_currency), dialect="duckdb")
    is_reported = "true" if report_currency is None else f"currency = {literal(report_currency)}"
    connection.execute(_FOUND)
    connection.execute(
        f"CREATE TEMP TABLE unit AS SELECT *, CASE WHEN {is_reported} THEN rate END AS to_report FROM ({units})"
    )
    for statement in (_TALK, _DEAL, _OWNER, _RECORD.format(recorded=_recorded(connection))):
        connection.execute(statement)
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


def _at(column: str) -> str:
    return f"strftime({column} AT TIME ZONE 'UTC', '{STAMP}')"


def _facts(name: str, table: str, columns: tuple[str, ...], times: tuple[str, ...], order: str) -> str:
    """A query of one JSON list per deal."""
    fields = ", ".join([*(f"{c} := {c}" for c in columns), *(f"{c} := {_at(c)}" for c in times)])
    return (
        f"{name} AS (SELECT deal_id, list(struct_pack({fields}) ORDER BY {order}) AS {name} "
        f"FROM {table} SEMI JOIN deal USING (deal_id) GROUP BY deal_id)"
    )


_LISTS: Final = ", ".join(
    (
        _facts("stages", "stage_history", ("stage",), ("entered_at",), "entered_at, stage"),
        _facts(
            "touches",
            "touchpoints",
            (
                "touchpoint_id",
                "partner_id",
                "kind",
                "journey_stage",
                "motion",
                "minutes",
                "source_system",
                "conversation_id",
            ),
            ("occurred_at",),
            "occurred_at, touchpoint_id",
        ),
        _facts(
            "leads",
            "leads",
            ("lead_id", "direction", "partner_id", "campaign"),
            ("given_at", "accepted_at", "registered_at", "expires_at"),
            "given_at, lead_id",
        ),
        _facts(
            "quotes",
            "quotes",
            ("partner_id",),
            ("requested_at", "sent_at", "approved_at"),
            "requested_at, partner_id",
        ),
    )
)
DEALS: Final = Copy(
    "deals",
    ("deal_id",),
    f"""
WITH {_LISTS}
SELECT deal_id, d.name, account_id, owner_id, owner_name, owner_email, outcome, stage, amount,
    nullif(d.currency, '{NO_CURRENCY}') AS currency, amount * to_report AS amount_in_report, created_at, closed_at,
    to_json(struct_pack(stages := coalesce(stages, []), touches := coalesce(touches, []),
        leads := coalesce(leads, []), quotes := coalesce(quotes, [])))::VARCHAR AS facts
FROM deals d SEMI JOIN deal USING (deal_id) JOIN unit USING (deal_id) LEFT JOIN owner USING (owner_id)
LEFT JOIN stages USING (deal_id) LEFT JOIN touches USING (deal_id) LEFT JOIN leads USING (deal_id)
LEFT JOIN quotes USING (deal_id)
""",
)
PARTNERS: Final = Copy("partners", ("partner_id",), "SELECT partner_id, name, partner_type, tier FROM partners")
CONVERSATIONS: Final = Copy(
    "conversations",
    ("conversation_id",),
    """
WITH said AS (
    SELECT conversation_id, to_json(list(struct_pack(utterance_id := utterance_id, seq := seq, text := text,
        speaker_org := speaker_org, speaker := speaker, partner_id := partner_id, start_s := start_s, end_s := end_s,
        is_quoted := coalesce(is_quoted, false)) ORDER BY seq, utterance_id))::VARCHAR AS turns
    FROM utterances SEMI JOIN talk USING (conversation_id) GROUP BY conversation_id
)
SELECT conversation_id, coalesce(c.deal_id, l.deal_id) AS deal_id, coalesce(c.account_id, l.account_id) AS account_id,
    channel, started_at, source_system, url, coalesce(turns, '[]') AS turns
FROM conversations c SEMI JOIN talk USING (conversation_id)
LEFT JOIN conversation_links l USING (conversation_id) LEFT JOIN said USING (conversation_id)
""",
)
MOMENTS: Final = Copy(
    "moments",
    ("moment_id",),
    """
WITH cue AS (
    SELECT moment_id, to_json(list(struct_pack(kind := kind, text := cue, weight := weight) ORDER BY place))::VARCHAR
        AS cues
    FROM moment_cues GROUP BY moment_id
)
SELECT moment_id, f.conversation_id, f.deal_id, partner_id, assist_type, is_assist, journey_stage, start_s, end_s,
    to_json(utterance_ids)::VARCHAR AS utterance_ids, quote, char_start, char_end, magnitude, confidence,
    type_confidence, model_version, detected_at, coalesce(cues, '[]') AS cues,
    coalesce(started_at, detected_at) AS started_at, owner_id, closed_at,
    coalesce(amount * rate * 4 * confidence * (1 - confidence), 0) AS stake,
    has_record, is_found
FROM found f JOIN record USING (moment_id) LEFT JOIN cue USING (moment_id)
LEFT JOIN conversations c USING (conversation_id) LEFT JOIN deals d ON d.deal_id = f.deal_id
LEFT JOIN unit u ON u.deal_id = f.deal_id
""",
)
CLAIMS: Final = Copy(
    "claims",
    ("deal_id", "partner_id"),
    f"""
WITH main_credit AS (
    SELECT deal_id, partner_id, any_value(share) FILTER (target = 'win') AS share,
        any_value(credit) FILTER (target = 'amount') AS amount
    FROM credits SEMI JOIN main USING (method) WHERE kind = 'split' GROUP BY ALL
),
one AS (
    SELECT deal_id, partner_id, method, target, kind, sum(credit) AS credit, sum(share) AS share,
        any_value(model_version) AS model_version, CASE WHEN count(*) = 1 THEN any_value(credit_lo) END AS lo,
        CASE WHEN count(*) = 1 THEN any_value(credit_hi) END AS hi
    FROM credits SEMI JOIN deal USING (deal_id) GROUP BY ALL
),
target AS (
    SELECT deal_id, partner_id, method, map_from_entries(list(row(target, struct_pack(credit := credit,
        share := share, lo := lo, hi := hi, kind := kind, model_version := model_version)) ORDER BY target))
        AS by_target
    FROM (SELECT DISTINCT ON (deal_id, partner_id, method, target) * FROM one ORDER BY kind DESC) GROUP BY ALL
),
credit AS (
    SELECT deal_id, partner_id, to_json(map_from_entries(list(row(method, by_target) ORDER BY method)))::VARCHAR
        AS credits
    FROM target GROUP BY ALL
)
SELECT deal_id, partner_id, closed_at, outcome, nullif(d.currency, '{NO_CURRENCY}') AS currency, share, m.amount,
    m.amount * to_report AS amount_in_report, credits
FROM credit JOIN deals d USING (deal_id) JOIN unit USING (deal_id) LEFT JOIN main_credit m USING (deal_id, partner_id)
""",
)
SCORES: Final = Copy(
    "partner_scores",
    ("partner_id", "period", "method", "currency"),
    """
SELECT partner_id, period, method, currency, to_json(struct_pack(run_id := run_id, deals_touched := deals_touched,
    deals_won := deals_won, credited_wins := credited_wins, credited_wins_lo := credited_wins_lo,
    credited_wins_hi := credited_wins_hi, credited_amount := credited_amount,
    credited_amount_lo := credited_amount_lo, credited_amount_hi := credited_amount_hi))::VARCHAR AS "values"
FROM partner_scores
""",
)
COPIES: Final = (PARTNERS, DEALS, CONVERSATIONS, MOMENTS, CLAIMS, SCORES)
"""In the order in which they are written, so that what a page shows beside a row is there before it."""
