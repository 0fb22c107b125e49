"""Whether a new model of assists takes the champion's place."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier
from models.assist.persistence import saved_encoder
from models.assist.training import Sample, Trained
from models.assist_scores import HELD_COLUMNS, compared
from models.metrics import Estimate
from models.persistence import ArtifactError
from pipelines.assist_training.evaluated import said
from pipelines.challenge import Challenge
from pipelines.config import Config
from pipelines.detecting.models import load_judge
from pipelines.tracking import ASSIST, NoChampionError, champion_folder
from pipelines.workspace import Workspace

__all__ = ["HELD_OUT", "challenge_assist", "decided_by"]

HELD_OUT: Final = "held_out.parquet"
"""File beside a model's own in which its held-out decisions stand, for the model that challenges it."""


def challenge_assist(
    workspace: Workspace,
    config: Config,
    learned: Trained,
    sample: Sample,
    before: pd.DataFrame | None,
) -> Challenge:
    """Compares a model with the champion, on turns that neither saw when it judged them.

    Parameters
    ----------
    learned : the model, with its held-out decisions.
    sample : all labelled pairs; what the champion's own held-out decisions lack, it never saw, and judges now
        (unless it was trained with another encoder).
    before : held-out decisions of the same recipe without reviews, in the champion's place where there is none yet.
    """
    try:
        folder = champion_folder(workspace, config, ASSIST)
        champion = load_judge(folder, saved_encoder(folder))
    except NoChampionError:
        if before is None:
            return Challenge(promote=True, sentence="Promoted: it is the first champion.")
        return decided_by(_gains(config, learned.held, before), "the model without reviews")
    except ArtifactError as error:
        return Challenge(promote=True, sentence=f"Promoted: the champion cannot be read ({error})")
    if champion.version == learned.model.version:
        return Challenge(promote=False, sentence=f"The new model is the champion {learned.model.version} itself.")
    return decided_by(_gains(config, learned.held, _of_champion(champion, folder, sample)), "the champion")


def decided_by(gains: dict[str, Estimate], other: str) -> Challenge:
    """The decision: better by PR-AUC beyond chance, and not surely worse calibrated."""
    if not gains:
        return Challenge(promote=True, sentence=f"Promoted: {other} was judged on none of these turns.")
    gain, worse = gains["pr_auc"], gains["ece"]
    facts = f"PR-AUC {gain.value:+.4f} [{gain.lo:+.4f}, {gain.hi:+.4f}], ECE {worse.value:+.4f}"
    if not gain.lo > 0:
        sentence = f"Not promoted: not better than {other} by more than chance ({facts})."
        return Challenge(promote=False, sentence=sentence, gain=gain)
    if worse.lo > 0:
        return Challenge(promote=False, sentence=f"Not promoted: worse calibrated than {other} ({facts}).", gain=gain)
    return Challenge(promote=True, sentence=f"Promoted: better than {other} ({facts}).", gain=gain)


def _gains(config: Config, ours: pd.DataFrame, theirs: pd.DataFrame) -> dict[str, Estimate]:
    return compared(ours, theirs, taxonomy().assist_ids, config.assist.bootstrap, config.seed)


def _of_champion(champion: AssistClassifier, folder: Path, sample: Sample) -> pd.DataFrame:
    """The champion's held-out decisions, and what it says of the conversations that it never saw."""
    path = folder / HELD_OUT
    known = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=list(HELD_COLUMNS))
    is_unseen = ~sample.rows["conversation_id"].isin(known["conversation_id"]).to_numpy()
    if champion.encoder != sample.encoder or not is_unseen.any():
        return known
    judged = said(champion, sample.only(is_unseen))
    return pd.concat([known, judged], ignore_index=True) if len(known) else judged
