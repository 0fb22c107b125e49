"""Options that several verbs share, declared once, and how they become a workspace and a configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from pipelines.console import set_up_logging

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.workspace import Workspace

DEFAULT_WORKSPACE: Final = Path("workspace")
DEBUG_KEY: Final = "partnerlift.debug"


def note_debug(context: typer.Context, value: bool) -> bool:
    """Remembers for the whole run that tracebacks and the detailed log are wanted."""
    if value:
        context.meta[DEBUG_KEY] = True
        set_up_logging(debug=True)
    return value


WorkspaceDir = Annotated[
    Path,
    typer.Option(
        "--workspace", metavar="DIR", envvar="PARTNERLIFT_WORKSPACE", help="Folder with the company's tables."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="YAML configuration; without it, the defaults hold."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON document.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=note_debug, is_eager=True, help="Show the traceback of an error and the detailed log."
    ),
]
Deals = Annotated[int, typer.Option("--deals", min=3, metavar="N", help="How many deals to simulate.")]
Partners = Annotated[
    int, typer.Option("--partners", min=2, max=2000, metavar="N", help="How many partners to simulate.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of everything random.")]
Bias = Annotated[
    Literal["none", "moderate", "strong"],
    typer.Option("--bias", help="How strongly good partners are drawn into deals that would be won anyway."),
]


def example(*commands: str) -> str:
    """The epilog of a verb's help that shows how it is used."""
    lines = "\n".join(f"  {command}" for command in commands)
    return f"\b\nExample:\n{lines}"


def configured(path: Path | None) -> Config:
    """The configuration in that file, or the defaults."""
    from pipelines.config import load_config

    return load_config(path)


def limited(memory: str) -> Config:
    """The default configuration with that memory limit of the query engine."""
    from pipelines.config import parse_config

    return parse_config({"engine": {"memory": memory}}, origin="--memory")


def opened(root: Path, config: Config, *, create: bool = False) -> Workspace:
    """The workspace in that folder, within the configuration's limits."""
    from pipelines.workspace import Workspace

    return Workspace.open(root, create=create, memory=config.engine.memory, threads=config.engine.threads)


def mapping_file(name: str | None) -> Path | None:
    """The mapping at that path, or the shipped one of that name; raises ``ValueError`` that lists the shipped ones."""
    if name is None:
        return None
    if Path(name).is_file():
        return Path(name)
    import configs

    shipped = {path.stem: path for path in sorted((Path(configs.__path__[0]) / "mappings").glob("*.yaml"))}
    if name not in shipped:
        raise ValueError(f"There is no mapping {name}. Give a YAML file, or a shipped name: {', '.join(shipped)}.")
    return shipped[name]


def utc(text: str) -> datetime:
    """An ISO 8601 moment in UTC; one without an offset is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 moment such as 2026-01-31T12:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
