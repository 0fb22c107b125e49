from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.assist.syntax_lemmas import lemma


@pytest.mark.parametrize(
    ("word", "tag", "base"),
    [
        ("brought", "VBD", "bring"),
        ("introduced", "VBD", "introduce"),
        ("planning", "VBG", "plan"),
        ("carried", "VBN", "carry"),
        ("migrated", "VBN", "migrate"),
        ("runs", "VBZ", "run"),
        ("did", "VBD", "do"),
        ("companies", "NNS", "company"),
        ("people", "NNS", "people"),
        ("boxes", "NNS", "box"),
        ("partner", "NN", "partner"),
        ("quickly", "RB", "quickly"),
    ],
)
def test_a_word_has_its_base_form(word: str, tag: str, base: str) -> None:
    assert lemma(word, tag) == base


@given(st.text(max_size=8), st.sampled_from(["VB", "VBD", "VBG", "VBN", "VBZ", "NN", "NNS", "MD", ""]))
def test_any_word_has_a_base_form(word: str, tag: str) -> None:
    assert isinstance(lemma(word, tag), str)
