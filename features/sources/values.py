"""A mapping's values as SQL: for each canonical column an expression, and the faults it can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from features.sources.dates import ISO, utc_text
from features.sources.mapping import Condition, NumberFormat, Value
from features.sources.reading import value as shown
from features.sources.sqltext import first_of, literal, text_list
from features.tables import Kind

__all__ = ["SPREADSHEET_DATE", "Columns", "Made", "condition", "made", "raw_text"]

_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
SPREADSHEET_DATE: Final = rf"(?i)(\d{{1,2}}-({_MONTHS})|({_MONTHS})-\d{{1,2}})"
_SHORTENED: Final = r"\d(\.\d+)?E\+\d{1,2}"

Reference = Callable[[str], str]


@dataclass(frozen=True)
class Columns:
    """What a value may read: ``reference`` gives a source column as SQL, ``own`` are the columns of the main file."""

    reference: Reference
    own: tuple[str, ...]
    zone: str


@dataclass(frozen=True)
class Made:
    """SQL of a value as text, null where there is none, and SQL of each reason why a row's value cannot be used."""

    sql: str
    faults: tuple[str, ...] = ()


def made(target: str, kind: Kind, value: Value, columns: Columns) -> Made:
    """The value of canonical column ``target``; times become UTC text, all else stays as the source has it."""
    text = _text(target, kind, value, columns)
    if kind is Kind.TIMESTAMP or value.date or value.time or value.add_days:
        text = _as_time(target, value, text, columns.zone)
    return replace(text, sql=f"({literal(value.prefix)} || {text.sql})") if value.prefix else text


def raw_text(target: str, value: Value, columns: Columns) -> str:
    """SQL of the text from which a time is read, before it is."""
    return _text(target, Kind.TIMESTAMP, value, columns).sql


def condition(test: Condition, columns: Columns) -> str:
    """SQL of a condition; never null."""
    text = _cell(test.column, columns)
    if test.is_ is not None:
        return f"coalesce({text} IN ({text_list(test.is_)}), false)"
    if test.is_not is not None:
        return f"coalesce({text} NOT IN ({text_list(test.is_not)}), true)"
    return f"({text} IS {'NULL' if test.empty else 'NOT NULL'})"


def _cell(column: str, columns: Columns) -> str:
    return f"nullif(trim({columns.reference(column)}), '')"


def _text(target: str, kind: Kind, value: Value, columns: Columns) -> Made:
    source = _source(target, kind, value, columns)
    sql, faults = source.sql, list(source.faults)
    if value.when is not None:
        sql = f"CASE WHEN {condition(value.when, columns)} THEN {sql} END"
    if value.nulls:
        sql = f"CASE WHEN {sql} IN ({text_list(value.nulls)}) THEN NULL ELSE {sql} END"
    if value.repairs:
        sql = f"CASE {sql} {_whens(value.repairs)} ELSE {sql} END"
    if value.column is not None and value.values is None and value.damage == "reject":
        faults += _damage(target, kind, sql)
    if value.values is not None:
        faults += _unmapped(target, value, sql)
        sql = f"CASE WHEN {sql} IS NOT NULL THEN {_chosen(value.values, value.otherwise, sql)} END"
    if value.number is not None:
        faults.append(_not_a_number(target, value.number, sql))
        sql = plain_number(value.number, sql)
    return Made(sql, tuple(faults))


def _source(target: str, kind: Kind, value: Value, columns: Columns) -> Made:
    if value.column is not None:
        return Made(_cell(value.column, columns))
    if value.constant is not None:
        return Made(literal(value.constant))
    if value.row is not None:
        return Made("CAST(m._line AS VARCHAR)" if value.row == "line" else "(m._file || ':' || m._line)")
    if value.hash is not None:
        return Made(_digest(columns.own if value.hash == "all" else value.hash, columns))
    if value.join is not None:
        parts = [made(target, Kind.TEXT, part, columns) for part in value.join]
        return Made(f" || {literal(value.separator)} || ".join(part.sql for part in parts), _faults(parts))
    assert value.first is not None
    parts = [made(target, kind, part, columns) for part in value.first]
    return Made(first_of(part.sql for part in parts), _faults(parts))


