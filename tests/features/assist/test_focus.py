"""The partner in focus."""

from __future__ import annotations

from features.assist.focus import Focus

ANY: frozenset[str] = frozenset()


def test_the_partner_that_came_up_last_is_in_focus() -> None:
    focus = Focus({})
    focus.note("a", 0, 0)
    focus.note("b", 2, 0)
    assert focus.latest(3, 5) == ("b", 1)
    assert focus.latest(3, 5, but="b") == ("a", 3)


def test_within_a_turn_the_first_named_leads() -> None:
    focus = Focus({})
    focus.note("a", 1, 0)
    focus.note("b", 1, 1)
    assert focus.latest(1, 0) == ("a", 0)


def test_nobody_is_in_focus_beyond_the_window_which_includes_its_end() -> None:
    focus = Focus({})
    focus.note("a", 0, 0)
    assert focus.latest(2, 2) == ("a", 2)
    assert focus.latest(3, 2) is None


def test_a_description_takes_a_partner_of_its_type() -> None:
    focus = Focus({"a": "si", "b": "isv"})
    focus.note("a", 0, 0)
    focus.note("b", 1, 0)
    assert focus.latest(2, 5, frozenset({"si"})) == ("a", 2)
    assert focus.latest(2, 5, frozenset({"msp"})) is None
    assert focus.fits("b", ANY)
