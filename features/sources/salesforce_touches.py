"""Touchpoints out of a Salesforce export: activities, partners named on deals, contact roles, campaign responses.

Reads the views ``salesforce_<object>`` and the tables ``salesforce_{deals,named,partners,people,stages}``.
"""

from __future__ import annotations

from typing import Final

from features.sources.journey import journey_stage
from features.sources.objects import is_true, on_utc, snake
from features.sources.reading import value as shown
from features.sources.salesforce_ids import key, unusable
from features.sources.sqltext import literal

__all__ = ["query"]

CAMPAIGN_DAYS: Final = 90
"""A response to a campaign counts for a deal from so many days before the deal's creation until its close."""

_OPPORTUNITY_PREFIX: Final = "006"


def query() -> str:
    """All touchpoints, as text columns with ``_file``, ``_line`` and ``_fault``."""
    parts = " UNION ALL BY NAME ".join(
        f"({part})" for part in (_tasks(), _events(), _registrations(), _contact_roles(), _campaign_responses())
    )
    journey = journey_stage("t.moment", outcome="d.outcome", closed_at="d.closed_at", stage="s.stage")
    stage = (
        f"SELECT t.*, 'salesforce' AS source_system, {journey} AS journey_stage FROM (SELECT *, "
        f"TRY_CAST(occurred_at AS TIMESTAMPTZ) AS moment, {key('deal_id')} AS deal_key FROM ({parts})) AS t "
        "LEFT JOIN salesforce_deals AS d ON d.key = t.deal_key "
        "ASOF LEFT JOIN salesforce_stages AS s ON s.key = t.deal_key AND s.entered_at <= t.moment"
    )
    return f"SELECT * EXCLUDE (moment, deal_key) FROM ({stage})"


def _activity(found: str, kind: str, occurred: str, minutes: str, fault: str) -> str:
    """Activities on opportunities. The partner is the account of the person met, else the one that the record names."""
    custom = [f"custom_{n}.partner_id" for n in range(3)]
    joins = " ".join(
        f"LEFT JOIN salesforce_partners AS custom_{n} ON custom_{n}.key = {key(f'a.{column}')}"
        for n, column in enumerate(("partneraccountc", "cosellpartneraccountc", "referralaccountc"))
    )
    elsewhere = (
        f"CASE WHEN d.deal_id IS NULL AND coalesce(left(a.whatid, 3), '') <> {literal(_OPPORTUNITY_PREFIX)} "
        f"THEN 'not on an opportunity' || {shown(_kept('a.whatid'))} END"
    )
    return (
        "SELECT a.id AS touchpoint_id, coalesce(d.deal_id, a.whatid) AS deal_id, "
        f"coalesce(w.partner_id, {', '.join(custom)}, p.partner_id) AS partner_id, "
        f"coalesce(w.contact_id, a.whoid) AS contact_id, {kind} AS kind, {occurred} AS occurred_at, "
        f"{on_utc('a.createddate')} AS recorded_at, coalesce(a.createdbyid, a.ownerid) AS recorded_by, "
        f"{minutes} AS minutes, a._file, a._line, coalesce({unusable('a')}, {elsewhere}, {fault}) AS _fault "
        f"FROM salesforce_{found} AS a LEFT JOIN salesforce_deals AS d ON d.key = {key('a.whatid')} "
        f"LEFT JOIN salesforce_people AS w ON w.key = {key('a.whoid')} {joins} "
        f"LEFT JOIN salesforce_partners AS p ON p.key = {key('a.accountid')}"
    )


def _kept(text: str) -> str:
    """SQL: a text, or a word for none."""
    return f"coalesce({text}, 'no record')"


def _tasks() -> str:
    """A task's day is that of its activity date; on the day it was entered, the moment of entry is nearer the truth."""
    day = "coalesce(a.activitydate, a.completeddatetime, a.createddate)"
    same_day = f"left({on_utc(day)}, 10) = left({on_utc('a.createddate')}, 10)"
    occurred = f"CASE WHEN {same_day} THEN {on_utc('a.createddate')} ELSE {on_utc(day)} END"
    minutes = "CAST(TRY_CAST(a.calldurationinseconds AS DOUBLE) / 60 AS VARCHAR)"
    undone = (
        "CASE WHEN a.isclosed IS NOT NULL THEN lower(a.isclosed) IN ('false', '0', 'f') "
        "ELSE lower(coalesce(a.status, 'completed')) IN ('not started', 'in progress', 'deferred', "
        "'waiting on someone else', 'open') END"
    )
    fault = f"CASE WHEN {undone} THEN 'the task is not done yet' || {shown(_kept('a.status'))} END"
    kind = f"coalesce({snake('a.type')}, {snake('a.tasksubtype')}, {snake('a.subtype')}, 'task')"
    return _activity("task", kind, occurred, minutes, fault)


