"""What column names and words in exports usually mean; guesses for a person to check, never used by an import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from features.sources.objects import fold
from features.tables import INPUT_TABLES

__all__ = ["GUESSED_TABLES", "best_table", "columns_for", "is_partner_column", "is_usual", "word_for"]

_DEAL_ID: Final = "dealid opportunityid oppid opportunitynumber dealnumber opportunity deal mqlid leadid id"
_PARTNER_ID: Final = "partnerid partner partneraccount partnername partnercompany reseller"
_NAMES: Final[dict[str, dict[str, str]]] = {
    "deals": {
        "deal_id": _DEAL_ID,
        "account_id": "accountid account customerid customer accountname companyid company clientid client",
        "name": "dealname opportunityname title name",
        "owner_id": "ownerid owner salesagent salesrep salesperson rep seller accountexecutive agent",
        "segment": "segment customersegment companysize compsize clientsize",
        "industry": "industry sector vertical",
        "region": "region territory regionaloffice country area",
        "deal_type": "dealtype opportunitytype businesstype clienttype type",
        "source": "leadsource source origin campaign",
        "solution": "solution product productname offering service suppliessubgroup",
        "route": "route routetomarket saleschannel channel",
        "amount": "amount dealamount opportunityamount dealvalue closevalue value revenue tcv acv arr price",
        "currency": "currency currencycode currencyisocode",
        "created_at": "createdat createddate created createdate creationdate opendate opened engagedate "
        "firstcontactdate startdate",
        "closed_at": "closedat closedate closeddate closed actualclosedate wondate enddate",
        "outcome": "outcome result opportunityresult dealstatus status dealstage iswon won stage state",
        "stage": "stage stagename dealstage salesstage",
    },
    "touchpoints": {
        "touchpoint_id": "touchpointid activityid engagementid taskid eventid id",
        "deal_id": _DEAL_ID.replace(" id", ""),
        "partner_id": _PARTNER_ID,
        "contact_id": "contactid contact person attendee",
        "kind": "kind activitytype touchtype touchpoint activity type action",
        "occurred_at": "occurredat activitydate touchdate eventdate timestamp date start",
        "recorded_at": "recordedat loggedat createdat createddate enteredat",
        "recorded_by": "recordedby loggedby createdby owner",
        "minutes": "minutes durationminutes durationinminutes",
    },
    "partners": {
        "partner_id": "partnerid id partnercode",
        "name": "partnername name partner company companyname",
        "partner_type": "partnertype type category kind",
        "tier": "tier level partnertier programlevel",
        "joined_at": "joinedat joined partnersince startdate since",
        "domains": "domains domain website",
    },
    "contacts": {
        "contact_id": "contactid personid id",
        "name": "fullname contactname name",
        "email": "email emailaddress mail",
        "organisation": "organisation organisationtype contacttype",
        "partner_id": _PARTNER_ID,
        "account_id": "accountid account customer company",
        "function": "function department jobfunction role",
    },
    "stage_history": {
        "deal_id": _DEAL_ID.replace(" id", ""),
        "stage": "stage newstage tostage stagename newvalue",
        "entered_at": "enteredat dateentered changedat changedate date timestamp createddate",
    },
    "costs": {
        "partner_id": _PARTNER_ID,
        "kind": "kind costtype type category",
        "amount": "amount cost value",
        "currency": "currency currencycode",
        "incurred_at": "incurredat date paidat month",
        "deal_id": _DEAL_ID.replace(" id", ""),
        "borne_by": "borneby payer paidby",
    },
}
GUESSED_TABLES: Final = tuple(_NAMES)
"""The tables that a flat export is proposed for."""

_WORDS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "outcome": (
        (r"\bwon\b|\bwin\b|success|^(yes|true|1)$", "won"),
        (r"\blost\b|\bloss\b|dead|disqualif|abandon|no decision|cancel|rejected|^(no|false|0)$", "lost"),
        (r"open|prospect|engag|qualif|discover|propos|negotiat|pipeline|progress|new|demo", "open"),
    ),
    "deal_type": (
        (r"renew", "renewal"),
        (r"exist|expan|upsell|cross|upgrade|current|add.?on", "expansion"),
        (r"new", "new"),
    ),
    "route": (
        (r"resell|resale|channel|distribut", "resale"),
        (r"marketplace", "marketplace"),
        (r"refer", "referral"),
        (r"co.?sell|joint|partner", "co_sell"),
        (r"direct|field|inside|tele", "direct"),
    ),
    "partner_type": (
        (r"distribut", "distributor"),
        (r"resell|\bvar\b", "reseller"),
        (r"\bmsp\b|managed", "msp"),
        (r"hyperscal|cloud", "hyperscaler"),
        (r"\bg?si\b|integrat|consult", "si"),
        (r"\bisv\b|software|technolog", "isv"),
        (r"refer", "referral"),
        (r"advis", "advisor"),
        (r"other", "other"),
    ),
    "organisation": ((r"partner", "partner"), (r"intern|employee|own", "internal"), (r"customer|client", "customer")),
    "borne_by": ((r"partner", "partner"), (r"vendor|us\b|own", "vendor")),
}


def columns_for(table: str, header: Sequence[str]) -> dict[str, str]:
    """Canonical column to the source column that its name suggests; no source column is used twice.

    A name that is a usual one counts before one that only contains a usual one. Only the result of a deal may be read
    off a column that also is its stage.
    """
    ranked = sorted(
        (rank, position, column, source)
        for column, names in _NAMES[table].items()
        for position, source in enumerate(header)
        if (rank := _rank(fold(source), [column.replace("_", ""), *names.split()])) is not None
    )
    chosen: dict[str, str] = {}
    for _, _, column, source in ranked:
        if column not in chosen and source not in chosen.values():
            chosen[column] = source
    if table == "deals" and "outcome" not in chosen and "stage" in chosen:
        chosen["outcome"] = chosen["stage"]
    return chosen


def is_usual(table: str, column: str, source: str) -> bool:
    """Whether the source column's name is a usual one for the canonical column, and does not just contain one."""
    return fold(source) in (column.replace("_", ""), *_NAMES[table][column].split())


