"""Touchpoints out of a HubSpot export: its engagements, through the tables that tie them to deals and people.

Reads the views ``hubspot_<object>`` and the tables ``hubspot_{deals,stages,moved,partners,people}``.
"""

from __future__ import annotations

from typing import Final

from features.sources.journey import journey_stage
from features.sources.objects import is_true, on_utc, snake
from features.sources.reading import value as shown

__all__ = ["KINDS", "NEEDED", "OBJECTS", "query"]

_COMMON: Final = (
    *("engagementid", "id", "hsobjectid", "hstimestamp", "timestamp", "hscreatedate", "createdate", "createdat"),
    *("hubspotownerid", "ownerid", "hsactivitytype", "isdeleted", "fivetrandeleted", "archived"),
)
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "engagementcall": ("hscallduration", "durationmilliseconds"),
    "engagementemail": (),
    "engagementmeeting": ("starttime", "endtime", "hsmeetingstarttime", "hsmeetingendtime", "hsmeetingoutcome"),
    "engagementnote": (),
    "engagementtask": ("hstaskstatus", "status", "hstaskcompletiondate", "completiondate"),
    "engagementcommunication": ("hscommunicationchanneltype",),
}
KINDS: Final = tuple(_OWN)
"""The objects that hold engagements."""

NEEDED: Final = {
    "engagementdeal": ("dealid", "engagementid"),
    "engagementcontact": ("contactid", "engagementid"),
    "engagementcompany": ("companyid", "engagementid"),
}
"""The objects that tie engagements to others, and the columns that each of their rows needs."""

OBJECTS: Final = {found: (*_COMMON, *columns) for found, columns in _OWN.items()} | NEEDED
"""The objects that are read and their columns, folded."""

_ID: Final = "coalesce(e.engagementid, e.id, e.hsobjectid)"


def query() -> str:
    """All touchpoints, as text columns with ``_file``, ``_line`` and ``_fault``.

    An engagement is a touchpoint of each deal that it is tied to, and of each partner whose people took part or that
    it is logged on; of the own team when there is none. One that is tied to no deal is rejected.
    """
    engagements = " UNION ALL BY NAME ".join(f"({_engagements(found)})" for found in KINDS)
    journey = journey_stage("e.moment", outcome="d.outcome", closed_at="d.closed_at", stage="s.stage")
    homeless = f"CASE WHEN l.deal_id IS NULL THEN 'not on a deal' || {shown('e.engagement_id')} END"
    return (
        "SELECT concat_ws('-', e.engagement_id, l.deal_id, p.partner_id) AS touchpoint_id, l.deal_id, p.partner_id, "
        f"w.contact_id, e.kind, {journey} AS journey_stage, e.occurred_at, e.recorded_at, e.recorded_by, "
        f"'hubspot' AS source_system, e.minutes, e._file, e._line, coalesce(e._fault, {homeless}) AS _fault "
        f"FROM (SELECT *, TRY_CAST(occurred_at AS TIMESTAMPTZ) AS moment FROM ({engagements})) AS e "
        f"LEFT JOIN ({_deals()}) AS l ON l.engagementid = e.engagement_id "
        f"LEFT JOIN ({_partners()}) AS p ON p.engagementid = e.engagement_id "
        f"LEFT JOIN ({_people()}) AS w ON w.engagementid = e.engagement_id "
        "AND w.partner_id IS NOT DISTINCT FROM p.partner_id "
        "LEFT JOIN hubspot_deals AS d ON d.deal_id = l.deal_id "
        "ASOF LEFT JOIN hubspot_stages AS s ON s.deal_id = l.deal_id AND s.entered_at <= e.moment"
    )


def _engagements(found: str) -> str:
    recorded = on_utc("coalesce(e.hscreatedate, e.createdate, e.createdat)")
    deleted = " OR ".join(is_true(f"e.{column}") for column in ("isdeleted", "fivetrandeleted", "archived"))
    faults = [f"CASE WHEN {deleted} THEN 'deleted in HubSpot' END", *_own_faults(found)]
    kind = f"coalesce({snake('e.hsactivitytype')}, {_channel(found)}, '{found.removeprefix('engagement')}')"
    return (
        f"SELECT {_ID} AS engagement_id, {kind} AS kind, {on_utc(_moment(found))} AS occurred_at, {recorded} AS "
        f"recorded_at, 'owner-' || coalesce(e.hubspotownerid, e.ownerid) AS recorded_by, {_minutes(found)} AS minutes, "
        f"e._file, e._line, coalesce({', '.join(faults)}) AS _fault FROM hubspot_{found} AS e"
    )


def _channel(found: str) -> str:
    return snake("e.hscommunicationchanneltype") if found == "engagementcommunication" else "CAST(NULL AS VARCHAR)"


def _moment(found: str) -> str:
    """When it happened, not when it was logged: a meeting when it ends, a task when it was done."""
    stamp = "e.hstimestamp, e.timestamp"
    if found == "engagementmeeting":
        return f"coalesce(e.hsmeetingendtime, e.endtime, e.hsmeetingstarttime, e.starttime, {stamp})"
    if found == "engagementtask":
        return f"coalesce(e.hstaskcompletiondate, e.completiondate, {stamp})"
    return f"coalesce({stamp}, e.hscreatedate, e.createdate, e.createdat)"


def _minutes(found: str) -> str:
    if found == "engagementcall":
        return "CAST(TRY_CAST(coalesce(e.hscallduration, e.durationmilliseconds) AS DOUBLE) / 60000 AS VARCHAR)"
    if found == "engagementmeeting":
        start, end = (
            f"TRY_CAST({on_utc(f'coalesce(e.hsmeeting{side}time, e.{side}time)')} AS TIMESTAMPTZ)"
            for side in ("start", "end")
        )
        return f"CAST(CASE WHEN {end} >= {start} THEN epoch({end} - {start}) / 60 END AS VARCHAR)"
    return "CAST(NULL AS VARCHAR)"


def _own_faults(found: str) -> list[str]:
    if found == "engagementtask":
        status = "coalesce(e.hstaskstatus, e.status)"
        return [f"CASE WHEN upper({status}) <> 'COMPLETED' THEN 'the task is not done yet' || {shown(status)} END"]
    if found == "engagementmeeting":
        outcome = "e.hsmeetingoutcome"
        missed = f"upper({outcome}) IN ('CANCELED', 'NO_SHOW', 'RESCHEDULED')"
        return [f"CASE WHEN {missed} THEN 'the meeting did not take place' || {shown(outcome)} END"]
    return []


def _deals() -> str:
    """Engagement to deal; what was on a merged deal is on the deal that took it over."""
    return (
        "SELECT DISTINCT l.engagementid, coalesce(m.new, l.dealid) AS deal_id FROM hubspot_engagementdeal AS l "
        "LEFT JOIN hubspot_moved AS m ON m.old = l.dealid"
    )


def _partners() -> str:
    return (
        "SELECT l.engagementid, w.partner_id FROM hubspot_engagementcontact AS l JOIN hubspot_people AS w "
        "ON w.contact_id = l.contactid WHERE w.partner_id IS NOT NULL UNION "
        "SELECT l.engagementid, p.partner_id FROM hubspot_engagementcompany AS l JOIN hubspot_partners AS p "
        "ON p.partner_id = l.companyid"
    )


def _people() -> str:
    """For an engagement and partner (or none), one person who took part."""
    return (
        "SELECT l.engagementid, w.partner_id, min(l.contactid) AS contact_id FROM hubspot_engagementcontact AS l "
        "LEFT JOIN hubspot_people AS w ON w.contact_id = l.contactid GROUP BY ALL"
    )
