"""Times and vocabulary as the text that exports hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def time_text(seconds: np.ndarray) -> np.ndarray:
    """Seconds since 1970 as ``2024-05-01T09:30:00.000Z``."""
    return np.asarray(np.datetime_as_string(seconds.astype("datetime64[s]").astype("datetime64[ms]"), timezone="UTC"))


def date_text(seconds: np.ndarray) -> np.ndarray:
    """The UTC day of seconds since 1970 as ``2024-05-01``."""
    return np.asarray(np.datetime_as_string(seconds.astype("datetime64[s]"), unit="D"))


def taken(words: Sequence[str], positions: pd.Series) -> np.ndarray:
    """The word at each position."""
    return np.asarray(np.array(words, dtype=object)[positions.to_numpy()])


def where(condition: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values where the condition holds, None elsewhere."""
    result = np.full(len(values), None, dtype=object)
    result[condition] = values[condition]
    return result
