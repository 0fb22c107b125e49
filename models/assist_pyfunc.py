"""How MLflow loads a saved model of assists: ``mlflow.pyfunc.load_model`` calls ``_load_pyfunc`` with its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.assist.links import candidates, link_partners
from models.assist.classifier import AssistClassifier
from models.assist.persistence import load
from models.metrics import Floats


class TurnModel:
    """A saved model behind MLflow's interface: one row a turn in, one number a row out."""

    def __init__(self, model: AssistClassifier) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> Floats:  # noqa: ARG002 - MLflow's
        """Probability that the row tells of an assist by its partner, or by any where it names none (n,).

        ``frame`` has whole conversations: ``conversation_id``, ``seq``, ``speaker_org`` and ``text`` of each turn, and
        ``partner``, the name of the partner that is asked about. All partners in it may be meant in any turn.
        """
        turns = frame.reset_index(drop=True).assign(utterance_id=[str(row) for row in range(len(frame))])
        names = sorted(turns["partner"].dropna().unique())
        partners = pd.DataFrame({"partner_id": names, "name": names}, dtype=object)
        mentions = link_partners(turns, partners, pd.DataFrame(columns=["partner_id", "alias"]))
        pairs = candidates(turns, mentions).reset_index(drop=True)
        said = pairs.assign(p_assist=self.model.predict(turns, mentions, pairs)["p_assist"])
        asked = said["utterance_id"].map(turns.set_index("utterance_id")["partner"])
        meant = said[asked.isna() | said["partner_id"].isna() | (said["partner_id"] == asked)]
        best = meant.groupby("utterance_id")["p_assist"].max().reindex(turns["utterance_id"])
        return np.asarray(best.fillna(0.0), dtype=np.float64)


def _load_pyfunc(directory: str) -> TurnModel:
    return TurnModel(load(Path(directory)))
