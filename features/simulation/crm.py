"""The company's CRM as its data loader exports it: one frame for each Salesforce object, with API field names.

Nothing of what is hidden (quality, effects, probability, credit) is in here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.simulation.company import Company
from features.simulation.deals import DAY, START, export_second
from features.simulation.partners import record_id
from features.simulation.people import AT_CUSTOMER, AT_PARTNER, contacts, customer_domains, domains, users, who
from features.simulation.stages import stage_entries
from features.simulation.text import date_text, taken, time_text
from features.simulation.vocabulary import (
    AFTER_KINDS,
    CURRENCIES,
    DEAL_TYPES,
    INDUSTRIES,
    KINDS,
    PARTNER_KINDS,
    REGIONS,
    SEGMENTS,
    SOLUTIONS,
    SOURCES,
)


def crm(company: Company) -> dict[str, pd.DataFrame]:
    """Salesforce object name -> its rows, sorted by ``Id``; times as text in UTC, dates as days."""
    rng = np.random.default_rng([company.seed, 100])
    people = contacts(company, rng)
    stages = stage_entries(company.deals, export_second(company.settings))
    touches = company.touches.assign(who=who(company, people, rng))
    return {
        "Account": _accounts(company),
        "Contact": _contacts(people),
        "User": _users(),
        "Opportunity": _opportunities(company, stages),
        "OpportunityHistory": _history(company, stages),
        "OpportunityPartner": _named_partners(company, rng),
        "OpportunityContactRole": _contact_roles(company, people, rng),
        "Task": _tasks(company, touches),
        "Event": _events(company, touches),
    }


def _accounts(company: Company) -> pd.DataFrame:
    accounts, partners = company.accounts, company.partners.frame
    customers = pd.DataFrame(
        {
            "Id": accounts["account_id"],
            "Name": [f"Customer {i + 1}" for i in range(len(accounts))],
            "Type": "Customer",
            "IsPartner": False,
            "Industry": taken(INDUSTRIES, accounts["industry"]),
            "Website": customer_domains(company),
            "CreatedDate": time_text(np.full(len(accounts), START)),
            "IsDeleted": False,
            "Segment__c": taken(SEGMENTS, accounts["segment"]),
            "Region__c": taken(REGIONS, accounts["region"]),
        }
    )
    joined = START + (partners["joins"].to_numpy() * company.settings.years * 365 * DAY).astype(np.int64)
    helpers = pd.DataFrame(
        {
            "Id": partners["partner_id"],
            "Name": partners["name"],
            "Type": "Partner",
            "IsPartner": True,
            "Website": domains(company),
            "CreatedDate": time_text(joined),
            "IsDeleted": False,
            "Partner_Type__c": [PARTNER_KINDS[k].name for k in partners["kind"]],
            "Partner_Tier__c": partners["tier"],
        }
    )
    return pd.concat([customers, helpers], ignore_index=True)


def _contacts(people: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Id": people["contact_id"],
            "AccountId": people["organisation_id"],
            "FirstName": people["first_name"],
            "LastName": people["last_name"],
            "Email": people["email"],
            "Department": people["function"],
            "CreatedDate": time_text(people["created"].to_numpy()),
            "IsDeleted": False,
        }
    )


def _users() -> pd.DataFrame:
    team = users()
    return pd.DataFrame(
        {
            "Id": team["user_id"],
            "FirstName": team["first_name"],
            "LastName": team["last_name"],
            "Email": team["first_name"].str.lower() + "@vendor.example",
            "IsActive": True,
        }
    )


def _owner(position: np.ndarray) -> np.ndarray:
    return np.asarray(users()["user_id"].to_numpy()[position])


def _opportunities(company: Company, stages: pd.DataFrame) -> pd.DataFrame:
    deals = company.deals
    is_won, is_open = deals["outcome"] == "won", deals["outcome"] == "open"
    latest = stages.groupby("deal")["stage"].last().to_numpy()
    solution = taken(SOLUTIONS, deals["solution"])
    return pd.DataFrame(
        {
            "Id": deals["deal_id"],
            "AccountId": company.accounts["account_id"].to_numpy()[deals["account"]],
            "Name": [f"Customer {a + 1} {s}" for a, s in zip(deals["account"], solution, strict=True)],
            "OwnerId": _owner(deals["owner"].to_numpy()),
            "StageName": latest,
            "Amount": deals["amount"],
            "CurrencyIsoCode": taken(CURRENCIES, deals["region"]),
            "CreatedDate": time_text(deals["created"].to_numpy()),
            "CloseDate": date_text(deals["closed"].to_numpy()),
            "IsClosed": ~is_open,
            "IsWon": is_won,
            "Type": taken(DEAL_TYPES, deals["deal_type"]),
            "LeadSource": taken(SOURCES, deals["source"]),
            "IsDeleted": False,
            "Solution__c": solution,
            "Fx_Rate__c": deals["fx_rate"],
        }
    )


def _history(company: Company, stages: pd.DataFrame) -> pd.DataFrame:
    deal = stages["deal"].to_numpy()
    return pd.DataFrame(
        {
            "Id": [record_id("008", i + 1) for i in range(len(stages))],
            "OpportunityId": company.deals["deal_id"].to_numpy()[deal],
            "StageName": stages["stage"],
            "Amount": company.deals["amount"].to_numpy()[deal],
            "CloseDate": date_text(company.deals["planned_close"].to_numpy()[deal]),
            "CreatedDate": time_text(stages["entered"].to_numpy()),
            "CreatedById": _owner(company.deals["owner"].to_numpy()[deal]),
            "IsDeleted": False,
        }
    )


def _named_partners(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """Partners that the rep has named on the deal: six in ten of those with a touch recorded before the close."""
    touches = company.touches
    closed = company.deals["closed"].to_numpy()[touches["deal"]]
    known = touches[(touches["partner"] >= 0) & (touches["recorded"] < closed)]
    first = known.groupby(["deal", "partner"], as_index=False)["recorded"].min()
    named = first[rng.random(len(first)) < 0.6].reset_index(drop=True)
    return pd.DataFrame(
        {
            "Id": [record_id("00I", i + 1) for i in range(len(named))],
            "OpportunityId": company.deals["deal_id"].to_numpy()[named["deal"]],
            "AccountToId": company.partners.frame["partner_id"].to_numpy()[named["partner"]],
            "Role": [PARTNER_KINDS[k].name for k in company.partners.frame["kind"].to_numpy()[named["partner"]]],
            "IsPrimary": ~named["deal"].duplicated(),
            "CreatedDate": time_text(named["recorded"].to_numpy()),
            "IsDeleted": False,
        }
    )


def _contact_roles(company: Company, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One or two of the customer's people on each deal."""
    deals = company.deals
    deal = np.repeat(np.arange(len(deals)), 1 + (rng.random(len(deals)) < 0.5))
    is_second = pd.Series(deal).duplicated().to_numpy()
    first = len(company.partners.frame) * AT_PARTNER + deals["account"].to_numpy()[deal] * AT_CUSTOMER
    return pd.DataFrame(
        {
            "Id": [record_id("00K", i + 1) for i in range(len(deal))],
            "OpportunityId": deals["deal_id"].to_numpy()[deal],
            "ContactId": people["contact_id"].to_numpy()[first + is_second],
            "Role": np.where(is_second, "Influencer", "Decision Maker"),
            "IsPrimary": ~is_second,
            "CreatedDate": time_text(deals["created"].to_numpy()[deal] + 3600),
            "IsDeleted": False,
        }
    )


