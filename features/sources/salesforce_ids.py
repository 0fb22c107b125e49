"""What every Salesforce object shares: ids in two lengths, and records that are deleted or outdated."""

from __future__ import annotations

from typing import Final

from features.sources.objects import is_true
from features.sources.sqltext import literal

__all__ = ["DELETED", "key", "unusable"]

DELETED: Final = "deleted in Salesforce"
OUTDATED: Final = "an outdated version of the record (_fivetran_active is false)"


def key(text: str) -> str:
    """SQL: an id without the checksum that the 18-character form ends in; ids of another form stay as they are."""
    return f"CASE WHEN regexp_full_match({text}, '[A-Za-z0-9]{{18}}') THEN left({text}, 15) ELSE {text} END"


def unusable(alias: str) -> str:
    """SQL: why a record cannot be used before one looks at what it says; null when it can."""
    deleted = f"{is_true(f'{alias}.isdeleted')} OR {is_true(f'{alias}.fivetrandeleted')}"
    return (
        f"CASE WHEN {deleted} THEN {literal(DELETED)} "
        f"WHEN lower({alias}.fivetranactive) IN ('false', '0', 'f') THEN {literal(OUTDATED)} END"
    )
