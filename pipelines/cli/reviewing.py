"""The verb group `review`: the page, and what is done beside it."""

from __future__ import annotations

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
from pipelines.console import show, working

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


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
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Serve the page on which people judge moments.

    Copies moments, deals, partners and conversations into the review database, and judgements back into the table
    reviews, while it runs. Ends with Ctrl-C or SIGTERM, exit code 0.
    """
    if context.invoked_subcommand is not None:
        return
    from pipelines.review import serve_review

    settings = configured(config)
    changed: dict[str, Any] = {"host": host, "port": port}
    own = settings.review.model_copy(update={name: value for name, value in changed.items() if value is not None})
    settings = settings.model_copy(update={"review": own})
    serve_review(opened(workspace, settings), settings, lambda address: typer.echo(f"The review page is at {address}"))


@app.command("sync", epilog=example("partnerlift review sync", "partnerlift review sync --json"))
def sync(
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
        report = sync_review(opened(workspace, settings), settings, wait=wait)
    show(report, as_json=as_json)
