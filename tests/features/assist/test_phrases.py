"""Stand-ins without a name."""

from __future__ import annotations

import pytest

from features.assist.phrases import phrases
from features.assist.words import words


@pytest.mark.parametrize(
    ("text", "sort", "written"),
    [
        ("the integrator you sent came", "description", "the integrator"),
        ("our reseller quoted", "description", "our reseller"),
        ("those guys fixed it", "group", "those guys"),
        ("an integrator did it", "generic", "an integrator"),
        ("through our dealers we grew", "generic", "our dealers"),
        ("with the assistance of consultants", "generic", "consultants"),
        ("a joint venture partner", "generic", "a joint venture partner"),
        ("their reseller took him out", "theirs", "their reseller"),
        ("your competitor was there", "rival", "competitor"),
        ("then Vexley's reseller called", "rival", "Vexley's reseller"),
        ("the other side has one too", "rival", "other side"),
    ],
)
def test_stand_ins_are_told_apart(text: str, sort: str, written: str) -> None:
    assert [(p.sort, text[p.start : p.end]) for p in phrases(words(text))] == [(sort, written)]


@pytest.mark.parametrize("text", ["my partner nurses at Leeton", "an equity partner", "we did it ourselves"])
def test_partners_in_life_and_law_are_none(text: str) -> None:
    assert list(phrases(words(text))) == []


def test_nouns_tell_the_types_they_fit() -> None:
    (phrase,) = phrases(words("your consultants"))
    assert phrase.types == {"advisor", "si"}
