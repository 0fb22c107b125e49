"""Personal data taken out of quotes."""

from __future__ import annotations

import pytest

from features.privacy import name_words, redacted

NAMES = name_words(
    ["Ines Duarte (Kestrel)", "will, tom", None, "x@kestrel.example", "Kestrel Support"], ["Kestrel Ltd"]
)


def test_names_are_the_words_of_people_without_companies_and_addresses() -> None:
    assert sorted(NAMES) == ["Duarte", "Ines", "Tom", "Will"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ines Duarte from Kestrel rang, and ines did it.", "[NAME] from Kestrel rang, and [NAME] did it."),
        ("INES's team will do it; Will agreed.", "[NAME]'s team will do it; [NAME] agreed."),
        ("Write to ines.d+x@kestrel.example.com.", "Write to [EMAIL]."),
        ("Ring +44 20 7946 0958 or (020) 7946-0958.", "Ring [PHONE] or [PHONE]."),
        ("Send it to 12 Old Mill Road, SW1A 1AA please.", "Send it to [ADDRESS] please."),
        ("Hauptstraße 12, 10115 Berlin; 5 rue de la Paix 7", "[ADDRESS]; [ADDRESS]"),
    ],
)
def test_people_and_how_to_reach_them_are_replaced(text: str, left: str) -> None:
    assert redacted(text, NAMES) == left


@pytest.mark.parametrize("text", ["on 2024-05-01, at 1.200.000 users", "40 000 000 rows in 01/02/2024", "3.14159265"])
def test_dates_and_amounts_stay(text: str) -> None:
    assert redacted(text, NAMES) == text


def test_without_names_only_addresses_and_numbers_go() -> None:
    assert redacted("Ines: a@b.example", frozenset()) == "Ines: [EMAIL]"
