"""The sales stages that simulated deals went through."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.simulation.deals import DAY
from features.simulation.vocabulary import STAGE_STARTS, STAGES


def stage_entries(deals: pd.DataFrame, export: int) -> pd.DataFrame:
    """Stages entered before the close and the export, then the closed stage on the afternoon of the closing day.

    Returns
    -------
    ``deal`` (position), ``stage``, ``entered`` (seconds since 1970), sorted by deal and time; at least one row a deal.
    """
    created, goal = deals["created"].to_numpy(), deals["planned_close"].to_numpy()
    end = np.minimum(deals["closed"].to_numpy(), export)
    parts = []
    for stage, start in zip(STAGES, STAGE_STARTS, strict=True):
        entered = created + (start * (goal - created)).astype(np.int64)
        deal = np.flatnonzero((entered < end) | (start == 0))
        parts.append(pd.DataFrame({"deal": deal, "stage": stage, "entered": entered[deal]}))
    closed = np.flatnonzero(deals["outcome"] != "open")
    final = np.where(deals["outcome"].to_numpy()[closed] == "won", "Closed Won", "Closed Lost")
    entered = deals["closed"].to_numpy()[closed] + 17 * DAY // 24
    parts.append(pd.DataFrame({"deal": closed, "stage": final, "entered": entered}))
    return pd.concat(parts).sort_values(["deal", "entered"], kind="stable", ignore_index=True)
