from __future__ import annotations

from time import process_time

import pytest

from review.pages.moment_words import rest_of, said_in, span_of, words_of
from review.store.turns import Span, Turn, quote_of

TURNS = [
    Turn("a", 0, "They cleared the audit. It took a week.", "customer"),
    Turn("b", 1, "\u202eAnd\u202c they\nbrought us a reference.", "customer"),
    Turn("c", 2, "Good.", "internal"),
]


def words(span: Span) -> str:
    return quote_of(span, TURNS)


def test_words_over_turns_are_counted_as_they_are_shown() -> None:
    span = span_of("1.24-2.8", TURNS)
    assert words(span) == "It took a week.\n\u202eAnd\u202c they"
    assert words_of(span, TURNS) == "1.24-2.8"


def test_blanks_at_both_ends_are_left_out() -> None:
    assert words_of(span_of("1.23-2.4", TURNS), TURNS) == "1.24-2.3"


@pytest.mark.parametrize("text", ["", "1.5", "0.0-1.2", "2.0-1.3", "1.0-9.1", "1.4-1.4", "1.99-1.999", "1.-2.3"])
def test_words_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"span|words|turns"):
        span_of(text, TURNS)


def test_typed_words_need_no_exact_blanks_or_capitals() -> None:
    assert words(said_in(2, "THEY BROUGHT us", TURNS)) == "they\nbrought us"
    assert words_of(said_in(2, "they brought  us", TURNS), TURNS) == "2.4-2.19"


@pytest.mark.slow
def test_a_turn_made_to_be_slow_to_look_through_is_not() -> None:
    began = process_time()
    with pytest.raises(ValueError, match="do not stand"):
        said_in(1, "a " * 2_000 + "b", [Turn("a", 0, "a " * 250_000, "customer")])

    assert process_time() - began < 2


def test_typed_words_that_do_not_stand_in_the_turn_are_refused() -> None:
    with pytest.raises(ValueError, match="do not stand in turn 3"):
        said_in(3, "They cleared", TURNS)
    with pytest.raises(ValueError, match="no turn 9"):
        said_in(9, "x", TURNS)
    with pytest.raises(ValueError, match="No words"):
        said_in(1, " ", TURNS)


def test_a_second_moment_takes_its_words_from_the_first() -> None:
    whole = span_of("1.0-2.32", TURNS)
    assert words(rest_of(whole, said_in(2, "they brought us a reference.", TURNS), TURNS)) == (
        "They cleared the audit. It took a week.\n\u202eAnd\u202c"
    )
    assert words(rest_of(whole, said_in(1, "They cleared the audit.", TURNS), TURNS)).startswith("It took")
    assert rest_of(whole, said_in(3, "Good.", TURNS), TURNS) == whole
    with pytest.raises(ValueError, match="Leave some"):
        rest_of(whole, whole, TURNS)
