"""The rows that the review database holds of a workspace, in SQL over its tables and what ``wanted`` has prepared.

A row's digest rests on all that the row is made of, and costs far less than the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from features.tables import NO_CURRENCY

__all__ = ["COPIES", "Copy"]

STAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How times stand in JSON."""


@dataclass(frozen=True)
class Copy:
    """A table of the database that is copied.

    Parameters
    ----------
    key : its columns.
    digests : SQL of the key and the ``digest`` of every row that the database is to have.
    rows : SQL of the rows, without digest, whose keys are in the table ``changed``.
    """

    name: str
    key: tuple[str, ...]
    digests: str
    rows: str


def _at(column: str) -> str:
    return f"strftime({column} AT TIME ZONE 'UTC', '{STAMP}')"


def _number(column: str) -> str:
    """A number as JSON; put together as text, which is much faster than nested values."""
    return f"coalesce({column}::VARCHAR, 'null')"


def _summed(table: str, key: str, name: str) -> str:
    """A digest of a key's rows of a table, in whatever order they are read."""
    return f"(SELECT {key}, sum(hash(t)::HUGEINT) AS {name} FROM {table} t GROUP BY ALL)"


def _facts(name: str, table: str, columns: tuple[str, ...], times: tuple[str, ...], order: str) -> str:
    """A query of one JSON list per deal."""
    fields = ", ".join([*(f"{c} := {c}" for c in columns), *(f"{c} := {_at(c)}" for c in times)])
    return (
        f"{name} AS (SELECT deal_id, list(struct_pack({fields}) ORDER BY {order}) AS {name} "
        f"FROM {table} SEMI JOIN changed USING (deal_id) GROUP BY deal_id)"
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
SELECT deal_id, hash(d, w, currency, to_report, scale, stages, touches, leads, quotes) AS digest
FROM (SELECT deal_id, owner_id, hash(d) AS d FROM deals d) SEMI JOIN deal USING (deal_id) JOIN unit USING (deal_id)
LEFT JOIN (SELECT owner_id, hash(o) AS w FROM owner o) USING (owner_id)
LEFT JOIN {_summed("stage_history", "deal_id", "stages")} USING (deal_id)
LEFT JOIN {_summed("touchpoints", "deal_id", "touches")} USING (deal_id)
LEFT JOIN {_summed("leads", "deal_id", "leads")} USING (deal_id)
LEFT JOIN {_summed("quotes", "deal_id", "quotes")} USING (deal_id)
""",
    f"""
WITH {_LISTS}
SELECT deal_id, d.name, account_id, owner_id, owner_name, owner_email, outcome, stage, amount,
    nullif(d.currency, '{NO_CURRENCY}') AS currency, amount * to_report AS amount_in_report, amount * scale AS worth,
    created_at, closed_at,
    to_json(struct_pack(stages := coalesce(stages, []), touches := coalesce(touches, []),
        leads := coalesce(leads, []), quotes := coalesce(quotes, [])))::VARCHAR AS facts
FROM deals d SEMI JOIN changed USING (deal_id) JOIN unit USING (deal_id) LEFT JOIN owner USING (owner_id)
LEFT JOIN stages USING (deal_id) LEFT JOIN touches USING (deal_id) LEFT JOIN leads USING (deal_id)
LEFT JOIN quotes USING (deal_id)
""",
)
_PARTNER: Final = "SELECT partner_id, name, partner_type, tier FROM partners"
PARTNERS: Final = Copy(
    "partners",
    ("partner_id",),
    f"SELECT partner_id, hash(p) AS digest FROM ({_PARTNER}) p",
    f"{_PARTNER} SEMI JOIN changed USING (partner_id)",
)
CONVERSATIONS: Final = Copy(
    "conversations",
    ("conversation_id",),
    f"""
SELECT conversation_id, hash(c, l, said, took_part, (SELECT digest FROM known_people)) AS digest
FROM (SELECT conversation_id, hash(c) AS c FROM conversations c) SEMI JOIN talk USING (conversation_id)
LEFT JOIN (SELECT conversation_id, hash(l) AS l FROM conversation_links l) USING (conversation_id)
LEFT JOIN {_summed("utterances", "conversation_id", "said")} USING (conversation_id)
LEFT JOIN {_summed("participants", "conversation_id", "took_part")} USING (conversation_id)
""",
    """
WITH said AS (
    SELECT u.conversation_id, to_json(list(struct_pack(utterance_id := utterance_id, seq := seq, text := text,
        speaker_org := coalesce(p.speaker_org, u.speaker_org), speaker := speaker, partner_id := p.partner_id,
        start_s := start_s, end_s := end_s, is_quoted := coalesce(is_quoted, false)) ORDER BY seq, utterance_id)
        )::VARCHAR AS turns
    FROM utterances u LEFT JOIN speaking p ON p.conversation_id = u.conversation_id
        AND p.name = coalesce(u.speaker, '') AND p.email = coalesce(u.speaker_email, '')
        AND p.said_org = u.speaker_org AND p.said_partner_id = coalesce(u.partner_id, '')
    WHERE u.conversation_id IN (SELECT conversation_id FROM changed) GROUP BY ALL
)
SELECT conversation_id, coalesce(c.deal_id, l.deal_id) AS deal_id, coalesce(c.account_id, l.account_id) AS account_id,
    channel, started_at, source_system, url, coalesce(turns, '[]') AS turns
FROM conversations c SEMI JOIN changed USING (conversation_id)
LEFT JOIN conversation_links l USING (conversation_id) LEFT JOIN said USING (conversation_id)
""",
)
_MOMENT: Final = """
WITH cue AS (
    SELECT moment_id, to_json(list(struct_pack(kind := kind, text := cue, weight := weight) ORDER BY place))::VARCHAR
        AS cues
    FROM moment_cues GROUP BY moment_id
)
SELECT moment_id, f.conversation_id, f.deal_id, partner_id, assist_type, is_assist, journey_stage, start_s, end_s,
    to_json(utterance_ids)::VARCHAR AS utterance_ids, quote, char_start, char_end, magnitude, confidence,
    type_confidence, model_version, detected_at, coalesce(cues, '[]') AS cues,
    coalesce(started_at, detected_at) AS started_at, owner_id, closed_at,
    coalesce(amount * scale * 4 * confidence * (1 - confidence), 0) AS stake,
    has_record, is_found
FROM found f JOIN record USING (moment_id) LEFT JOIN cue USING (moment_id)
LEFT JOIN conversations c USING (conversation_id) LEFT JOIN deals d ON d.deal_id = f.deal_id
LEFT JOIN unit u ON u.deal_id = f.deal_id
"""
MOMENTS: Final = Copy(
    "moments",
    ("moment_id",),
    f"SELECT moment_id, hash(m) AS digest FROM ({_MOMENT}) m",
    f"SELECT m.* FROM ({_MOMENT}) m SEMI JOIN changed USING (moment_id)",
)
CLAIMS: Final = Copy(
    "claims",
    ("deal_id", "partner_id"),
    """
SELECT deal_id, partner_id, hash(said, d, currency, to_report, (SELECT method FROM main)) AS digest
FROM (
    SELECT deal_id, partner_id, sum(hash(c)::HUGEINT) AS said FROM credits c SEMI JOIN deal USING (deal_id) GROUP BY ALL
)
JOIN (SELECT deal_id, hash(closed_at, outcome, currency) AS d FROM deals) USING (deal_id) JOIN unit USING (deal_id)
""",
    f"""
WITH main_credit AS (
    SELECT deal_id, partner_id, any_value(share) FILTER (target = 'win') AS share,
        any_value(credit) FILTER (target = 'amount') AS amount
    FROM credits SEMI JOIN main USING (method) SEMI JOIN changed USING (deal_id, partner_id)
    WHERE kind = 'split' GROUP BY ALL
),
one AS (
    SELECT deal_id, partner_id, method, target, kind, sum(credit) AS credit, sum(share) AS share,
        any_value(model_version) AS model_version, CASE WHEN count(*) = 1 THEN any_value(credit_lo) END AS lo,
        CASE WHEN count(*) = 1 THEN any_value(credit_hi) END AS hi
    FROM credits SEMI JOIN changed USING (deal_id, partner_id) GROUP BY ALL
),
target AS (
    SELECT deal_id, partner_id, method, string_agg(concat(to_json(target), ':{{"credit":', {_number("credit")},
        ',"share":', {_number("share")}, ',"lo":', {_number("lo")}, ',"hi":', {_number("hi")}, ',"kind":"', kind,
        '","model_version":', to_json(model_version), '}}'), ',' ORDER BY target) AS by_target
    FROM (SELECT DISTINCT ON (deal_id, partner_id, method, target) * FROM one ORDER BY kind DESC) GROUP BY ALL
),
credit AS (
    SELECT deal_id, partner_id,
        '{{' || string_agg(concat(to_json(method), ':{{', by_target, '}}'), ',' ORDER BY method) || '}}' AS credits
    FROM target GROUP BY ALL
)
SELECT deal_id, partner_id, closed_at, outcome, nullif(d.currency, '{NO_CURRENCY}') AS currency, share, m.amount,
    m.amount * to_report AS amount_in_report, credits
FROM credit JOIN deals d USING (deal_id) JOIN unit USING (deal_id) LEFT JOIN main_credit m USING (deal_id, partner_id)
""",
)
_SCORE: Final = """
SELECT partner_id, period, method, currency, to_json(struct_pack(run_id := run_id, deals_touched := deals_touched,
    deals_won := deals_won, credited_wins := credited_wins, credited_wins_lo := credited_wins_lo,
    credited_wins_hi := credited_wins_hi, credited_amount := credited_amount,
    credited_amount_lo := credited_amount_lo, credited_amount_hi := credited_amount_hi))::VARCHAR AS "values"
FROM partner_scores
"""
SCORES: Final = Copy(
    "partner_scores",
    ("partner_id", "period", "method", "currency"),
    f"SELECT partner_id, period, method, currency, hash(s) AS digest FROM ({_SCORE}) s",
    f"SELECT s.* FROM ({_SCORE}) s SEMI JOIN changed USING (partner_id, period, method, currency)",
)
COPIES: Final = (PARTNERS, DEALS, CONVERSATIONS, MOMENTS, CLAIMS, SCORES)
"""In the order in which they are written, so that what a page shows beside a row is there before it."""
