"""HubSpot exports: which record becomes what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from features.sources.hubspot import canonical

Row = dict[str, Any]

DEAL = """deal_id,is_deleted,deal_pipeline_id,deal_pipeline_stage_id,owner_id,property_dealname,property_amount,\
property_closedate,property_createdate,property_dealtype
1,false,default,won,7,One,100,2024-02-01 16:00:00,2024-01-05 6:49:18,newbusiness
2,FALSE,default,lost,7,Two,,2024-02-02,2024-01-06 09:00:00.377,existingbusiness
3,false,default,talk,7,Three,,,2024-01-06 09:00:00,
4,true,default,talk,7,Four,,,2024-01-06 09:00:00,
5,false,default,talk,7,Five,,,2024-01-06 09:00:00,
"""
STAGE = """stage_id,label,is_closed,closed_won,probability
won,Closed won,TRUE,TRUE,1.0
lost,Closed lost,TRUE,FALSE,0.0
talk,Negotiation,FALSE,FALSE,0.4
"""
COMPANY = """id,property_name,property_type,property_domain,property_industry
10,Acme,PROSPECT,acme.example,STEEL
20,Foo,PARTNER,www.foo.example,
30,Bar,RESELLER,bar.example,
"""
DEAL_COMPANY = "deal_id,company_id,type_id\n1,20,341\n1,10,5\n2,10,341\n"
CONTACT = """id,property_email,property_firstname,property_lastname,property_associatedcompanyid
100,a@acme.example,A,B,10
200,p@foo.example,C,D,20
"""


Read = Callable[..., Mapping[str, list[Row]]]


@pytest.fixture
def read(reader: Callable[..., Read]) -> Read:
    return reader(canonical, "{}_data.csv")


def base(**more: str) -> dict[str, str]:
    return {
        "deal": DEAL,
        "deal_pipeline_stage": STAGE,
        "company": COMPANY,
        "deal_company": DEAL_COMPANY,
        "contact": CONTACT,
    } | more


def test_deals_take_their_outcome_from_the_pipeline_s_stages(read: Read) -> None:
    rows = read(**base())["deals"]
    assert [row["outcome"] for row in rows[:3]] == ["won", "lost", "open"]
    assert [row["stage"] for row in rows[:3]] == ["Closed won", "Closed lost", "Negotiation"]
    assert [row["deal_type"] for row in rows[:3]] == ["new", "expansion", "new"]
    assert rows[3]["_fault"] == "deleted in HubSpot"


def test_times_may_lack_a_zero_or_have_a_fraction_and_a_date_is_its_end(read: Read) -> None:
    rows = read(**base())["deals"]
    assert [row["created_at"] for row in rows[:2]] == ["2024-01-05T06:49:18.000000Z", "2024-01-06T09:00:00.377000Z"]
    assert [row["closed_at"] for row in rows[:3]] == [
        "2024-02-01T16:00:00.000000Z",
        "2024-02-02T23:59:59.000000Z",
        None,
    ]


def test_plain_property_names_and_milliseconds_are_read_too(read: Read) -> None:
    text = "id,dealname,dealstage,createdate,closedate,amount\n1,One,closedwon,1704445758000,1706803200000,5\n"
    row = read(deal=text)["deals"][0]
    assert (row["deal_id"], row["outcome"], row["created_at"]) == ("1", "won", "2024-01-05T09:09:18.000000Z")


def test_a_deal_s_account_is_its_primary_company_but_never_a_partner(read: Read) -> None:
    rows = read(**base())["deals"]
    assert [row["account_id"] for row in rows[:3]] == ["10", "10", "deal-3"]
    assert rows[0]["industry"] == "STEEL"


def test_partner_companies_and_their_people(read: Read) -> None:
    tables = read(**base(owner="owner_id,email,first_name,last_name\n7,o@vendor.example,O,P\n"))
    assert [(row["partner_id"], row["partner_type"], row["domains"]) for row in tables["partners"]] == [
        ("20", "other", "foo.example"),
        ("30", "reseller", "bar.example"),
    ]
    assert [(row["contact_id"], row["organisation"], row["partner_id"]) for row in tables["contacts"]] == [
        ("100", "customer", None),
        ("200", "partner", "20"),
        ("owner-7", "internal", None),
    ]


ENGAGEMENTS = {
    "engagement_call": "engagement_id,property_hs_createdate,property_hs_timestamp,property_hs_call_duration\n"
    "e1,2024-03-01 19:43:05.526000,2024-01-10 20:50:44.778000,90000\n",
    "engagement_meeting": "engagement_id,start_time,end_time\ne2,2024-01-11 13:00:00,2024-01-11 14:30:00\n"
    "e3,2024-03-11 13:00:00,2024-03-11 14:30:00\n",
    "engagement_task": "engagement_id,property_hs_timestamp,property_hs_task_status\n"
    "e4,2024-01-12 00:00:00,NOT_STARTED\ne5,2024-01-12 00:00:00,COMPLETED\n",
    "engagement_note": "engagement_id,property_hs_timestamp\ne6,2024-01-13 00:00:00\n",
    "engagement_deal": "deal_id,engagement_id\n1,e1\n1,e2\n2,e2\n1,e3\n1,e4\n9,e5\n",
    "engagement_contact": "contact_id,engagement_id\n100,e1\n100,e2\n200,e2\n",
    "engagement_company": "company_id,engagement_id\n20,e2\n30,e3\n10,e1\n",
}


def test_engagements_are_touches_of_each_deal_and_partner(read: Read) -> None:
    rows = {row["touchpoint_id"]: row for row in read(**base(**ENGAGEMENTS))["touchpoints"]}
    kept = {key: (row["kind"], row["partner_id"], row["contact_id"]) for key, row in rows.items() if not row["_fault"]}
    assert kept == {
        "e1-1": ("call", None, "100"),
        "e2-1-20": ("meeting", "20", "200"),
        "e2-2-20": ("meeting", "20", "200"),
        "e3-1-30": ("meeting", "30", None),
        "e5-9": ("task", None, None),
    }
    assert rows["e6"]["_fault"] == "not on a deal: 'e6'"
    assert rows["e4-1"]["_fault"] == "the task is not done yet: 'NOT_STARTED'"


def test_the_event_s_time_and_the_log_s_time_are_kept_apart(read: Read) -> None:
    rows = {row["touchpoint_id"]: row for row in read(**base(**ENGAGEMENTS))["touchpoints"]}
    assert rows["e1-1"]["occurred_at"] == "2024-01-10T20:50:44.778000Z"
    assert rows["e1-1"]["recorded_at"] == "2024-03-01T19:43:05.526000Z"
    assert rows["e2-1-20"]["occurred_at"] == "2024-01-11T14:30:00.000000Z"
    assert (rows["e1-1"]["minutes"], rows["e2-1-20"]["minutes"]) == ("1.5", "90.0")
    assert rows["e3-1-30"]["journey_stage"] == "post_sale"


def test_touches_and_stages_of_a_merged_deal_move_to_the_deal_that_took_it_over(read: Read) -> None:
    merged = "deal_id,merged_deal_id\n5,9\n1,5\n"
    stages = "deal_id,value,date_entered\n9,talk,2024-01-07 00:00:00\n"
    tables = read(**base(**ENGAGEMENTS, merged_deal=merged, deal_stage=stages))
    touch = next(row for row in tables["touchpoints"] if row["touchpoint_id"].startswith("e5"))
    assert (touch["touchpoint_id"], touch["deal_id"]) == ("e5-1", "1")
    assert [(row["deal_id"], row["stage"]) for row in tables["stage_history"]] == [("1", "Negotiation")]
    assert tables["deals"][4]["_fault"] == "merged into another deal: 1"
    before = next(row for row in tables["touchpoints"] if row["touchpoint_id"] == "e1-1")
    assert before["journey_stage"] == "point_of_sale"
