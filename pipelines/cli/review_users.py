"""The verbs `review user`: who may log in to the review page."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from pipelines.cli.options import (
    DEFAULT_WORKSPACE,
    ConfigFile,
    Debug,
    Json,
    WorkspaceDir,
    configured,
    example,
    opened,
)
from pipelines.console import show
from review.roles import Role

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Say who may log in to the review page, and as what.",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name, e.g. an e-mail address.")]
Partner = Annotated[
    str | None, typer.Option("--partner", metavar="ID", help="The company of one of role partner, who sees only it.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; without it, it is made up.")
]


@app.command("add", epilog=example("partnerlift review user add ann --role reviewer"))
def add(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the user may do.")],
    partner: Partner = None,
    password_stdin: FromStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only a proxy in front of the page vouches for the user.")
    ] = False,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Let somebody log in; a password that is made up is shown this once."""
    from pipelines.reviewing.people import added

    password = _read() if password_stdin else None
    with _database(workspace, config) as (engine, now):
        show(added(engine, name, role, partner, password, now, proxied=no_password), as_json=as_json)


@app.command("list", epilog=example("partnerlift review user list"))
def listed(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """List everybody who may log in, or could."""
    from pipelines.reviewing.people import people

    with _database(workspace, config) as (engine, _):
        show(people(engine), as_json=as_json)


@app.command("role", epilog=example("partnerlift review user role ann --role manager"))
def role(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the user may do from now on.")],
    partner: Partner = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Give a user another role."""
    _change(workspace, config, name, as_json=as_json, role=role, partner=partner)


@app.command("disable", epilog=example("partnerlift review user disable ann"))
def disable(
    name: Name,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Shut a user out at once; what the user judged stays."""
    _change(workspace, config, name, as_json=as_json, is_disabled=True)


@app.command("enable", epilog=example("partnerlift review user enable ann"))
def enable(
    name: Name,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Let a user in again."""
    _change(workspace, config, name, as_json=as_json, is_disabled=False)


@app.command("reset", epilog=example("partnerlift review user reset ann"))
def reset(
    name: Name,
    password_stdin: FromStdin = False,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Give a user another password, which ends the user's sessions; one that is made up is shown this once."""
    password = _read() if password_stdin else None
    _change(workspace, config, name, as_json=as_json, password=password, new_password=True)


def _change(workspace: Any, config: Any, name: str, *, as_json: bool, **changes: Any) -> None:
    from pipelines.reviewing.people import changed

    with _database(workspace, config) as (engine, now):
        show(changed(engine, name, now, **changes), as_json=as_json)


def _database(workspace: Any, config: Any) -> Any:
    from pipelines.review import review_database

    settings = configured(config)
    return review_database(opened(workspace, settings), settings)


def _read() -> str:
    return sys.stdin.readline().rstrip("\r\n")
