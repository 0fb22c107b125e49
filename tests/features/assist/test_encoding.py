from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from features.assist.encoding import EncoderError, named_encoder, signs


def lengths(texts: Sequence[str]) -> np.ndarray:
    return np.array([[len(text), -1.0] for text in texts])


def test_dimensions_in_which_a_vector_is_positive_are_its_features() -> None:
    assert signs(["ab", ""], lengths) == [["0"], []]


def test_many_texts_are_encoded_in_order() -> None:
    texts = ["x" * (n % 2) for n in range(700)]
    assert signs(texts, lengths) == [["0"] if text else [] for text in texts]


@pytest.mark.parametrize("name", ["nowhere.at.all:encode", "math:nothing", "math"])
def test_an_encoder_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(EncoderError, match="There is no encoder"):
        named_encoder(name)


def test_what_is_no_callable_is_refused() -> None:
    with pytest.raises(EncoderError, match="is a float and no callable"):
        named_encoder("math:pi")


@pytest.mark.parametrize("vectors", [np.zeros((3, 2)), np.zeros(1), np.array([[np.nan]])])
def test_vectors_that_cannot_be_used_are_refused(vectors: np.ndarray) -> None:
    with pytest.raises(EncoderError, match="must give finite numbers of shape"):
        signs(["one"], lambda _: vectors)
