"""A Salesforce export: data-loader CSVs named after their objects, or the same objects as a pipeline tool loads them.

Files and columns are found whatever their capitals and underscores (``OpportunityContactRole.csv``,
``sf_opportunity_data.csv``; ``CloseDate``, ``close_date``). Custom fields are read where their name is that of a
canonical column: ``Region__c``, ``Segment__c``, ``Solution__c``, ``Route__c``, ``Fx_Rate__c``, ``Partner_Type__c``,
``Partner_Tier__c``. The same record may carry its id with 15 or 18 characters; ids are compared on the first 15.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from features.sources import salesforce_touches
from features.sources.objects import is_true, on_utc, snake, staged_objects, trimmed, with_unread
from features.sources.partner_words import is_partner_type, partner_type
from features.sources.salesforce_ids import DELETED, key, unusable
from features.sources.sqltext import literal, text_list
from features.tables import ROUTES

__all__ = ["canonical"]

_CUSTOM_PARTNERS: Final = ("partneraccountc", "cosellpartneraccountc", "referralaccountc")
_LIVE: Final = ("isdeleted", "fivetrandeleted", "fivetranactive")
_ACTIVITY: Final = (
    *("id", "whatid", "whoid", "accountid", "ownerid", "type", "subtype", "status", "isclosed", "activitydate"),
    *("createddate", "createdbyid", *_CUSTOM_PARTNERS, *_LIVE),
)
OBJECTS: Final = {
    "opportunity": (
        *("id", "accountid", "name", "ownerid", "stagename", "amount", "currencyisocode", "createddate", "closedate"),
        *("isclosed", "iswon", "type", "leadsource", "campaignid", "segmentc", "regionc", "solutionc", "routec"),
        *("fxratec", "industryc", *_LIVE),
    ),
    "opportunityhistory": (
        *("id", "opportunityid", "stagename", "createddate", "fivetranstart", "isdeleted", "fivetrandeleted"),
    ),
    "account": (
        *("id", "name", "type", "ispartner", "industry", "website", "parentid", "billingcountry", "segmentc"),
        *("regionc", "partnertypec", "partnertierc", *_LIVE),
    ),
    "contact": ("id", "accountid", "name", "firstname", "lastname", "email", "department", *_LIVE),
    "user": ("id", "name", "firstname", "lastname", "email", "department", *_LIVE),
    "partner": ("id", "opportunityid", "accounttoid", "role", "createddate", "createdbyid", *_LIVE),
    "opportunitypartner": ("id", "opportunityid", "accounttoid", "role", "createddate", "createdbyid", *_LIVE),
    "opportunitycontactrole": ("id", "opportunityid", "contactid", "role", "createddate", "createdbyid", *_LIVE),
    "task": (*_ACTIVITY, "tasksubtype", "completeddatetime", "calldurationinseconds"),
    "event": (
        *(*_ACTIVITY, "eventsubtype", "ischild", "startdatetime", "enddatetime", "activitydatetime"),
        "durationinminutes",
    ),
    "campaign": ("id", "type", "name", *_LIVE),
    "campaignmember": (
        *("id", "campaignid", "contactid", "leadid", "hasresponded", "firstrespondeddate", "createddate", *_LIVE),
    ),
}
"""The objects that are read and their columns, folded."""

_FED: Final = {
    "opportunity": "deals",
    "opportunityhistory": "stage_history",
    "account": "partners",
    **dict.fromkeys(("contact", "user"), "contacts"),
    **dict.fromkeys(("partner", "opportunitypartner", "opportunitycontactrole", "task", "event"), "touchpoints"),
    **dict.fromkeys(("campaign", "campaignmember"), "touchpoints"),
}
_NEEDED: Final = {"account": ("id",), "campaign": ("id",)}

_CLOSED_STAGES: Final = {"won": "closed won", "lost": "closed lost"}


def canonical(con: duckdb.DuckDBPyConnection, path: Path, staging: Path) -> dict[str, str]:
    """Canonical table name to a SQL query over views in ``con``, for the tables that the export has rows for.

    ``path`` is the folder of the export. Each query gives text columns, ``_file``, ``_line`` and ``_fault`` (null, or
    why the row cannot be used: deleted in Salesforce, an activity that is not on an opportunity, ...).

    Raises ``SourceError`` when there is no file named after an object, or one cannot be used.
    """
    found = staged_objects(
        con, path, staging, OBJECTS, system="salesforce", prefixes=("sf", "salesforce"), needed=_NEEDED
    )
    _register_known(con)
    queries = {
        "deals": (_deals(), {"opportunity"}),
        "stage_history": (_stage_history(), {"opportunityhistory"}),
        "partners": (_partners(), {"account", "opportunitypartner", "partner"}),
        "contacts": (_contacts(), {"contact", "user"}),
        "touchpoints": (
            salesforce_touches.query(),
            {"task", "event", "opportunitypartner", "partner", "opportunitycontactrole", "campaignmember"},
        ),
    }
    readable = {table: query for table, (query, objects) in queries.items() if objects & found}
    return with_unread(con, readable, _FED, "salesforce")


def _register_known(con: duckdb.DuckDBPyConnection) -> None:
    """Small tables that the others look things up in: deals, named partners, partner accounts, people and stages."""
    for table, query in {
        "salesforce_deals": _known_deals(),
        "salesforce_named": _named_partners(),
        "salesforce_partners": _known_partners(),
        "salesforce_people": _known_people(),
        "salesforce_stages": _known_stages(),
    }.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")


def _outcome(deal: str) -> str:
    won = f"lower({deal}.stagename) = {literal(_CLOSED_STAGES['won'])}"
    lost = f"lower({deal}.stagename) = {literal(_CLOSED_STAGES['lost'])}"
    return (
        f"CASE WHEN {deal}.isclosed IS NULL THEN CASE WHEN {won} THEN 'won' WHEN {lost} THEN 'lost' ELSE 'open' END "
        f"WHEN NOT {is_true(f'{deal}.isclosed')} THEN 'open' WHEN {is_true(f'{deal}.iswon')} THEN 'won' ELSE 'lost' END"
    )


def _closed_at(deal: str) -> str:
    """The end of the close date, so that what happens on the day of the close comes before the close."""
    day = f"regexp_replace({deal}.closedate, '[T ]00:00(:00(\\.0+)?)?(Z|\\+0000)?$', '')"
    return f"CASE WHEN {_outcome(deal)} <> 'open' THEN {on_utc(day, time='23:59:59')} END"


def _utc(moment: str) -> str:
    return f"strftime(timezone('UTC', {moment}), '%Y-%m-%dT%H:%M:%S.%fZ')"


def _known_deals() -> str:
    return (
        f"SELECT {key('o.id')} AS key, min(o.id) AS deal_id, min({key('o.accountid')}) AS account_key, "
        f"min(TRY_CAST({on_utc('o.createddate')} AS TIMESTAMPTZ)) AS created_at, "
        f"min(TRY_CAST({_closed_at('o')} AS TIMESTAMPTZ)) AS closed_at, min({_outcome('o')}) AS outcome, "
        "min(o.stagename) AS stage "
        f"FROM salesforce_opportunity AS o WHERE o.id IS NOT NULL AND {unusable('o')} IS NULL GROUP BY 1"
    )


def _named_partners() -> str:
    """A row per opportunity and partner account that was named on it: the two objects hold the same fact twice.

    Salesforce makes OpportunityPartner rows out of Partner rows; the reverse rows of a relation name the customer.
    """
    columns = (
        "id, opportunityid, accounttoid, role, createddate, createdbyid, isdeleted, fivetrandeleted, fivetranactive"
    )
    both = " UNION ALL ".join(
        f"SELECT {number} AS source, {columns}, _file, _line FROM salesforce_{found}"
        for number, found in enumerate(("opportunitypartner", "partner"))
    )
    faulty = "(n.opportunityid IS NULL OR n.accounttoid IS NULL)"
    twins = f"CASE WHEN {faulty} THEN n._file || n._line ELSE '' END, n.opportunity_key, n.partner_key"
    return (
        f"SELECT * FROM (SELECT *, {key('opportunityid')} AS opportunity_key, {key('accounttoid')} AS partner_key "
        f"FROM ({both})) AS n WHERE (n.opportunityid IS NOT NULL OR n.source = 0) AND NOT EXISTS "
        "(SELECT 1 FROM salesforce_deals AS d WHERE d.key = n.opportunity_key AND d.account_key = n.partner_key) "
        f"QUALIFY row_number() OVER (PARTITION BY {twins} ORDER BY {unusable('n')} IS NOT NULL, n.source, n.id, "
        "n._line) = 1"
    )


def _known_partners() -> str:
    """The accounts that are partners: by their flag or type, or because a deal or an activity names them as one."""
    says_so = f"{is_true('ispartner')} OR {is_partner_type('type')}"
    flagged = f"SELECT {key('id')} AS key, id FROM salesforce_account WHERE {says_so}"
    named = f"SELECT partner_key, accounttoid FROM salesforce_named AS n WHERE {unusable('n')} IS NULL"
    custom = " UNION ALL ".join(
        f"SELECT {key(column)}, {column} FROM salesforce_{found}"
        for found in ("task", "event")
        for column in _CUSTOM_PARTNERS
    )
    accounts = f"SELECT {key('id')} AS key, min(id) AS id FROM salesforce_account GROUP BY 1"
    return (
        f"SELECT p.key, coalesce(min(a.id), min(p.id)) AS partner_id FROM ({flagged} UNION ALL {named} UNION ALL "
        f"{custom}) AS p LEFT JOIN ({accounts}) AS a USING (key) WHERE p.key IS NOT NULL GROUP BY p.key"
    )


def _known_people() -> str:
    return (
        f"SELECT {key('c.id')} AS key, min(c.id) AS contact_id, min(p.partner_id) AS partner_id "
        f"FROM salesforce_contact AS c LEFT JOIN salesforce_partners AS p ON p.key = {key('c.accountid')} "
        "WHERE c.id IS NOT NULL GROUP BY 1"
    )


def _known_stages() -> str:
    return (
        f"SELECT {key('s.deal_id')} AS key, s.stage, TRY_CAST(s.entered_at AS TIMESTAMPTZ) AS entered_at "
        f"FROM ({_stage_history()}) AS s WHERE s._fault IS NULL AND TRY_CAST(s.entered_at AS TIMESTAMPTZ) IS NOT NULL"
    )


def _deals() -> str:
    account = (
        f"SELECT {key('id')} AS key, min(id) AS id, min(industry) AS industry, min(segmentc) AS segmentc, "
        "min(regionc) AS regionc, min(billingcountry) AS billingcountry FROM salesforce_account GROUP BY 1"
    )
    route = snake("o.routec")
    return (
        "SELECT o.id AS deal_id, coalesce(a.id, o.accountid) AS account_id, o.name, o.ownerid AS owner_id, "
        "coalesce(o.segmentc, a.segmentc) AS segment, coalesce(o.industryc, a.industry) AS industry, "
        f"coalesce(o.regionc, a.regionc, a.billingcountry) AS region, {_deal_type()} AS deal_type, "
        f"o.leadsource AS source, o.solutionc AS solution, CASE WHEN {route} IN ({text_list(ROUTES)}) THEN {route} END "
        f"AS route, o.amount, o.currencyisocode AS currency, o.fxratec AS fx_rate, {on_utc('o.createddate')} AS "
        f"created_at, {_closed_at('o')} AS closed_at, {_outcome('o')} AS outcome, o.stagename AS stage, o._file, "
        f"o._line, {unusable('o')} AS _fault FROM salesforce_opportunity AS o "
        f"LEFT JOIN ({account}) AS a ON a.key = {key('o.accountid')}"
    )


def _deal_type() -> str:
    """New unless the type says otherwise; Salesforce's own list has New Customer and kinds of Existing Customer."""
    said = "lower(coalesce(o.type, ''))"
    return (
        f"CASE WHEN regexp_matches({said}, 'renew') THEN 'renewal' "
        f"WHEN regexp_matches({said}, 'exist|upgrade|replace|downgrade|expan|upsell|up-sell|cross|add.?on') "
        "THEN 'expansion' ELSE 'new' END"
    )


