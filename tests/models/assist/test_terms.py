from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from features.assist.documents import FAMILIES, Documents
from models.assist.terms import Terms

ROWS = [["a", "b", "b"], ["a", "c"], ["a", "b", "c", "c", "c"], ["d"], ["c", "a"]]


def only(family: str, rows: list[list[str]]) -> Documents:
    return {name: rows if name == family else [[] for _ in rows] for name in FAMILIES}


def test_numbers_are_those_of_scikit_learn() -> None:
    found = only("words", ROWS)
    ours = Terms.fit(found).matrix(found).toarray()
    theirs = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=FAMILIES["words"].min_rows)
    np.testing.assert_allclose(ours, theirs.fit_transform(ROWS).toarray(), atol=1e-6)


def test_a_feature_that_is_in_too_few_rows_is_not_known() -> None:
    assert Terms.fit(only("words", ROWS)).known["words"] == ("a", "b", "c")[0:3:2]


def test_a_row_without_known_features_is_all_zero() -> None:
    terms = Terms.fit(only("words", ROWS))
    assert terms.matrix(only("words", [["z"], []])).nnz == 0


def test_keeping_features_keeps_their_columns() -> None:
    terms = Terms.fit(only("words", ROWS))
    mask = np.array([False, True])
    kept = terms.kept(mask)
    assert kept.known["words"] == ("c",)
    assert len(kept) == 1


def test_a_family_weighs_as_much_in_a_long_row_as_in_a_short_one() -> None:
    terms = Terms.fit(only("before", [["a", "b", "c"]] * 3))
    lengths = np.sqrt(terms.matrix(only("before", [["a"], ["a", "b", "c"] * 5])).power(2).sum(axis=1))
    np.testing.assert_allclose(np.asarray(lengths).ravel(), FAMILIES["before"].weight, rtol=1e-6)
