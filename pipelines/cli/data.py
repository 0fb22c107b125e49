"""Verbs that bring data in, look at it and take it out."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.cli.options import (
    DEFAULT_WORKSPACE,
    SOME_REJECTED,
    Bias,
    ConfigFile,
    Deals,
    Debug,
    Json,
    LogFile,
    LogFormat,
    Partners,
    Schema,
    Seed,
    Wait,
    WorkspaceDir,
    configured,
    limited,
    mapping_file,
    opened,
)
from pipelines.console import show, to_json, working


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the exports and their truth.")],
    deals: Deals = 6000,
    partners: Partners = 50,
    seed: Seed = 0,
    bias: Bias = "moderate",
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Write a simulated company as raw exports.

    They look as real systems give them: a CRM, a partner portal, recorded calls and mails. The true credit, and where a
    partner was truly said to help, stand beside them, where nothing else reads it.
    """
    from features.simulation.settings import Settings
    from pipelines.simulate import simulate_to

    with working("Simulating"):
        written = simulate_to(out, Settings(n_deals=deals, n_partners=partners, bias=bias), seed=seed)
    typer.echo(to_json({"out": written.out, "rows": written.rows}) if as_json else written.text())


def ingest(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The export: a file, or a folder of files.")],
    kind: Annotated[
        Literal[
            "tables",
            "mapped",
            "salesforce",
            "hubspot",
            "gong",
            "vtt",
            "srt",
            "dialogue",
            "email",
            "slack",
            "notes",
            "transcripts",
        ],
        typer.Option(
            "--from",
            help="What PATH holds: canonical tables, any flat export, a CRM's own export, or conversations "
            "(transcripts: of any kind, told apart by content).",
        ),
    ],
    mapping: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="For mapped: the mapping, a YAML file or a shipped name."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Empty the ingested tables first instead of updating rows by key.")
    ] = False,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="Memory limit of the query engine, e.g. 500MB or 8GB.")
    ] = "2GB",
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Read raw exports into the workspace's tables.

    Prints rows in = kept + rejected for each table, with the reasons. A row that cannot be used goes to
    DIR/rejects/TABLE.parquet with its reason and source line, and the exit code is 3.
    """
    if (kind == "mapped") != (mapping is not None):
        raise typer.BadParameter("give --config FILE with --from mapped, and only with it", param_hint="--config")
    from pipelines.ingest import ingest as run

    with working("Ingesting"):
        target = opened(workspace, limited(memory), create=True)
        report = run(target, kind, path, mapping=mapping_file(mapping), replace=replace)
    show(report, as_json=as_json)
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def propose(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The export: a file, or a folder of files.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the mapping; without it, to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE, whatever was edited in it.")] = False,
    _debug: Debug = False,
) -> None:
    """Propose a mapping for a flat export, saying what is unsure."""
    if out is not None and out.exists() and not force:
        raise typer.BadParameter(f"{out} is there already; give --force to overwrite it", param_hint="--out")
    from features.sources.propose import propose as proposal

    with working("Reading"):
        text = proposal(path)
    if out is None:
        typer.echo(text.rstrip("\n"))
        return
    draft = out.with_name(f".{out.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    typer.echo(f"Wrote {out}. Check it, above all the lines marked as unsure, then run:")
    typer.echo(f"  partnerlift ingest --from mapped --config {shlex.quote(str(out))} {shlex.quote(str(path))}")


def doctor(
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    config: ConfigFile = None,
    as_json: Json = False,
    _debug: Debug = False,
) -> None:
    """Tell in plain words what the data can and cannot support."""
    from pipelines.doctor import doctor as examine

    with working("Examining"):
        settings = configured(config)
        report = examine(opened(workspace, settings), settings)
    show(report, as_json=as_json)


def export(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table's name, or rejects/NAME for its rejects.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write; .csv or .parquet.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="Database in which the table is kept equal: duckdb:///FILE, postgresql://user@host/name or another "
            "URL of SQLAlchemy's.",
        ),
    ] = None,
    schema: Schema = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Leave CSV text as it is, even where a spreadsheet would take it for a formula."),
    ] = False,
    wait: Wait = 0.0,
    workspace: WorkspaceDir = DEFAULT_WORKSPACE,
    as_json: Json = False,
    _log_format: LogFormat = None,
    _log_file: LogFile = None,
    _debug: Debug = False,
) -> None:
    """Write any table as CSV or Parquet, or keep it equal in a database.

    TABLE may be "results" with --to: every result table that is there. Rows are told apart by their key; new ones are
    inserted, changed ones replaced, vanished ones removed, all in one transaction, so that doing it again is safe.

    In CSV, text that begins with = + - @, a tab or a line break gets a leading apostrophe, so that a spreadsheet
    does not run it as a formula; --raw switches that off.
    """
    if (out is None) == (to is None):
        raise typer.BadParameter("give either --out FILE or --to URL", param_hint="--out")
    if to is not None:
        from pipelines.publish import publish

        with working("Publishing"):
            names = () if table == "results" else (table,)
            report = publish(opened(workspace, configured(None)), to, tables=names, schema=schema, wait=wait)
        show(report, as_json=as_json)
        return
    assert out is not None
    from pipelines.export import export as write

    with working("Exporting"):
        rows = write(opened(workspace, configured(None)), table, out, raw=raw)
    typer.echo(to_json({"table": table, "out": out, "rows": rows}) if as_json else f"Wrote {rows} row(s) to {out}.")