def _stage_history() -> str:
    """A row per entry of a stage. History rows that only change another field, as the amount, are no entry.

    A slowly changing table has the opportunity's own id and the time from which the version holds; its first version
    of an opportunity holds from the opportunity's creation. The stage in which a closed deal ended is entered at its
    close, even where somebody set it on the morning of that day: before the close it would give the outcome away.
    """
    entered = on_utc(
        "coalesce(CASE WHEN h.fivetranstart IS NOT NULL AND r = 1 THEN least(h.createddate, "
        "h.fivetranstart) ELSE h.fivetranstart END, h.createddate)"
    )
    deal = "coalesce(h.opportunityid, h.id)"
    order = "ORDER BY coalesce(fivetranstart, createddate), _line"
    deleted = f"{is_true('isdeleted')} OR {is_true('fivetrandeleted')}"
    window = f"PARTITION BY {key('coalesce(opportunityid, id)')}, deleted {order}"
    numbered = (
        f"SELECT *, row_number() OVER w AS r, lag(stagename) OVER w AS before FROM "
        f"(SELECT *, {deleted} AS deleted FROM salesforce_opportunityhistory) WINDOW w AS ({window})"
    )
    closing = (
        f"CASE WHEN h.stagename = d.stage AND TRY_CAST({entered} AS TIMESTAMPTZ) < d.closed_at "
        f"THEN {_utc('d.closed_at')} ELSE {entered} END"
    )
    return (
        f"SELECT coalesce(d.deal_id, {deal}) AS deal_id, h.stagename AS stage, {closing} AS entered_at, h._file, "
        f"h._line, CASE WHEN h.deleted THEN {literal(DELETED)} END AS _fault FROM ({numbered}) AS h "
        f"LEFT JOIN salesforce_deals AS d ON d.key = {key(deal)} "
        f"WHERE h.before IS NULL OR h.stagename IS NULL OR h.stagename <> h.before OR {deal} IS NULL"
    )


