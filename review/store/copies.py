"""Rows copied from the workspace, written in batches; what people did lies in other columns, which no copy touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect

from features.grades import grade
from features.judgements import DISPUTED
from review.store.schema import judgements, moments
from review.store.standing import STANDS, settle_all

__all__ = ["digests", "drop", "known_moments", "lose_moments", "put", "put_moments"]

Key = tuple[Any, ...]
Row = Mapping[str, Any]
HAS_RECORD: Final[sa.ColumnElement[bool]] = sa.literal_column("excluded.has_record", sa.Boolean())


class _Written(sa.types.TypeDecorator[Any]):
    """JSON that comes as text already."""

    impl = sa.JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:  # noqa: ARG002
        """The text goes to the database as it is."""
        return


def digests(connection: Connection, table: sa.Table) -> list[Key]:
    """The key and the digest of every row."""
    return [tuple(row) for row in connection.execute(sa.select(*table.primary_key.columns, table.c.digest))]


def put(
    connection: Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    first: Mapping[str, Any] | None = None,
    always: Mapping[str, Any] | None = None,
) -> None:
    """Inserts rows, or brings those of the same key up to date; columns that the rows lack stay as they are.

    Parameters
    ----------
    rows : all with the same columns; a JSON column as text.
    first : what else a row gets that was not there before.
    always : column to an expression that a row gets which was there already.
    """
    if not rows:
        return
    bound = {name: sa.bindparam(name, type_=_type(table, name)) for name in rows[0]}
    insert = _insert(connection, table).values({**bound, **(first or {})})
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys} | dict(always or {})
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), [dict(row) for row in rows])


def put_moments(connection: Connection, rows: Sequence[Row]) -> None:
    """Inserts moments as waiting, or brings those of the same id up to date; one found again waits again.

    One that people had judged before it came is as they say.
    """
    graded = [{**row, "grade": _grade(row)} for row in rows]
    put(connection, moments, graded, first={"state": "waiting"}, always={"state": _again(), "grade": _regraded()})
    new = moments.c.moment_id.in_([row["moment_id"] for row in rows]) & (moments.c.version == 0)
    judged = sa.select(judgements.c.moment_id).join(moments, moments.c.moment_id == judgements.c.moment_id)
    settle_all(connection, connection.scalars(judged.where(new)))


def lose_moments(connection: Connection, moment_ids: Iterable[str]) -> None:
    """Notes that the model finds these no more; those that nobody has judged are gone from the queue."""
    state = sa.case((moments.c.verdict.is_(None), "gone"), else_=moments.c.state)
    lost = moments.update().where(moments.c.moment_id == sa.bindparam("of_id"))
    rows = [{"of_id": name} for name in moment_ids]
    if rows:
        connection.execute(lost.values(is_found=False, state=state, digest=None), rows)


def known_moments(connection: Connection) -> list[Row]:
    """Every moment: its conversation and deal, the partner that people say it was, and whether it ``stands`` by itself.

    It does where people judged it, also when the model finds it no more.
    """
    columns = (moments.c.moment_id, moments.c.conversation_id, moments.c.deal_id, moments.c.told_partner)
    query = sa.select(*columns, moments.c.verdict.is_not(None).label("stands"))
    return [dict(row) for row in connection.execute(query).mappings()]


def drop(connection: Connection, table: sa.Table, keys: Iterable[Key]) -> None:
    """Deletes the rows of these keys."""
    columns = list(table.primary_key.columns)
    gone = [{f"of_{column.name}": value for column, value in zip(columns, key, strict=True)} for key in keys]
    if gone:
        where = sa.and_(*(column == sa.bindparam(f"of_{column.name}") for column in columns))
        connection.execute(table.delete().where(where), gone)


def _insert(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _type(table: sa.Table, name: str) -> sa.types.TypeEngine[Any]:
    kind = table.c[name].type
    return _Written() if isinstance(kind, sa.JSON) else kind


def _again() -> sa.Case[str]:
    """The state of a row that is there already: one that was gone is as people had left it."""
    is_gone = moments.c.state == "gone"
    unsure = sa.exists().where(judgements.c.moment_id == moments.c.moment_id, STANDS)
    return sa.case(
        (is_gone & moments.c.ignored_by.is_not(None), "ignored"),
        (is_gone & unsure.where(judgements.c.verdict == "unsure"), "unsure"),
        (is_gone, "waiting"),
        else_=moments.c.state,
    )


def _grade(row: Row) -> str | None:
    return grade(is_confirmed=False, is_verified=False, has_record=row["has_record"]) if row["is_assist"] else None


def _regraded() -> sa.Case[str]:
    """The grade of a row that is there already, from what people said of it and the record as it is now."""
    cases = [
        (
            (moments.c.is_confirmed == confirmed) & (moments.c.is_verified == verified) & (record == HAS_RECORD),
            grade(is_confirmed=confirmed, is_verified=verified, has_record=record),
        )
        for confirmed, verified, record in product((False, True), repeat=3)
    ]
    is_no_help = moments.c.grade.is_(None) & (moments.c.verdict.is_not(None) | ~moments.c.is_assist)
    nothing = grade(is_confirmed=False, is_verified=False, has_record=False)
    return sa.case((is_no_help, None), (moments.c.verdict == DISPUTED, nothing), *cases)
