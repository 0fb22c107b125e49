"""Whether a new model takes the champion's place: only when it is better by more than its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.amount import AmountModel
from models.evaluation import in_words
from models.metrics import Estimate, Floats, log_losses, paired_difference
from models.outcome import OutcomeModel
from models.persistence import ArtifactError
from models.pooling import deal_frame
from pipelines.config import Config
from pipelines.frames import Frames, read_frames
from pipelines.tracking import NoChampionError, load_amount_champion, load_champion
from pipelines.workspace import Workspace


@dataclass(frozen=True)
class Challenge:
    """The decision, in words, and by how much the challenger's mean loss is smaller (None: there was no comparison)."""

    promote: bool
    sentence: str
    gain: Estimate | None = None


def challenge(
    workspace: Workspace,
    config: Config,
    frames: Frames,
    model: OutcomeModel,
    test: pd.DataFrame,
    barred: set[str],
    leave_out: tuple[str, ...],
) -> Challenge:
    """Compares an outcome model with the champion on the test deals (``deal_id``, ``account_id``, ``won``).

    Both predict each deal by trees that never saw its account; only the champion's partner effects may have. A champion
    is replaced whatever its loss when it uses a column in ``barred`` (a suspected leak) or ``leave_out`` (what the new
    model may not see), or was trained at another cutoff: it then answers another question than the configuration asks.
    """
    champion = _present(lambda: load_champion(workspace, config))
    if not isinstance(champion, OutcomeModel):
        return champion
    if champion.version == model.version:
        return Challenge(promote=False, sentence=f"The new model is the champion {model.version} itself.")
    leaky = sorted((set(champion.coder_.names) - set(champion.coarsen)) & barred)
    if leaky:
        return Challenge(
            promote=True, sentence=f"Promoted: the champion rests on suspected leaks ({', '.join(leaky)})."
        )
    outdated = _outdated(champion, frames, leave_out)
    if outdated is not None:
        return outdated
    try:
        theirs = _champion_probability(workspace, frames, champion, test)
    except (ValueError, KeyError) as error:
        return Challenge(promote=True, sentence=f"Promoted: the champion does not fit these data ({error}).")
    ours = np.asarray(model.fitted_probability_.reindex(test["deal_id"]), dtype=np.float64)
    won = np.asarray(test["won"], dtype=np.float64)
    return decided(log_losses(won, theirs), log_losses(won, ours), test, config, "log-loss")


def challenge_amount(
    workspace: Workspace,
    config: Config,
    frames: Frames,
    model: AmountModel,
    test: pd.DataFrame,
    leave_out: tuple[str, ...],
) -> Challenge:
    """The same for amount models, by squared error of log(1 + amount) (``log_amount`` of ``test``)."""
    champion = _present(lambda: load_amount_champion(workspace, config))
    if not isinstance(champion, AmountModel):
        return champion
    if champion.version == model.version:
        return Challenge(promote=False, sentence=f"The new model is the champion {model.version} itself.")
    outdated = _outdated(champion, frames, leave_out)
    if outdated is not None:
        return outdated
    try:
        base, members = _rows(workspace, frames, champion, test)
        theirs = champion.predict_log(deal_frame(base, members))
    except (ValueError, KeyError) as error:
        return Challenge(promote=True, sentence=f"Promoted: the champion does not fit these data ({error}).")
    actual = np.asarray(test["log_amount"], dtype=np.float64)
    ours = np.asarray(model.fitted_log_amount_.reindex(test["deal_id"]), dtype=np.float64)
    return decided((theirs - actual) ** 2, (ours - actual) ** 2, test, config, "squared log error")


def _present(load: Callable[[], OutcomeModel | AmountModel]) -> OutcomeModel | AmountModel | Challenge:
    try:
        return load()
    except NoChampionError:
        return Challenge(promote=True, sentence="Promoted: it is the first champion.")
    except ArtifactError as error:
        return Challenge(promote=True, sentence=f"Promoted: the champion cannot be read ({error})")


def _outdated(champion: OutcomeModel | AmountModel, frames: Frames, leave_out: tuple[str, ...]) -> Challenge | None:
    """The promotion of a model whose champion the configuration no longer allows; None when it does."""
    if champion.spec is not None and champion.spec.cutoff != frames.spec.cutoff:
        then, now = champion.spec.cutoff.words, frames.spec.cutoff.words
        return Challenge(
            promote=True, sentence=f"Promoted without comparison: the champion's cutoff is {then}, the new one's {now}."
        )
    if isinstance(champion, AmountModel) and champion.spec is not None and champion.spec.unit != frames.spec.unit:
        then, now = champion.spec.unit.words, frames.spec.unit.words
        return Challenge(
            promote=True,
            sentence=f"Promoted without comparison: the champion predicts in {then}, the new one in {now}.",
        )
    unwanted = sorted(set(champion.coder_.names) & set(leave_out))
    if not unwanted:
        return None
    return Challenge(
        promote=True,
        sentence=f"Promoted without comparison: the champion uses {', '.join(unwanted)}, which this configuration "
        "leaves out.",
    )


def _champion_probability(workspace: Workspace, frames: Frames, champion: OutcomeModel, test: pd.DataFrame) -> Floats:
    base, members = _rows(workspace, frames, champion, test)
    return champion.predict(deal_frame(base, champion.encode(members), champion.extra_columns))


def _rows(
    workspace: Workspace, frames: Frames, champion: OutcomeModel | AmountModel, test: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Base rows and members of the test deals, in their order, built as the champion's spec says."""
    spec = champion.spec
    if spec is not None and spec != frames.spec:
        frames = read_frames(workspace, spec, most_deals=frames.most_deals)
    base = frames.base.set_index("deal_id", drop=False).loc[test["deal_id"]].reset_index(drop=True)
    return base, frames.members[frames.members["deal_id"].isin(base["deal_id"])]


def decided(theirs: Floats, ours: Floats, test: pd.DataFrame, config: Config, loss: str) -> Challenge:
    """Whether the losses of the challenger, a row a test deal, are smaller than the champion's by more than chance."""
    groups = pd.factorize(test["account_id"])[0].astype(np.int64)
    gain = paired_difference(theirs, ours, groups, config.outcome.bootstrap, config.seed)
    facts = in_words(gain, loss)
    if gain.lo > 0:
        return Challenge(promote=True, sentence=f"Promoted: better than the champion ({facts}).", gain=gain)
    return Challenge(
        promote=False, sentence=f"Not promoted: not better than the champion by more than chance ({facts}).", gain=gain
    )
