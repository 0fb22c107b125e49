"""Cells of CSV files that a spreadsheet does not take for formulas."""

from __future__ import annotations

from typing import Final

__all__ = ["FORMULA_STARTS", "text_cell"]

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""First characters that make a spreadsheet take a CSV cell for a formula, or that hide one (OWASP, CSV injection).

Among them the full-width forms of East Asia, which some spreadsheets take for the narrow ones.
"""


def text_cell(text: str) -> str:
    """Text as a cell: with a leading apostrophe where it begins like a formula. Numbers need none."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
