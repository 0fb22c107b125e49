"""One table of a mapping as SQL: its rows, its look-ups in other files, and why a row cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from features.sources.mapping import Join, TableMap
from features.sources.reading import value as shown
from features.sources.sqltext import first_of, literal, name
from features.sources.values import Columns, condition, made
from features.tables import INPUT_TABLES, Kind

__all__ = ["Source", "columns_of", "from_clause", "kind_of", "place", "queries", "unread"]


@dataclass(frozen=True)
class Source:
    """A staged file: its view, its header, and how errors call it."""

    view: str
    header: tuple[str, ...]
    title: str


def place(column: str, table: TableMap, sources: dict[str, Source]) -> tuple[str | None, str]:
    """The looked-up file that a column stands in (``None``: the table's own), and its name there.

    A name of the own file goes before ``file.column``.
    """
    prefix, _, rest = column.partition(".")
    if column not in sources[table.from_].header and rest and any(join.file == prefix for join in table.joins):
        return prefix, rest
    return None, column


def columns_of(table: TableMap, sources: dict[str, Source], zone: str) -> Columns:
    """What the table's values may read, as aliases of ``from_clause``: ``m`` is the main file."""

    def reference(column: str) -> str:
        file, plain = place(column, table, sources)
        return f"{'m' if file is None else _alias(file)}.{name(plain)}"

    return Columns(reference, sources[table.from_].header, zone)


def _alias(file: str) -> str:
    return name(f"joined {file}")


def queries(table: TableMap, sources: dict[str, Source], zone: str) -> list[str]:
    """The queries that together give the table's rows, each with ``_file``, ``_line`` and ``_fault``."""
    columns = columns_of(table, sources, zone)
    values = {
        column: made(column, kind_of(table.table, column), value, columns) for column, value in table.columns.items()
    }
    faults = [
        "m._fault",
        *(fault for join in table.joins for fault in _join_faults(join, sources)),
        *(f"CASE WHEN {condition(r.when, columns)} THEN {literal(r.reason)} END" for r in table.reject),
        *(fault for value in values.values() for fault in value.faults),
    ]
    selected = ", ".join(f"{value.sql} AS {name(column)}" for column, value in values.items())
    if table.distinct:
        selected += ", m._fault IS NOT NULL AS _unread"
    query = f"SELECT {selected}, m._file, m._line, {first_of(faults)} AS _fault FROM {from_clause(table, sources)}"
    if table.only:
        query += " WHERE " + " AND ".join(condition(test, columns) for test in table.only)
    if table.distinct:
        same = ", ".join([*(name(column) for column in values), "_fault"])
        once = f"row_number() OVER (PARTITION BY {same} ORDER BY _file, _line) = 1"
        query = f"SELECT * EXCLUDE (_unread) FROM ({query}) QUALIFY _unread OR {once}"
    return [query, *(_unused(join, table, sources) for join in table.joins if join.unused == "reject")]


def kind_of(table: str, column: str) -> Kind:
    """What the canonical column holds; a covariate counts as a category."""
    declared = INPUT_TABLES[table]
    return declared.column(column).kind if column in declared.column_names else Kind.CATEGORY


def from_clause(table: TableMap, sources: dict[str, Source]) -> str:
    """The main file as ``m``, its split cell unfolded, and the look-ups under their own names."""
    main = sources[table.from_].view
    if table.split is not None:
        column = name(table.split.column)
        parts = f"unnest(string_split({column}, {literal(table.split.separator)}))"
        main = f"(SELECT * REPLACE ({parts} AS {column}) FROM {main})"
    joined = [f"{main} AS m"]
    for join in table.joins:
        keys = [_key(f"m.{name(column)}", join) for column in join.on]
        matches = " AND ".join(f"{key} = {_alias(join.file)}._key{number}" for number, key in enumerate(keys))
        joined.append(f"LEFT JOIN ({_lookup(join, sources)}) AS {_alias(join.file)} ON {matches}")
    return " ".join(joined)


def _key(column: str, join: Join) -> str:
    key = f"nullif(trim({column}), '')"
    if "blanks" in join.ignore:
        key = f"regexp_replace({key}, '\\s+', '', 'g')"
    return f"lower({key})" if "case" in join.ignore else key


def _lookup(join: Join, sources: dict[str, Source]) -> str:
    """One row per key of the other file; ``_versions`` counts the differing rows that claim the key."""
    other = sources[join.file]
    keys = [f"{_key(name(column), join)} AS _key{number}" for number, column in enumerate(join.on.values())]
    content = ", ".join(name(column) for column in other.header)
    first = [
        f"arg_min({name(column)}, struct_pack(f := _file, l := _line)) AS {name(column)}" for column in other.header
    ]
    return (
        f"SELECT {', '.join(keys)}, {', '.join(first)}, count(DISTINCT row({content})) AS _versions, "
        f"min(_line) AS _at, min(_fault) AS _fault FROM {other.view} GROUP BY ALL"
    )


def _join_faults(join: Join, sources: dict[str, Source]) -> Iterator[str]:
    title, alias = sources[join.file].title, _alias(join.file)
    keys = ", ".join(join.on)
    asked = " || ', ' || ".join(f"trim(m.{name(column)})" for column in join.on)
    repeated = literal(f"{keys} stands more than once in {title}, with differing content")
    yield f"CASE WHEN {alias}._versions > 1 THEN {repeated} || {shown(asked)} END"
    yield f"CASE WHEN {alias}._fault IS NOT NULL THEN {literal(f'its row in {title} ')} || {alias}._fault END"
    if join.unmatched == "reject":
        known = f"{alias}._versions IS NOT NULL"
        yield f"CASE WHEN NOT ({known}) THEN {literal(f'{keys} is not in {title}')} || {shown(asked)} END"


def _unused(join: Join, table: TableMap, sources: dict[str, Source]) -> str:
    """The readable rows of the other file that no row of the main file asks for, as rejects."""
    main, other = sources[table.from_], sources[join.file]
    matches = " AND ".join(
        f"{_key('m.' + name(own), join)} = {_key('o.' + name(there), join)}" for own, there in join.on.items()
    )
    asked = " || ', ' || ".join(f"coalesce(o.{name(column)}, '')" for column in join.on.values())
    keys = ", ".join(join.on)
    reason = f"{literal(f'no row of {main.title} has this {keys}')} || {shown(asked)}"
    return (
        f"SELECT {_nothing(table)}, o._file, o._line, {reason} AS _fault FROM {other.view} AS o "
        f"WHERE o._fault IS NULL AND NOT EXISTS (SELECT 1 FROM {main.view} AS m WHERE {matches})"
    )


def unread(table: TableMap, source: Source) -> str:
    """The rows of a file that cannot be read, as rejects of the table."""
    return f"SELECT {_nothing(table)}, _file, _line, _fault FROM {source.view} WHERE _fault IS NOT NULL"


def _nothing(table: TableMap) -> str:
    return ", ".join(f"CAST(NULL AS VARCHAR) AS {name(column)}" for column in table.columns)
