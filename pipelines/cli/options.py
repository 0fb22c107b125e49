"""Options that several verbs share, declared once, and how they become a workspace and a configuration."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from pipelines.logs import Form, set_up_logging

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.workspace import Workspace

DEFAULT_WORKSPACE: Final = Path("workspace")
SOME_REJECTED: Final = 3
DEBUG_KEY: Final = "partnerlift.debug"
LOG_FORMAT_KEY: Final = "partnerlift.log_format"
LOG_FILE_KEY: Final = "partnerlift.log_file"
REVIEW_URL: Final = "PARTNERLIFT_REVIEW_URL"
"""The variable whose URL, which may hold a password, stands in place of ``review.url``."""


def note_debug(context: typer.Context, value: bool) -> bool:
    """Remembers for the whole run that tracebacks and the detailed log are wanted."""
    if value:
        context.meta[DEBUG_KEY] = True
        log_as_told(context)
    return value


def note_log_format(context: typer.Context, value: Form | None) -> Form | None:
    """Remembers for the whole run how log lines look."""
    if value is not None:
        context.meta[LOG_FORMAT_KEY] = value
        log_as_told(context)
    return value


def note_log_file(context: typer.Context, value: Path | None) -> Path | None:
    """Remembers for the whole run where log lines go; refuses a file that cannot be written."""
    if value is not None:
        try:
            value.open("a", encoding="utf-8").close()
        except OSError as error:
            raise typer.BadParameter(f"cannot write {value}: {error.strerror}", param_hint="--log-file") from error
        context.meta[LOG_FILE_KEY] = value
        log_as_told(context)
    return value


def log_as_told(context: typer.Context) -> None:
    """Sets the log up as the options that were read so far ask for."""
    set_up_logging(
        debug=bool(context.meta.get(DEBUG_KEY)),
        form=context.meta.get(LOG_FORMAT_KEY, "text"),
        file=context.meta.get(LOG_FILE_KEY),
    )


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
Engine = Annotated[
    Literal["duckdb", "spark"] | None,
    typer.Option("--engine", help="What it runs on; without it, engine.kind of the configuration."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON document.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=note_debug, is_eager=True, help="Show the traceback of an error and the detailed log."
    ),
]
LogFormat = Annotated[
    Form | None,
    typer.Option(
        "--log-format",
        callback=note_log_format,
        is_eager=True,
        envvar="PARTNERLIFT_LOG_FORMAT",
        help="Log lines as text, the default, or each as one JSON object.",
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        callback=note_log_file,
        is_eager=True,
        envvar="PARTNERLIFT_LOG_FILE",
        help="Append the log to FILE instead of writing it to stderr.",
    ),
]
Metrics = Annotated[
    list[Path] | None,
    typer.Option(
        "--metrics",
        metavar="FILE",
        envvar="PARTNERLIFT_METRICS",
        help="Write the run's metrics to FILE, also when it fails: .prom for Prometheus, or .json; may be repeated.",
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for another run in the workspace."),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="NAME", help="Schema of the database; without it, its default."),
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
    """The configuration in that file, or the defaults, with the environment's review database where it names one."""
    from pydantic import SecretStr

    from pipelines.config import load_config

    settings, url = load_config(path), os.environ.get(REVIEW_URL)
    if not url:
        return settings
    return settings.model_copy(update={"review": settings.review.model_copy(update={"url": SecretStr(url)})})


def on_engine(settings: Config, kind: Literal["duckdb", "spark"] | None) -> Config:
    """The configuration with another engine, where one was asked for."""
    if kind is None:
        return settings
    return settings.model_copy(update={"engine": settings.engine.model_copy(update={"kind": kind})})


def published_to(settings: Config, url: str | None, schema: str | None) -> Config:
    """The configuration with another database for the results, where one was named."""
    from pydantic import SecretStr

    changes = {"url": None if url is None else SecretStr(url), "into": schema}
    output = settings.output.model_copy(update={name: value for name, value in changes.items() if value is not None})
    return settings.model_copy(update={"output": output})


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
