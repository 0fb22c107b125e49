"""Misspelt and misheard names."""

from __future__ import annotations

import pytest

from features.assist.near import NearNames, skeleton

NAMES = {"kestrel": ["k"], "junoventis": ["j"], "koppstein": ["c"], "marlow": ["m1"], "marlowen": ["m2"]}


@pytest.mark.parametrize(("heard", "partner"), [("kestral", "k"), ("kestrl", "k"), ("copstein", "c")])
def test_one_letter_or_the_same_consonants_are_near(heard: str, partner: str) -> None:
    found = NearNames(NAMES).nearest(heard)
    assert found is not None
    assert found[0] == partner
    assert 0.7 < found[1] < 1


def test_two_partners_about_equally_near_are_no_match() -> None:
    assert NearNames({"brightmere": ["a"], "brightmore": ["b"]}).nearest("brightmare") is None


def test_an_unlike_word_is_near_to_nobody() -> None:
    assert NearNames(NAMES).nearest("warehouse") is None


def test_short_names_are_never_guessed() -> None:
    assert NearNames({"teal": ["t"]}).nearest("teel") is None


def test_consonants_by_sound() -> None:
    assert skeleton("juneohventus") == skeleton("junoventis")
    assert NearNames(NAMES).sounding("warehouse") is None
