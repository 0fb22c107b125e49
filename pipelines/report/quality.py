"""What the data holds: rows in, kept and rejected, late entries, coverage, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from features.tables import INPUT_TABLES
from pipelines.report.source import Source
from pipelines.report.views import DataQuality, Notice, TableQuality
from pipelines.workspace import Workspace

_TOUCHES: Final = """
SELECT count(*) AS n_touches, count(*) FILTER (recorded_at IS NOT NULL) AS n_recorded,
    count(*) FILTER (late) AS n_late, count(*) FILTER (after_close) AS n_after_close
FROM touch
"""
_COVERAGE: Final = """
SELECT count(*) AS n_closed,
    count(*) FILTER (deal_id IN (SELECT deal_id FROM touch)) AS n_with_any_touch,
    count(*) FILTER (deal_id IN (SELECT deal_id FROM player)) AS n_with_partner_touch
FROM closed
"""
_PER_PARTNER: Final = "SELECT partner_id, count(*) AS n FROM player JOIN closed USING (deal_id) GROUP BY partner_id"
_MEDIAN: Final = f"SELECT coalesce(median(n), 0) AS median FROM ({_PER_PARTNER})"
_BINNED: Final = f"""
SELECT sum((n < 5)::INTEGER)::BIGINT AS a, sum((n BETWEEN 5 AND 9)::INTEGER)::BIGINT AS b,
    sum((n BETWEEN 10 AND 29)::INTEGER)::BIGINT AS c, sum((n BETWEEN 30 AND 99)::INTEGER)::BIGINT AS d,
    sum((n >= 100)::INTEGER)::BIGINT AS e
FROM ({_PER_PARTNER})
"""
BINS: Final = ("1–4 deals", "5–9", "10–29", "30–99", "100 or more")


def data_quality(source: Source, workspace: Workspace) -> DataQuality:
    """Counts from the tables and from the last ingest."""
    ingest = read_json(workspace.results / "ingest.json")
    binned = list(source.one(_BINNED).values())
    has_partners = any(binned)
    return DataQuality(
        **source.one(_TOUCHES),
        **source.one(_COVERAGE),
        tables=tuple(_table(name, entry) for name, entry in _entries(ingest)),
        row_counts=tuple((name, _n_rows(source, name)) for name in INPUT_TABLES if workspace.has(name)),
        flags=tuple(sorted((name, int(n)) for name, n in _mapping(ingest, "flags").items() if n)),
        deals_per_partner=tuple(zip(BINS, binned, strict=True)) if has_partners else (),
        median_deals_per_partner=float(source.one(_MEDIAN)["median"]),
        gaps=tuple(_gaps(source)),
    )


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file; empty when the file is missing or holds something else."""
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _entries(ingest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    tables = _mapping(ingest, "tables")
    order = [name for name in INPUT_TABLES if name in tables]
    return [(name, tables[name]) for name in order if isinstance(tables[name], dict)]


def _mapping(values: dict[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _table(name: str, entry: dict[str, Any]) -> TableQuality:
    reasons = sorted(_mapping(entry, "reasons").items(), key=lambda item: (-int(item[1]), item[0]))
    return TableQuality(
        table=name,
        rows_in=int(entry.get("rows_in", 0)),
        kept=int(entry.get("kept", 0)),
        rejected=int(entry.get("rejected", 0)),
        replaced=int(entry.get("replaced", 0)),
        source=str(entry.get("source", "")),
        reasons=tuple((reason, int(n)) for reason, n in reasons),
    )


def _n_rows(source: Source, name: str) -> int:
    return int(source.one(f'SELECT count(*) AS n FROM "{name}"')["n"])


_GAPS: Final = (
    (
        "SELECT NOT EXISTS (SELECT 1 FROM partners) AS gap",
        "There is no list of partners, so partners appear by their ids and without a type.",
        "Ingest a `partners` table (id, name, type).",
    ),
    (
        "SELECT NOT EXISTS (SELECT 1 FROM touch WHERE partner_id IS NOT NULL) AS gap",
        "No touch by a partner on a closed deal is known, so no credit can go to a partner.",
        "Ingest `touchpoints` with a `partner_id`: meetings, demos, introductions, deal registrations.",
    ),
    (
        "SELECT NOT EXISTS (SELECT 1 FROM touch WHERE partner_id IS NULL) AS gap",
        "No touch of the own team is known, so its work is seen only through the deal's other columns.",
        "Ingest the own team's activities as `touchpoints` without a `partner_id`.",
    ),
    (
        "SELECT NOT EXISTS (SELECT 1 FROM closed WHERE NOT is_won) AS gap",
        "There are no lost deals. Without them no model can tell what made the difference.",
        "Ingest lost deals as well, from the same period and teams.",
    ),
    (
        "SELECT NOT EXISTS (SELECT 1 FROM closed WHERE cents IS NOT NULL) AS gap",
        "No closed deal has an amount, so credit is given in wins but not in money.",
        "Fill `amount` and `currency` of the deals.",
    ),
    (
        "SELECT count(DISTINCT unit) > 1 AS gap FROM closed WHERE cents IS NOT NULL",
        (
            "Amounts are in several currencies that cannot be converted into one, so they are shown side by side and "
            "never added."
        ),
        "Set `report_currency` in the configuration and fill `fx_rate` of the deals.",
    ),
    (
        "SELECT EXISTS (SELECT 1 FROM touch) AND NOT EXISTS (SELECT 1 FROM touch WHERE recorded_at IS NOT NULL) AS gap",
        "No touch says when it was recorded, so entries made after the fact cannot be told from timely ones.",
        "Fill `recorded_at` of the touchpoints.",
    ),
    (
        "SELECT NOT EXISTS (SELECT 1 FROM stage_history) AS gap",
        "There is no history of sales stages, so the model cannot be cut off at the entry of a stage.",
        "Ingest `stage_history`.",
    ),
)


def _gaps(source: Source) -> list[Notice]:
    return [Notice(missing, remedy) for query, missing, remedy in _GAPS if source.one(query)["gap"]]
