"""The model that judges: the champion of this workspace, or the shipped one."""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.config import Config
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from models.assist.classifier import AssistClassifier

__all__ = ["assist_model", "load_judge", "shipped_folder"]

CHAMPION: Final = "champion"
DATABASE: Final = "mlflow.db"
logger: Final = logging.getLogger(__name__)


def assist_model(workspace: Workspace, config: Config) -> AssistClassifier:
    """The configured model; the shipped one where no champion has been trained."""
    folder = _champion(workspace, config) if config.assist.model == CHAMPION else None
    return load_judge(shipped_folder()) if folder is None else load_judge(folder, config.assist.encoder)


def load_judge(folder: Path, encoder: str | None = None) -> AssistClassifier:
    """The model that was saved in a folder; raises ``models.persistence.ArtifactError`` when there is none.

    ``encoder`` is the user's own encoder that the model may run; see ``models.assist.persistence.load``.
    """
    from models.assist.persistence import load

    return load(folder, encoder)


def shipped_folder() -> Path:
    """Folder of the model that comes with the product."""
    return Path(str(resources.files("models.assist").joinpath("shipped")))


def _champion(workspace: Workspace, config: Config) -> Path | None:
    """Folder of the champion's files; None when there is none. MLflow, slow to import, is left alone if it can be."""
    if config.tracking.uri is None and not (workspace.root / DATABASE).is_file():
        return None
    from pipelines.tracking import ASSIST, NoChampionError, champion_folder

    try:
        return champion_folder(workspace, config, ASSIST)
    except NoChampionError:
        return None
