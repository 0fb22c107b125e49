"""A workspace's conversations with what detection needs to know about them: people, deals, and what changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pandas as pd

from features.deal_links import LINK_COLUMNS, deal_links
from features.sources.journey import journey_stage
from features.speakers import OwnCompany, people, speaker_organisations
from features.tables import TABLES
from pipelines.provenance import data_fingerprint

__all__ = ["Talk", "read_talk"]

_DIGESTS: Final = """
WITH heads AS (
    SELECT conversation_id, sum(md5_number_lower(to_json(c)::VARCHAR)::HUGEINT) AS head
    FROM conversations c ANTI JOIN deletions USING (conversation_id) GROUP BY conversation_id
),
turns AS (
    SELECT conversation_id, count(*) AS n, sum(md5_number_lower(to_json(u)::VARCHAR)::HUGEINT) AS said
    FROM utterances u GROUP BY conversation_id
)
SELECT conversation_id, coalesce(n, 0) AS n_utterances, concat_ws(' ', head::VARCHAR, said::VARCHAR) AS digest
FROM heads LEFT JOIN turns USING (conversation_id) ORDER BY conversation_id
"""
_STAGES: Final = f"""
SELECT t.conversation_id, d.deal_id, {
    journey_stage("t.started_at", outcome="d.outcome", closed_at="d.closed_at", stage="s.stage")
} AS told_stage
FROM linked t JOIN deals d USING (deal_id)
ASOF LEFT JOIN (SELECT deal_id, entered_at, max(stage) AS stage FROM stage_history GROUP BY ALL) s
    ON t.deal_id = s.deal_id AND t.started_at >= s.entered_at
"""
_PRESENT: Final = """
SELECT DISTINCT l.conversation_id, t.partner_id FROM linked l JOIN touchpoints t USING (deal_id)
WHERE t.partner_id IS NOT NULL ORDER BY ALL
"""


@dataclass(frozen=True)
class Talk:
    """All conversations but the deleted ones, and those around them.

    Attributes
    ----------
    conversations : ``conversation_id``, ``account_id``, ``deal_id`` (linked where that is sure enough), ``told_stage``
        (where in the journey the deal was; null: not known), ``n_utterances`` and ``fingerprint`` (of all that the
        conversation's moments rest on, but for the model and settings), sorted by id.
    people : as ``features.speakers.people`` gives them.
    partners, partner_aliases, contacts : the tables.
    links : ``conversation_links``, sorted by id.
    present : ``conversation_id`` and ``partner_id`` of partners with a touchpoint on the conversation's deal.
    """

    conversations: pd.DataFrame
    people: pd.DataFrame
    partners: pd.DataFrame
    partner_aliases: pd.DataFrame
    contacts: pd.DataFrame
    links: pd.DataFrame
    present: pd.DataFrame

    def turns(self, connection: duckdb.DuckDBPyConnection, conversation_ids: Iterable[str]) -> pd.DataFrame:
        """The utterances of some conversations that hold words, with the speaker's organisation as found."""
        wanted = pd.DataFrame({"conversation_id": list(conversation_ids)})
        query = "SELECT u.* FROM utterances u SEMI JOIN wanted USING (conversation_id) WHERE trim(text) <> ''"
        turns = _frame(connection, f"{query} ORDER BY conversation_id, seq, utterance_id", wanted=wanted)
        known = self.people[self.people["conversation_id"].isin(wanted["conversation_id"])]
        found = speaker_organisations(turns, known)
        return turns.assign(speaker_org=found["speaker_org"], partner_id=found["partner_id"])


def read_talk(connection: duckdb.DuckDBPyConnection, own: OwnCompany) -> Talk:
    """Reads the conversations of a workspace's connection and links them to people and deals."""
    tables = {name: _table(connection, name) for name in ("partners", "partner_aliases", "contacts", "deals")}
    digests = _frame(connection, _DIGESTS)
    conversations = _table(connection, "conversations")
    is_wanted = conversations["conversation_id"].isin(digests["conversation_id"])
    conversations = conversations[is_wanted].drop_duplicates("conversation_id")
    speakers = _frame(
        connection,
        "SELECT DISTINCT conversation_id, speaker, speaker_email, speaker_org, partner_id FROM utterances "
        "SEMI JOIN conversations USING (conversation_id) ORDER BY ALL",
    )
    known = people(
        speakers,
        conversations,
        partners=tables["partners"],
        partner_aliases=tables["partner_aliases"],
        contacts=tables["contacts"],
        participants=_table(connection, "participants"),
        own=own,
    )
    links = _links(conversations, known, tables["deals"])
    linked = links[["conversation_id", "account_id", "deal_id"]].merge(
        conversations[["conversation_id", "started_at"]], on="conversation_id"
    )
    stages = _frame(connection, _STAGES, linked=linked)[["conversation_id", "told_stage"]]
    present = _frame(connection, _PRESENT, linked=linked)
    joined = digests.merge(linked, on="conversation_id").merge(stages, on="conversation_id", how="left")
    joined = joined.assign(fingerprint=_fingerprints(joined, known, present, _names(connection)))
    return Talk(
        joined.drop(columns=["digest", "started_at"]),
        known,
        tables["partners"],
        tables["partner_aliases"],
        tables["contacts"],
        links,
        present,
    )


def _links(conversations: pd.DataFrame, known: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    if conversations.empty:
        return pd.DataFrame(columns=list(LINK_COLUMNS))
    return deal_links(conversations, known, deals).sort_values("conversation_id", ignore_index=True)


def _fingerprints(joined: pd.DataFrame, known: pd.DataFrame, present: pd.DataFrame, names: str) -> list[str]:
    """A hash of each conversation with its people, deal, stage and partners."""
    persons, guests = _by_conversation(known), _by_conversation(present)
    columns = ["conversation_id", "digest", "deal_id", "told_stage"]
    rows = joined[columns].astype(object).where(joined[columns].notna(), None).itertuples(index=False, name=None)
    return [
        hashlib.sha256(repr((*row, persons.get(row[0]), guests.get(row[0]), names)).encode()).hexdigest()[:16]
        for row in rows
    ]


def _by_conversation(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Conversation to its rows as text, in a fixed order."""
    found: dict[str, list[str]] = {}
    rest = frame.drop(columns="conversation_id").astype(object)
    rows = rest.where(rest.notna(), None).itertuples(index=False, name=None)
    for name, row in zip(frame["conversation_id"], rows, strict=True):
        found.setdefault(str(name), []).append(repr(row))
    return {name: sorted(texts) for name, texts in found.items()}


def _names(connection: duckdb.DuckDBPyConnection) -> str:
    return data_fingerprint(connection, ("partners", "partner_aliases"))


def _table(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    if name not in TABLES:
        return pd.DataFrame()
    return _frame(connection, f'SELECT * FROM "{name}" ORDER BY ALL')


def _frame(connection: duckdb.DuckDBPyConnection, query: str, **frames: Any) -> pd.DataFrame:
    for name, frame in frames.items():
        connection.register(name, frame)
    found: pd.DataFrame = connection.execute(query).df()
    for name in frames:
        connection.unregister(name)
    return found
