"""Settling the date formats of a mapping against the columns they are stated for, each judged as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from features.sources.dates import ISO, Judgement, companion, judge, utc_text
from features.sources.mapping import TableMap, Value
from features.sources.raw import SourceError
from features.sources.selects import Source, columns_of, from_clause, kind_of
from features.sources.values import raw_text
from features.tables import Kind

__all__ = ["settled_dates"]


@dataclass(frozen=True)
class _Scope:
    """The table whose dates are settled, and where its rows are."""

    con: duckdb.DuckDBPyConnection
    table: TableMap
    sources: dict[str, Source]
    zone: str

    def texts(self, wanted: dict[str, tuple[str, Value]]) -> str:
        """Query of the texts, before they are read as times, of the named values; a row per source row."""
        columns = columns_of(self.table, self.sources, self.zone)
        selected = ", ".join(f"{raw_text(*one, columns)} AS {alias}" for alias, one in wanted.items())
        return f"SELECT {selected} FROM {from_clause(self.table, self.sources)}"


def settled_dates(con: duckdb.DuckDBPyConnection, table: TableMap, sources: dict[str, Source], zone: str) -> TableMap:
    """The table's map with each ``auto`` replaced by the format that its column proves.

    Raises ``SourceError`` with the evidence when a column proves none, or contradicts the format that is stated.
    """
    scope = _Scope(con, table, sources, zone)
    settled = {
        target: _settled(scope, target, value) if kind_of(table.table, target) is Kind.TIMESTAMP else value
        for target, value in table.columns.items()
    }
    return table.model_copy(update={"columns": settled})


def _settled(scope: _Scope, target: str, value: Value) -> Value:
    if value.first is not None:
        return value.model_copy(update={"first": tuple(_settled(scope, target, part) for part in value.first)})
    if value.column is None and value.join is None:
        return value
    formats = value.date or (ISO,)
    if formats != ("auto",) and _mostly_read(scope, target, value, formats):
        return value
    judgement = _judged(scope, target, value)
    if formats == ("auto",) and (judgement.decided or not judgement.values):
        return value.model_copy(update={"date": (judgement.decided or ISO,)})
    raise SourceError(
        f"The date format of {' + '.join(value.columns())} in {scope.sources[scope.table.from_].title} "
        f"{_complaint(value)}: {judgement.evidence()}. State the right one as `date:` of {scope.table.table}.{target}."
    )


def _complaint(value: Value) -> str:
    if value.date is None:
        return "is not ISO 8601"
    return "is not proved by its values" if value.date == ("auto",) else f"is not {' or '.join(value.date)} as stated"


def _mostly_read(scope: _Scope, target: str, value: Value, formats: tuple[str, ...]) -> bool:
    texts = scope.texts({"value": (target, value)})
    row = scope.con.execute(f"SELECT count(value), count({utc_text('value', formats)}) FROM ({texts})").fetchone()
    assert row is not None
    return bool(2 * row[1] >= row[0])


def _judged(scope: _Scope, target: str, value: Value) -> Judgement:
    table = scope.table
    other, other_is_later = companion(target)
    texts = {"value": (target, value)}
    if other is not None and other in table.columns:
        texts["other"] = (other, table.columns[other])
    return judge(
        scope.con,
        scope.texts(texts),
        other="other" if "other" in texts else None,
        other_is_later=other_is_later,
    )
