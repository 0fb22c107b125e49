"""Salesforce exports: which record becomes what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from features.sources.errors import SourceError
from features.sources.salesforce import canonical

Row = dict[str, Any]

OPPORTUNITY = """Id,AccountId,StageName,Amount,CurrencyIsoCode,CreatedDate,CloseDate,IsClosed,IsWon,Type,IsDeleted
006A,001C,Closed Won,100,EUR,2024-01-05T09:00:00.000Z,2024-02-01,true,true,New Customer,false
006B,001C,Closed Lost,50,EUR,2024-01-06T09:00:00.000Z,2024-02-02,true,false,Existing Customer - Upgrade,false
006D,001C,Prospecting,50,EUR,2024-01-07T09:00:00.000Z,2024-09-02,false,false,Renewal,false
006X,001C,Closed Won,1,EUR,2024-01-07T09:00:00.000Z,2024-09-02,true,true,,true
"""
ACCOUNT = """Id,Name,Type,IsPartner,Website,Industry,Region__c,Partner_Type__c,IsDeleted
001C,Acme,Customer,false,,Steel,EMEA,,false
001P,Foo GmbH,Customer,true,https://www.foo.example/en,,,SI,false
001R,Bar Ltd,Channel Partner / Reseller,false,bar.example,,,,false
"""
CONTACT = """Id,AccountId,FirstName,LastName,Email,IsDeleted
003C,001C,Ann,Lee,ann@acme.example,false
003P,001P,Bo,Ray,bo@foo.example,false
"""
TASK = """Id,WhatId,WhoId,AccountId,Type,TaskSubtype,Status,ActivityDate,CreatedDate,CallDurationInSeconds,IsDeleted
00T1,006A,003P,001C,Demo / Workshop,Task,Completed,2024-01-10,2024-01-12T10:00:00.000Z,,false
00T2,006A,003C,001C,,Call,Completed,2024-01-11,2024-01-11T15:00:00.000Z,1800,false
00T3,001C,003C,001C,Call,Call,Completed,2024-01-11,2024-01-11T15:00:00.000Z,60,false
00T4,006A,003C,001C,Call,Call,Not Started,2024-03-11,2024-01-11T15:00:00.000Z,,false
00T5,006A,003C,001C,Call,Call,Completed,2024-01-11,2024-01-11T15:00:00.000Z,60,true
00T6,006A,003C,001C,Call,Call,Completed,2024-02-11,2024-02-11T15:00:00.000Z,60,false
"""


Read = Callable[..., Mapping[str, list[Row]]]


@pytest.fixture
def read(reader: Callable[..., Read]) -> Read:
    return reader(canonical, "{}.csv")


def by(rows: list[Row], key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows}


def test_opportunities_become_deals(read: Read) -> None:
    deals = by(read(Opportunity=OPPORTUNITY, Account=ACCOUNT)["deals"], "deal_id")
    assert [deals[d]["outcome"] for d in ("006A", "006B", "006D")] == ["won", "lost", "open"]
    assert [deals[d]["deal_type"] for d in ("006A", "006B", "006D", "006X")] == ["new", "expansion", "renewal", "new"]
    assert (deals["006A"]["industry"], deals["006A"]["region"]) == ("Steel", "EMEA")
    assert (deals["006A"]["amount"], deals["006A"]["currency"]) == ("100", "EUR")


def test_a_deal_closes_at_the_end_of_its_close_date_and_an_open_one_never(read: Read) -> None:
    deals = by(read(Opportunity=OPPORTUNITY)["deals"], "deal_id")
    assert deals["006A"]["closed_at"] == "2024-02-01T23:59:59.000000Z"
    assert deals["006D"]["closed_at"] is None


def test_a_close_date_with_a_midnight_is_still_a_date(read: Read) -> None:
    text = OPPORTUNITY.replace("2024-02-01,", "2024-02-01 00:00:00,")
    assert read(Opportunity=text)["deals"][0]["closed_at"] == "2024-02-01T23:59:59.000000Z"


def test_without_flags_the_closed_stages_tell_the_outcome(read: Read) -> None:
    text = "Id,AccountId,StageName,CreatedDate,CloseDate\n" + "".join(
        f"006{n},001C,{stage},2024-01-05,2024-02-01\n" for n, stage in enumerate(["Closed Won", "Closed Lost", "Demo"])
    )
    assert [row["outcome"] for row in read(Opportunity=text)["deals"]] == ["won", "lost", "open"]


def test_deleted_and_outdated_records_are_rejected_and_say_so(read: Read) -> None:
    assert read(Opportunity=OPPORTUNITY)["deals"][3]["_fault"] == "deleted in Salesforce"


def test_columns_are_found_in_any_spelling(read: Read) -> None:
    text = "id,account_id,stage_name,created_date,close_date,is_closed,is_won,_fivetran_active\n"
    rows = read(sf_opportunity_data=text + "1,a,S,2024-01-05 09:00:00.123,2024-02-01 00:00:00,TRUE,FALSE,false\n")[
        "deals"
    ]
    assert (rows[0]["deal_id"], rows[0]["outcome"]) == ("1", "lost")
    assert rows[0]["_fault"] == "an outdated version of the record (_fivetran_active is false)"


def test_partners_are_told_by_flag_type_or_being_named(read: Read) -> None:
    named = "Id,OpportunityId,AccountToId,Role,CreatedDate\n00I1,006A,001Z,Technology Partner,2024-01-08T00:00:00Z\n"
    rows = by(read(Opportunity=OPPORTUNITY, Account=ACCOUNT, OpportunityPartner=named)["partners"], "partner_id")
    assert set(rows) == {"001P", "001R", "001Z"}
    assert {key: row["partner_type"] for key, row in rows.items()} == {"001P": "si", "001R": "reseller", "001Z": "isv"}
    assert (rows["001P"]["domains"], rows["001R"]["domains"]) == ("foo.example", "bar.example")
    assert rows["001Z"]["name"] == "001Z"


def test_contacts_belong_to_partner_customer_or_the_own_team(read: Read) -> None:
    user = "Id,FirstName,LastName,Email\n005U,Uma,Orr,uma@vendor.example\n"
    rows = by(read(Account=ACCOUNT, Contact=CONTACT, User=user)["contacts"], "contact_id")
    assert {key: row["organisation"] for key, row in rows.items()} == {
        "003C": "customer",
        "003P": "partner",
        "005U": "internal",
    }
    assert (rows["003P"]["partner_id"], rows["003P"]["account_id"], rows["003C"]["account_id"]) == (
        "001P",
        None,
        "001C",
    )
    assert rows["003P"]["name"] == "Bo Ray"


def touches(read: Read, **more: str) -> dict[str, Row]:
    tables = read(Opportunity=OPPORTUNITY, Account=ACCOUNT, Contact=CONTACT, **more)
    return by(tables["touchpoints"], "touchpoint_id")


def test_a_task_is_its_contact_s_partner_s_or_the_own_team_s(read: Read) -> None:
    rows = touches(read, Task=TASK)
    assert (rows["00T1"]["partner_id"], rows["00T2"]["partner_id"]) == ("001P", None)
    assert (rows["00T1"]["kind"], rows["00T2"]["kind"]) == ("demo_workshop", "call")
    assert rows["00T2"]["minutes"] == "30.0"


def test_a_task_happened_on_its_day_and_was_recorded_when_it_was_entered(read: Read) -> None:
    rows = touches(read, Task=TASK)
    assert rows["00T1"]["occurred_at"] == "2024-01-10T00:00:00.000000Z"
    assert rows["00T1"]["recorded_at"] == "2024-01-12T10:00:00.000000Z"
    assert rows["00T2"]["occurred_at"] == rows["00T2"]["recorded_at"] == "2024-01-11T15:00:00.000000Z"


def test_activities_that_are_no_touch_of_a_deal_are_rejected(read: Read) -> None:
    rows = touches(read, Task=TASK)
    assert {key: row["_fault"] for key, row in rows.items()} == {
        "00T1": None,
        "00T2": None,
        "00T3": "not on an opportunity: '001C'",
        "00T4": "the task is not done yet: 'Not Started'",
        "00T5": "deleted in Salesforce",
        "00T6": None,
    }


def test_ids_of_15_and_18_characters_are_the_same(read: Read) -> None:
    long, short = "006000000000001AAA", "006000000000001"
    rows = by(
        read(Opportunity=OPPORTUNITY.replace("006A", long), Task=TASK.replace("006A", short))["touchpoints"],
        "touchpoint_id",
    )
    assert rows["00T1"]["deal_id"] == long


def test_an_event_happened_when_it_ended_and_copies_do_not_count(read: Read) -> None:
    event = """Id,WhatId,WhoId,Type,StartDateTime,EndDateTime,DurationInMinutes,CreatedDate,IsChild
