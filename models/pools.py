"""Members into pools on a DuckDB connection, each query compiled once.

Compiling the hundred-odd aggregates of a frame takes longer than running them over a batch of deals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.coalitions import coalition_members
from features.frame import join_base, pooled

MOST_PLAYERS: Final = 20
"""Most partners whose coalitions can all be listed."""

_DEALS: Final = "value_deals"
_MEMBERS: Final = "value_members"
_INDEX: Final = "value_index"


class Pools:
    """Pooled frames of members given as data frames; ``extra`` are the model's own member columns."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, extra: tuple[str, ...] = ()) -> None:
        self._connection, self._extra = connection, extra
        self._compiled: dict[tuple[str, tuple[pa.Schema, ...]], str] = {}

    def of_deals(self, deals: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
        """A row for each of ``deals`` (their ``deal_id``) with the pools of all its members, sorted by deal."""
        keys = pa.table({"deal_id": pa.array(deals["deal_id"], pa.string())})

        def query(keys: ir.Table, rows: ir.Table) -> ir.Table:
            return join_base(keys, pooled(rows, extra=self._extra)).order_by("deal_id")

        return self._fetched("deals", query, {_DEALS: keys, _MEMBERS: _arrow(members)})

    def of_coalitions(self, members: pd.DataFrame) -> pd.DataFrame:
        """A row for each deal and coalition but the empty one, sorted by both."""

        def query(rows: ir.Table) -> ir.Table:
            return self._by_coalition(coalition_members(rows, MOST_PLAYERS))

        return self._fetched("coalitions", query, {_MEMBERS: _arrow(members)})

    def of_listed(self, members: pd.DataFrame, index: pa.Table) -> pd.DataFrame:
        """The same for the coalitions listed in ``index``: ``coalition`` and ``row``, the ``row`` of a member in it."""

        def query(rows: ir.Table, listed: ir.Table) -> ir.Table:
            return self._by_coalition(listed.inner_join(rows, "row").drop("row"))

        return self._fetched("listed", query, {_MEMBERS: _arrow(members), _INDEX: index})

    def _by_coalition(self, rows: ir.Table) -> ir.Table:
        return pooled(rows, by=("deal_id", "coalition"), extra=self._extra).order_by("deal_id", "coalition")

    def _fetched(self, name: str, query: Callable[..., ir.Table], tables: dict[str, Any]) -> pd.DataFrame:
        key = (name, tuple(table.schema for table in tables.values()))
        if key not in self._compiled:
            empty = [ibis.table(ibis.Schema.from_pyarrow(t.schema), name=n) for n, t in tables.items()]
            self._compiled[key] = str(ibis.to_sql(query(*empty), dialect="duckdb"))
        for table_name, table in tables.items():
            self._connection.register(table_name, table)
        try:
            frame: pd.DataFrame = self._connection.sql(self._compiled[key]).to_arrow_table().to_pandas()
        finally:
            for table_name in tables:
                self._connection.unregister(table_name)
        return frame


def is_time(column: pd.Series) -> bool:
    """Whether a column holds moments; such a column is no feature."""
    return bool(pd.api.types.is_datetime64_any_dtype(column))


def _arrow(members: pd.DataFrame) -> pa.Table:
    columns = [name for name in members.columns if not is_time(members[name])]
    table = pa.Table.from_pandas(members[columns], preserve_index=False)
    return table.replace_schema_metadata(None)
