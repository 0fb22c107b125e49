"""Long turns are cut after sentences, and short pieces are joined to them, without a change of words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.talk.rows import Turn
from features.sources.talk.sentences import Piece, cut, joined


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["We did it.", "Mr. Li (Acme) came!", "no end", "Why? x", "a" * 90 + "."]), max_size=60)
)
def test_cutting_a_turn_changes_no_word_and_keeps_its_times(words: list[str]) -> None:
    text = " ".join(words)
    parts = cut(Turn(text, "Ann", 10.0, 20.0))
    assert " ".join(part.text for part in parts) == text
    assert (parts[0].start_s, round(parts[-1].end_s or 0, 6)) == (10.0, 20.0)
    assert len(text) > 600 or len(parts) == 1


def test_a_long_turn_ends_its_parts_with_sentences() -> None:
    parts = cut(Turn("Kestrel ran the security review for us. " * 20 + "Thank you Mr. Li.", "Ann", 5.0))
    assert [len(part.text) for part in parts] == [279, 279, 257]
    assert all(part.text.endswith(".") and part.start_s == 5.0 for part in parts)


def test_pieces_are_joined_to_sentences_of_one_speaker() -> None:
    pieces = [
        Piece("Ann", "We", 0.0, 1.0, 1),
        Piece("Ann", "did it.", 1.0, 2.0, 2),
        Piece("Ann", "Later.", 9.0, 9.5, 3),
        Piece("Bo", "Yes.", 9.6, 9.9, 4),
    ]
    turns = list(joined(pieces))
    assert [(t.speaker, t.text, t.start_s, t.end_s, t.line) for t in turns] == [
        ("Ann", "We did it.", 0.0, 2.0, 1),
        ("Ann", "Later.", 9.0, 9.5, 3),
        ("Bo", "Yes.", 9.6, 9.9, 4),
    ]
