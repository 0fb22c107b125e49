"""A user's own encoder of sentences beside the shipped features: any callable from texts to vectors.

The signs of a vector's numbers are its features, so that they join words and clauses in one linear model. Signs keep
nearly all that a sentence's vector tells (binary quantization; e.g. Yamada, Asai, Hajishirzi 2021, "Efficient passage
retrieval with hashing").
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Encoder", "EncoderError", "named_encoder", "signs"]

Encoder = Callable[[Sequence[str]], npt.NDArray[Any]]
"""Texts to vectors, shape (texts, dimensions); the same text must always give the same vector."""
BATCH: Final = 256


class EncoderError(ValueError):
    """An encoder that cannot be found, or whose vectors cannot be used."""


def named_encoder(name: str) -> Encoder:
    """The encoder at ``package.module:callable``; raises ``EncoderError`` when there is none."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise EncoderError(
            f"There is no encoder {name!r} ({error}). Name a callable that can be imported, as package.module:callable."
        ) from error
    if not callable(found):
        raise EncoderError(f"{name} is a {type(found).__name__} and no callable from texts to vectors.")
    encoder: Encoder = found
    return encoder


def signs(texts: Sequence[str], encoder: Encoder) -> list[list[str]]:
    """The dimensions in which each text's vector is positive, by number.

    Raises
    ------
    EncoderError
        When the encoder does not give one vector of finite numbers for each text.
    """
    found: list[list[str]] = []
    for start in range(0, len(texts), BATCH):
        batch = list(texts[start : start + BATCH])
        vectors = np.asarray(encoder(batch), dtype=np.float64)
        if vectors.ndim != 2 or len(vectors) != len(batch) or not np.isfinite(vectors).all():
            raise EncoderError(
                f"The encoder gave an array of shape {vectors.shape} for {len(batch)} texts; it must give finite "
                "numbers of shape (texts, dimensions)."
            )
        found += [[str(place) for place in np.flatnonzero(vector > 0)] for vector in vectors]
    return found
