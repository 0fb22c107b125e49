"""The order of rows by text columns in which few texts come often: each text is compared once, not each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def text_order(frame: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.int64]:
    """Positions of the rows sorted by the columns, the first of which matters most; ties stay in their order.

    Texts are ordered by their code points, and none may be missing.
    """
    if frame.empty:
        return np.zeros(0, dtype=np.int64)
    order: npt.NDArray[np.int64] = np.lexsort([_ranks(frame[column]) for column in reversed(columns)])
    return order


def _ranks(column: pd.Series) -> npt.NDArray[np.int64]:
    codes, texts = pd.factorize(column)
    rank = np.empty(len(texts), dtype=np.int64)
    rank[np.argsort(np.asarray(texts, dtype=object))] = np.arange(len(texts))
    return rank[codes]