def _partners() -> str:
    role = "SELECT partner_key AS key, min(role) AS role FROM salesforce_named GROUP BY 1"
    said = snake("a.partnertypec")
    website = "regexp_extract(lower(a.website), '^(?:[a-z]+://)?(?:www\\.)?([^/:?#]+\\.[^/:?#]+)', 1)"
    accounts = (
        f"SELECT p.partner_id, a.name, {partner_type(said, 'a.type', 'r.role')} AS partner_type, "
        f"a.partnertierc AS tier, parent.partner_id AS parent_id, {trimmed(website)} AS domains, a._file, a._line, "
        f"{unusable('a')} AS _fault FROM salesforce_account AS a JOIN salesforce_partners AS p "
        f"ON p.key = {key('a.id')} LEFT JOIN ({role}) AS r USING (key) "
        f"LEFT JOIN salesforce_partners AS parent ON parent.key = {key('a.parentid')}"
    )
    # A partner that a deal names but whose account was not exported goes by its id.
    unnamed = (
        f"SELECT p.partner_id, p.partner_id AS name, {partner_type('NULL', 'NULL', 'min(n.role)')} AS partner_type, "
        "min(n._file) AS _file, min(n._line) AS _line, CAST(NULL AS VARCHAR) AS _fault FROM salesforce_named AS n "
        f"JOIN salesforce_partners AS p ON p.key = n.partner_key WHERE {unusable('n')} IS NULL AND NOT EXISTS "
        f"(SELECT 1 FROM salesforce_account AS a WHERE {key('a.id')} = p.key) GROUP BY p.partner_id"
    )
    return f"({accounts}) UNION ALL BY NAME ({unnamed})"


def _contacts() -> str:
    full_name = "coalesce({0}.name, nullif(concat_ws(' ', {0}.firstname, {0}.lastname), ''))"
    people = (
        f"SELECT c.id AS contact_id, {full_name.format('c')} AS name, c.email, "
        "CASE WHEN p.partner_id IS NULL THEN 'customer' ELSE 'partner' END AS organisation, p.partner_id, "
        "CASE WHEN p.partner_id IS NULL THEN c.accountid END AS account_id, c.department AS function, c._file, "
        f"c._line, {unusable('c')} AS _fault FROM salesforce_contact AS c "
        f"LEFT JOIN salesforce_partners AS p ON p.key = {key('c.accountid')}"
    )
    team = (
        f"SELECT u.id AS contact_id, {full_name.format('u')} AS name, u.email, 'internal' AS organisation, "
        f"u.department AS function, u._file, u._line, {unusable('u')} AS _fault FROM salesforce_user AS u"
    )
    return f"({people}) UNION ALL BY NAME ({team})"
