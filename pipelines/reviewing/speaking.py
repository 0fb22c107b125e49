"""Whose person speaks, in conversations that are copied: found anew, since sources often do not know."""

from __future__ import annotations

from typing import Final

import duckdb

from features.directory import OwnCompany
from features.speakers import people

__all__ = ["name_speakers"]

TABLES: Final = ("partners", "partner_aliases", "contacts")
COLUMNS: Final = ("conversation_id", "name", "email", "said_org", "said_partner_id", "speaker_org", "partner_id")
_SPEAKERS: Final = """
SELECT DISTINCT conversation_id, speaker, speaker_email, speaker_org, partner_id
FROM utterances SEMI JOIN changed USING (conversation_id) ORDER BY ALL
"""


def name_speakers(connection: duckdb.DuckDBPyConnection, own: OwnCompany) -> None:
    """Makes ``speaking``, as ``features.speakers.people`` gives it, of the conversations in ``changed``."""
    of_changed = "SEMI JOIN changed USING (conversation_id) ORDER BY ALL"
    found = people(
        connection.execute(_SPEAKERS).df(),
        connection.execute(f"SELECT * FROM conversations {of_changed}").df(),
        participants=connection.execute(f"SELECT * FROM participants {of_changed}").df(),
        own=own,
        **{name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").df() for name in TABLES},
    )
    connection.register("found_people", found)
    columns = ", ".join(f"{name}::VARCHAR AS {name}" for name in COLUMNS)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE speaking AS SELECT {columns} FROM found_people")
    connection.unregister("found_people")
