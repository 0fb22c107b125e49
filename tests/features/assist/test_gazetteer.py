"""Names, aliases and domains in text."""

from __future__ import annotations

import pandas as pd
import pytest

from features.assist.gazetteer import Gazetteer
from features.assist.words import words

PARTNERS = pd.DataFrame(
    {
        "partner_id": ["b", "h", "k", "t1", "t2"],
        "name": ["Brightmere Ltd", "Hartwig & Söhne GmbH", "Kestrel Systems", "Tandem", "Tandem Health"],
        "domains": [["brightmere.example"], [], [], [], []],
    }
)
ALIASES = pd.DataFrame({"partner_id": ["h", "k", "k"], "alias": ["HUS", "Cobalteen", "the Birds"]})


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer(PARTNERS, ALIASES)


def found(gazetteer: Gazetteer, text: str) -> list[tuple[str, str]]:
    return [("|".join(hit.partner_ids), text[hit.start : hit.end]) for hit in gazetteer.find(words(text))]


@pytest.mark.parametrize(
    ("text", "partner", "written"),
    [
        ("so bright mere fixed it", "b", "bright mere"),
        ("BRIGHTMERE'S people", "b", "BRIGHTMERE"),
        ("with Bright-Mere Ltd.", "b", "Bright-Mere Ltd"),
        ("the Brightmeres came", "b", "Brightmeres"),
        ("Hartwig und Hartwig and Sohne", "h", "Hartwig and Sohne"),
        ("we asked kestrel systems", "k", "kestrel systems"),
        ("we asked Kestrel about it", "k", "Kestrel"),
        ("it was Cobalteen again", "k", "Cobalteen"),
        ("then Kestral rang", "k", "Kestral"),
        ("mail jo@mail.brightmere.example now", "b", "jo@mail.brightmere.example"),
        ("Kes\u200btrel", "k", "Kes\u200btrel"),
    ],
)
def test_a_partner_is_found_as_people_write_and_speak(
    gazetteer: Gazetteer, text: str, partner: str, written: str
) -> None:
    assert (partner, written) in found(gazetteer, text)


def test_the_longest_name_counts(gazetteer: Gazetteer) -> None:
    assert found(gazetteer, "Tandem Health and Tandem") == [("t2", "Tandem Health"), ("t1", "Tandem")]


def test_an_acronym_counts_in_capitals_only(gazetteer: Gazetteer) -> None:
    assert found(gazetteer, "HUS and hus") == [("h", "HUS")]


def test_a_name_of_two_partners_names_both() -> None:
    twins = pd.DataFrame({"partner_id": ["x", "y"], "name": ["Larkspur", "Larkspur"]})
    assert found(Gazetteer(twins, ALIASES.head(0)), "Larkspur called") == [("x|y", "Larkspur")]


@pytest.mark.parametrize(
    "name", ["Larkspur (EMEA)", "Larkspur Advisory [old]", "Larkspur™", "Larkspur, Inc. (fka Quill)"]
)
def test_brackets_and_marks_of_a_listed_name_may_be_left_out(name: str) -> None:
    listed = pd.DataFrame({"partner_id": ["x"], "name": [name]})
    assert found(Gazetteer(listed, ALIASES.head(0)), "Larkspur called") == [("x", "Larkspur")]


def test_a_name_without_its_brackets_is_the_partners_who_bears_just_that() -> None:
    twins = pd.DataFrame({"partner_id": ["x", "y"], "name": ["Larkspur (EMEA)", "Larkspur"]})
    assert found(Gazetteer(twins, ALIASES.head(0)), "Larkspur called") == [("y", "Larkspur")]


def test_the_t_of_a_verb_begins_no_name() -> None:
    tin = Gazetteer(pd.DataFrame({"partner_id": ["t"], "name": ["Tinour"]}), ALIASES.head(0))
    assert found(tin, "it wasn't in our plan") == []


def test_names_of_people_present_are_not_taken_for_misspelt_partners(gazetteer: Gazetteer) -> None:
    assert gazetteer.find(words("ask Kestral"), frozenset({"kestral"})) == []


def test_a_domain_belongs_to_the_partner_of_the_domain_above(gazetteer: Gazetteer) -> None:
    assert gazetteer.owner_of_domain("eu.brightmere.example") == "b"
    assert gazetteer.owner_of_domain("other.example") is None
