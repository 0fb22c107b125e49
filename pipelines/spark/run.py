"""One scoring run on Spark: features staged by bucket, buckets credited by workers, all put in place at once."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from features.frame import FrameSpec
from pipelines.config import Config
from pipelines.logs import bind
from pipelines.phases import phase
from pipelines.score import run_id_of
from pipelines.scoring.bucket import Scorer
from pipelines.scoring.parts import FOLDERS, part_files
from pipelines.scoring.plan import Window
from pipelines.scoring.report import ScoreReport
from pipelines.scoring.run import JOURNAL, SUMMARY, Run, last_buckets, n_buckets
from pipelines.spark.frames import claim_frame, feature_frames, stage
from pipelines.spark.session import spark_session, told_shortly
from pipelines.spark.shipped import Shipped, broadcast
from pipelines.spark.tables import drop_views, stored_frames, uri_of
from pipelines.spark.totals import write_totals
from pipelines.spark.worker import ATTEMPTS, CLAIMS, PREVIOUS, STAGED_TABLES, Job, Outlook, credited, on_places, outlook
from pipelines.workspace import Workspace

logger = logging.getLogger(__name__)

MADE: Final = "place bigint, made string"


def run_on_spark(
    workspace: Workspace,
    config: Config,
    scorer: Scorer,
    spec: FrameSpec | None,
    methods: tuple[str, ...],
    *,
    window: Window,
    all_deals: bool,
    now: datetime,
    session: Any = None,
) -> ScoreReport:
    """What ``pipelines.score`` does on one machine, by a Spark session: the same tables, run id and fingerprints.

    Features are computed for all closed deals each time; only deals whose fingerprint changed are credited. A run that
    is killed leaves the workspace as it was. Needs the workspace's lock; its folder must be reachable by the same path
    for all workers, and partnerlift must be installed for them.

    Raises
    ------
    WorkspaceError
        When there is no session to be had, or Spark fails.
    """
    with spark_session(config.engine, session) as spark, told_shortly(), workspace.scratch() as staged:
        before = last_buckets(workspace)
        with phase("deals"), workspace.connect() as connection:
            buckets = n_buckets(workspace, connection, config.credit.chunk_deals, all_deals=all_deals)
            scorer = scorer.with_paths(connection, methods)
        job = Job(
            staged=str(staged.resolve()),
            root=str(workspace.root.resolve()),
            is_divided_anew=before is not None and before != buckets,
            buckets=buckets,
            config=config,
            methods=methods,
            window=window,
            all_deals=all_deals,
            with_features=spec is not None,
        )
        _stage(spark, workspace, job, spec)
        return _credit(spark, workspace, job, scorer, now)


def _stage(spark: Any, workspace: Workspace, job: Job, spec: FrameSpec | None) -> None:
    """Writes what the workers read: deals, their touches, claims and features, and their credit so far if it moves."""
    staged = Path(job.staged)
    (staged / ATTEMPTS).mkdir()
    tables = stored_frames(spark, workspace)
    frames = {name: tables[name] for name in STAGED_TABLES if name in tables}
    if job.is_divided_anew and all(part_files(workspace, folder) for folder in FOLDERS):
        frames |= {f"{PREVIOUS}/{f}": spark.read.parquet(*map(uri_of, part_files(workspace, f))) for f in FOLDERS}
    features = {CLAIMS: claim_frame(spark, tables)} | ({} if spec is None else feature_frames(spark, tables, spec))
    for name, part in (("deals", frames), ("features", features)):
        with phase(name):
            for frame, rows in part.items():
                stage(rows, staged / frame, job.buckets)
        if part:
            logger.info("Staged %s in %s buckets.", ", ".join(part), job.buckets)
    drop_views(spark, tables)


def _credit(spark: Any, workspace: Workspace, job: Job, scorer: Scorer, now: datetime) -> ScoreReport:
    shipped = broadcast(spark, Shipped.of(scorer))

    def look(bucket: int) -> str:
        return json.dumps(asdict(outlook(job, shipped().unpacked(), bucket)))

    with phase("changes"):
        outlooks = {bucket: Outlook(**json.loads(made)) for bucket, made in _made(spark, look, range(job.buckets))}
    content = str(sum(one.content for one in outlooks.values()))
    run = Run(run_id_of(content, job.config, job.methods), now, job.all_deals, job.buckets)
    bind(run_id=run.run_id)
    with workspace.transaction() as transaction:
        target = str(transaction.staging.resolve())
        for folder in FOLDERS:
            transaction.file(folder).mkdir()
            if job.is_divided_anew:
                transaction.remove(folder)

        def credit(bucket: int) -> str:
            return json.dumps(credited(job, shipped().unpacked(), run, bucket, target))

        busy = sorted(b for b, one in outlooks.items() if one.has_work or job.is_divided_anew)
        with phase("credit"):
            done = [json.loads(made) for _, made in _made(spark, credit, busy)]
        report = _report(job, scorer, run, list(outlooks.values()), done)
        with phase("totals"):
            write_totals(spark, workspace, job.config, transaction, run.run_id, scorer.path_effects())
        summary = {**report.to_dict(), "buckets": job.buckets, "config": job.config.model_dump(mode="json")}
        transaction.file(SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
        transaction.remove(JOURNAL)
    logger.info("%s", report.text().splitlines()[0])
    return report


def _made(spark: Any, work: Callable[[int], str], buckets: Sequence[int]) -> list[tuple[int, str]]:
    """What ``work`` makes of each bucket, a task a bucket, on the workers."""
    if not buckets:
        return []
    chosen = list(buckets)
    places = spark.range(0, len(chosen), 1, len(chosen))
    rows = places.mapInArrow(on_places(lambda place: work(chosen[place])), MADE).collect()
    return [(chosen[row["place"]], row["made"]) for row in rows]


def _report(
    job: Job, scorer: Scorer, run: Run, outlooks: Sequence[Outlook], done: Sequence[dict[str, int]]
) -> ScoreReport:
    deals_in, scored = sum(one.deals_in for one in outlooks), sum(one["scored"] for one in done)
    rejected: Counter[str] = sum((Counter(one.rejected) for one in outlooks), Counter())
    return ScoreReport(
        run_id=run.run_id,
        scored_at=run.scored_at,
        model_version=scorer.model_version or None,
        methods=job.methods,
        deals_in=deals_in,
        scored=scored,
        unchanged=deals_in - scored,
        removed=sum(one["removed"] for one in done),
        rejected=dict(rejected),
    )
