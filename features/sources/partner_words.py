"""What kind of partner an account is, from the words that CRMs use for it."""

from __future__ import annotations

from typing import Final

from features.sources.sqltext import literal, text_list
from features.tables import PARTNER_TYPES

__all__ = ["is_partner_type", "partner_type"]

_WORDS: Final = (
    ("distributor", r"distribut"),
    ("reseller", r"resell|\bvar\b|value.added"),
    ("msp", r"\bmsp\b|managed"),
    ("hyperscaler", r"hyperscal|cloud provider|marketplace"),
    ("si", r"\bg?si\b|integrator|consult|implement|install|delivery|services"),
    ("isv", r"\bisv\b|technolog|software"),
    ("referral", r"refer"),
    ("advisor", r"advis"),
)
_PARTNER: Final = r"partner|resell|distribut|integrator|\bmsp\b|\bisv\b|\bvar\b|alliance"


def is_partner_type(text: str) -> str:
    """SQL: whether an account's type names a partner; false when it is null."""
    return f"coalesce(regexp_matches(lower({text}), {literal(_PARTNER)}), false)"


def partner_type(stated: str, *hints: str) -> str:
    """SQL: the stated type when it is one of the vocabulary's, else what its or the hints' words mean, else ``other``.

    ``hints`` are SQL of texts such as the account's type or its role on a deal; the first that says something counts.
    """
    known = f"CASE WHEN {stated} IN ({text_list(PARTNER_TYPES)}) THEN {stated} END"
    return f"coalesce({known}, {', '.join(_meaning(text) for text in (stated, *hints))}, 'other')"


def _meaning(text: str) -> str:
    said = f"replace(lower({text}), '_', ' ')"
    whens = " ".join(f"WHEN regexp_matches({said}, {literal(words)}) THEN {literal(kind)}" for kind, words in _WORDS)
    return f"CASE {whens} END"
