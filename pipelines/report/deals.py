"""A page for each of the deals with most money at stake: its credit, its timeline and what drove the prediction."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from features.shown import Interval, Money, slug
from features.tables import DIRECT
from pipelines.report.moment_views import Evidence, PartnerEvidence
from pipelines.report.moments import SHOWN
from pipelines.report.source import NANO, Source
from pipelines.report.text import deal_sentence
from pipelines.report.views import DealPage, Driver, Lane, Partner, PlayerCredit, Touch
from pipelines.workspace import Workspace

MOST_TOUCHES: Final = 250
MOST_DRIVERS: Final = 10
FACTS: Final = ("deal_type", "segment", "industry", "region", "route")
DRIVER_COLUMNS: Final = ("deal_id", "partner_id", "feature", "contribution")

_SHOWN: Final = """
CREATE OR REPLACE TEMP TABLE shown AS
WITH ranked AS (
    SELECT *, deal_id IN (SELECT deal_id FROM player) AS has_partner,
        percent_rank() OVER (PARTITION BY unit ORDER BY cents) AS standing
    FROM closed
), stakes AS (
    SELECT deal_id, sum(abs(win)) AS stake FROM credit
    WHERE method = $method AND partner_id <> $own GROUP BY deal_id
)
SELECT ranked.*, row_number() OVER (
    ORDER BY has_partner DESC, cents IS NULL, standing DESC, cents DESC, stake DESC NULLS LAST, closed_at DESC, deal_id
) AS place
FROM ranked LEFT JOIN stakes USING (deal_id)
QUALIFY place <= $top
"""
_TOUCHES: Final = """
SELECT deal_id, partner_id, kind, journey_stage, occurred_at, recorded_at, late, after_close
FROM touch WHERE deal_id IN (SELECT deal_id FROM shown)
ORDER BY deal_id, occurred_at, partner_id NULLS FIRST, kind
"""
_CREDITS: Final = """
SELECT deal_id, partner_id, method, win, win_lo, win_hi, share, cents, unit, grade FROM credit
WHERE deal_id IN (SELECT deal_id FROM shown) ORDER BY deal_id, partner_id, method
"""
_PLAYERS: Final = "SELECT deal_id, partner_id FROM player WHERE deal_id IN (SELECT deal_id FROM shown) ORDER BY ALL"
_DRIVERS: Final = """
SELECT deal_id, partner_id, feature, contribution FROM read_parquet($files, union_by_name = true)
WHERE deal_id IN (SELECT deal_id FROM shown) AND contribution <> 0 AND feature NOT IN ('bias', 'others')
QUALIFY row_number() OVER (PARTITION BY deal_id ORDER BY abs(contribution) DESC, feature, partner_id) <= $top
ORDER BY deal_id, abs(contribution) DESC, feature, partner_id
"""


def choose_deals(source: Source, most: int) -> dict[str, str]:
    """Anchors of the closed deals that get a page, by id; those with a partner and the largest amounts come first.

    With several currencies a deal's place within its own currency counts, as their amounts cannot be compared.
    """
    source.connection.execute(_SHOWN, {"method": source.method, "own": DIRECT, "top": most})
    return {
        row["deal_id"]: slug("deal", row["deal_id"])
        for row in source.records("SELECT deal_id FROM shown ORDER BY place")
    }


def deal_pages(
    source: Source,
    workspace: Workspace,
    anchors: dict[str, str],
    partners: dict[str, Partner],
    evidence: dict[str, dict[str, tuple[Evidence, ...]]] | None = None,
) -> list[DealPage]:
    """A page for each chosen deal, in the order of ``anchors``.

    ``partners`` have their anchors set; ``evidence`` is by deal and partner, ``None`` where there are no conversations.
    """
    touches, credits_ = _by_deal(source, _TOUCHES), _by_deal(source, _CREDITS)
    players, drivers = _by_deal(source, _PLAYERS), _drivers(source, workspace)
    pages = []
    for deal in source.records("SELECT * FROM shown ORDER BY place"):
        identifier = deal["deal_id"]
        seen = touches.get(identifier, [])
        credited = _players(source, credits_.get(identifier, []), players.get(identifier, []), partners)
        rows = credits_.get(identifier, [])
        lead = [row["win"] for row in rows if row["method"] == source.method and row["win"] is not None]
        page = DealPage(
            deal_id=identifier,
            anchor=anchors[identifier],
            name=deal["name"],
            outcome=deal["outcome"],
            facts=tuple((fact.replace("_", " "), str(deal[fact])) for fact in FACTS if deal[fact] is not None),
            created_at=deal["created_at"],
            closed_at=deal["closed_at"],
            amount=Money(((deal["unit"], deal["cents"]),)) if deal["cents"] is not None else Money(),
            total=sum(lead) / NANO if lead else None,
            sentence="",
            players=credited,
            lanes=_lanes(seen[:MOST_TOUCHES], partners),
            methods=tuple(m for m in source.methods if any(row["method"] == m for row in rows)),
            drivers=drivers.get(identifier, ()),
            n_touches_left_out=max(0, len(seen) - MOST_TOUCHES),
            evidence=None if evidence is None else _told(credited, evidence.get(identifier, {}), partners),
        )
        pages.append(_with_sentence(page, source.method))
    return pages


def _with_sentence(page: DealPage, method: str) -> DealPage:
    return DealPage(**{**page.__dict__, "sentence": deal_sentence(page, method)})


def _by_deal(source: Source, query: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in source.records(query):
        groups[row["deal_id"]].append(row)
    return groups


def _players(
    source: Source, credits_: list[dict[str, Any]], players: list[dict[str, Any]], partners: dict[str, Partner]
) -> tuple[PlayerCredit, ...]:
    lead = {row["partner_id"]: row for row in credits_ if row["method"] == source.method}
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for row in credits_:
        if row["share"] is not None:
            shares[row["partner_id"]][row["method"]] = row["share"] / NANO
    names = {row["partner_id"] for row in [*credits_, *players]}
    order = sorted(names, key=lambda p: (p != DIRECT, -_nano(lead.get(p), "win"), _named(p, partners).name, p))
    return tuple(_player(p, lead.get(p), shares[p], partners) for p in order)


def _player(
    identifier: str, lead: dict[str, Any] | None, shares: dict[str, float], partners: dict[str, Partner]
) -> PlayerCredit:
    partner = _named(identifier, partners)
    has_money = lead is not None and lead["cents"] is not None
    return PlayerCredit(
        partner_id=identifier,
        name="Own team" if identifier == DIRECT else partner.name,
        is_own=identifier == DIRECT,
        anchor=partner.anchor,
        credit=_nano(lead, "win"),
        share=_nano(lead, "share"),
        money=Money(((lead["unit"], lead["cents"]),)) if lead and has_money else Money(),
        by_method=shares,
        grade="" if lead is None else lead["grade"] or "",
        interval=None
        if lead is None or lead["win_lo"] is None
        else Interval(_nano(lead, "win_lo"), _nano(lead, "win_hi")),
    )


def _told(
    players: tuple[PlayerCredit, ...], evidence: dict[str, tuple[Evidence, ...]], partners: dict[str, Partner]
) -> tuple[PartnerEvidence, ...]:
    """Evidence beside each partner's share, and of partners without a touch on the deal after them."""
    present = [player for player in players if not player.is_own]
    known = {player.partner_id for player in present}
    told = [_beside(p.name, p.anchor, p.share, evidence.get(p.partner_id, ()), grade=p.grade) for p in present]
    for identifier in sorted(evidence.keys() - known):
        partner = _named(identifier, partners)
        told.append(_beside(partner.name, partner.anchor, 0.0, evidence[identifier], has_touch=False))
    return tuple(told)


