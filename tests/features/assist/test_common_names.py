"""Names that are also words."""

from __future__ import annotations

import pandas as pd
import pytest

from features.assist.common_names import SURE, points
from features.assist.gazetteer import Gazetteer
from features.assist.words import words

NAMES = ["Summit", "Orange", "Slate", "Hazel", "Matter", "Kite", "Fellhaven"]
GAZETTEER = Gazetteer(pd.DataFrame({"partner_id": NAMES, "name": NAMES}), pd.DataFrame({"partner_id": [], "alias": []}))


def is_meant(text: str) -> bool:
    said = words(text)
    return any(points(said, hit) >= SURE for hit in GAZETTEER.find(said))


@pytest.mark.parametrize(
    "text",
    [
        "We had Summit in on Friday.",
        "the kite people came",
        "Kite's engineer stayed late",
        "Slate has fixed the link",
        "Did you hear it from Orange?",
        "fellhaven sent the quote",
        "Hazel.",
    ],
)
def test_capital_place_and_neighbours_tell_the_partner(text: str) -> None:
    assert is_meant(text)


@pytest.mark.parametrize(
    "text",
    [
        "the summit was cold",
        "it doesn't matter",
        "an orange and a slate roof",
        "Matter of fact, no",
        "Mrs Hazel signed",
        "Tri-Summit called us",
    ],
)
def test_the_word_itself_is_not_the_partner(text: str) -> None:
    assert not is_meant(text)


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("Then IBM ran the demo.", True),
        ("KPMG introduced us.", True),
        ("THEN IBM RAN THE DEMO", False),
        ("It was NOT ours.", False),
    ],
)
def test_an_acronym_that_is_no_everyday_word_is_a_name_unless_all_is_in_capitals(text: str, is_it: bool) -> None:
    names = pd.DataFrame({"partner_id": ["i", "k", "n"], "name": ["IBM", "KPMG", "NOT"]})
    said = words(text)
    hits = Gazetteer(names, pd.DataFrame({"partner_id": [], "alias": []})).find(said)
    assert [points(said, hit) >= SURE for hit in hits] == [is_it]
