"""Verbs about what was said: moments found in conversations, and conversations deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from pipelines.cli.options import (
    DEFAULT_WORKSPACE,
    ConfigFile,
    Debug,
    Json,
    LogFile,
    LogFormat,
    Wait,
    WorkspaceDir,
    configured,
    opened,
    utc,
)
from pipelines.console import show, working


def detect(
    all_conversations: Annotated[
        bool, typer.Option("--all", help="Read every conversation, not only new and changed ones.")
    ] = False,
    redact: Annotated[
        bool | None,
        typer.Option(
            "--redact/--no-redact",
            help="Replace names, phone numbers, e-mail and postal addresses in stored quotes. Without it, as "
            "assist.redact of the configuration says.",
        ),
    ] = None,
    now: Annotated[
        datetime | None,
        typer.Option("--now", metavar="TIMESTAMP", parser=utc, help="Moment to write as detected_at; without it, now."),
    ] = None,
    wait: Wait = 0.0,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Find the moments in which a partner helped, in conversations.

    Fills the tables moments and signals: which partner, what it did, in which words and when, and how sure that is.
    Only new and changed conversations are read.
    """
    from pipelines.detect import detect as run

    with working("Reading"):
        settings = configured(config)
        report = run(
            opened(workspace, settings),
            settings,
            all_conversations=all_conversations,
            redact=redact,
            wait=wait,
            now=now,
        )
    show(report, as_json=as_json)


def forget(
    conversation: Annotated[
        list[str] | None,
        typer.Option("--conversation", metavar="ID", help="A conversation to delete; may be repeated."),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Delete every conversation whose delete_after has come.")] = False,
    now: Annotated[
        datetime | None,
        typer.Option("--now", metavar="TIMESTAMP", parser=utc, help="Moment to take for now; without it, now."),
    ] = None,
    wait: Wait = 0.0,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Delete conversations and all that derives from them.

    Their utterances, moments, signals and judgements go, in the review database as well; the table deletions keeps a
    hash of each and says "source deleted". Reports, exports and other databases made before hold what they held: make
    them anew.
    """
    if not (conversation or due):
        raise typer.BadParameter("give --conversation ID or --due", param_hint="--conversation")
    from pipelines.forget import forget as run

    with working("Deleting"):
        settings = configured(config)
        report = run(
            opened(workspace, settings), tuple(conversation or ()), config=settings, due=due, wait=wait, now=now
        )
    show(report, as_json=as_json)
