"""The verb `score`: credit for the closed deals that are new or changed, in steps that a killed run can resume."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from features import tables
from features.frame import FrameSpec
from models.ledger import LARGEST_AMOUNT
from models.rules import RULES
from pipelines.backfill import BACKFILL, CHAMPION, IN_FORCE, Pass, begun_at, passes_in_force, version_of
from pipelines.config import Config
from pipelines.logs import bind, bound
from pipelines.phases import phase
from pipelines.publish import publish_held
from pipelines.reviewing.before import exchanged
from pipelines.scoring import plan
from pipelines.scoring.bucket import MODEL_METHODS, Bucket, Scorer
from pipelines.scoring.parts import CREDIT_PARTS, DRIVERS, SCORED, kept, write_parts
from pipelines.scoring.paths import PATH_METHODS, settings_of, stages_of, version_of_method
from pipelines.scoring.plan import Window
from pipelines.scoring.report import ScoreReport, merged
from pipelines.scoring.run import JOURNAL, SUMMARY, Run, begin, layout_of, n_buckets
from pipelines.scoring.stage import FeatureStage
from pipelines.scoring.totals import write_totals
from pipelines.scoring.work import buckets_with_work, stage_work, waves
from pipelines.workspace import Workspace, WorkspaceError

if TYPE_CHECKING:
    from models.outcome import OutcomeModel

logger = logging.getLogger(__name__)

METHODS: Final = tuple(name for name in tables.METHODS if name in {*MODEL_METHODS, *RULES, *PATH_METHODS})


def score(
    workspace: Workspace,
    config: Config,
    *,
    all_deals: bool = False,
    methods: Sequence[str] | None = None,
    since: datetime | None = None,
    model: str | None = None,
    wait: float = 0.0,
    now: datetime | None = None,
    session: Any = None,
) -> ScoreReport:
    """Fills ``credits``, ``partner_scores`` and ``partner_effects`` for the closed deals.

    Only deals are scored that are new, or whose row, touches, features, evidence, model or settings changed since their
    last scoring; all of them with ``all_deals``. Credit of methods that are not asked for stays, unless its deal
    changed. A run that is killed leaves finished buckets of deals; running it again finishes the others under the same
    run id and time, and ends in the same tables. At the end, also of a run that had nothing to do, the result tables
    are published where ``output.url`` is set.

    Parameters
    ----------
    workspace : must have the table ``deals``.
    config : its ``credit`` and ``report_currency`` are used, and its ``tracking`` to find the model.
    all_deals : score every closed deal, and divide the deals into buckets of ``credit.chunk_deals`` anew.
    methods : of ``METHODS``; None means those of the configuration.
    since : only deals closed at or after this moment are looked at; None means all.
    model : ``champion``, ``in-force`` (for each deal the model that was the champion when it closed) or a version;
        None means ``credit.model`` of the configuration.
    wait : seconds to wait for another run that holds the workspace; 0 gives up at once.
    now : written as ``scored_at``; None means the present time.
    session : the Spark session to work in, where ``engine.kind`` is ``spark``; None means ``pipelines.spark.session``'s
        choice.

    Raises
    ------
    WorkspaceError
        When another run holds the workspace, there are no deals, a method is unknown, or one needs a model and none has
        been trained.
    """
    chosen = checked_methods(tuple(methods) if methods is not None else config.credit.methods)
    now = now or datetime.now(UTC)
    exchanged(workspace, config, wait=wait, now=now)
    with bound(), workspace.lock("score", wait=wait):
        if not workspace.has("deals"):
            raise WorkspaceError(f"{workspace.root} has no deals. Fill it with `partnerlift ingest` first.")
        with phase("model"):
            plans, notes = passes(workspace, config, chosen, since, model or config.credit.model)
        if len(plans) > 1:
            now = begun_at(
                workspace, [config.credit.model_dump(), config.seed, chosen, str(since), notes, all_deals], now
            )
        reports = []
        for part in plans:
            scorer, spec = scorer_of(config, part)
            options = {"all_deals": all_deals, "now": now, "window": part.window}
            reports.append(_runner(config, session)(workspace, config, scorer, spec, part.methods, **options))
        report = _merged(workspace, reports, chosen, notes) if notes else reports[0]
        if config.output.url is None:
            return report
        with phase("publish"):
            return replace(report, published=publish_held(workspace, config.output))


def _merged(
    workspace: Workspace, reports: list[ScoreReport], methods: tuple[str, ...], notes: tuple[str, ...]
) -> ScoreReport:
    """The passes of a back-fill as one report, which becomes that of the workspace as well."""
    report = merged(reports, methods, notes)
    with workspace.transaction() as transaction:
        summary = json.loads((workspace.root / SUMMARY).read_text(encoding="utf-8"))
        text = json.dumps({**summary, **report.to_dict()}, indent=1)
        transaction.file(SUMMARY).write_text(text, encoding="utf-8")
        transaction.remove(BACKFILL)
    return report


def checked_methods(methods: tuple[str, ...]) -> tuple[str, ...]:
    """The methods in the product's order; raises ``WorkspaceError`` when one is unknown or there is none."""
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise WorkspaceError(f"There is no method {', '.join(map(repr, unknown))}; choose among {', '.join(METHODS)}.")
    return tuple(name for name in METHODS if name in methods)


