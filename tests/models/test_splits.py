from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from models.splits import account_folds, balanced_folds, split_by_time


def days(*numbers: int) -> pd.Series:
    return pd.Series(pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(list(numbers), unit="D"))


def test_the_latest_share_is_the_test_and_accounts_in_it_leave_the_training() -> None:
    split = split_by_time(days(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), pd.Series(list("abcdefghia")), 0.2)
    assert list(np.flatnonzero(split.test)) == [8, 9]
    assert list(np.flatnonzero(split.train)) == [1, 2, 3, 4, 5, 6, 7]
    assert split.n_dropped == 1
    assert split.is_by_time
    assert "1 earlier deals were dropped" in split.sentence


def test_deals_closed_at_the_same_moment_as_the_first_test_deal_are_test_deals() -> None:
    split = split_by_time(days(1, 2, 3, 4, 5, 6, 9, 9, 9, 9), pd.Series(list("abcdefghij")), 0.2)
    assert list(np.flatnonzero(split.test)) == [6, 7, 8, 9]


def test_without_differing_close_dates_whole_accounts_are_drawn_and_the_sentence_says_so() -> None:
    accounts = pd.Series([f"a{i // 2}" for i in range(400)])
    split = split_by_time(days(*[0] * 400), accounts, 0.25)
    assert not split.is_by_time
    assert split.sentence.startswith("Not ordered by time, because the deals do not differ in their close date")
    assert not set(accounts[split.train]) & set(accounts[split.test])
    assert 0.15 < split.test.mean() < 0.35


def test_few_accounts_with_deals_all_over_time_fall_back_to_accounts() -> None:
    accounts = pd.Series([f"a{i % 5}" for i in range(100)])
    split = split_by_time(days(*range(100)), accounts, 0.2)
    assert not split.is_by_time
    assert "too few deals" in split.sentence


def test_a_fold_is_the_same_in_every_process() -> None:
    assert list(account_folds(pd.Series(["001A", "001B", "001C", "001D"]), 5)) == [3, 3, 4, 4]


def test_a_missing_account_has_a_fold() -> None:
    assert account_folds(pd.Series([None, "a"], dtype=object), 3).shape == (2,)


@given(st.lists(st.text(max_size=5), max_size=30), st.integers(2, 9))
def test_folds_depend_on_the_account_alone(accounts: list[str], n_folds: int) -> None:
    folds = account_folds(pd.Series(accounts, dtype=object), n_folds)
    again = account_folds(pd.Series(accounts[::-1], dtype=object), n_folds)[::-1]
    assert list(folds) == list(again)
    assert all(0 <= fold < n_folds for fold in folds)


def test_balanced_folds_have_about_equally_many_accounts_and_split_none() -> None:
    accounts = pd.Series([f"a{i % 10}" for i in range(40)])
    folds = balanced_folds(accounts, 3)
    per_account = pd.DataFrame({"account": accounts, "fold": folds}).drop_duplicates()
    assert len(per_account) == 10
    assert sorted(per_account["fold"].value_counts()) == [3, 3, 4]
