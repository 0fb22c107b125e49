"""Names decided with what the rest of the conversation says."""

from __future__ import annotations

import pandas as pd

from features.assist.gazetteer import Gazetteer
from features.assist.naming import Turn, introduced, names_in, people_of_partners, speaker_partner
from features.assist.words import words

GAZETTEER = Gazetteer(
    pd.DataFrame(
        {
            "partner_id": ["a", "b", "k", "s"],
            "name": ["Larkspur", "Larkspur", "Kestrel Systems", "Summit Advisory"],
            "domains": [[], [], ["kestrel.example"], []],
        }
    ),
    pd.DataFrame({"partner_id": ["s"], "alias": ["Summit"]}),
)
NOBODY: frozenset[str] = frozenset()


def turn(speaker: str | None, org: str = "unknown", email: str | None = None, partner: str | None = None) -> Turn:
    return Turn("u", "", speaker, email, org, partner)


def partners(texts: list[str], present: frozenset[str] = NOBODY) -> list[list[str | None]]:
    named = names_in([words(text) for text in texts], GAZETTEER, {}, NOBODY, present)
    return [[name.partner_id for name in names] for names in named]


def test_a_common_word_counts_where_the_partner_was_named_in_full() -> None:
    assert partners(["Summit next week?"]) == [[]]
    assert partners(["Summit next week?", "Summit Advisory said no"]) == [["s"], ["s"]]


def test_a_name_of_two_is_decided_by_who_takes_part_and_else_stays_open() -> None:
    assert partners(["Larkspur called"]) == [[None]]
    assert partners(["Larkspur called"], frozenset({"b"})) == [["b"]]


def test_a_person_introduced_as_the_partners_stands_for_it_afterwards() -> None:
    assert partners(["I met Jakov from Kestrel.", "Then Jakov rang."]) == [["k", "k"], ["k"]]
    assert partners(["Then Jakov rang."]) == [[]]


def test_speakers_partner_is_as_stated_or_by_domain_of_the_address() -> None:
    assert speaker_partner(turn("Bo", "partner", None, "k"), GAZETTEER) == "k"
    assert speaker_partner(turn("Bo", "unknown", "bo@kestrel.example"), GAZETTEER) == "k"
    assert speaker_partner(turn("Bo", "customer", "bo@kestrel.example"), GAZETTEER) is None


def test_first_names_of_two_houses_belong_to_neither() -> None:
    turns = [turn("Ann Lee", "partner"), turn("Ann Roe", "internal")]
    people, speakers = people_of_partners(turns, ["k", None])
    assert people == {"lee": "k"}
    assert speakers == {"ann", "lee", "roe"}


def test_a_stranger_who_names_his_house_speaks_for_it_throughout() -> None:
    turns = [turn("Speaker 2"), turn("Speaker 1"), turn("Speaker 2")]
    texts = [words("We finished it."), words("Who is this?"), words("Kestrel here.")]
    names = names_in(texts, GAZETTEER, {}, NOBODY, NOBODY)
    assert introduced(turns, texts, names, [None, None, None]) == ["k", None, "k"]