def _common(company: Company, touches: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """The fields that tasks and events share."""
    names = np.array([kind.name for kind in (*KINDS, *AFTER_KINDS)])[touches["kind"]]
    deal = touches["deal"].to_numpy()
    owner = _owner(company.deals["owner"].to_numpy()[deal])
    return pd.DataFrame(
        {
            "Id": [record_id(prefix, i + 1) for i in range(len(touches))],
            "WhatId": company.deals["deal_id"].to_numpy()[deal],
            "WhoId": touches["who"].to_numpy(),
            "OwnerId": owner,
            "Subject": names,
            "Type": names,
            "ActivityDate": date_text(touches["occurred"].to_numpy()),
            "CreatedDate": time_text(touches["recorded"].to_numpy()),
            "CreatedById": owner,
            "IsDeleted": False,
        }
    )


def _is_event(touches: pd.DataFrame) -> np.ndarray:
    return np.array([kind.is_event for kind in (*KINDS, *AFTER_KINDS)])[touches["kind"]]


def _tasks(company: Company, touches: pd.DataFrame) -> pd.DataFrame:
    tasks = touches[~_is_event(touches)]
    rows = _common(company, tasks, "00T")
    seconds = pd.array((60 * tasks["minutes"]).to_numpy(), dtype="Float64")
    subtype = rows["Type"].where(rows["Type"].isin(["Call", "Email"]), "Task")
    return rows.assign(TaskSubtype=subtype, Status="Completed", CallDurationInSeconds=seconds.astype("Int64"))


def _events(company: Company, touches: pd.DataFrame) -> pd.DataFrame:
    events = touches[_is_event(touches)]
    minutes, start = events["minutes"].to_numpy().astype(np.int64), events["occurred"].to_numpy()
    return _common(company, events, "00U").assign(
        StartDateTime=time_text(start), EndDateTime=time_text(start + 60 * minutes), DurationInMinutes=minutes
    )