def _events() -> str:
    """An event has happened when it is over. Invitees' copies of a group event are not further events."""
    occurred = on_utc("coalesce(a.enddatetime, a.startdatetime, a.activitydatetime, a.activitydate)")
    fault = f"CASE WHEN {is_true('a.ischild')} THEN 'an invitee''s copy of a group event' END"
    kind = f"coalesce({snake('a.type')}, {snake('a.eventsubtype')}, {snake('a.subtype')}, 'event')"
    return _activity("event", kind, occurred, "a.durationinminutes", fault)


def _registrations() -> str:
    return (
        "SELECT n.id AS touchpoint_id, coalesce(d.deal_id, n.opportunityid) AS deal_id, "
        "coalesce(p.partner_id, n.accounttoid) AS partner_id, 'deal_registration' AS kind, "
        f"{snake('n.role')} AS motion, {on_utc('n.createddate')} AS occurred_at, {on_utc('n.createddate')} AS "
        f"recorded_at, n.createdbyid AS recorded_by, n._file, n._line, {unusable('n')} AS _fault "
        "FROM salesforce_named AS n LEFT JOIN salesforce_deals AS d ON d.key = n.opportunity_key "
        "LEFT JOIN salesforce_partners AS p ON p.key = n.partner_key"
    )


def _contact_roles() -> str:
    """A partner's person with a role on the deal. A customer's person with a role is not something anybody did."""
    return (
        "SELECT r.id AS touchpoint_id, coalesce(d.deal_id, r.opportunityid) AS deal_id, w.partner_id, w.contact_id, "
        f"'contact_role' AS kind, {snake('r.role')} AS motion, {on_utc('r.createddate')} AS occurred_at, "
        f"{on_utc('r.createddate')} AS recorded_at, r.createdbyid AS recorded_by, r._file, r._line, "
        f"coalesce({unusable('r')}, {_stranger('r')}) AS _fault FROM salesforce_opportunitycontactrole AS r "
        f"LEFT JOIN salesforce_people AS w ON w.key = {key('r.contactid')} "
        f"LEFT JOIN salesforce_deals AS d ON d.key = {key('r.opportunityid')} "
        "WHERE w.partner_id IS NOT NULL OR w.key IS NULL"
    )


def _stranger(alias: str) -> str:
    """SQL: the fault of a record about a person that the export does not have."""
    who = f"{alias}.contactid"
    return f"CASE WHEN w.key IS NULL THEN 'not about a contact of the export' || {shown(_kept(who))} END"


def _campaign_responses() -> str:
    """Responses to campaigns by people with a role on a deal, in the deal's time; as Salesforce counts influence.

    What leads answered does not count, nor what people without a role did.
    """
    at = "coalesce(m.firstrespondeddate, m.createddate)"
    moment = f"TRY_CAST({on_utc(at)} AS TIMESTAMPTZ)"
    kind = f"'campaign_' || coalesce({snake('c.type')}, 'response')"
    roles = (
        f"SELECT DISTINCT {key('contactid')} AS contact_key, {key('opportunityid')} AS deal_key "
        f"FROM salesforce_opportunitycontactrole AS r WHERE {unusable('r')} IS NULL"
    )
    undated = f"CASE WHEN {moment} IS NULL THEN 'the response has no readable time' || {shown(_kept(at))} END"
    responses = (
        f"SELECT m.*, w.key AS contact_key, w.partner_id, w.contact_id AS person, {moment} AS moment, "
        f"coalesce({unusable('m')}, {_stranger('m')}, {undated}) AS fault FROM salesforce_campaignmember AS m "
        f"LEFT JOIN salesforce_people AS w ON w.key = {key('m.contactid')} "
        f"WHERE (m.hasresponded IS NULL OR {is_true('m.hasresponded')}) "
        "AND (m.contactid IS NOT NULL OR m.leadid IS NULL)"
    )
    times = f"{on_utc(at)} AS occurred_at, {on_utc('m.createddate')} AS recorded_at, m._file, m._line"
    usable = (
        "SELECT m.id || '-' || d.deal_id AS touchpoint_id, d.deal_id, m.partner_id, m.person AS contact_id, "
        f"{kind} AS kind, {times}, CAST(NULL AS VARCHAR) AS _fault FROM ({responses}) AS m "
        f"JOIN ({roles}) AS r USING (contact_key) JOIN salesforce_deals AS d ON d.key = r.deal_key "
        f"LEFT JOIN salesforce_campaign AS c ON {key('c.id')} = {key('m.campaignid')} "
        f"WHERE m.fault IS NULL AND m.moment >= d.created_at - INTERVAL {CAMPAIGN_DAYS} DAY "
        "AND (m.moment <= d.closed_at OR d.closed_at IS NULL)"
    )
    unusable_ones = (
        f"SELECT m.id AS touchpoint_id, {times}, m.fault AS _fault FROM ({responses}) AS m WHERE m.fault IS NOT NULL "
        f"AND (m.contact_key IS NULL OR m.contact_key IN (SELECT contact_key FROM ({roles})))"
    )
    return f"({usable}) UNION ALL BY NAME ({unusable_ones})"
