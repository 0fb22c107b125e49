"""The order of rows by text columns."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from models.ordering import text_order

ROWS = st.lists(st.tuples(st.sampled_from(["", "a", "B", "ä", "aa"]), st.text(max_size=2)), max_size=20)


@given(ROWS)
def test_rows_are_in_the_order_of_their_texts_and_ties_as_they_were(rows: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["first", "second"], dtype="str")
    assert text_order(frame, ["first", "second"]).tolist() == sorted(range(len(rows)), key=lambda at: rows[at])