def passes(
    workspace: Workspace, config: Config, methods: tuple[str, ...], since: datetime | None, model: str
) -> tuple[list[Pass], tuple[str, ...]]:
    """The runs that the choice of model asks for, and what the report must say of them.

    Raises ``WorkspaceError`` when a method needs a model and there is none, or not that one.
    """
    modelled = tuple(name for name in methods if name in MODEL_METHODS)
    if not modelled:
        return [Pass(methods, Window(since))], ()
    if model == IN_FORCE:
        rules = tuple(name for name in methods if name not in MODEL_METHODS)
        return passes_in_force(workspace, config, rules, modelled, since)
    chosen = champion(workspace, config) if model == CHAMPION else version_of(workspace, config, model)
    return [Pass(methods, Window(since), chosen)], ()


def champion(workspace: Workspace, config: Config) -> OutcomeModel:
    """The trained model; raises ``WorkspaceError`` when there is none, with both ways out."""
    from pipelines.tracking import NoChampionError, load_champion

    try:
        return load_champion(workspace, config)
    except NoChampionError as error:
        raise WorkspaceError(f"{error} Rules work without one: --methods {','.join(RULES)}.") from error


def scorer_of(config: Config, part: Pass) -> tuple[Scorer, FrameSpec | None]:
    """What scores the deals of a pass, and the frame that its model needs; None without a model."""
    model = part.model
    if model is None:
        return Scorer(config.credit, config.seed, None, ""), None
    if model.spec is None:
        raise WorkspaceError(
            "The model does not say from which features it was trained. Run `partnerlift train` again."
        )
    if model.spec.cutoff != config.cutoff.to_cutoff():
        logger.warning(
            "The model's cutoff (%s) is used, not the configuration's (%s), until `partnerlift train` has run with it.",
            model.spec.cutoff.kind,
            config.cutoff.kind,
        )
    return Scorer(config.credit, config.seed, model, model.version), model.spec


def _runner(config: Config, session: Any) -> Callable[..., ScoreReport]:
    """What does a run on the configured engine; raises ``ModuleNotFoundError`` when it is Spark and not installed."""
    if config.engine.kind == "duckdb":
        return _run
    from pipelines.spark.run import run_on_spark

    return partial(run_on_spark, session=session)


