"""Numbers and units that quotes state."""

from __future__ import annotations

import pytest

from features.assist.magnitude import magnitude


@pytest.mark.parametrize(
    ("quote", "stated"),
    [
        ("Their engineers had the site live in nine days.", "nine days"),
        ("That was worth 40k to us.", "40k"),
        ("Sixty of the sixty-five planners have been through it.", "Sixty of the sixty-five planners"),
        ("nineteen percent fewer late shipments since we switched", "nineteen percent"),
        ("It was their team that moved all forty thousand records across.", "forty thousand records"),
        ("the one with the fourteen-month payback", "fourteen-month"),
        ("They got us twenty minutes with the CFO by Thursday.", "twenty minutes"),
        ("$1.2m of pipeline, and 30 seats", "$1.2m"),
        ("twenty-five thousand  euros", "twenty-five thousand euros"),
        ("25 000 EUR cheaper", "25 000 EUR"),
        ("costs 30 % less", "30 %"),
        ("It saved half a day in three of four regions.", "three of four regions"),
    ],
)
def test_a_number_with_its_unit_is_found_in_the_words_of_the_quote(quote: str, stated: str) -> None:
    assert magnitude(quote) == stated


@pytest.mark.parametrize(
    "quote",
    [
        "You pick up the phone at two in the morning.",
        "restarted and cleared at 02:40",
        "Attached is the approval, valid to the 30th.",
        "Go-live was the eleventh of May 2024.",
        "the 2024 numbers",
        "That is one thing less to do.",
        "Two others were quicker.",
        "Each half year they make a value sheet.",
        "Harbourline told us about it.",
        "",
    ],
)
def test_times_of_day_dates_and_bare_numbers_state_no_magnitude(quote: str) -> None:
    assert magnitude(quote) is None
