"""Names of people, places and competitors."""

from __future__ import annotations

import pytest

from features.assist.other_names import name_words, rival_words
from features.assist.words import words

NONE: frozenset[str] = frozenset()


def names(text: str, known: frozenset[str] = NONE) -> list[str]:
    said = words(text)
    return [text[said.starts[first] : said.ends[last]] for first, last in name_words(said, known)]


def test_rare_words_with_a_capital_within_a_sentence_are_names_and_runs_are_one() -> None:
    assert names("Then Giulio Bassi rang from Szczecin.") == ["Giulio Bassi", "Szczecin"]


@pytest.mark.parametrize(
    "text", ["On Monday the German SSO ran.", "In March on Sundays", "Yesterday it rained", "ALL LOUD"]
)
def test_days_months_acronyms_and_first_words_are_no_names(text: str) -> None:
    assert names(text) == []


def test_speakers_are_names_wherever_they_stand() -> None:
    assert names("Marit, could you?", frozenset({"marit"})) == ["Marit"]


def test_a_competitor_is_whose_reseller_is_spoken_of_or_who_is_called_so() -> None:
    text = "Vexley's reseller, and competitor Brixio, against Fellhaven"
    assert rival_words(words(text), [(0, 17)], [(text.index("Fellhaven"), len(text))]) == {"vexley", "brixio"}
