"""The tables of a pack: their columns, also where a table has no rows, and their times, numbers and text as cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from features.cells import text_cell

__all__ = ["COLUMNS", "csv_text"]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "claims": (
        *("deal_id", "deal_name", "outcome", "closed_at", "quarter", "method", "share", "credited", "currency"),
        *("grade", "reason", "n_moments", "n_confirmed", "n_verified"),
    ),
    "credits": (
        *("deal_id", "method", "target", "kind", "credit", "share", "credit_lo", "credit_hi"),
        "model_version",
    ),
    "deals": (
        *("deal_id", "name", "account_id", "owner_id", "owner_name", "outcome", "stage", "amount", "currency"),
        *("rate", "report_currency", "created_at", "closed_at"),
    ),
    "moments": (
        *("moment_id", "deal_id", "conversation_id", "started_at", "assist_type", "found_as", "quote", "magnitude"),
        *("confidence", "is_heard_in_period", "state", "verdict", "stands_as", "is_confirmed", "is_verified"),
        *("has_record", "supports_claim", "grade", "model_version"),
    ),
    "reviews": (
        *("review_id", "moment_id", "reviewer", "role", "verdict", "assist_type", "note", "model_version"),
        "reviewed_at",
    ),
    "questions": (
        *("verification_id", "moment_id", "recipient", "asked_by", "asked_at", "state", "answer", "comment"),
        *("answered_at", "answered_by"),
    ),
    "records": ("deal_id", "what", "at", "touchpoint_id", "source_system", "conversation_id"),
}
"""Table to its columns, in order."""


def csv_text(table: str, rows: Sequence[dict[str, Any]]) -> str:
    """A table as CSV; text that a spreadsheet would take for a formula gets a leading apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS[table])
    writer.writerows([_cell(row[column]) for column in COLUMNS[table]] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value) if isinstance(value, int | float | Decimal) else text_cell(value)
