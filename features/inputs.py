"""The tables that features are made from, on whatever engine holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import TableNotFound

from features.tables import TABLES, Kind, Table

IBIS_TYPES: Final[dict[Kind, str]] = {
    Kind.ID: "string",
    Kind.TEXT: "string",
    Kind.CATEGORY: "string",
    Kind.TIMESTAMP: "timestamp('UTC')",
    Kind.MONEY: "float64",
    Kind.NUMBER: "float64",
    Kind.INTEGER: "int64",
    Kind.BOOLEAN: "boolean",
    Kind.LIST: "array<string>",
}


@dataclass(frozen=True)
class Inputs:
    """One Ibis table for each canonical table that some feature reads; empty where the user has none.

    Every declared column is there (null where the source lacks it); ``deals`` also keeps its ``x_`` columns.
    """

    deals: ir.Table
    stage_history: ir.Table
    partners: ir.Table
    contacts: ir.Table
    touchpoints: ir.Table
    integrations: ir.Table
    leads: ir.Table
    quotes: ir.Table
    conversations: ir.Table
    moments: ir.Table
    signals: ir.Table
    judged_moments: ir.Table
    reviews: ir.Table

    @classmethod
    def from_tables(cls, tables: Mapping[str, ir.Table]) -> Self:
        """The tables by their names; only ``deals`` must be there, and others become empty ones.

        Raises ``KeyError`` without ``deals``, and ``ValueError`` when a table lacks a column that may not be null.
        """
        if "deals" not in tables:
            raise KeyError(f"Features need the table deals, but only got {', '.join(sorted(tables)) or 'none'}.")
        empty = tables["deals"].filter(ibis.literal(value=False))
        names = [field.name for field in fields(cls)]
        return cls(**{n: _complete(tables[n], TABLES[n]) if n in tables else _empty(empty, TABLES[n]) for n in names})

    @classmethod
    def from_backend(cls, backend: Any) -> Self:
        """The tables or views that an Ibis backend (DuckDB, PySpark) holds under their contract names.

        Times without a zone are read as UTC, whatever zone the session was in: Ibis sets it to UTC. Raises as
        ``from_tables`` does.
        """
        found = {field.name: _find(backend, field.name) for field in fields(cls)}
        return cls.from_tables({name: table for name, table in found.items() if table is not None})

    def of_deals(self, deal_ids: ir.Table) -> Self:
        """What belongs to some deals (``deal_id``, distinct): their rows, touches and stages; other tables are whole.

        Features of these deals that look at no other deal come out the same; those that do need ``features.records``.
        """
        wanted = deal_ids.select("deal_id")
        own = {
            name: getattr(self, name).semi_join(wanted, "deal_id") for name in ("deals", "touchpoints", "stage_history")
        }
        return replace(self, **own)


def inputs_from(connection: duckdb.DuckDBPyConnection) -> Inputs:
    """The tables of an open DuckDB connection, e.g. that of ``Workspace.connect``; its session is set to UTC."""
    return Inputs.from_backend(ibis.duckdb.from_connection(connection))


def _find(backend: Any, name: str) -> ir.Table | None:
    try:
        return backend.table(name)
    except TableNotFound:
        return None


def _complete(table: ir.Table, declared: Table) -> ir.Table:
    missing = [c.name for c in declared.columns if c.name not in table.columns and not c.nullable]
    if missing:
        raise ValueError(
            f"Table {declared.name} lacks the column(s) {', '.join(missing)}; it has {', '.join(table.columns)}."
        )
    return table.mutate(
        **{c.name: ibis.null(IBIS_TYPES[c.kind]) for c in declared.columns if c.name not in table.columns},
        **{c.name: _utc(table[c.name]) for c in declared.columns if _is_naive(table, c.name)},
    )


def _is_naive(table: ir.Table, column: str) -> bool:
    if column not in table.columns:
        return False
    dtype = table[column].type()
    return bool(dtype.is_timestamp() and dtype.timezone is None)


def _utc(naive: ir.TimestampColumn) -> ir.TimestampColumn:
    return naive.cast("timestamp('UTC')")


def _empty(nothing: ir.Table, declared: Table) -> ir.Table:
    return nothing.select(**{c.name: ibis.null(IBIS_TYPES[c.kind]) for c in declared.columns})
