"""Sentences of turns, and long turns in pieces."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assist.sentences import PIECE_CHARS, WHOLE_CHARS, pieces, sentence_spans


def turns(*texts: str, **more: Any) -> pd.DataFrame:
    rows = [{"utterance_id": f"u{n}", "conversation_id": "c", "seq": n, "text": text} for n, text in enumerate(texts)]
    times: Any = {"start_s": None, "end_s": None} | more
    return pd.DataFrame(rows).assign(**times)


def test_sentences_end_at_their_marks_and_at_line_breaks_but_not_after_abbreviations() -> None:
    text = 'Mr. Okafor rang. "Really?" he said!  Yes\nthat was it'
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "Mr. Okafor rang.",
        '"Really?" he said!',
        "Yes",
        "that was it",
    ]


def test_a_turn_of_usual_length_is_one_piece_under_its_own_id() -> None:
    made = pieces(turns("They did it. We saw it.", start_s=3.0, end_s=9.0))
    (row,) = made[["utterance_id", "source_id", "char_start", "char_end", "start_s", "end_s"]].values.tolist()
    assert row == ["u0", "u0", 0, 23, 3.0, 9.0]


def test_a_long_turn_is_cut_between_sentences_and_its_seconds_are_shared_out() -> None:
    text = f"A{'a' * 198}. B{'b' * 198}."
    made = pieces(turns(text, "Next.", start_s=[0.0, None], end_s=[40.1, None]))
    assert made["utterance_id"].tolist() == ["u0#0", "u0#1", "u1"]
    assert made["seq"].tolist() == [0, 1, 2]
    assert made["source_seq"].tolist() == [0, 0, 1]
    assert made["start_s"].tolist()[:2] == [0.0, 20.1]
    assert made["end_s"].tolist()[:2] == [20.0, 40.1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(alphabet="aB .?!\nx", max_size=3 * PIECE_CHARS), min_size=1, max_size=3))
def test_pieces_lie_in_order_within_their_turn_hold_all_words_and_are_short(texts: list[str]) -> None:
    made = pieces(turns(*texts))
    for n, text in enumerate(texts):
        own = made[made["source_id"] == f"u{n}"]
        assert all(
            text[a:b] == part for a, b, part in zip(own["char_start"], own["char_end"], own["text"], strict=True)
        )
        assert own["text"].str.len().le(PIECE_CHARS if len(own) > 1 else WHOLE_CHARS).all()
        assert own["char_start"].tolist()[1:] >= own["char_end"].tolist()[:-1]
        assert "".join("".join(own["text"]).split()) == "".join(text.split())
