"""A conversation is linked to the one deal that fits its account and date, and to none where several do."""

from __future__ import annotations

import pandas as pd
import pytest

from features.deal_links import LINK_COLUMNS, LinkSettings, deal_links
from features.speakers import PEOPLE_COLUMNS


def at(day: str | None) -> object:
    return pd.Timestamp(day, tz="UTC") if day else pd.NaT


def deal(deal_id: str, created: str, closed: str | None, outcome: str = "won", account: str = "A") -> dict[str, object]:
    return {
        "deal_id": deal_id,
        "account_id": account,
        "created_at": at(created),
        "closed_at": at(closed),
        "outcome": outcome,
    }


def conversation(day: str, account: str | None = None, deal_id: str | None = None, key: str = "c") -> dict[str, object]:
    return {"conversation_id": key, "account_id": account, "deal_id": deal_id, "started_at": at(day)}


def customers(*accounts: str, key: str = "c", confidence: float = 0.98) -> pd.DataFrame:
    rows = [
        {
            "conversation_id": key,
            "speaker_org": "customer",
            "account_id": a,
            "confidence": confidence,
            "reason": "known",
        }
        for a in accounts
    ]
    return pd.DataFrame(rows, columns=list(PEOPLE_COLUMNS))


def link(
    day: str, *deals: dict[str, object], account: str | None = "A", minimum: float = LinkSettings.minimum
) -> pd.Series:
    return deal_links(
        pd.DataFrame([conversation(day, account)]), customers(), pd.DataFrame(deals), LinkSettings(minimum)
    ).iloc[0]


FIRST = deal("D1", "2025-01-10", "2025-03-01")
SECOND = deal("D2", "2025-06-01", None, "open")


@pytest.mark.parametrize(
    ("day", "linked", "reason"),
    [
        ("2025-01-10", "D1", "only deal under way"),
        ("2025-03-01", "D1", "only deal under way"),
        ("2025-03-20", "D1", "after the close of its last won deal"),
        ("2025-05-20", None, "between a won deal and the next one"),
        ("2025-06-02", "D2", "another was won before"),
        ("2024-12-20", "D1", "before the creation of its next deal"),
        ("2024-06-01", None, "no deal of it fits the date"),
    ],
)
def test_dates_choose_among_the_accounts_deals(day: str, linked: str | None, reason: str) -> None:
    row = link(day, FIRST, SECOND, deal("D9", "2020-01-01", None, "open", "other"))
    assert row["deal_id"] == linked if linked else pd.isna(row["deal_id"])
    assert reason in row["reason"]
    assert (row["confidence"] >= LinkSettings().minimum) == (linked is not None)


def test_two_deals_under_way_are_no_link() -> None:
    row = link("2025-02-01", FIRST, deal("D3", "2025-01-01", None, "open"))
    assert pd.isna(row["deal_id"])
    assert row["reason"].endswith("2 deals of it were under way then")


def test_after_a_lost_deal_there_is_no_link_but_to_the_won_one() -> None:
    lost = deal("D0", "2025-01-01", "2025-02-01", "lost")
    assert pd.isna(link("2025-02-10", lost)["deal_id"])
    assert link("2025-04-10", lost, FIRST)["deal_id"] == "D1"


def test_the_last_of_several_won_deals_is_linked() -> None:
    row = link("2025-09-01", FIRST, deal("D4", "2025-04-01", "2025-05-01"))
    assert (row["deal_id"], row["confidence"]) == ("D4", 0.7)


def test_the_account_is_that_of_the_customers_and_none_of_two() -> None:
    asked = pd.DataFrame([conversation("2025-02-01")])
    row = deal_links(asked, customers("A", "A"), pd.DataFrame([FIRST])).iloc[0]
    assert (row["account_id"], row["deal_id"], row["confidence"]) == ("A", "D1", 0.931)
    torn = deal_links(asked, customers("A", "B"), pd.DataFrame([FIRST])).iloc[0]
    assert pd.isna(torn["deal_id"])
    assert torn["reason"] == "its customers belong to several accounts"
    nobody = deal_links(asked, customers(), pd.DataFrame([FIRST])).iloc[0]
    assert (nobody["confidence"], pd.isna(nobody["account_id"])) == (0.0, True)


def test_a_deal_named_by_the_source_stays_and_tells_the_account() -> None:
    asked = pd.DataFrame([conversation("2030-01-01", None, "D1"), conversation("2030-01-01", None, "gone", "d")])
    rows = deal_links(asked, customers(), pd.DataFrame([FIRST]))
    assert list(rows["deal_id"]) == ["D1", "gone"]
    assert rows["account_id"][0] == "A"
    assert list(rows["confidence"]) == [1.0, 1.0]


def test_a_guess_below_the_minimum_is_not_linked_but_its_confidence_is_told() -> None:
    row = link("2025-03-20", FIRST, minimum=0.9)
    assert pd.isna(row["deal_id"])
    assert row["confidence"] == 0.8


def test_order_of_rows_does_not_matter_and_the_index_stays() -> None:
    asked = pd.DataFrame([conversation("2025-02-01", "A"), conversation("2025-07-01", "A", key="d")], index=[5, 2])
    deals = pd.DataFrame([FIRST, SECOND])
    rows = deal_links(asked, customers(), deals)
    back = deal_links(asked[::-1], customers(), deals[::-1])
    pd.testing.assert_frame_equal(rows, back[::-1])
    assert list(rows.index) == [5, 2]
    assert list(rows.columns) == list(LINK_COLUMNS)


def test_no_conversations_or_no_deals_give_no_links() -> None:
    deals = pd.DataFrame([FIRST])
    asked = pd.DataFrame([conversation("2025-02-01", "A")])
    assert deal_links(asked[:0], customers(), deals).empty
    assert deal_links(asked, customers(), deals[:0])["deal_id"].isna().all()
