"""`partnerlift train`: fit, evaluate honestly, register, and promote what is better."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pandas as pd

from features.frame import FrameSpec
from models.amount import AmountModel
from models.calibration import calibration_points
from models.crossfit import TrainingDataError
from models.evaluation import MODEL, Evaluation, evaluate_outcome
from models.metrics import Estimate, Floats
from models.outcome import BIAS, OutcomeModel, check_outcomes
from models.pooling import deal_frame
from models.splits import Split, split_by_time
from models.tuning import tuned_params
from pipelines.amounts import train_amount
from pipelines.challenge import challenge
from pipelines.config import Config
from pipelines.frames import Frames, read_frames
from pipelines.plots import beeswarm_figure, calibration_figure, save
from pipelines.provenance import code_version
from pipelines.reviewing.before import exchanged
from pipelines.tracking import AMOUNT, OUTCOME, Run, model_threads, promote, tracked_run
from pipelines.train_report import TrainReport
from pipelines.visible import Plan, what_to_see
from pipelines.workspace import Transaction, Workspace

MIN_DEALS: Final = 50
EXAMPLE_ROWS: Final = 5
IMPORTANCE_DEALS: Final = 2000
logger: Final = logging.getLogger(__name__)


def train(workspace: Workspace, config: Config, *, allow_leak: tuple[str, ...] = (), tune: int = 0) -> TrainReport:
    """Trains the outcome model, and the amount model where there are amounts, and registers both in MLflow.

    Parameters
    ----------
    allow_leak : columns to keep although the leak doctor suspects them, beside those of the configuration.
    tune : trials of the parameter search; 0 keeps the configured parameters.

    Raises
    ------
    ConfigError
        When the configuration, or ``allow_leak``, names a column that does not exist.
    TrainingDataError
        When there are fewer than 50 closed deals, only one outcome, or too few accounts.
    WorkspaceError
        When another run holds the workspace.
    """
    kept = {"allow_leak": tuple(dict.fromkeys((*config.outcome.allow_leak, *allow_leak)))}
    config = config.model_copy(update={"outcome": config.outcome.model_copy(update=kept)})
    exchanged(workspace, config)
    with workspace.lock("train"):
        outcome = config.outcome
        frames = read_frames(
            workspace, config.cutoff.to_cutoff(), outcome.ignore, config.report_currency, outcome.most_deals
        )
        won = checked_outcomes(frames)
        plan = what_to_see(frames, won, config)
        split = split_by_time(frames.base["closed_at"], frames.base["account_id"], config.outcome.test_share)
        config = _tuned(frames, won, split, plan, config, tune)
        evaluation = _evaluated(frames, won, split, plan, config)
        logger.info("Fitting on all %s closed deals.", f"{len(won):,}")
        model = new_model(frames.spec, plan, config).fit(frames.base, frames.members, pd.Series(won))
        return _recorded(workspace, config, frames, split, plan, evaluation, model)


def checked_outcomes(frames: Frames) -> Floats:
    """1 for a won and 0 for a lost deal, in the order of ``base``; raises ``TrainingDataError`` when they do not do."""
    won = np.where(frames.base["outcome"] == "won", 1.0, 0.0)
    if len(won) < MIN_DEALS:
        raise TrainingDataError(
            f"There are {len(won)} closed deals with a cutoff; a model needs at least {MIN_DEALS}. "
            f"The cutoff is {frames.spec.cutoff.words}; check that deals reach it. "
            "The rule methods (first_touch, last_touch, linear) still work."
        )
    check_outcomes(won)
    return won


def new_model(spec: FrameSpec, plan: Plan, config: Config) -> OutcomeModel:
    """The configured outcome model, not fitted yet."""
    return OutcomeModel(
        folds=config.outcome.folds,
        seed=config.seed,
        threads=model_threads(config),
        params=dict(config.outcome.params),
        monotone=dict(config.outcome.monotone),
        coarsen=plan.coarsen,
        leave_out=plan.leave_out,
        residual_rounds=config.outcome.residual_rounds,
        hidden_selection=config.outcome.hidden_selection,
        spec=spec,
    )


def _tuned(frames: Frames, won: Floats, split: Split, plan: Plan, config: Config, trials: int) -> Config:
    if not trials:
        return config
    logger.info("Searching parameters, %s trials.", trials)
    frame = deal_frame(frames.base, frames.members)[split.train]
    found = tuned_params(
        frame,
        won[split.train],
        trials=trials,
        seed=config.seed,
        threads=model_threads(config),
        coarsen=plan.coarsen,
        leave_out=plan.leave_out,
    )
    outcome = config.outcome.model_copy(update={"params": {**config.outcome.params, **found}})
    return config.model_copy(update={"outcome": outcome})


def _evaluated(frames: Frames, won: Floats, split: Split, plan: Plan, config: Config) -> Evaluation:
    logger.info("Evaluating: %s", split.sentence)
    model = new_model(frames.spec, plan, config)
    settings = {"samples": config.outcome.bootstrap, "seed": config.seed}
    return evaluate_outcome(frames.base, frames.members, won, split, model, **settings)


def _recorded(
    workspace: Workspace,
    config: Config,
    frames: Frames,
    split: Split,
    plan: Plan,
    evaluation: Evaluation,
    model: OutcomeModel,
) -> TrainReport:
    """Compares with the champion, logs everything, promotes what won, and only then writes the results."""
    barred = {leak.column for leak in plan.leaks} - plan.allowed
    versus = challenge(workspace, config, frames, model, evaluation.test, barred, plan.leave_out)
    amount = train_amount(workspace, config, frames, plan.leave_out)
    code = code_version()
    with tracked_run(workspace, config, {"code_version": code, "data_fingerprint": frames.fingerprint}) as run:
        report = TrainReport(
            run_id=run.run_id,
            model_version=model.version,
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            data_fingerprint=frames.fingerprint,
            code_version=code,
            n_deals=len(frames.base),
            n_won=int((frames.base["outcome"] == "won").sum()),
            split=split,
            evaluation=evaluation,
            leaks=plan.leaks,
            allowed=plan.allowed,
            challenge=versus,
            amount=amount,
            selection=model.selection_,
        )
        version, amount_version = _logged(run, config, report, model, frames)
    if versus.promote:
        promote(workspace, config, OUTCOME, version)
    if amount_version is not None and amount.challenge is not None and amount.challenge.promote:
        promote(workspace, config, AMOUNT, amount_version)
    with workspace.transaction() as transaction:
        _write_results(transaction, report, model, frames)
    return report


def _logged(
    run: Run, config: Config, report: TrainReport, model: OutcomeModel, frames: Frames
) -> tuple[str, str | None]:
    """Logs everything of the run; returns the registered versions of the outcome model and of the amount model."""
    run.params({**config.outcome.model_dump(mode="json"), "seed": config.seed, "n_deals": report.n_deals})
    run.document(config.model_dump(mode="json"), "config.yaml")
    run.document(report.to_dict(), "evaluation.json")
    run.metrics(_numbers("", report.evaluation.metrics))
    run.metrics({f"selection.{name}": value for name, value in report.selection.to_dict().items()})
    frame = _predicted_from(model, frames, IMPORTANCE_DEALS)
    points = calibration_points(*_test_columns(report.evaluation.test))
    run.file(save(calibration_figure(points), run.folder / "calibration.png"), "plots")
    swarm = beeswarm_figure(model.contributions(frame), frame, config.seed)
    run.file(save(swarm, run.folder / "beeswarm.png"), "plots")
    version = run.model(model, OUTCOME, _example(model, frame))
    if report.amount.model is None or report.amount.evaluation is None:
        return version, None
    run.metrics(_numbers("amount.", report.amount.evaluation.metrics))
    return version, run.model(report.amount.model, AMOUNT, _example(report.amount.model, frame))


def _write_results(transaction: Transaction, report: TrainReport, model: OutcomeModel, frames: Frames) -> None:
    transaction.file("results/evaluation.json").write_text(json.dumps(report.to_dict(), indent=1), encoding="utf-8")
    points = calibration_points(*_test_columns(report.evaluation.test))
    points.to_parquet(transaction.file("results/calibration.parquet"), index=False)
    contributions = model.contributions(_predicted_from(model, frames, IMPORTANCE_DEALS)).drop(columns=BIAS)
    importance = contributions.abs().mean().sort_values(ascending=False, kind="stable")
    table = pd.DataFrame({"feature": importance.index.astype(str), "importance": importance.to_numpy()})
    table.to_parquet(transaction.file("results/importance.parquet"), index=False)


def _predicted_from(model: OutcomeModel, frames: Frames, n: int) -> pd.DataFrame:
    """The frame of about ``n`` deals, spread evenly over all of them."""
    base = frames.base.iloc[:: max(1, len(frames.base) // n)].reset_index(drop=True)
    members = frames.members[frames.members["deal_id"].isin(base["deal_id"])]
    return deal_frame(base, model.encode(members), model.extra_columns)


def _example(model: OutcomeModel | AmountModel, frame: pd.DataFrame) -> pd.DataFrame:
    names = {*model.coder_.names, *(model.base_coder_.names if isinstance(model, OutcomeModel) else ())}
    return frame[["account_id", *sorted(names)]].head(EXAMPLE_ROWS)


def _test_columns(test: pd.DataFrame) -> tuple[Floats, Floats]:
    return test["won"].to_numpy(dtype=np.float64), test[MODEL].to_numpy(dtype=np.float64)


def _numbers(prefix: str, metrics: dict[str, dict[str, Estimate]]) -> dict[str, float]:
    """Metric values under names such as ``model.roc_auc``; what is not a number is left out."""
    return {
        f"{prefix}{name}.{metric}": estimate.value
        for name, found in metrics.items()
        for metric, estimate in found.items()
        if np.isfinite(estimate.value)
    }
