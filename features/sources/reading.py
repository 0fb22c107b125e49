"""Text into values, in SQL and strictly: a cell either says plainly what its column holds, or is refused.

Every function takes SQL of a trimmed, non-empty text (or null) and gives SQL. Reasons read ``what is wrong: value``, so
that they can be counted by what stands before the first colon and blank.
"""

from __future__ import annotations

from typing import Final

import pycountry

from features.sources.sqltext import literal, text_list
from features.tables import CURRENCY, SQL_TYPES, Column, Kind

__all__ = ["column_reason", "has_offset", "is_naive", "is_number", "trimmed", "typed", "value"]

_NUMBER: Final = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_INTEGER: Final = r"[+-]?[0-9]+([.]0+)?"
_CLOCK: Final = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
_OFFSET: Final = r"([Zz]|UTC|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
_ISO: Final = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_CLOCK}( ?{_OFFSET})?)?"
_TRUE: Final = ("true", "t", "yes", "y", "1")
_FALSE: Final = ("false", "f", "no", "n", "0")
_BLANKS: Final = " \t\r\n\u00a0"
_SHOWN: Final = 60


def trimmed(text: str) -> str:
    """The text without blanks around it; null when nothing is left."""
    return f"NULLIF(trim({text}, {literal(_BLANKS)}), '')"


def typed(column: Column, text: str) -> str:
    """The text as the column's value, null when it is none."""
    if column.kind in (Kind.ID, Kind.TEXT):
        return text
    if column.kind is Kind.CATEGORY:
        return _category(column, text)
    if column.kind is Kind.TIMESTAMP:
        clean = f"regexp_replace(replace(replace(upper({text}), ',', '.'), 'UTC', 'Z'), ' ([Z+-])', '\\1')"
        return f"CASE WHEN regexp_full_match({text}, {literal(_ISO)}) THEN TRY_CAST({clean} AS TIMESTAMPTZ) END"
    if column.kind is Kind.INTEGER:
        whole = f"TRY_CAST(split_part({text}, '.', 1) AS BIGINT)"
        return f"CASE WHEN regexp_full_match({text}, {literal(_INTEGER)}) THEN {whole} END"
    if column.kind is Kind.BOOLEAN:
        low = f"lower({text})"
        return f"CASE WHEN {low} IN ({text_list(_TRUE)}) THEN true WHEN {low} IN ({text_list(_FALSE)}) THEN false END"
    if column.kind is Kind.LIST:
        return _list(text)
    return number(text)


def number(text: str) -> str:
    """The text as a finite DOUBLE, null when it is no plain number."""
    return f"CASE WHEN {is_number(text)} AND isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) END"


def is_number(text: str) -> str:
    """Whether the text is a plain number: digits, at most one point, perhaps a sign and an exponent."""
    return f"regexp_full_match({text}, {literal(_NUMBER)})"


def has_offset(text: str) -> str:
    """Whether the text is a time of day with an offset from UTC."""
    return f"(regexp_full_match({text}, {literal(_ISO)}) AND regexp_matches({text}, {literal(f':.*{_OFFSET}$')}))"


def is_naive(text: str) -> str:
    """Whether the text is a time of day without an offset (a plain date is not)."""
    return f"regexp_full_match({text}, {literal(rf'[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}')})"


def value(text: str) -> str:
    """The text as it is shown in a reason: in quotes, on one line, cut off after 60 characters."""
    shown = f"regexp_replace(left({text}, {_SHOWN}), '[[:cntrl:]]', ' ', 'g')"
    return f"': ''' || {shown} || CASE WHEN length({text}) > {_SHOWN} THEN '…''' ELSE '''' END"


def column_reason(column: Column, text: str, parsed: str) -> list[str]:
    """``WHEN ... THEN reason`` branches for all that can be wrong with one cell, the worst first."""
    name = column.name
    branches = [] if column.nullable else [f"WHEN {text} IS NULL THEN {literal(f'{name} is missing')}"]
    if column.kind is Kind.TIMESTAMP:
        branches += _timestamp_reasons(name, text, parsed)
    elif problem := _problem(column):
        if column.kind in (Kind.MONEY, Kind.NUMBER):
            low = f"ltrim(lower({text}), '+-')"
            branches.append(
                f"WHEN {low} IN ('nan', 'inf', 'infinity') OR ({parsed} IS NULL AND {is_number(text)}) "
                f"THEN {literal(f'{name} is not a finite number')} || {value(text)}"
            )
        branches.append(
            f"WHEN {text} IS NOT NULL AND {parsed} IS NULL THEN {literal(f'{name} {problem}')} || {value(text)}"
        )
    for bound, sign, word in ((column.minimum, "<", "below"), (column.maximum, ">", "above")):
        if bound is not None:
            branches.append(
                f"WHEN {parsed} {sign} {bound!r} THEN {literal(f'{name} is {word} {bound:g}')} || {value(text)}"
            )
    return branches


def _category(column: Column, text: str) -> str:
    if column.unit == CURRENCY:
        return f"CASE WHEN upper({text}) IN ({text_list(_currencies())}) THEN upper({text}) END"
    if column.vocabulary:
        return f"CASE WHEN lower({text}) IN ({text_list(column.vocabulary)}) THEN lower({text}) END"
    return text


def _list(text: str) -> str:
    array = f"TRY(CAST(CAST({text} AS JSON) AS VARCHAR[]))"
    parts = f"string_split({text}, ';')"
    chosen = f"CASE WHEN starts_with({text}, '[') THEN {array} ELSE {parts} END"
    return (
        f"CAST(list_filter(list_transform({chosen}, lambda x: trim(x)), lambda x: x <> '') AS {SQL_TYPES[Kind.LIST]})"
    )


def _problem(column: Column) -> str:
    if column.unit == CURRENCY:
        return "is not an ISO 4217 currency code such as EUR"
    if column.vocabulary:
        return f"is not one of {', '.join(column.vocabulary)}"
    return {
        Kind.MONEY: "is not a plain number such as 1234.50",
        Kind.NUMBER: "is not a plain number such as 1234.50",
        Kind.INTEGER: "is not a whole number",
        Kind.BOOLEAN: "is not true or false",
        Kind.LIST: "is not a JSON list of texts, nor texts between semicolons",
    }.get(column.kind, "")


def _timestamp_reasons(name: str, text: str, parsed: str) -> list[str]:
    failed = f"WHEN {text} IS NOT NULL AND {parsed} IS NULL"
    real = literal(f"{name} is not a real date or time")
    epoch = literal(f"{name} is a number, perhaps seconds since 1970, where a date in ISO 8601 is needed")
    other = literal(f"{name} is not a date or time in ISO 8601 (2024-03-31 or 2024-03-31T14:05:00Z)")
    years = literal(f"{name} lies outside the years 1970 to 2100")
    outside = f"{parsed} < TIMESTAMPTZ '1970-01-01 00:00:00+00' OR {parsed} >= TIMESTAMPTZ '2101-01-01 00:00:00+00'"
    return [
        f"{failed} AND regexp_full_match({text}, {literal(_ISO)}) THEN {real} || {value(text)}",
        f"{failed} AND {is_number(text)} THEN {epoch} || {value(text)}",
        f"{failed} THEN {other} || {value(text)}",
        f"WHEN {outside} THEN {years} || {value(text)}",
    ]


def _currencies() -> list[str]:
    return sorted(currency.alpha_3 for currency in pycountry.currencies)
