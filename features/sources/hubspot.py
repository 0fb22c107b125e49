"""A HubSpot export: one file per object and association, as a pipeline tool or the API's own property names have it.

Properties may carry ``property_`` before their name or not; times are ISO or milliseconds since 1970. Partners are the
companies whose ``type`` is PARTNER, RESELLER or the like; what their people did, or what is logged on them, is theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from features.sources import hubspot_touches
from features.sources.objects import is_true, on_utc, staged_objects, trimmed, with_unread
from features.sources.partner_words import is_partner_type, partner_type
from features.sources.sqltext import literal

__all__ = ["canonical"]

_LIVE: Final = ("isdeleted", "fivetrandeleted", "archived")
OBJECTS: Final = {
    "deal": (
        *("dealid", "id", "hsobjectid", "dealpipelineid", "pipeline", "dealpipelinestageid", "dealstage", "ownerid"),
        *("hubspotownerid", "dealname", "amount", "dealcurrencycode", "closedate", "createdate", "dealtype"),
        *("hsisclosed", "hsisclosedwon", "hsanalyticssource", *_LIVE),
    ),
    "dealstage": ("dealid", "value", "dateentered", "fivetranstart"),
    "dealpipeline": ("pipelineid", "label"),
    "dealpipelinestage": ("stageid", "label", "isclosed", "closedwon", "probability"),
    "dealcompany": ("dealid", "companyid", "typeid"),
    "company": ("id", "companyid", "hsobjectid", "name", "type", "industry", "country", "domain", *_LIVE),
    "contact": (
        *("id", "contactid", "hsobjectid", "email", "firstname", "lastname", "associatedcompanyid", "jobfunction"),
        *_LIVE,
    ),
    "contactcompany": ("contactid", "companyid"),
    "owner": ("ownerid", "id", "email", "firstname", "lastname", *_LIVE),
    "mergeddeal": ("dealid", "mergeddealid"),
    **hubspot_touches.OBJECTS,
}
"""The objects that are read and their columns, folded."""

_FED: Final = {
    **dict.fromkeys(("deal", "dealpipeline", "dealpipelinestage", "dealcompany", "mergeddeal"), "deals"),
    "dealstage": "stage_history",
    "company": "partners",
    **dict.fromkeys(("contact", "contactcompany", "owner"), "contacts"),
    **dict.fromkeys(hubspot_touches.OBJECTS, "touchpoints"),
}
_NEEDED: Final = {
    "dealpipeline": ("pipelineid",),
    "dealpipelinestage": ("stageid",),
    "dealcompany": ("dealid", "companyid"),
    "contactcompany": ("contactid", "companyid"),
    "mergeddeal": ("dealid", "mergeddealid"),
    **hubspot_touches.NEEDED,
}

_PRIMARY_COMPANY: Final = "5"
_DELETED: Final = "deleted in HubSpot"
_DEAL: Final = "coalesce(d.dealid, d.id, d.hsobjectid)"
_COMPANY: Final = "coalesce(c.companyid, c.id, c.hsobjectid)"
_CONTACT: Final = "coalesce(c.contactid, c.id, c.hsobjectid)"


def canonical(con: duckdb.DuckDBPyConnection, path: Path, staging: Path) -> dict[str, str]:
    """Canonical table name to a SQL query over views in ``con``, for the tables that the export has rows for.

    ``path`` is the folder of the export. Each query gives text columns, ``_file``, ``_line`` and ``_fault`` (null, or
    why the row cannot be used: deleted in HubSpot, merged into another deal, not on a deal, ...).

    Raises ``SourceError`` when there is no file named after an object, or one cannot be used.
    """
    found = staged_objects(con, path, staging, OBJECTS, system="hubspot", prefixes=("hubspot",), needed=_NEEDED)
    _register_known(con)
    queries = {
        "deals": (_deals(), {"deal"}),
        "stage_history": (_stage_history(), {"dealstage"}),
        "partners": (_partners(), {"company"}),
        "contacts": (_contacts(), {"contact", "owner"}),
        "touchpoints": (hubspot_touches.query(), set(hubspot_touches.KINDS)),
    }
    readable = {table: query for table, (query, objects) in queries.items() if objects & found}
    return with_unread(con, readable, _FED, "hubspot")


def _register_known(con: duckdb.DuckDBPyConnection) -> None:
    """Small tables that the others look things up in: merges, stages, partners, people, deals and their stages."""
    for table, query in {
        "hubspot_moved": _moved(),
        "hubspot_labels": _labels(),
        "hubspot_partners": _known_partners(),
        "hubspot_people": _known_people(),
        "hubspot_deals": f"SELECT deal_id, outcome, TRY_CAST(closed_at AS TIMESTAMPTZ) AS closed_at FROM ({_deals()}) "
        "WHERE _fault IS NULL",
        "hubspot_stages": f"SELECT deal_id, stage, TRY_CAST(entered_at AS TIMESTAMPTZ) AS entered_at "
        f"FROM ({_stage_history()}) WHERE _fault IS NULL AND TRY_CAST(entered_at AS TIMESTAMPTZ) IS NOT NULL",
    }.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")


def _unusable(alias: str) -> str:
    deleted = " OR ".join(is_true(f"{alias}.{column}") for column in _LIVE)
    return f"CASE WHEN {deleted} THEN {literal(_DELETED)} END"


def _moved() -> str:
    """Merged deal to the deal that took it over in the end."""
    return (
        "WITH RECURSIVE steps(old, new, depth) AS (SELECT mergeddealid, dealid, 1 FROM hubspot_mergeddeal "
        "WHERE mergeddealid <> dealid UNION ALL SELECT s.old, m.dealid, s.depth + 1 FROM steps AS s "
        "JOIN hubspot_mergeddeal AS m ON m.mergeddealid = s.new WHERE s.depth < 20 AND m.dealid <> s.old) "
        "SELECT old, max_by(new, depth) AS new FROM steps GROUP BY old"
    )


def _labels() -> str:
    """Stage id to its label and to whether a deal in it is won, lost or open."""
    outcome = (
        f"CASE WHEN {is_true('closedwon')} THEN 'won' WHEN {is_true('isclosed')} THEN 'lost' "
        "WHEN isclosed IS NOT NULL THEN 'open' WHEN TRY_CAST(probability AS DOUBLE) = 1 THEN 'won' "
        "WHEN TRY_CAST(probability AS DOUBLE) = 0 THEN 'lost' ELSE 'open' END"
    )
    return (
        f"SELECT stageid, coalesce(min(label), stageid) AS label, min({outcome}) AS outcome "
        "FROM hubspot_dealpipelinestage WHERE stageid IS NOT NULL GROUP BY stageid"
    )


def _known_partners() -> str:
    return (
        f"SELECT DISTINCT {_COMPANY} AS partner_id FROM hubspot_company AS c "
        f"WHERE {is_partner_type('c.type')} AND {_COMPANY} IS NOT NULL"
    )


def _known_people() -> str:
    companies = (
        f"SELECT {_CONTACT} AS contact_id, c.associatedcompanyid AS company_id FROM hubspot_contact AS c "
        "UNION ALL SELECT contactid, companyid FROM hubspot_contactcompany"
    )
    return (
        "SELECT contact_id, min(p.partner_id) AS partner_id, min(company_id) AS company_id "
        f"FROM ({companies}) AS c LEFT JOIN hubspot_partners AS p ON p.partner_id = c.company_id "
        "WHERE contact_id IS NOT NULL GROUP BY contact_id"
    )


def _deals() -> str:
    """A deal's account is its primary company, else another that is no partner; without one it stands for itself."""
    account = (
        "SELECT dealid, min_by(companyid, (typeid IS DISTINCT FROM "
        f"{literal(_PRIMARY_COMPANY)})::INTEGER::VARCHAR || companyid) AS company_id FROM hubspot_dealcompany "
        "WHERE companyid NOT IN (SELECT partner_id FROM hubspot_partners) GROUP BY dealid"
    )
    companies = (
        f"SELECT {_COMPANY} AS id, min(industry) AS industry, min(country) AS country "
        "FROM hubspot_company AS c GROUP BY 1"
    )
    merged = "CASE WHEN m.new IS NOT NULL THEN 'merged into another deal: ' || m.new END"
    return (
        f"SELECT {_DEAL} AS deal_id, coalesce(a.company_id, 'deal-' || {_DEAL}) AS account_id, d.dealname AS name, "
        "'owner-' || coalesce(d.ownerid, d.hubspotownerid) AS owner_id, c.industry, c.country AS region, "
        f"{_deal_type()} AS deal_type, d.hsanalyticssource AS source, d.amount, d.dealcurrencycode AS currency, "
        f"{on_utc('d.createdate')} AS created_at, {_closed_at()} AS closed_at, {_outcome()} AS outcome, "
        "coalesce(s.label, d.dealpipelinestageid, d.dealstage) AS stage, coalesce(p.label, d.dealpipelineid, "
        f"d.pipeline) AS x_pipeline, d._file, d._line, coalesce({_unusable('d')}, {merged}) AS _fault "
        "FROM hubspot_deal AS d "
        "LEFT JOIN hubspot_labels AS s ON s.stageid = coalesce(d.dealpipelinestageid, d.dealstage) "
        "LEFT JOIN (SELECT pipelineid, min(label) AS label FROM hubspot_dealpipeline GROUP BY 1) AS p "
        "ON p.pipelineid = coalesce(d.dealpipelineid, d.pipeline) "
        f"LEFT JOIN hubspot_moved AS m ON m.old = {_DEAL} LEFT JOIN ({account}) AS a ON a.dealid = {_DEAL} "
        f"LEFT JOIN ({companies}) AS c ON c.id = a.company_id"
    )


