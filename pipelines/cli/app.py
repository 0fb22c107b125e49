"""The application: its verbs, its exit codes and how an error is told."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pipelines.cli import comparing, data, results, reviewing, talk
from pipelines.cli.options import DEBUG_KEY, Debug, LogFile, LogFormat, example, log_as_told
from pipelines.cli.signals import STOPPED, Stopped, stoppable
from pipelines.logs import bind, bound, failed

FAILED: Final = 1
BROKEN_PIPE: Final = 141
INTERRUPTED: Final = 130
EXTRAS: Final = {"optuna": "tune", "psycopg": "database", "pyspark": "spark", "sqlalchemy": "database"} | dict.fromkeys(
    ("alembic", "argon2", "fastapi", "itsdangerous", "krippendorff", "limits", "multipart", "uvicorn"), "review"
)
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DEBUG_HINT: Final = "Run it again with --debug to see where this comes from."


class Verbs(TyperGroup):
    """The verbs, with every error turned into one line on stderr and an exit code."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Names of the verbs, in the order in which they are used."""
        return list(self.commands)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Reads the command line; exits 141 when the reader of ``--help`` or ``--version`` is gone."""
        with _reader_may_leave():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Runs the verb; exits 1 on an error, 130 on Ctrl-C, 143 on SIGTERM, 141 when the reader of stdout is gone."""
        with bound():
            return self._invoked(ctx)

    def _invoked(self, ctx: Any) -> Any:
        try:
            with stoppable(), _reader_may_leave():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except (KeyboardInterrupt, Stopped) as error:
            code = STOPPED if isinstance(error, Stopped) else INTERRUPTED
            failed("Stopped. The workspace is as it was, or resumable: run the same command again.", code)
            raise typer.Exit(code) from None
        except Exception as error:  # what a user can cause is a line, whatever library raised it
            if _is_of_typer(error):
                raise
            failed(
                f"partnerlift {ctx.invoked_subcommand}: {told(error)}",
                FAILED,
                error if ctx.meta.get(DEBUG_KEY) else None,
            )
            raise typer.Exit(FAILED) from None
        return result


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def told(error: Exception) -> str:
    """An error in one line; one that does not explain itself is told with its class and the way to its traceback."""
    message = " ".join(str(error).split("\n\nLINE ")[0].split())  # DuckDB goes on with the query
    if isinstance(error, ModuleNotFoundError):
        extra = EXTRAS.get((error.name or "").split(".")[0])
        return f"{message}. " + (f"Install it: pip install 'partnerlift[{extra}]'." if extra else DEBUG_HINT)
    if getattr(error, "errno", None) in DISK_FULL or os.strerror(errno.ENOSPC) in message:
        return f"The disk is full ({message}). Free some space, then run the same command again; nothing is lost."
    if isinstance(error, OSError) and error.filename is not None:
        return f"Cannot use {error.filename}: {error.strerror}. Check the path and its permissions."
    is_our_own = isinstance(error, ValueError | RuntimeError) or (isinstance(error, OSError) and error.errno is None)
    if is_our_own and message:
        return message
    return f"{type(error).__name__}: {message or 'no details'}. {DEBUG_HINT}"


def _is_of_typer(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in {"typer", "click"}


def print_version(value: bool) -> None:
    """Prints the version and ends the run, when asked for."""
    if value:
        from importlib.metadata import version

        typer.echo(f"partnerlift {version('partnerlift')}")
        raise typer.Exit


app = typer.Typer(
    cls=Verbs,
    name="partnerlift",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def partnerlift(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    _debug: Debug = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
) -> None:
    """Which partners helped win which deals: evidence-backed credit from CRM deals and partner touchpoints.

    Results go to stdout, log and progress to stderr. Exit code 0: done; 1: failed; 2: wrong use; 3: done, but some
    rows were rejected.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait must not keep other work from a busy core
    log_as_told(context)
    bind(verb=context.invoked_subcommand)


for name, verb, commands in (
    ("demo", results.demo, ["partnerlift demo --out ./demo"]),
    ("simulate", data.simulate, ["partnerlift simulate --out ./acme --deals 5000 --bias moderate"]),
    (
        "ingest",
        data.ingest,
        [
            "partnerlift ingest --from tables ./exports",
            "partnerlift ingest --from salesforce ./data-loader",
            "partnerlift ingest --from mapped --config acme.yaml ./crm.csv",
        ],
    ),
    ("map", data.propose, ["partnerlift map ./crm.csv --out acme.yaml"]),
    ("doctor", data.doctor, ["partnerlift doctor --workspace ./workspace"]),
    ("detect", talk.detect, ["partnerlift detect", "partnerlift detect --all --redact"]),
    (
        "train",
        results.train,
        ["partnerlift train", "partnerlift train --outcome --tune 30", "partnerlift train --assist --with-reviews"],
    ),
    (
        "score",
        results.score,
        [
            "partnerlift score",
            "partnerlift score --all --methods model,last_touch",
            "partnerlift score --config acme.yaml --wait 600 --log-format json --metrics partnerlift.prom",
            "partnerlift score --model in-force --since 2025-01-01 --dry-run",
        ],
    ),
    (
        "compare",
        comparing.compare,
        ["partnerlift compare", "partnerlift compare --methods model,last_touch,markov --out methods.html"],
    ),
    ("report", results.report, ["partnerlift report --out partners.html --deals 50"]),
    (
        "export",
        data.export,
        [
            "partnerlift export partner_scores --out scores.csv",
            "partnerlift export results --to postgresql://analyst@db.example/partners",
        ],
    ),
    ("forget", talk.forget, ["partnerlift forget --conversation c-2024-117", "partnerlift forget --due"]),
):
    app.command(name, epilog=example(*commands))(verb)
app.add_typer(
    reviewing.app,
    name="review",
    epilog=example("partnerlift review", "partnerlift review --port 9000", "partnerlift review sync"),
)


def main() -> None:
    """Runs the command line."""
    app()
