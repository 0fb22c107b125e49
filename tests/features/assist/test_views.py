from __future__ import annotations

import pandas as pd
import pytest

from features.assist.links import candidates, link_partners
from features.assist.views import unlisted, views

PARTNERS = pd.DataFrame({"partner_id": ["p1", "p2"], "name": ["Brightmere", "Kestrelton"]})
ALIASES = pd.DataFrame({"partner_id": ["p1"], "alias": ["Brightmere"]})


@pytest.fixture
def turns() -> pd.DataFrame:
    rows = [
        ("c", 0, "internal", None, "Who set up the, uh, pilot?"),
        ("c", 1, "customer", None, "Brightmere did, not Kestrelton."),
        ("c", 2, "partner", "p2", "We only watched."),
        ("d", 0, "internal", None, "It was built together with a lab in the south."),
    ]
    frame = pd.DataFrame(rows, columns=["conversation_id", "seq", "speaker_org", "partner_id", "text"])
    return frame.assign(utterance_id=frame["conversation_id"] + frame["seq"].astype(str), speaker=None)


def seen_of(turns: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    mentions = link_partners(turns, PARTNERS, ALIASES)
    pairs = candidates(turns, mentions)
    return pairs, views(turns, mentions, pairs)


def row_of(turns: pd.DataFrame, utterance: str, partner: str) -> pd.Series:
    pairs, seen = seen_of(turns)
    return seen[(pairs["utterance_id"] == utterance) & (pairs["partner_id"] == partner)].iloc[0]


def test_each_pair_sees_its_own_partner_as_the_partner(turns: pd.DataFrame) -> None:
    assert row_of(turns, "c1", "p1")["text"] == "[PARTNER] did, not [OTHER_PARTNER]."
    assert row_of(turns, "c1", "p2")["text"] == "[OTHER_PARTNER] did, not [PARTNER]."


def test_turns_around_are_seen_without_fillers_and_with_who_says_them(turns: pd.DataFrame) -> None:
    row = row_of(turns, "c1", "p2")
    assert row["before"] == "Who set up the, pilot?"
    assert (row["before_side"], row["after_side"], row["earlier_side"]) == ("internal", "partner", "none")
    assert row_of(turns, "c1", "p1")["after_side"] == "other_partner"


def test_a_conversation_ends_where_the_next_begins(turns: pd.DataFrame) -> None:
    pairs, seen = seen_of(turns)
    last = seen[pairs["utterance_id"] == "d0"].iloc[0]
    assert (last["before"], last["before_side"]) == ("", "none")


def test_talk_in_which_no_listed_partner_is_named_may_be_of_an_unlisted_one(turns: pd.DataFrame) -> None:
    pairs, seen = seen_of(turns)
    assert seen[pairs["utterance_id"] == "d0"]["link"].tolist() == ["unlisted"]


def test_the_order_of_the_turns_does_not_matter(turns: pd.DataFrame) -> None:
    pairs, seen = seen_of(turns)
    mixed_pairs, mixed = seen_of(turns.iloc[::-1])
    both = [p.assign(key=p["utterance_id"] + p["partner_id"].fillna("")) for p in (pairs, mixed_pairs)]
    one, other = (s.set_index(p["key"]).sort_index() for p, s in zip(both, (seen, mixed), strict=True))
    pd.testing.assert_frame_equal(one, other)


def test_unlisted_partners_are_names_like_any_other(turns: pd.DataFrame) -> None:
    _, seen = seen_of(turns)
    assert not unlisted(seen)["text"].str.contains("PARTNER").any()
    assert set(unlisted(seen)["link"]) == {"unlisted"}