def _outcome() -> str:
    """By the deal's own flags, else by its stage; HubSpot's default stages are called closedwon and closedlost."""
    return (
        f"CASE WHEN {is_true('d.hsisclosedwon')} THEN 'won' WHEN {is_true('d.hsisclosed')} THEN 'lost' "
        "WHEN d.hsisclosed IS NOT NULL THEN 'open' WHEN s.outcome IS NOT NULL THEN s.outcome "
        "WHEN coalesce(d.dealpipelinestageid, d.dealstage) = 'closedwon' THEN 'won' "
        "WHEN coalesce(d.dealpipelinestageid, d.dealstage) = 'closedlost' THEN 'lost' ELSE 'open' END"
    )


def _closed_at() -> str:
    """The close date of a closed deal; a date without a time of day is the end of that day."""
    day = "regexp_replace(d.closedate, '[T ]0?0:00(:00(\\.0+)?)?Z?$', '')"
    return f"CASE WHEN {_outcome()} <> 'open' THEN {on_utc(day, time='23:59:59')} END"


def _deal_type() -> str:
    said = "lower(coalesce(d.dealtype, ''))"
    return (
        f"CASE WHEN contains({said}, 'renew') THEN 'renewal' "
        f"WHEN regexp_matches({said}, 'exist|expan|upsell|cross|upgrade') THEN 'expansion' ELSE 'new' END"
    )


