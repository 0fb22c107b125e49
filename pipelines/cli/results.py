"""Verbs that train, credit and report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import (
    DEFAULT_WORKSPACE,
    SOME_REJECTED,
    Bias,
    ConfigFile,
    Deals,
    Debug,
    Engine,
    Json,
    LogFile,
    LogFormat,
    Metrics,
    Partners,
    Schema,
    Seed,
    Wait,
    WorkspaceDir,
    configured,
    on_engine,
    opened,
    published_to,
    utc,
)
from pipelines.cli.signals import stopped_as_such
from pipelines.console import show, to_json, working

if TYPE_CHECKING:
    from pipelines.preview import Preview


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
    outcome: Annotated[bool, typer.Option("--outcome", help="Train the outcome model.")] = False,
    assist: Annotated[
        bool, typer.Option("--assist", help="Train the model that finds moments in which a partner helped.")
    ] = False,
    with_reviews: Annotated[
        bool,
        typer.Option("--with-reviews", help="Let the assist model learn from reviewed moments, too; implies --assist."),
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Measure how the assist model grows with its data; takes twice as long."),
    ] = False,
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
    """Fit, evaluate and register the models.

    With neither --outcome nor --assist, the outcome model is trained, and the assist model with reviews where there are
    any. Each is printed as it did on what was held out. A column that looks like a leak is barred from the outcome
    model, unless allowed by name. A new model takes over when it is better than the one in use, or when the
    configuration no longer allows that one.
    """
    from pipelines.training import Wanted
    from pipelines.training import train_models as run

    with working("Training"):
        settings = configured(config)
        trials = settings.outcome.tune_trials if tune is None else tune
        wanted = Wanted(outcome, assist, with_reviews, learning_curve, tuple(allow_leak or ()), trials)
        report = run(opened(workspace, settings), settings, wanted)
    show(report, as_json=as_json)


def score(
    all_deals: Annotated[
        bool, typer.Option("--all", help="Score every closed deal, not only new and changed ones.")
    ] = False,
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="A,B", help="Methods to compute; without it, those configured.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", metavar="DATE", parser=utc, help="Only deals that closed at or after DATE (UTC)."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="WHICH",
            help="champion; in-force, for each deal the champion of the time when it closed; or a version. Without it, "
            "credit.model of the configuration.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be scored, and why; write nothing at all.")
    ] = False,
    now: Annotated[
        datetime | None,
        typer.Option("--now", metavar="TIMESTAMP", parser=utc, help="Moment to write as scored_at; without it, now."),
    ] = None,
    engine: Engine = None,
    publish: Annotated[
        str | None,
        typer.Option(
            "--publish",
            metavar="URL",
            envvar="PARTNERLIFT_PUBLISH",
            help="Keep the result tables equal in that database: duckdb:///FILE, postgresql://user@host/name or "
            "another URL of SQLAlchemy's. Without it, output.url of the configuration.",
        ),
    ] = None,
    schema: Schema = None,
    wait: Wait = 0.0,
    metrics: Metrics = None,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Credit the closed deals: fills credits and partner_scores.

    Made for cron and containers: it asks nothing, holds a lock on the workspace, and finishes what an earlier run that
    was stopped at any moment has left. Exit code 3 when some deals cannot be credited by a method.
    """
    from pipelines.metrics import recorded
    from pipelines.score import METHODS

    chosen = None if methods is None else tuple(name.strip() for name in methods.split(","))
    if unknown := [name for name in chosen or () if name not in METHODS]:
        raise typer.BadParameter(f"no method {unknown}; choose among {', '.join(METHODS)}", param_hint="--methods")
    if dry_run:
        show(
            _previewed(workspace, config, all_deals=all_deals, methods=chosen, since=since, model=model),
            as_json=as_json,
        )
        return
    with recorded("score", metrics or ()) as measured, stopped_as_such():
        settings = on_engine(configured(config), engine)
        measured.write_to(settings.metrics)
        settings = published_to(settings, publish, schema)
        from pipelines.score import score as run

        with working("Scoring"):
            report = run(
                opened(workspace, settings),
                settings,
                all_deals=all_deals,
                methods=chosen,
                since=since,
                model=model,
                wait=wait,
                now=now,
            )
        measured.note(report)
        if report.rejected:
            measured.exit_code = SOME_REJECTED
    show(report, as_json=as_json)
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def _previewed(workspace: Path, config: Path | None, **options: Any) -> Preview:
    from pipelines.preview import preview
    from pipelines.workspace import Workspace

    with working("Looking"):
        settings = configured(config)
        engine = settings.engine
        return preview(Workspace(workspace, engine.memory, engine.threads), settings, **options)


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
