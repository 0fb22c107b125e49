"""A workspace's tables as Spark frames, of the declared columns and types, as ``pipelines.stored`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from features.inputs import Inputs
from features.tables import EXTRA_PREFIX, TABLES, Column, Kind
from pipelines.workspace import Workspace, WorkspaceError

INPUTS: Final = tuple(field.name for field in fields(Inputs))
"""Names of the tables that features are made from."""
VIEW: Final = "partnerlift_{name}"
"""Name of the temporary view of a table; a prefix of our own hides no table of the session's."""

TYPES: Final[dict[Kind, str]] = {
    Kind.ID: "string",
    Kind.TEXT: "string",
    Kind.CATEGORY: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.MONEY: "double",
    Kind.NUMBER: "double",
    Kind.INTEGER: "bigint",
    Kind.BOOLEAN: "boolean",
    Kind.LIST: "array<string>",
}
_FRACTIONS: Final = ("float", "double")
_NUMBERS: Final = ("tinyint", "smallint", "int", "bigint", *_FRACTIONS)


def stored_frames(session: Any, workspace: Workspace) -> dict[str, Any]:
    """The tables that features are made from and that the workspace has, by name.

    Raises ``WorkspaceError`` when a file is not Parquet or lacks a column, or its parts disagree about a type.
    """
    return {name: stored_frame(session, workspace, name) for name in INPUTS if workspace.has(name)}


def stored_frame(session: Any, workspace: Workspace, name: str) -> Any:
    """One table of the workspace, which has it."""
    from pyspark.errors import PySparkException

    workspace.select(name)  # checks the files and their columns
    table = TABLES[name]
    try:
        rows = session.read.option("mergeSchema", "true").parquet(*map(uri_of, workspace.files(name)))
    except PySparkException as error:
        raise WorkspaceError(
            f"Spark cannot read the parts of {workspace.path(name)} as one table. Ingest it again, which writes all of "
            "its parts with the declared types."
        ) from error
    there = {column.strip().casefold(): (column, dtype) for column, dtype in rows.dtypes}
    declared = [f"{_declared(c, there.get(c.name))} AS `{c.name}`" for c in table.columns]
    extra = [
        f"{_extra(*found)} AS {_quoted(EXTRA_PREFIX + found[0].strip()[len(EXTRA_PREFIX) :])}"
        for folded, found in there.items()
        if table.allows_extra and folded.startswith(EXTRA_PREFIX)
    ]
    return rows.selectExpr(*declared, *extra)


def uri_of(path: Any) -> str:
    """A path of the shared file system as Spark's URI, whatever the cluster's own file system is."""
    return str(path.resolve().as_uri())


def inputs_on(session: Any, frames: Mapping[str, Any]) -> Inputs:
    """The features' inputs from Spark frames by table name; temporary views of them stay in the session."""
    import ibis

    for name, frame in frames.items():
        frame.createOrReplaceTempView(VIEW.format(name=name))
    backend = ibis.pyspark.connect(session)
    return Inputs.from_tables({name: backend.table(VIEW.format(name=name)) for name in frames})


def drop_views(session: Any, names: Any) -> None:
    """Takes the views of ``inputs_on`` out of the session."""
    for name in names:
        session.catalog.dropTempView(VIEW.format(name=name))


def frame_of(session: Any, table: Any) -> Any:
    """An Ibis table of the session's as a Spark frame; nothing is computed yet."""
    import ibis

    return session.sql(str(ibis.to_sql(table, dialect="pyspark")))


def _declared(column: Column, found: tuple[str, str] | None) -> str:
    spark_type = TYPES[column.kind]
    if found is None:
        return f"CAST(NULL AS {spark_type})"
    cell, dtype = _quoted(found[0]), found[1]
    if column.kind is Kind.ID and dtype in _FRACTIONS:
        is_whole = f"{cell} = floor({cell}) AND abs({cell}) < 1e15"
        text = f"CASE WHEN {is_whole} THEN CAST(CAST({cell} AS bigint) AS string) ELSE CAST({cell} AS string) END"
        return f"CASE WHEN NOT isnan({cell}) THEN {text} END"
    if spark_type == "double":
        return _known(f"CAST({cell} AS double)")
    return f"CAST({cell} AS {spark_type})"


def _extra(spelling: str, dtype: str) -> str:
    cell = _quoted(spelling)
    is_number = dtype in _NUMBERS or dtype.startswith("decimal")
    return _known(f"CAST({cell} AS double)") if is_number else f"CAST({cell} AS string)"


def _known(number: str) -> str:
    return f"CASE WHEN NOT isnan({number}) THEN {number} END"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