def _run(
    workspace: Workspace,
    config: Config,
    scorer: Scorer,
    spec: FrameSpec | None,
    methods: tuple[str, ...],
    *,
    window: Window,
    all_deals: bool,
    now: datetime,
) -> ScoreReport:
    with workspace.connect() as connection, workspace.scratch() as folder:
        buckets = n_buckets(workspace, connection, config.credit.chunk_deals, all_deals=all_deals)
        with phase("deals"):
            plan.stage_deals(connection, buckets, window, scorer.credit.eligibility())
            scorer = scorer.with_paths(connection, methods)
        with phase("features"):
            features = None if spec is None else FeatureStage(connection, spec, folder)
            if features is None:
                plan.stage_frames(connection, None)
            else:
                features.stage_digests(workspace)
                if window == Window():
                    features.remember(workspace)
        with phase("changes"):
            plan.stage_claims(connection)
            plan.stage_wanted(connection, recipes(scorer, methods))
        run = begin(
            workspace,
            connection,
            Run(run_id_of(plan.content_hash(connection), config, methods), now, all_deals, buckets),
        )
        bind(run_id=run.run_id)
        with phase("changes"):
            plan.stage_changes(connection, workspace, all_deals=all_deals)
            stage_work(connection, layout_of(run, config.credit.chunk_deals))
        with phase("features"):
            if features is not None:
                features.stage_rest()
        with phase("credit"):
            score_buckets(workspace, connection, scorer, run, with_features=spec is not None)
        report = _report(connection, scorer, methods, run, with_features=spec is not None)
        with phase("totals"), workspace.transaction() as transaction:
            joined = None if features is None else features.joined
            write_totals(workspace, connection, config, transaction, run.run_id, scorer.path_effects(), joined)
            summary = {**report.to_dict(), "buckets": run.buckets, "config": config.model_dump(mode="json")}
            transaction.file(SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
            transaction.remove(JOURNAL)
    logger.info("%s", report.text().splitlines()[0])
    return report


def score_buckets(workspace: Workspace, connection: Any, scorer: Scorer, run: Run, *, with_features: bool) -> None:
    """Scores what is staged as work, and commits each bucket with the run's journal as soon as it is finished."""
    n_buckets_with_work = len(buckets_with_work(connection))
    for place, bucket in enumerate(chain.from_iterable(waves(connection)), start=1):
        begun = time.perf_counter()
        todo, gone = _work(connection, "score_todo", bucket), _work(connection, "score_gone", bucket)
        credit, drivers = pd.DataFrame(), pd.DataFrame()
        if len(todo):
            rows = Bucket.read(connection, bucket, with_features=with_features)
            credit, drivers = scorer.score(rows, todo)
            credit = credit.assign(run_id=run.run_id, scored_at=pd.Timestamp(run.scored_at))
        removed = gone.loc[gone["is_removed"], "deal_id"].nunique() if len(gone) else 0
        run.done[bucket] = {"scored": int(todo["deal_id"].nunique()), "removed": int(removed)}
        replaced = pd.concat([frame[["deal_id", "method"]] for frame in (todo, gone)])
        fresh = {CREDIT_PARTS: credit, DRIVERS: drivers, SCORED: todo.assign(run_id=run.run_id)}
        parts = [_joined(kept(workspace, folder, bucket, replaced), fresh[folder]) for folder in fresh]
        with workspace.transaction() as transaction:
            write_parts(transaction, bucket, *parts)
            transaction.file(JOURNAL).write_text(run.to_json(), encoding="utf-8")
        n, took = run.done[bucket]["scored"], round(time.perf_counter() - begun, 3)
        measured = {"bucket": bucket, "buckets": n_buckets_with_work, "deals": n, "seconds": took}
        logger.info("Scored bucket %s of %s: %s deals.", place, n_buckets_with_work, n, extra=measured)


def _report(connection: Any, scorer: Scorer, methods: tuple[str, ...], run: Run, *, with_features: bool) -> ScoreReport:
    deals_in = plan.count(connection, "score_closed")
    scored, removed = (sum(counts[name] for counts in run.done.values()) for name in ("scored", "removed"))
    return ScoreReport(
        run_id=run.run_id,
        scored_at=run.scored_at,
        model_version=scorer.model_version or None,
        methods=methods,
        deals_in=deals_in,
        scored=scored,
        unchanged=deals_in - scored,
        removed=removed,
        rejected=not_creditable(connection, with_features=with_features),
    )


def not_creditable(connection: Any, *, with_features: bool) -> dict[str, int]:
    """How many of the closed deals some method cannot credit, by reason."""
    too_large = f"outcome = 'won' AND abs(amount) >= {LARGEST_AMOUNT}"
    counts = {"their amount is too large to be split to the cent": plan.count(connection, "score_closed", too_large)}
    if with_features:
        beyond = "deal_id NOT IN (SELECT deal_id FROM score_digests)"
        counts["by the model, because they never reached its cutoff"] = plan.count(connection, "score_closed", beyond)
    return {reason: count for reason, count in counts.items() if count}


def run_id_of(content: str, config: Config, methods: tuple[str, ...]) -> str:
    """Sixteen hex digits of all that a run's tables rest on, given ``plan.content_hash``: equal for the same input."""
    settings = [config.credit.model_dump(), config.report_currency, config.seed, methods]
    text = json.dumps([content, settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _work(connection: Any, table: str, bucket: int) -> pd.DataFrame:
    frame: pd.DataFrame = connection.execute(f"SELECT * EXCLUDE (bucket) FROM {table} WHERE bucket = {bucket}").df()
    return frame


def _joined(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    if old.empty or new.empty:
        return new if old.empty else old
    return pd.concat([old, new.reindex(columns=old.columns)], ignore_index=True)


def recipes(scorer: Scorer, methods: tuple[str, ...]) -> list[plan.Recipe]:
    """What the credit of each method rests on besides the data."""
    credit = scorer.credit
    coalitions = {"exact_players": credit.exact_players, "samples": credit.samples, "seed": scorer.seed}
    by_model = {"model": coalitions, "shap": {"drivers": credit.drivers}, "verified": coalitions}
    return [
        plan.Recipe(name, uses_model=True, version=scorer.model_version, settings=by_model[name])
        if name in MODEL_METHODS
        else plan.Recipe(
            name,
            uses_model=False,
            version=version_of_method(name),
            settings=settings_of(name, credit, scorer.paths),
            milestones=stages_of(name, credit),
        )
        for name in methods
    ]
