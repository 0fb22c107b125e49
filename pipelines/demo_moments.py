"""The demo's conversations: the moments that the shipped model finds in them, against what was really said."""

from __future__ import annotations

from typing import Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from models.moment_recovery import MomentRecovery, moment_recovery
from pipelines.config import Config
from pipelines.console import text_table
from pipelines.detect import detect
from pipelines.detecting.models import shipped_folder
from pipelines.workspace import Workspace

__all__ = ["NO_MODEL", "found_in", "moments_text"]

NO_MODEL: Final = "No model of assists comes with this installation, so no moments were looked for in conversations."


def found_in(workspace: Workspace, config: Config, truth: pd.DataFrame) -> MomentRecovery | None:
    """Detects the moments of a workspace and compares them with the truth; ``None`` where no model is shipped."""
    if not shipped_folder().is_dir():
        return None
    detect(workspace, config)
    return moment_recovery(workspace.read("moments"), workspace.read("utterances"), truth)


def moments_text(found: MomentRecovery | None, conversations: int) -> str:
    """The findings for a person."""
    if found is None:
        return NO_MODEL
    precision, recall = ("none" if value is None else f"{value:.0%}" for value in (found.precision, found.recall))
    rows = [
        [taxonomy()[row["assist_type"]].name, *(str(row[name]) for name in ("true", "found", "moments", "right"))]
        for row in found.by_type.to_dict("records")
    ]
    table = text_table(("what the partner did", "told", "found", "flagged", "right"), rows, right=(1, 2, 3, 4))
    return f"""\
Moments in which a partner helped, found in {conversations:,} conversations (in words that the model has not seen):
{table}
Of {found.n_moments:,} flagged moments {found.n_right:,} are true (precision {precision}), {found.n_right_type:,} of \
them of the right type.
Of {found.n_true:,} tellings of help {found.n_found:,} were found (recall {recall}).
Of {found.n_others:,} mentions that only look like help (planned, denied, harmful, done by others) \
{found.n_fooled:,} were taken for it.
These scenes are short and clean. Real talk is neither, so expect more errors on it."""
