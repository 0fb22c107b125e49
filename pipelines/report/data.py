"""The workspace as one record for the templates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from features.tables import DIRECT
from pipelines.config import Config
from pipelines.report import text
from pipelines.report.assumed import assumed
from pipelines.report.comparison import comparison
from pipelines.report.deals import choose_deals, deal_pages
from pipelines.report.evaluation import model_quality
from pipelines.report.moments import deal_evidence, journey, partner_moments, prepare_moments
from pipelines.report.overview import combined, partner_names, periods, players, totals
from pipelines.report.partners import partner_pages
from pipelines.report.quality import data_quality, read_json
from pipelines.report.source import Source, open_source
from pipelines.report.views import ModelQuality, Notice, Report, Standing, Totals
from pipelines.workspace import Workspace

MOST_PARTNERS: Final = 200
"""Partners with a line and a page of their own; the others are added up in one line."""
FEW_WINS: Final = 10
"""Partners' wins below which they are printed with two decimals."""


def read(workspace: Workspace, config: Config, *, deals: int, made_at: datetime) -> Report:
    """Everything that the report shows, with pages for at most ``deals`` deals."""
    with open_source(workspace, config) as source:
        return _read(source, workspace, config, deals, made_at)


def _read(source: Source, workspace: Workspace, config: Config, deals: int, made_at: datetime) -> Report:
    overall, quality = totals(source), model_quality(workspace)
    model = _model(source, quality, workspace)
    if quality and source.method in {"model", "shap"} and model and quality.version:
        quality = replace(quality, is_other=quality.version not in model)
    under = assumed(overall.partner_wins, quality, source.method, model)
    places = 2 if 0 < abs(overall.partner_wins) < FEW_WINS else 1
    known = partner_names(source)
    rows, own = players(source, known, MOST_PARTNERS, places)
    partners = {row.partner.partner_id: row.partner for row in rows}
    series, compared = periods(source), comparison(source, partners, places)
    anchors = choose_deals(source, deals)
    prepare_moments(source)
    talked = journey(source, known | partners)
    helped = None if talked is None else partner_moments(source)
    evidence = None if talked is None else deal_evidence(source, config)
    return Report(
        title="Partner credit report",
        made_at=made_at,
        method=source.method,
        currency=_currency(config, overall),
        model=model,
        scored_at=_scored_at(source),
        places=places,
        front=text.front(overall, rows, compared, quality, source.method, places, under),
        totals=overall,
        periods=tuple(series),
        standings=tuple(rows[:MOST_PARTNERS]),
        rest=combined(rows[MOST_PARTNERS:], f"{len(rows) - MOST_PARTNERS} more partners"),
        own=own,
        methods=source.methods,
        comparison=compared,
        partner_pages=tuple(partner_pages(source, rows, overall, [p.period for p in series], anchors, places, helped)),
        deal_pages=tuple(deal_pages(source, workspace, anchors, known | partners, evidence)),
        quality=quality,
        data=data_quality(source, workspace),
        assumed=under,
        journey=talked,
        notices=_notices(overall, rows, source.method, quality),
    )


def _currency(config: Config, overall: Totals) -> str:
    if config.report_currency:
        return config.report_currency
    units = [unit for unit, _ in overall.won_money.parts]
    return units[0] if len(units) == 1 else ""


def _model(source: Source, quality: ModelQuality | None, workspace: Workspace) -> str:
    query = "SELECT DISTINCT model_version FROM credits WHERE method = $method AND partner_id = $own ORDER BY 1"
    versions = [row["model_version"] for row in source.records(query, {"method": source.method, "own": DIRECT})]
    if versions:
        return ", ".join(versions[:2]) + (f" and {len(versions) - 2} more" if len(versions) > 2 else "")
    recorded = read_json(workspace.results / "score.json").get("model_version")
    return str(recorded) if recorded else quality.version if quality else ""


def _scored_at(source: Source) -> datetime | None:
    query = "SELECT max(scored_at) AT TIME ZONE 'UTC' AS scored_at FROM credits WHERE method = $method"
    found: datetime | None = source.one(query, {"method": source.method})["scored_at"]
    return found


def _notices(
    overall: Totals, rows: list[Standing], method: str, quality: ModelQuality | None
) -> dict[str, tuple[Notice, ...]]:
    score = Notice("No credit has been computed.", "Run `partnerlift train`, then `partnerlift score`.")
    no_partner = Notice(
        "No partner is known to have touched a closed deal.",
        "Ingest `touchpoints` with a `partner_id` (and a `partners` table for names and types).",
    )
    no_deal = Notice("There are no closed deals.", "Ingest `deals` with an outcome of won or lost.")
    credit = [] if method else [score]
    partner = [] if rows else [no_partner]
    closed = [] if overall.n_closed else [no_deal]
    stale = (
        [
            Notice(
                f"{overall.n_unscored:,} of {overall.n_closed:,} closed deals have no credit under this method.",
                "Run `partnerlift score` if deals were added; rules leave lost deals out by their nature.",
            )
        ]
        if method == "model" and overall.n_unscored
        else []
    )
    model = [] if quality else [Notice("No model has been evaluated.", "Run `partnerlift train`.")]
    return {
        "summary": (*closed, *((*partner, *credit) if overall.n_closed else ()), *stale),
        "partners": (*closed, *partner, *(credit if rows else [])),
        "methods": (*closed, *credit),
        "deals": tuple(closed),
        "model": tuple(model),
    }