00U1,006A,003P,Meeting,2024-01-10T09:00:00.000Z,2024-01-10T10:00:00.000Z,60,2024-01-09T09:00:00.000Z,false
00U2,006A,003P,Meeting,2024-01-10T09:00:00.000Z,2024-01-10T10:00:00.000Z,60,2024-01-09T09:00:00.000Z,true
"""
    rows = touches(read, Event=event)
    assert rows["00U1"]["occurred_at"] == "2024-01-10T10:00:00.000000Z"
    assert rows["00U1"]["minutes"] == "60"
    assert rows["00U2"]["_fault"] == "an invitee's copy of a group event"


def test_partner_and_opportunity_partner_together_count_once(read: Read) -> None:
    named = (
        "Id,OpportunityId,AccountToId,Role,CreatedDate,ReversePartnerId\n00I1,006A,001P,Co Sell,2024-01-08T00:00:00Z,\n"
    )
    both = (
        "Id,OpportunityId,AccountFromId,AccountToId,Role,CreatedDate,ReversePartnerId\n"
        "00J1,006A,,001P,Co Sell,2024-01-08T00:00:00Z,00J2\n"
        "00J2,006A,001P,001C,Co Sell,2024-01-08T00:00:00Z,00J1\n"
        "00J3,,001P,001R,Subsidiary,2024-01-08T00:00:00Z,\n"
        "00J4,006B,,001R,,2024-01-09T00:00:00Z,\n"
    )
    rows = touches(read, OpportunityPartner=named, Partner=both)
    assert {key: (row["deal_id"], row["partner_id"], row["kind"], row["motion"]) for key, row in rows.items()} == {
        "00I1": ("006A", "001P", "deal_registration", "co_sell"),
        "00J4": ("006B", "001R", "deal_registration", None),
    }
    assert rows["00I1"]["occurred_at"] == rows["00I1"]["recorded_at"] == "2024-01-08T00:00:00.000000Z"


def test_only_a_partner_s_contact_role_is_a_touch(read: Read) -> None:
    roles = (
        "Id,OpportunityId,ContactId,Role,CreatedDate\n"
        "00K1,006A,003C,Decision Maker,2024-01-08T00:00:00Z\n00K2,006A,003P,Influencer,2024-01-08T00:00:00Z\n"
    )
    rows = touches(read, OpportunityContactRole=roles)
    assert {key: (row["partner_id"], row["kind"], row["motion"]) for key, row in rows.items()} == {
        "00K2": ("001P", "contact_role", "influencer")
    }


def test_campaign_responses_in_the_deal_s_time_are_touches(read: Read) -> None:
    roles = "Id,OpportunityId,ContactId,Role,CreatedDate\n00K1,006A,003C,Decision Maker,2024-01-08T00:00:00Z\n"
    campaign = "Id,Type,Name\n701A,Webinar,Spring\n"
    member = "Id,CampaignId,ContactId,HasResponded,FirstRespondedDate,CreatedDate\n" + "".join(
        f"00v{n},701A,003C,{said},{day},2023-01-01T00:00:00Z\n"
        for n, (said, day) in enumerate(
            [("true", "2023-12-24"), ("false", "2023-12-24"), ("true", "2023-05-01"), ("true", "2024-02-02")]
        )
    )
    rows = touches(read, OpportunityContactRole=roles, Campaign=campaign, CampaignMember=member)
    assert [(row["touchpoint_id"], row["kind"]) for row in rows.values()] == [("00v0-006A", "campaign_webinar")]


HISTORY = """Id,OpportunityId,StageName,CreatedDate
0081,006A,Prospecting,2024-01-05T09:00:00.000Z
0082,006A,Prospecting,2024-01-06T09:00:00.000Z
0083,006A,Proposal,2024-01-11T00:00:00.000Z
0084,006A,Closed Won,2024-02-01T12:00:00.000Z
"""


def test_stage_history_has_the_changes_of_stage(read: Read) -> None:
    rows = read(Opportunity=OPPORTUNITY, OpportunityHistory=HISTORY)["stage_history"]
    assert [(row["stage"], row["entered_at"][:10]) for row in rows] == [
        ("Prospecting", "2024-01-05"),
        ("Proposal", "2024-01-11"),
        ("Closed Won", "2024-02-01"),
    ]


def test_slowly_changing_rows_give_the_first_stage_from_creation_and_the_last_at_the_close(read: Read) -> None:
    text = (
        "id,stage_name,created_date,_fivetran_start,_fivetran_end,_fivetran_active\n"
        "006A,Demo,2024-01-05 09:00:00,2024-01-20 00:00:00,2024-01-25 00:00:00,false\n"
        "006A,Closed Won,2024-01-05 09:00:00,2024-01-25 00:00:00,9999-12-31 23:59:59,true\n"
    )
    rows = read(Opportunity=OPPORTUNITY, sf_opportunity_history_data=text)["stage_history"]
    assert [(row["deal_id"], row["stage"], row["entered_at"][:10], row["_fault"]) for row in rows] == [
        ("006A", "Demo", "2024-01-05", None),
        ("006A", "Closed Won", "2024-02-01", None),
    ]


def test_the_journey_stage_follows_the_stage_at_that_time_and_the_close(read: Read) -> None:
    rows = touches(read, Task=TASK, OpportunityHistory=HISTORY)
    assert [rows[key]["journey_stage"] for key in ("00T1", "00T2", "00T6")] == [
        "pre_sale",
        "point_of_sale",
        "post_sale",
    ]


def test_without_history_the_stage_before_the_close_is_not_known(read: Read) -> None:
    rows = touches(read, Task=TASK)
    assert [rows[key]["journey_stage"] for key in ("00T1", "00T6")] == [None, "post_sale"]


def test_a_folder_without_salesforce_objects_is_refused(read: Read) -> None:
    with pytest.raises(SourceError, match=r"holds no file named after a salesforce object \(opportunity, "):
        read(invoices="id\n1\n")


def test_an_object_in_two_files_is_refused(read: Read) -> None:
    with pytest.raises(SourceError, match="are both the salesforce object opportunity"):
        read(Opportunity=OPPORTUNITY, sf_opportunity_data=OPPORTUNITY)