def _faults(parts: list[Made]) -> tuple[str, ...]:
    return tuple(fault for part in parts for fault in part.faults)


def _chosen(words: dict[str, str | None], otherwise: str | None, sql: str) -> str:
    return f"CASE {sql} {_whens(words)} ELSE {literal(otherwise)} END" if words else literal(otherwise)


def _whens(words: dict[str, str] | dict[str, str | None]) -> str:
    return " ".join(f"WHEN {literal(word)} THEN {literal(result)}" for word, result in words.items())


def _digest(names: tuple[str, ...], columns: Columns) -> str:
    cells = ", ".join(f"coalesce({columns.reference(column)}, chr(30))" for column in names)
    return f"left(sha256(concat_ws(chr(31), {cells})), 16)"


def _damage(target: str, kind: Kind, sql: str) -> list[str]:
    if kind in (Kind.TIMESTAMP, Kind.TEXT, Kind.LIST):
        return []
    dated = f"{target} looks like a value that a spreadsheet turned into a date (repair it, or map it under repairs)"
    faults = [_fault(f"regexp_full_match({sql}, {literal(SPREADSHEET_DATE)})", dated, sql)]
    if kind is Kind.ID:
        shortened = f"{target} was shortened by a spreadsheet and its digits are lost"
        faults.append(_fault(f"regexp_full_match({sql}, {literal(_SHORTENED)})", shortened, sql))
    return faults


def _fault(test: str, reason: str, sql: str) -> str:
    return f"CASE WHEN {test} THEN {literal(reason)} || {shown(sql)} END"


def _unmapped(target: str, value: Value, sql: str) -> list[str]:
    if value.has_otherwise or value.values is None:
        return []
    known = f"{sql} NOT IN ({text_list(value.values)})" if value.values else f"{sql} IS NOT NULL"
    return [_fault(known, f"{target} is not among the mapping's values", sql)]


def _number_pattern(written: NumberFormat) -> str:
    decimal = rf"(\{written.decimal}\d+)?"
    if written.thousands is None:
        return rf"[+-]?\d+{decimal}"
    mark = f"\\{written.thousands}" if written.thousands != "'" else "'"
    return rf"[+-]?(\d+|\d{{1,3}}({mark}\d{{3}})+){decimal}"


def _stripped(written: NumberFormat, sql: str) -> str:
    return f"trim({sql}, {literal(written.strip + ' ')})"


def _not_a_number(target: str, written: NumberFormat, sql: str) -> str:
    return _fault(
        f"NOT {is_number_written(written, sql)}", f"{target} is not a number written as the mapping says", sql
    )


def is_number_written(written: NumberFormat, sql: str) -> str:
    """SQL: whether a text is a number written that way."""
    return f"regexp_full_match({_stripped(written, sql)}, {literal(_number_pattern(written))})"


def plain_number(written: NumberFormat, sql: str) -> str:
    """SQL: a text that is a number written that way, as a plain one."""
    plain = _stripped(written, sql)
    if written.thousands is not None:
        plain = f"replace({plain}, {literal(written.thousands)}, '')"
    return plain if written.decimal == "." else f"replace({plain}, ',', '.')"


def _as_time(target: str, value: Value, text: Made, zone: str) -> Made:
    formats = value.date or (ISO,)
    sql = utc_text(text.sql, formats, zone=zone, time=value.time, add_days=value.add_days)
    stated = "ISO 8601" if formats == (ISO,) else " or ".join(formats)
    failed = f"{text.sql} IS NOT NULL AND {sql} IS NULL"
    return Made(sql, (*text.faults, _fault(failed, f"{target} is not a date written as {stated}", text.sql)))
