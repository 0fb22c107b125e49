"""The verb `detect`: moments in which a partner helped, from the conversations that are new or changed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import pandas as pd

from features.assist.decisions import decided
from features.assist.moments import moment_rows
from features.privacy import name_words, redacted
from features.tables import CONVERSATION_LINKS, MOMENT_CUES, MOMENTS, SIGNALS
from pipelines.config import AssistConfig, Config
from pipelines.detecting.cues import cue_rows
from pipelines.detecting.judge import Judge, judged
from pipelines.detecting.models import assist_model
from pipelines.detecting.report import DetectReport, summary
from pipelines.detecting.state import JOURNAL, Run, Stored
from pipelines.detecting.talk import Talk, read_talk
from pipelines.logs import bind, bound
from pipelines.phases import phase
from pipelines.reviewing.before import exchanged
from pipelines.workspace import Workspace, write_frame

__all__ = ["detect"]

SUMMARY: Final = "results/detect.json"
FORMAT: Final = 1
"""Goes up when the same probabilities make other moments, so that all conversations are read again."""
logger: Final = logging.getLogger(__name__)


def detect(
    workspace: Workspace,
    config: Config,
    *,
    all_conversations: bool = False,
    redact: bool | None = None,
    wait: float = 0.0,
    now: datetime | None = None,
) -> DetectReport:
    """Fills ``moments`` and ``signals`` from the conversations, and hands judgements on to what takes a moment's place.

    Only conversations are read that are new, or whose utterances, people, deal, partners, model or settings changed
    since they were last read; all with ``all_conversations``. Those that are gone lose their moments. A run that is
    killed leaves what it has finished; running it again goes on from there and ends in the same tables. Without
    conversations the tables are empty. Judgements are brought from the review database before, where there is one, and
    the moments to it afterwards.

    Parameters
    ----------
    config : its ``assist`` is used, and its ``tracking`` to find the model.
    redact : whether stored quotes are without personal data; None means as ``assist.redact`` says.
    wait : seconds to wait for another run that holds the workspace.
    now : written as ``detected_at``; None means the present time.

    Raises
    ------
    WorkspaceError
        When another run holds the workspace.
    """
    now = now or datetime.now(UTC)
    settings = config.assist if redact is None else config.assist.model_copy(update={"redact": redact})
    exchanged(workspace, config, wait=wait, now=now)
    with bound(), workspace.lock("detect", wait=wait):
        with phase("model"):
            model = assist_model(workspace, config)
        with workspace.connect() as connection:
            with phase("conversations"):
                talk = read_talk(connection, config.company.to_own())
            options: Any = {"all_conversations": all_conversations, "now": now}
            report = _run(workspace, connection, settings, model, talk, **options)
    exchanged(workspace, config, wait=wait, now=now)
    return report


def _run(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    settings: AssistConfig,
    model: Judge,
    talk: Talk,
    *,
    all_conversations: bool,
    now: datetime,
) -> DetectReport:
    recipe = [FORMAT, model.version, settings.threshold, settings.floor, settings.redact]
    wanted = talk.conversations.set_index("conversation_id")["fingerprint"]
    wanted = wanted.map(lambda fingerprint: _hash([fingerprint, recipe]))
    run = Run.begun(workspace, _hash([wanted.to_dict(), all_conversations]), now)
    bind(run_id=run.key)
    stored = Stored.read(workspace, connection)
    gone = set(stored.state["conversation_id"]) - set(wanted.index)
    stored, todo = stored.without(gone), _todo(stored, wanted, run, all_conversations=all_conversations)
    logger.info("Reading %s of %s conversations.", f"{len(todo):,}", f"{len(wanted):,}")
    done = int(stored.read_in(run).sum())
    for chunk in _chunks(talk.conversations, todo, settings.chunk_utterances):
        with phase("judging"):
            moments, signals, cues = _found(connection, settings, model, talk, chunk, run)
        state = pd.DataFrame({"conversation_id": chunk, "fingerprint": [wanted[name] for name in chunk]})
        before = stored
        stored = before.replaced(moments, signals, cues, state.assign(detected_at=pd.Timestamp(run.detected_at)))
        with phase("saving"), workspace.transaction() as transaction:
            stored.write(transaction, workspace, before)
            run.enter(transaction)
        done += len(chunk)
        logger.info("Read %s conversations.", f"{done:,}")
    report = summary(
        stored,
        talk,
        detected=done,
        removed=len(gone),
        model_version=model.version,
        detected_at=run.detected_at,
    )
    with workspace.transaction() as transaction:
        stored.write(transaction, workspace)
        write_frame(talk.links, CONVERSATION_LINKS, transaction.file("tables/conversation_links.parquet"))
        transaction.file(SUMMARY).write_text(json.dumps(report.to_dict(), indent=1), encoding="utf-8")
        transaction.remove(JOURNAL)
    return report


def _todo(stored: Stored, wanted: pd.Series, run: Run, *, all_conversations: bool) -> list[str]:
    """The conversations to read, in order: those whose fingerprint is another, or all that this run has not read."""
    before = stored.state.set_index("conversation_id")["fingerprint"]
    is_same = wanted.eq(before.reindex(wanted.index))
    if all_conversations:
        is_same &= stored.read_in(run).reindex(wanted.index, fill_value=False)
    return [str(name) for name in wanted.index[~is_same]]


def _chunks(conversations: pd.DataFrame, todo: list[str], most: int) -> Iterator[list[str]]:
    """The conversations in groups of about ``most`` utterances."""
    sizes = conversations.set_index("conversation_id")["n_utterances"].reindex(todo)
    groups = (sizes.cumsum() - sizes) // most
    for _, chunk in sizes.groupby(groups, sort=True):
        yield [str(name) for name in chunk.index]


def _found(
    connection: duckdb.DuckDBPyConnection,
    settings: AssistConfig,
    model: Judge,
    talk: Talk,
    chunk: list[str],
    run: Run,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Moments, signals and their cues of some conversations."""
    turns = talk.turns(connection, chunk)
    if turns.empty:
        moments, signals, cues = (pd.DataFrame(columns=list(t.column_names)) for t in (MOMENTS, SIGNALS, MOMENT_CUES))
        return moments, signals, cues
    said = judged(model, talk, turns)
    both, why = [], []
    for decisions in decided(said.pairs, settings.floor, settings.threshold):
        rows = moment_rows(
            decisions,
            said.pieces,
            said.mentions,
            talk.conversations,
            model_version=model.version,
            detected_at=run.detected_at,
        )
        both.append(_redacted(rows, turns, talk) if settings.redact else rows)
        why.append(cue_rows(model, said, decisions, rows))
    return both[0], both[1], pd.concat(why, ignore_index=True)


def _redacted(rows: pd.DataFrame, turns: pd.DataFrame, talk: Talk) -> pd.DataFrame:
    companies = [*talk.partners["name"], *talk.partner_aliases["alias"]]
    names = name_words([*turns["speaker"].dropna().unique(), *talk.contacts["name"].dropna()], companies)
    return rows.assign(quote=[redacted(quote, names) for quote in rows["quote"]])


def _hash(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
