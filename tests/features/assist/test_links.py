"""Utterances and the partners they are about."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assist.links import MENTION_COLUMNS, PAIR_COLUMNS, Windows, candidates, link_partners

PARTNERS = pd.DataFrame(
    {
        "partner_id": ["b", "k", "v"],
        "name": ["Brightmere", "Kestrel Systems", "Vantry Distribution"],
        "partner_type": ["advisor", "si", "distributor"],
        "domains": [[], ["kestrel.example"], []],
    }
)
ALIASES = pd.DataFrame({"partner_id": ["k"], "alias": ["Kestrel"]})


def said(*turns: str, **columns: Any) -> pd.DataFrame:
    n = len(turns)
    frame = {"utterance_id": [f"u{i}" for i in range(n)], "conversation_id": ["c"] * n, "seq": range(n), "text": turns}
    return pd.DataFrame(frame | {"speaker_org": ["internal"] * n} | columns)


def pairs_of(utterances: pd.DataFrame, **options: Any) -> list[tuple[str | None, str]]:
    """Partner and kind of the surest link of each utterance."""
    pairs = candidates(utterances, link_partners(utterances, PARTNERS, ALIASES, **options))
    top = pairs.drop_duplicates("utterance_id")
    return [(p if isinstance(p, str) else None, k) for p, k in zip(top["partner_id"], top["link_kind"], strict=True)]


def test_each_partner_named_is_a_candidate() -> None:
    utterances = said("Kestrel wired it and bright mere taught them")
    pairs = candidates(utterances, link_partners(utterances, PARTNERS, ALIASES))
    assert tuple(pairs.columns) == PAIR_COLUMNS
    assert set(pairs["partner_id"]) == {"k", "b"}


def test_they_are_who_was_named_last() -> None:
    links = pairs_of(said("Kestrel was here.", "They fixed it overnight.", "And their engineer stayed."))
    assert links == [("k", "alias"), ("k", "pronoun"), ("k", "pronoun")]


def test_a_description_takes_the_partner_of_its_type() -> None:
    links = pairs_of(said("Vantry quoted, Kestrel built it.", "The distributor was quick.", "The integrator too."))
    assert links[1:] == [("v", "description"), ("k", "description")]


def test_a_description_takes_the_only_such_partner_of_the_deal() -> None:
    present = pd.DataFrame({"conversation_id": ["c", "c"], "partner_id": ["k", "v"]})
    assert pairs_of(said("The integrator you sent was good."), present=present) == [("k", "description")]
    assert pairs_of(said("The integrator you sent was good.")) == [(None, "generic")]


def test_a_reply_that_names_nobody_is_about_the_turn_before_with_less_confidence() -> None:
    utterances = said("Did Kestrel sign?", "Yes, on Friday.")
    mentions = link_partners(utterances, PARTNERS, ALIASES)
    assert pairs_of(utterances)[1] == ("k", "ellipsis")
    assert mentions["confidence"].iloc[-1] < 0.5
    assert mentions["char_start"].isna().iloc[-1]


def test_stand_ins_reach_as_far_as_their_window() -> None:
    utterances = said("Kestrel was here.", "Hm.", "Right.", "They fixed it.")
    assert pairs_of(utterances, windows=Windows(they=3, ellipsis=0))[3] == ("k", "pronoun")
    assert pairs_of(utterances, windows=Windows(they=2, ellipsis=0))[3] == (None, "none")


def test_who_is_named_next_answers_a_they_that_nobody_came_before() -> None:
    assert pairs_of(said("They built me a screen.", "Who?", "Kestrel."))[0] == ("k", "pronoun")


def test_a_partners_speaker_is_the_partner_in_first_person() -> None:
    utterances = said("We rewired it.", speaker_org=["partner"], partner_id=["v"], speaker=["Bo Ek"])
    mentions = link_partners(utterances, PARTNERS, ALIASES)
    assert mentions[["partner_id", "kind"]].drop_duplicates().to_numpy().tolist() == [["v", "speaker"]]
    assert mentions["char_start"].dropna().tolist() == [0]


def test_a_partner_spoken_to_is_you() -> None:
    utterances = said("We rewired it.", "Did you? Thanks.", speaker_org=["partner", "internal"], partner_id=["v", None])
    assert pairs_of(utterances)[1] == ("v", "pronoun")


@pytest.mark.parametrize("text", ["an integrator did it", "through our dealers we grew", "channel partners count"])
def test_a_partner_that_is_not_known_stays_unknown(text: str) -> None:
    assert pairs_of(said(text)) == [(None, "generic")]


@pytest.mark.parametrize("text", ["Vexley's reseller did a demo.", "Your competitor flew him out."])
def test_a_rival_is_no_partner_and_takes_they_to_himself(text: str) -> None:
    assert [kind for _, kind in pairs_of(said("Kestrel left.", text, "They paid for all."))] == [
        "alias",
        "rival",
        "rival",
    ]


def test_a_name_that_two_partners_bear_stays_open_unless_one_is_on_the_deal() -> None:
    twins = pd.DataFrame({"partner_id": ["x", "y"], "name": ["Larkspur", "Larkspur Ltd"]})
    utterances = said("Larkspur signed.")
    present = pd.DataFrame({"conversation_id": ["c"], "partner_id": ["y"]})
    (row,) = candidates(utterances, link_partners(utterances, twins, ALIASES.head(0))).to_dict("records")
    assert row["link_kind"] == "name"
    assert row["partner_id"] is None
    (known,) = candidates(utterances, link_partners(utterances, twins, ALIASES.head(0), present=present)).to_dict(
        "records"
    )
    assert known["partner_id"] == "y"


def test_a_name_that_two_partners_bear_is_nobodys_act_who_was_spoken_of_before() -> None:
    twins = pd.concat([PARTNERS, pd.DataFrame({"partner_id": ["x", "y"], "name": ["Larkspur", "Larkspur Ltd"]})])
    utterances = said("Kestrel could not join.", "Larkspur ran the demo.")
    pairs = candidates(utterances, link_partners(utterances, twins, ALIASES))
    assert pairs.loc[pairs["utterance_id"] == "u1", "partner_id"].isna().tolist() == [True]


def test_every_utterance_has_a_pair_in_the_order_given() -> None:
    utterances = said("Good morning.", "Kestrel is late.").iloc[::-1]
    pairs = candidates(utterances, link_partners(utterances, PARTNERS, ALIASES))
    assert pairs["utterance_id"].tolist() == ["u1", "u0"]
    assert pairs["link_kind"].tolist() == ["alias", "none"]


def test_no_utterances_are_no_links() -> None:
    mentions = link_partners(said().astype({"seq": "int64"}), PARTNERS, ALIASES)
    assert tuple(mentions.columns) == MENTION_COLUMNS
    assert candidates(said(), mentions).empty


def test_conversations_do_not_see_each_other() -> None:
    assert pairs_of(said("Kestrel was here.", "They fixed it.", conversation_id=["c", "d"]))[1] == (None, "none")


TURNS = ["Kestrel was here.", "They fixed it.", "bright mere?", "An agency did.", "Ask Vantry, not them.", "Yes."]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(TURNS), min_size=1, max_size=6), st.randoms())
def test_row_order_does_not_matter(turns: list[str], random: Any) -> None:
    utterances = said(*turns)
    order = list(range(len(turns)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        link_partners(utterances, PARTNERS, ALIASES),
        link_partners(utterances.iloc[order], PARTNERS.iloc[::-1], ALIASES.iloc[::-1]),
    )


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(TURNS), min_size=1, max_size=6))
def test_other_names_change_no_link(turns: list[str]) -> None:
    new = {"Kestrel": "Drosvik", "Brightmere": "Ulmenhall", "bright mere": "ulmen hall", "Vantry": "Ostwyn"}

    def renamed(texts: pd.Series[str]) -> pd.Series[str]:
        return texts.replace(new, regex=True)

    before, other = said(*turns), said(*turns)
    other["text"] = renamed(other["text"])
    partners, aliases = PARTNERS.assign(name=renamed(PARTNERS["name"])), ALIASES.assign(alias=renamed(ALIASES["alias"]))
    told = ["utterance_id", "partner_id", "kind", "confidence"]
    expected = link_partners(before, PARTNERS, ALIASES)[told]
    pd.testing.assert_frame_equal(link_partners(other, partners, aliases)[told], expected)


@pytest.mark.parametrize(
    "unit", ["Kestrel they told the reseller. ", "kstral ", "x@kestrel.example ", "Vexley's reseller "]
)
def test_a_very_long_utterance_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    link_partners(said(unit * (60_000 // len(unit))), PARTNERS, ALIASES)
    assert time.process_time() - started < 1.5


def test_a_question_who_lets_the_answer_tell_what_was_said_before_it() -> None:
    assert pairs_of(said("It was warm at six.", "Who rang?", "Kestrel."))[0] == ("k", "ellipsis")
    assert pairs_of(said("It was warm at six.", "Indeed.", "Kestrel."))[0] == (None, "none")