def _stage_history() -> str:
    return (
        "SELECT coalesce(m.new, h.dealid) AS deal_id, coalesce(s.label, h.value) AS stage, "
        f"{on_utc('coalesce(h.dateentered, h.fivetranstart)')} AS entered_at, h._file, h._line, "
        "CAST(NULL AS VARCHAR) AS _fault FROM hubspot_dealstage AS h "
        "LEFT JOIN hubspot_labels AS s ON s.stageid = h.value LEFT JOIN hubspot_moved AS m ON m.old = h.dealid"
    )


def _partners() -> str:
    domain = "regexp_extract(lower(c.domain), '^(?:[a-z]+://)?(?:www\\.)?([^/:?#]+)', 1)"
    return (
        f"SELECT {_COMPANY} AS partner_id, coalesce(c.name, {_COMPANY}) AS name, {partner_type('NULL', 'c.type')} AS "
        f"partner_type, {trimmed(domain)} AS domains, c._file, c._line, {_unusable('c')} AS _fault "
        f"FROM hubspot_company AS c WHERE {_COMPANY} IS NULL OR {_COMPANY} IN (SELECT partner_id FROM hubspot_partners)"
    )


def _contacts() -> str:
    people = (
        f"SELECT {_CONTACT} AS contact_id, nullif(concat_ws(' ', c.firstname, c.lastname), '') AS name, c.email, "
        "CASE WHEN w.partner_id IS NULL THEN 'customer' ELSE 'partner' END AS organisation, w.partner_id, "
        "CASE WHEN w.partner_id IS NULL THEN w.company_id END AS account_id, c.jobfunction AS function, c._file, "
        f"c._line, {_unusable('c')} AS _fault FROM hubspot_contact AS c "
        f"LEFT JOIN hubspot_people AS w ON w.contact_id = {_CONTACT}"
    )
    team = (
        "SELECT 'owner-' || coalesce(o.ownerid, o.id) AS contact_id, nullif(concat_ws(' ', o.firstname, o.lastname), "
        f"'') AS name, o.email, 'internal' AS organisation, o._file, o._line, {_unusable('o')} AS _fault "
        "FROM hubspot_owner AS o"
    )
    return f"({people}) UNION ALL BY NAME ({team})"
