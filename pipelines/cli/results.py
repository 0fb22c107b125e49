"""Verbs that train, credit and report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import (
    DEFAULT_WORKSPACE,
    Bias,
    ConfigFile,
    Deals,
    Debug,
    Json,
    Partners,
    Seed,
    WorkspaceDir,
    configured,
    opened,
    utc,
)
from pipelines.console import show, to_json, working


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the company and its report.")] = Path(
        "demo"
    ),
    deals: Deals = 6000,
    partners: Partners = 50,
    seed: Seed = 0,
    bias: Bias = "moderate",
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Run it all on a simulated company whose truth is known.

    Prints what it found, where the report is, and how far from the truth each method was.
    """
    from pipelines.demo import demo as run

    with working("Demo"):
        report = run(out, deals=deals, partners=partners, seed=seed, bias=bias)
    show(report, as_json=as_json)


def train(
    _outcome: Annotated[bool, typer.Option("--outcome", help="Train the outcome model; it is the only one.")] = False,
    allow_leak: Annotated[
        list[str] | None,
        typer.Option("--allow-leak", metavar="COL", help="Keep a column that looks like a leak; may be repeated."),
    ] = None,
    tune: Annotated[
        int | None, typer.Option("--tune", min=0, metavar="N", help="Hyper-parameter trials; needs the extra tune.")
    ] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Fit, evaluate and register the outcome model.

    Prints it beside honest baselines. A column that looks like a leak is barred, unless allowed by name. The new model
    takes over when it is better than the one in use, or when the configuration no longer allows that one.
    """
    from pipelines.train import train as run

    with working("Training"):
        settings = configured(config)
        trials = settings.outcome.tune_trials if tune is None else tune
        report = run(opened(workspace, settings), settings, allow_leak=tuple(allow_leak or ()), tune=trials)
    show(report, as_json=as_json)


def score(
    all_deals: Annotated[
        bool, typer.Option("--all", help="Score every closed deal, not only new and changed ones.")
    ] = False,
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="A,B", help="Methods to compute; without it, those configured.")
    ] = None,
    now: Annotated[
        datetime | None,
        typer.Option("--now", metavar="TIMESTAMP", parser=utc, help="Moment to write as scored_at; without it, now."),
    ] = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Credit the closed deals: fills credits and partner_scores."""
    from pipelines.score import METHODS
    from pipelines.score import score as run

    chosen = None if methods is None else tuple(name.strip() for name in methods.split(","))
    if unknown := [name for name in chosen or () if name not in METHODS]:
        raise typer.BadParameter(f"no method {unknown}; choose among {', '.join(METHODS)}", param_hint="--methods")
    with working("Scoring"):
        settings = configured(config)
        report = run(opened(workspace, settings), settings, all_deals=all_deals, methods=chosen, now=now)
    show(report, as_json=as_json)


def report(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; without it, DIR/report.html.")
    ] = None,
    deals: Annotated[int, typer.Option("--deals", min=0, metavar="N", help="How many deals get their own page.")] = 100,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Write the HTML report: one file that opens offline."""
    from pipelines.report import report as run

    with working("Reporting"):
        settings = configured(config)
        source = opened(workspace, settings)
        written = run(source, settings, out=out or source.root / "report.html", deals=deals)
    typer.echo(to_json({"report": written}) if as_json else f"Wrote {written}.")
