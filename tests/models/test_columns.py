from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.columns import ColumnCoder, feature_names

FRAME = pd.DataFrame(
    {
        "deal_id": ["a", "b", "c", "d"],
        "closed_at": pd.to_datetime(["2024-01-01"] * 4, utc=True),
        "segment": ["large", None, "small", "large"],
        "amount": [10.0, np.nan, 30.0, 20.0],
        "is_new": [True, False, True, True],
        "constant": [1, 1, 1, 1],
    }
)


def test_ids_and_times_are_no_features() -> None:
    assert feature_names(FRAME, ("is_new",)) == ("amount", "constant", "segment")


def test_text_becomes_codes_and_missing_stays_missing() -> None:
    coder = ColumnCoder.fit(FRAME, feature_names(FRAME))
    assert coder.names == ("amount", "is_new", "segment")
    expected = [[10, 1, 0], [np.nan, 0, np.nan], [30, 1, 1], [20, 1, 0]]
    np.testing.assert_array_equal(coder.matrix(FRAME), expected)
    assert coder.categorical == [2]


def test_an_unseen_level_is_missing() -> None:
    coder = ColumnCoder.fit(FRAME, ("segment",))
    assert np.isnan(coder.matrix(FRAME.assign(segment="huge"))).all()


def test_a_coarsened_number_becomes_its_decile() -> None:
    frame = pd.DataFrame({"amount": np.arange(100.0)})
    coder = ColumnCoder.fit(frame, ("amount",), coarsen=("amount",))
    deciles = coder.matrix(pd.DataFrame({"amount": [-5.0, 0.0, 55.5, 55.6, 1e9, np.nan]}))[:, 0]
    np.testing.assert_array_equal(deciles, [0, 0, 5, 5, 9, np.nan])


def test_numbers_in_an_object_column_stay_numbers() -> None:
    frame = pd.DataFrame({"n": pd.Series([1, None, 3], dtype=object), "none": pd.Series([None] * 3, dtype=object)})
    coder = ColumnCoder.fit(frame, ("n", "none"))
    np.testing.assert_array_equal(coder.matrix(frame)[:, 0], [1, np.nan, 3])
    assert coder.names == ("n",)


def test_a_missing_column_is_named() -> None:
    coder = ColumnCoder.fit(FRAME, ("amount", "segment"))
    with pytest.raises(ValueError, match=r"lacks the column\(s\) segment that the model was trained on"):
        coder.matrix(FRAME.drop(columns="segment"))


def test_it_survives_json() -> None:
    coder = ColumnCoder.fit(FRAME, feature_names(FRAME), coarsen=("amount",))
    assert ColumnCoder.from_dict(coder.to_dict()) == coder