def is_partner_column(source: str) -> bool:
    """Whether a column of deals seems to name a partner."""
    return fold(source) in _PARTNER_ID.split()


def best_table(header: Sequence[str], stem: str) -> tuple[str, float]:
    """The table that a file with this header and name looks most like, and how much of its needs it meets, 0 to 1."""
    return max(((table, _likeness(table, header, stem)) for table in GUESSED_TABLES), key=lambda pair: pair[1])


def word_for(column: str, word: str) -> str | None:
    """The canonical word that a source word of a column with a vocabulary seems to mean; ``None`` when it says none."""
    said = word.lower().replace("_", " ")
    return next((result for pattern, result in _WORDS.get(column, ()) if re.search(pattern, said)), None)


def _rank(folded: str, names: Sequence[str]) -> int | None:
    if folded in names:
        return names.index(folded)
    if folded.startswith(("has", "is", "ratio", "number", "days", "elapsed", "total")):
        return None
    inside = [n for n, name in enumerate(names) if len(name) >= 6 and name in folded]
    return 100 + inside[0] if inside else None


def _likeness(table: str, header: Sequence[str], stem: str) -> float:
    found = columns_for(table, header)
    needed = [c.name for c in INPUT_TABLES[table].columns if not c.nullable and c.name in _NAMES[table]]
    telling = [column for column in needed if column not in ("account_id", "deal_type", "touchpoint_id", "borne_by")]
    named = 0.3 if fold(table).rstrip("s") in fold(stem) else 0.0
    return min(1.0, 0.9 * sum(column in found for column in telling) / len(telling) + 0.1 * named + 0.7 * named)
