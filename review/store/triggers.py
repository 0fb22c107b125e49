"""What the database itself refuses, whoever asks: to change or delete a row of the audit."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import Connection

__all__ = ["create_triggers", "drop_triggers"]

REFUSAL: Final = "the audit is append-only: rows of events are neither changed nor deleted"
SQLITE: Final = (
    f"CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    f"CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    # INSERT OR REPLACE deletes a row without asking the trigger for deletions.
    (
        "CREATE TRIGGER events_never_replaced BEFORE INSERT ON events "
        f"WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
)
POSTGRESQL: Final = (
    f"CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    (
        "CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
    ),
)


def create_triggers(connection: Connection) -> None:
    """Makes the audit append-only, in SQLite and PostgreSQL; the table ``events`` is there already."""
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection) -> None:
    """Undoes it, before the table itself is dropped."""
    if connection.dialect.name == "sqlite":
        for name in ("events_never_change", "events_never_go", "events_never_replaced"):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        connection.exec_driver_sql("DROP TRIGGER events_never_change ON events")
        connection.exec_driver_sql("DROP FUNCTION events_refuse()")
