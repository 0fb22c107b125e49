from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.shown import clean
from review.highlight import (
    clipped,
    link_out,
    pieces,
    places,
    raw_offset,
    shortened,
    shown_offset,
)
from review.scripts import mixes_scripts

TEXTS = st.text(st.sampled_from("ab \n<&é\u202e\u200f\x00x"), max_size=60)


def test_evidence_over_turns_is_found_in_each_of_them() -> None:
    texts = ["Well. They cleared the audit.", "On Friday?", "Yes, all of it.\nAnd the rest."]
    quote = "They cleared the audit.\nOn Friday?\nYes, all of it.\nAnd the rest."
    assert places(quote, (6, 29), texts) == [(6, 29), (0, 10), (0, 29)]


def test_a_line_break_within_a_turn_is_no_end_of_its_words() -> None:
    texts = ["a\nb", "c\nd tail", "e"]
    assert places("a\nb\nc\nd\ne", (0, 3), texts) == [(0, 3), (0, 3), (0, 1)]


def test_a_turn_whose_words_were_replaced_in_the_quote_counts_as_a_whole() -> None:
    assert places("Kim said so.\n[person] agreed.", (0, 12), ["Kim said so.", "Lee agreed."]) == [(0, 12), (0, 11)]


def test_a_place_beyond_its_turn_is_the_whole_turn() -> None:
    assert places("gone", (40, 44), ["short"]) == [(0, 5)]


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, start=st.integers(0, 60), length=st.integers(0, 60))
def test_pieces_show_all_of_a_turn_cleaned(text: str, start: int, length: int) -> None:
    evidence = (min(start, len(text)), min(start + length, len(text)))
    shown = "".join(str(piece.text.unescape()) for piece in pieces(text, clipped(text, None), evidence))
    assert shown == "\n".join(clean(line) for line in text.split("\n"))


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, offset=st.integers(0, 60))
def test_a_place_that_is_shown_leads_back_to_the_raw_text(text: str, offset: int) -> None:
    at = raw_offset(text, offset)
    assert 0 <= at <= len(text)
    assert shown_offset(text, at) == min(offset, len(clean(text)))


def test_evidence_is_marked_in_the_raw_text_before_marks_that_reorder_are_taken_out() -> None:
    text = "\u202eab\u202c cd"
    assert [(str(piece.text), piece.is_evidence) for piece in pieces(text, clipped(text, None), (5, 7))] == [
        ("ab ", False),
        ("cd", True),
    ]


def test_markup_in_a_turn_is_text() -> None:
    text = "<script>alert(1)</script>"
    assert str(pieces(text, clipped(text, None), None)[0].text) == "&lt;script&gt;alert(1)&lt;/script&gt;"


def test_of_a_long_turn_the_evidence_is_shown_with_words_around() -> None:
    text = "word " * 10_000
    window = clipped(text, (25_000, 25_100))
    assert window.start <= 24_500 < 25_600 <= window.end
    assert window.end - window.start < 1_300
    assert not window.is_whole
    assert clipped("short", None).is_whole


@pytest.mark.parametrize(
    ("url", "seconds", "link"),
    [
        ("https://calls.example.com/7", 65.4, "https://calls.example.com/7#t=65"),
        ("https://calls.example.com/7#notes", 65.4, "https://calls.example.com/7#notes"),
        ("http://calls.example.com/7", None, "http://calls.example.com/7"),
        ("javascript:alert(1)", 1.0, None),
        ("https://[broken", 1.0, None),
        ("data:text/html,x", None, None),
        (None, 1.0, None),
    ],
)
def test_only_web_addresses_are_linked_to(url: str | None, seconds: float | None, link: str | None) -> None:
    assert link_out(url, seconds) == link


def test_a_quote_is_cut_at_a_word() -> None:
    assert shortened("They\n cleared it.", 40) == "They cleared it."
    assert shortened("They cleared all of the audit's questions", 20) == "They cleared all of…"


@pytest.mark.parametrize(
    ("name", "is_mixed"),
    [("Northquay", False), ("N\u043erthquay", True), ("Брюкке", False), ("Kite Софт", False), ("Söhne 東京", False)],
)
def test_a_name_that_mixes_scripts_within_a_word_is_told(name: str, is_mixed: bool) -> None:
    assert mixes_scripts(name) is is_mixed
