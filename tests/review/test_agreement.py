"""Agreement between reviewers and the model's precision, on tables whose answers are known."""

from __future__ import annotations

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.agreement import Agreement, agreement, confused, in_words, pairs
from review.precision import by_band, by_type, by_week, precision, wilson
from review.store.second import wants_second


def said(**people: str) -> pd.DataFrame:
    """One letter per moment and person; a dot where a person did not judge: ``said(ada="hhn.", bo="hnn.")``."""
    rows = [
        (f"m{at}", name, letter)
        for name, letters in people.items()
        for at, letter in enumerate(letters)
        if letter != "."
    ]
    return pd.DataFrame(rows, columns=["moment_id", "reviewer", "says"])


def judged(*rows: tuple[str, float, str, str]) -> pd.DataFrame:
    """Type, confidence, what came of it (confirmed, other, none) and the day."""
    return pd.DataFrame(
        {
            "assist_type": [row[0] for row in rows],
            "confidence": [row[1] for row in rows],
            "is_confirmed": [row[2] == "confirmed" for row in rows],
            "is_help": [row[2] != "none" for row in rows],
            "judged_at": pd.to_datetime([row[3] for row in rows], utc=True),
        }
    )


@pytest.mark.slow
def test_kappa_is_that_of_the_textbook() -> None:
    # Cohen (1960): 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5, kappa 0.4.
    found = pairs(said(ada="y" * 25 + "n" * 25, bo="y" * 20 + "n" * 5 + "y" * 10 + "n" * 15), "says")
    assert [(pair.one, pair.other, pair.n, pair.same) for pair in found] == [("ada", "bo", 50, 0.7)]
    assert found[0].kappa == pytest.approx(0.4)
    assert found[0].lo is not None
    assert found[0].hi is not None
    assert found[0].lo < 0.4 < found[0].hi
    assert 0.35 < found[0].hi - found[0].lo < 0.65  # 2 × 1.96 × the textbook's standard error of 0.13


def test_alpha_is_that_of_the_textbook() -> None:
    # Wikipedia, "Krippendorff's alpha", a computational example: three coders, 15 units; 0.691 for nominal data.
    found = agreement(said(a=".....34121133.3", b="1.213343.......", c="..21344.21133.4"), "says")
    assert (found.n, found.n_people) == (12, 3)
    assert found.alpha == pytest.approx(0.691, abs=5e-4)


def test_a_moment_that_one_person_judged_counts_for_nothing() -> None:
    both = said(ada="yynyn", bo="yynnn")
    more = pd.concat([both, pd.DataFrame({"moment_id": ["x"], "reviewer": ["ada"], "says": ["n"]})])
    assert agreement(more, "says").alpha == agreement(both, "says").alpha
    assert agreement(more, "says").n == 5


def test_nobody_judged_twice() -> None:
    found = agreement(said(ada="yy..", bo="..yn"), "says")
    assert found == Agreement(0, 0)
    assert "Too few" in in_words(found)
    assert pairs(said(ada="yy..", bo="..yn"), "says") == []
    assert agreement(said(), "says") == Agreement(0, 0)


def test_people_who_always_say_the_same_one_thing_have_no_alpha() -> None:
    found = agreement(said(ada="y" * 12, bo="y" * 12), "says")
    assert (found.n, found.same, found.alpha) == (12, 1.0, None)
    assert "cannot be told from chance" in in_words(found)
    assert pairs(said(ada="yyy", bo="yyy"), "says")[0].kappa is None


def test_few_moments_have_no_interval_and_no_judgement() -> None:
    found = agreement(said(ada="yynn", bo="yynn"), "says")
    assert (found.alpha, found.lo, found.hi) == (1.0, None, None)
    assert "at least 10" in in_words(found)


@pytest.mark.parametrize(
    ("alpha", "lo", "words"),
    [(0.9, 0.82, "well enough"), (0.9, 0.7, "leave it open"), (0.7, 0.5, "tentative"), (0.3, 0.1, "too little")],
)
def test_words_go_by_the_lower_end(alpha: float, lo: float, words: str) -> None:
    assert words in in_words(Agreement(50, 3, 0.9, alpha, lo, 1.0))


def test_the_interval_is_the_same_every_time_and_holds_the_value() -> None:
    table = said(ada="yyynnyynynyy", bo="yynnnyynynny", cy="yyynnyy.ynyy")
    found = agreement(table, "says")
    assert found == agreement(table.sample(frac=1, random_state=3), "says")
    assert found.lo is not None
    assert found.hi is not None
    assert found.alpha is not None
    assert found.lo <= found.alpha <= found.hi


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=10, max_size=20))
def test_the_value_of_the_sample_itself_is_that_of_the_library(moments: list[list[str]]) -> None:
    from review.agreement import _alphas

    counts = np.array([[unit.count(letter) for letter in "abc"] for unit in moments], dtype=np.float64)
    if (counts.sum(axis=0) > 0).sum() > 1:
        ours = _alphas(np.ones((1, len(counts))), counts)[0]
        assert ours == pytest.approx(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def test_what_is_confused_is_counted_once_for_every_two_people() -> None:
    found = confused(said(ada="abn", bo="bbn", cy="b.a"), "says")
    assert [(one.one, one.other, one.n) for one in found] == [("a", "b", 2), ("a", "n", 2)]


def test_precision_counts_what_was_confirmed_among_all() -> None:
    rows = [("demo", 0.9, "confirmed", "2026-01-05")] * 6 + [("demo", 0.7, "other", "2026-01-05")] * 2
    found = precision("all", judged(*rows, ("demo", 0.5, "none", "2026-01-12"), ("intro", 0.9, "none", "2026-01-12")))
    assert (found.n, found.n_confirmed, found.n_relabelled, found.n_rejected) == (10, 6, 2, 2)
    assert (found.share, found.helped) == (0.6, 0.8)
    assert (found.lo, found.hi) == pytest.approx((0.3127, 0.8318), abs=1e-4)  # Wilson's interval of 6 among 10
    assert found.confidence == pytest.approx(0.82)


def test_precision_by_type_week_and_band() -> None:
    table = judged(
        ("demo", 0.85, "confirmed", "2025-12-29 00:00"),
        ("demo", 0.9, "none", "2026-01-04 23:59"),
        ("intro", 1.0, "confirmed", "2026-01-05 00:00"),
    )
    assert [(one.name, one.n, one.share) for one in by_type(table)] == [("demo", 2, 0.5), ("intro", 1, 1.0)]
    assert [(one.name, one.n) for one in by_week(table)] == [("2026-W02", 1), ("2026-W01", 2)]
    assert [(one.name, one.n) for one in by_band(table)] == [("80% to 90%", 1), ("90% to 100%", 2)]


def test_an_interval_never_leaves_what_is_possible() -> None:
    assert wilson(0, 3)[0] == 0
    assert wilson(3, 3)[1] == 1


def test_the_second_opinion_is_asked_of_the_share_and_a_larger_share_holds_it() -> None:
    names = [f"m{at}" for at in range(4_000)]
    few = {name for name in names if wants_second(name, 0.05)}
    more = {name for name in names if wants_second(name, 0.2)}
    assert 150 < len(few) < 250
    assert few < more
    assert not any(wants_second(name, 0.0) for name in names)
    assert all(wants_second(name, 1.0) for name in names)
