"""The verb group `review`: the page, and what is done beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    example,
    opened,
)
from pipelines.cli.review_users import app as users
from pipelines.console import show, to_json, working

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(users, name="user")


@app.callback(invoke_without_command=True)
def review(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; without it, review.host.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, metavar="N", help="Port to listen on; without it, review.port."),
    ] = None,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Listen beyond this machine though nothing encrypts what is sent.")
    ] = False,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Serve the page on which people judge moments.

    Copies moments, deals, partners and conversations into the review database, and judgements back into the tables
    reviews and judged_moments, also while it runs. Ends with Ctrl-C or SIGTERM, exit code 0.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from pipelines.review import serve_review

    settings = configured(config)
    changed: dict[str, Any] = {"host": host, "port": port}
    own = settings.review.model_copy(update={name: value for name, value in changed.items() if value is not None})
    settings = settings.model_copy(update={"review": own})
    serve_review(
        opened(workspace, settings),
        settings,
        lambda serving: typer.echo(serving.text()),
        allow_http=allow_http,
    )


@app.command("sync", epilog=example("partnerlift review sync", "partnerlift review sync --json"))
def sync(
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over a database that another workspace has filled.")
    ] = False,
    wait: Wait = 0.0,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Exchange moments and judgements between workspace and review database, once."""
    from pipelines.review import sync_review

    with working("Exchanging"):
        settings = configured(config)
        report = sync_review(opened(workspace, settings), settings, wait=wait, adopt=adopt)
    show(report, as_json=as_json)


@app.command("send", epilog=example("partnerlift review send"))
def send(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Send the questions to deal owners that are due, once.

    A page that is served does so by itself, once a day. Nobody gets more than one message a day.
    """
    from pipelines.review import send_review

    settings = configured(config)
    report = send_review(opened(workspace, settings), settings)
    show(report, as_json=as_json)
    if report.failed or report.left:
        raise typer.Exit(1)


@app.command("backup", epilog=example("partnerlift review backup /backups/review.db"))
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; an existing one is replaced at the end.")],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Copy the review database to a file, also while people judge.

    The copy is examined: its pages, and the chain of its audit. For SQLite; of PostgreSQL, use pg_dump.
    """
    from pipelines.review import backup_review

    settings = configured(config)
    show(backup_review(opened(workspace, settings), settings, file), as_json=as_json)


@app.command("restore", epilog=example("partnerlift review restore /backups/review.db --force"))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put it in the place of a database that is there, which is kept.")
    ] = False,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Put a backup in the review database's place.

    Judgements that the table reviews has beyond it are taken in at the next exchange.
    """
    from pipelines.review import restore_review

    settings = configured(config)
    show(restore_review(opened(workspace, settings), settings, file, force=force), as_json=as_json)


@app.command("audit", epilog=example("partnerlift review audit --out audit.jsonl"))
def audit(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="File to write: .jsonl for JSON lines, CSV otherwise.")
    ],
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Write the audit to a file, and say whether it is whole."""
    from pipelines.review import export_audit

    settings = configured(config)
    rows = export_audit(opened(workspace, settings), settings, out)
    told = {"file": str(out), "rows": rows}
    typer.echo(to_json(told) if as_json else f"Wrote {rows:,} rows of audit, which is whole, to {out}.")


def _refuse_options(context: typer.Context) -> None:
    """Refuses options that stand before the verb below `review`, which would not know of them."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and parameter.expose_value:
            raise typer.BadParameter(
                f"give it after {context.invoked_subcommand}", param_hint=parameter.opts[0], ctx=context
            )