def _beside(
    name: str, anchor: str, share: float, rows: tuple[Evidence, ...], *, has_touch: bool = True, grade: str = ""
) -> PartnerEvidence:
    return PartnerEvidence(name, anchor, share, rows[:SHOWN], max(0, len(rows) - SHOWN), has_touch, grade)


def _nano(row: dict[str, Any] | None, column: str) -> float:
    return 0.0 if row is None or row[column] is None else row[column] / NANO


def _named(identifier: str, partners: dict[str, Partner]) -> Partner:
    return partners.get(identifier, Partner(identifier, identifier))


def _lanes(touches: list[dict[str, Any]], partners: dict[str, Partner]) -> tuple[Lane, ...]:
    groups: dict[str, list[Touch]] = defaultdict(list)
    for row in touches:
        groups[row["partner_id"] or DIRECT].append(
            Touch(
                row["kind"],
                row["journey_stage"] or "",
                row["occurred_at"],
                row["recorded_at"],
                late=row["late"],
                after_close=row["after_close"],
            )
        )
    order = sorted(groups, key=lambda p: (p != DIRECT, groups[p][0].occurred_at, p))
    lanes = []
    for identifier in order:
        partner, is_own = _named(identifier, partners), identifier == DIRECT
        name = "Own team" if is_own else partner.name
        lanes.append(Lane(name, is_own, "" if is_own else partner.anchor, tuple(groups[identifier])))
    return tuple(lanes)


def _drivers(source: Source, workspace: Workspace) -> dict[str, tuple[Driver, ...]]:
    folder = workspace.results / "drivers.parquet"
    files = [folder] if folder.is_file() else sorted(folder.glob("*.parquet"))
    usable = [str(file) for file in files if _has_columns(file)]
    if not usable:
        return {}
    partners = partner_labels(source)
    drivers: dict[str, list[Driver]] = defaultdict(list)
    for row in source.records(_DRIVERS, {"files": usable, "top": MOST_DRIVERS}):
        player = "Own team" if row["partner_id"] == DIRECT else partners.get(row["partner_id"], row["partner_id"])
        drivers[row["deal_id"]].append(Driver(player, row["feature"], row["contribution"]))
    return {identifier: tuple(rows) for identifier, rows in drivers.items()}


def partner_labels(source: Source) -> dict[str, str]:
    """Names of the partners by id, as the `partners` table has them."""
    return {
        row["partner_id"]: row["name"] or row["partner_id"]
        for row in source.records("SELECT partner_id, name FROM partners")
    }


def _has_columns(file: Path) -> bool:
    return set(DRIVER_COLUMNS) <= set(pq.read_schema(file).names)
