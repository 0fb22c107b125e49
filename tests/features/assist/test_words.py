"""Words and their places, folding, frequency."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.assist.words import fold, frequency_rank, words


@pytest.mark.parametrize("written", ["Söhne", "SÖHNE", "so\u0308hne", "Söh\u200bne"])
def test_case_accents_and_invisible_characters_do_not_matter(written: str) -> None:
    assert fold(written) == "sohne"
    assert words(written).folded == ["sohne"]


@given(st.text(max_size=80))
def test_every_word_stands_where_it_says(text: str) -> None:
    found = words(text)
    assert all(text[start:end] == raw for start, end, raw in zip(found.starts, found.ends, found.raw, strict=True))


def test_a_full_stop_or_comma_keeps_words_apart_and_a_hyphen_does_not() -> None:
    found = words("bright-mere told us. Mere, bright")
    assert [found.joins(i) for i in range(len(found.raw) - 1)] == [True, True, True, False, False]


def test_first_word_and_word_after_a_full_stop_open_a_sentence() -> None:
    found = words("Kite sent it. Orange did not")
    assert [found.opens_sentence(i) for i in range(6)] == [True, False, False, True, False, False]


def test_common_words_come_before_rare_ones_and_names_have_no_place() -> None:
    assert frequency_rank("the") == 0
    assert (frequency_rank("orange") or 0) < (frequency_rank("hazel") or 0)
    assert frequency_rank("junoventis") is None


@pytest.mark.parametrize("unit", ["a", " ", "e\u0301", "\u200b", "😀", "א", "a-"])
def test_a_very_long_text_is_read_in_linear_time(unit: str) -> None:
    started = time.process_time()
    words(unit * 200_000)
    assert time.process_time() - started < 2.0
