from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from models.dose import FIRST_WEIGHT, TouchWeights, saturated, touch_columns, touch_counts

MEMBERS = pd.DataFrame({"touches": [5, 1], "touches_of_email": [3, 0], "touches_of_demo": [1, 1], "dose": [0, 0]})


def test_touches_of_kinds_without_a_column_are_counted_last() -> None:
    assert touch_columns(MEMBERS) == ("touches_of_demo", "touches_of_email")
    assert touch_counts(MEMBERS, touch_columns(MEMBERS)).tolist() == [[1, 3, 1], [1, 0, 0]]


def test_a_kind_that_a_later_frame_lacks_counts_as_never_done() -> None:
    weights = TouchWeights({"touches_of_demo": 1.0, "touches_of_workshop": 9.0}, rest=0.5)
    np.testing.assert_allclose(weights.doses(MEMBERS), 1 - np.exp([-(1.0 + 4 * 0.5), -1.0]))


def test_weights_are_kept_in_the_order_of_the_counts() -> None:
    weights = TouchWeights.of(("a", "b"), np.array([0.1, 0.2, 0.3]))
    assert weights == TouchWeights({"a": 0.1, "b": 0.2}, 0.3)
    assert weights.values.tolist() == [0.1, 0.2, 0.3]


@given(st.integers(0, 400), st.integers(0, 400))
def test_more_effort_is_never_a_smaller_dose_and_no_dose_exceeds_one(first: int, second: int) -> None:
    low, high = sorted((first, second))
    doses = saturated(np.array([low, high]) * FIRST_WEIGHT)
    assert 0 <= doses[0] <= doses[1] <= 1
