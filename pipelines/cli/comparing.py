"""The verb that compares methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_WORKSPACE, ConfigFile, Debug, Json, WorkspaceDir, configured, opened
from pipelines.console import show, working


def compare(
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods", metavar="A,B", help="Methods to compare; without it, those in credits and all classical ones."
        ),
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Add further forms of the classical methods, e.g. Markov of order 2.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write a page (.html), the plot (.png) or the table (.csv)."),
    ] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Set all methods side by side on the same won deals.

    Prints each partner's credited wins by every method and the rank correlations between methods. Methods that the
    workspace has credits of are taken from there; other classical ones are computed, and not kept.
    """
    from pipelines.compare import compare as run
    from pipelines.comparing.files import check_ending, write_comparison

    if out is not None:
        check_ending(out)
    with working("Comparing"):
        settings = configured(config)
        chosen = None if methods is None else tuple(name.strip() for name in methods.split(","))
        comparison = run(opened(workspace, settings), settings, methods=chosen, variants=variants)
        written = None if out is None else write_comparison(comparison, out)
    show(comparison, as_json=as_json)
    if written is not None:
        typer.echo(f"Wrote {written}.", err=True)
