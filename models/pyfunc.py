"""How MLflow loads a saved model: ``mlflow.pyfunc.load_model`` calls ``_load_pyfunc`` with the model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from models.amount import KIND as AMOUNT
from models.amount import AmountModel
from models.boosting import Floats
from models.outcome import OutcomeModel
from models.persistence import saved_kind


class FrameModel:
    """A saved model behind MLflow's interface: one row a deal in, one number a row out."""

    def __init__(self, model: OutcomeModel | AmountModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> Floats:  # noqa: ARG002 - MLflow's
        """Win probability, or expected amount, of each row (n,)."""
        return self.model.predict(frame)


def _load_pyfunc(directory: str) -> FrameModel:
    kind = AmountModel if saved_kind(Path(directory)) == AMOUNT else OutcomeModel
    return FrameModel(kind.load(Path(directory)))
