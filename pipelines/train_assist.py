"""`partnerlift train --assist`: the model that finds assists, judged on authors and conversations it never saw."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from features.assist.examples import Examples
from features.assist.notation import shipped_corpus
from features.assist.taxonomy import taxonomy
from models.assist.training import Sample, Trained, trained
from models.assist_scores import Scores, compared, scored
from models.calibration import calibration_points
from models.crossfit import TrainingDataError
from pipelines.assist_training.challenge import HELD_OUT, challenge_assist
from pipelines.assist_training.evaluated import learning_curve, said
from pipelines.assist_training.examples import REVIEWS, corpus_sample, joined, reviewed_sample, workspace_examples
from pipelines.assist_training.plots import confusion_figure, curve_figure
from pipelines.assist_training.report import AssistReport, ReviewEffect
from pipelines.config import Config
from pipelines.plots import calibration_figure, save
from pipelines.provenance import code_version
from pipelines.reviewing.before import exchanged
from pipelines.tracking import ASSIST, Run, promote, tracked_run
from pipelines.workspace import Workspace

__all__ = ["train_assist"]

SUMMARY: Final = "results/assist_evaluation.json"
SHOWN_CHARACTERS: Final = 200
logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Learned:
    """What was learned from, and the model of it; ``before`` are held-out decisions without the reviews."""

    sample: Sample
    trained: Trained
    before: pd.DataFrame | None
    reviews: ReviewEffect | None


def train_assist(
    workspace: Workspace, config: Config, *, with_reviews: bool = False, with_curve: bool = False
) -> AssistReport:
    """Trains the model that finds assists on the shipped conversations, and registers it in MLflow.

    It becomes the champion, which ``detect`` uses, when it is the first, or better than the champion by PR-AUC on
    held-out authors and conversations beyond chance, and not surely worse calibrated.

    Parameters
    ----------
    with_reviews : learn from the workspace's reviewed moments as well, and say what they changed.
    with_curve : measure how the model grows with the number of conversations, which takes as long again.

    Raises
    ------
    TrainingDataError
        When reviews are asked for and none says what a moment is.
    WorkspaceError
        When another run holds the workspace.
    """
    if with_reviews:
        exchanged(workspace, config)
    with workspace.lock("train"):
        learned = _learned(workspace, config, with_reviews=with_reviews)
        curve = _curve(config, learned.sample) if with_curve else pd.DataFrame()
        return _recorded(workspace, config, learned, curve)


def _learned(workspace: Workspace, config: Config, *, with_reviews: bool) -> _Learned:
    shipped, folds = corpus_sample(config.assist.encoder), config.assist.folds
    logger.info("Learning from %s labelled pairs.", f"{len(shipped.rows):,}")
    plain = trained(shipped, folds)
    if not with_reviews:
        return _Learned(shipped, plain, None, None)
    made = workspace_examples(workspace, config.company.to_own())
    if made.pairs.empty:
        raise TrainingDataError(
            "No review says what a moment is. Judge some with `partnerlift review`, or train without --with-reviews."
        )
    judged = reviewed_sample(made, config.assist.review_weight, plain.model)
    logger.info("Learning from %s judged pairs as well.", f"{len(made.pairs):,}")
    sample = joined(shipped, judged)
    learned = trained(sample, folds)
    before = pd.concat([plain.held, said(plain.model, judged)], ignore_index=True)
    return _Learned(sample, learned, before, _effect(config, made, learned.held, before))


def _effect(config: Config, made: Examples, held: pd.DataFrame, before: pd.DataFrame) -> ReviewEffect:
    is_own = held["conversation_id"].str.startswith(REVIEWS)
    keys = ["utterance_id", "partner_id"]
    both = held[is_own].merge(before[[*keys, "decided"]], on=keys, suffixes=("", "_before"))
    options: Any = {"assists": taxonomy().assist_ids, "samples": config.assist.bootstrap, "seed": config.seed}
    return ReviewEffect(
        n_reviews=int(made.pairs["review_id"].nunique()),
        n_examples=len(made.pairs),
        n_changed=int((both["decided"] != both["decided_before"]).sum()),
        shipped=compared(held[~is_own], before, **options),
        reviewed=compared(held[is_own], before, **options),
    )


def _scored(config: Config, held: pd.DataFrame) -> Scores:
    classes = taxonomy()
    return scored(held, classes.ids, classes.assist_ids, config.assist.bootstrap, config.seed)


def _curve(config: Config, sample: Sample) -> pd.DataFrame:
    held = learning_curve(sample, config.assist.folds, config.seed)
    rows = []
    for n, part in held.groupby("n_conversations", sort=True):
        scores = _scored(config, part)
        rows.append({"n_conversations": int(str(n)), "pr_auc": scores.binary["pr_auc"].value, "f1": scores.f1})
    return pd.DataFrame(rows)


def _recorded(workspace: Workspace, config: Config, learned: _Learned, curve: pd.DataFrame) -> AssistReport:
    """Compares with the champion, logs everything, promotes what won, and only then writes the results."""
    scores = _scored(config, learned.trained.held)
    versus = challenge_assist(workspace, config, learned.trained, learned.sample, learned.before)
    code = code_version()
    with tracked_run(workspace, config, {"code_version": code, "model": "assist"}) as run:
        report = AssistReport(
            run_id=run.run_id,
            model_version=learned.trained.model.version,
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            code_version=code,
            n_conversations=int(learned.sample.rows["conversation_id"].nunique()),
            n_authors=int(learned.sample.rows["author"].nunique()),
            scores=scores,
            challenge=versus,
            reviews=learned.reviews,
            curve=curve,
        )
        version = _logged(run, config, report, learned)
    if versus.promote:
        promote(workspace, config, ASSIST, version)
    with workspace.transaction() as transaction:
        text = json.dumps(report.to_dict(), indent=1)
        transaction.file(SUMMARY).write_text(text, encoding="utf-8")
    return report


def _logged(run: Run, config: Config, report: AssistReport, learned: _Learned) -> str:
    """Logs everything of the run; returns the registered version."""
    run.params(
        {**config.assist.model_dump(mode="json"), "seed": config.seed, "with_reviews": learned.before is not None}
    )
    run.document(config.model_dump(mode="json"), "config.yaml")
    run.document(report.to_dict(), "assist_evaluation.json")
    run.metrics(report.scores.numbers())
    is_assist, probability = (
        np.asarray(column, dtype=np.float64)
        for column in (learned.trained.held["label"].isin(taxonomy().assist_ids), learned.trained.held["p_assist"])
    )
    points = calibration_points(is_assist, probability)
    figure = calibration_figure(points, "probability of an assist", "share of turns with one")
    run.file(save(figure, run.folder / "calibration.png"), "plots")
    run.file(save(confusion_figure(report.scores.confusion), run.folder / "confusion.png"), "plots")
    tables = {"classes": report.scores.by_class, "errors": _errors(learned)}
    tables["confusion"] = report.scores.confusion.reset_index()
    if len(report.curve):
        run.file(save(curve_figure(report.curve), run.folder / "learning_curve.png"), "plots")
        tables["learning_curve"] = report.curve
    for name, table in tables.items():
        path = run.folder / f"{name}.csv"
        table.to_csv(path, index=False)
        run.file(path, "tables")
    return run.assist_model(learned.trained.model, {HELD_OUT: learned.trained.held})


def _errors(learned: _Learned) -> pd.DataFrame:
    """Held-out decisions that differ from their label, the surest first; text of the shipped conversations only."""
    held = learned.trained.held
    wrong = held[held["label"] != held["decided"]]
    texts = shipped_corpus().utterances.set_index("utterance_id")["text"]
    gap = (wrong["p_assist"] - wrong["label"].isin(taxonomy().assist_ids)).abs()
    told = wrong.assign(text=wrong["utterance_id"].map(texts).str.slice(0, SHOWN_CHARACTERS))
    return told.loc[gap.sort_values(ascending=False, kind="stable").index]
