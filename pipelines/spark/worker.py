"""What a Spark worker does with one bucket of deals: the same as DuckDB does, on a workspace of that bucket alone.

The bucket's deals, touches and credit so far are linked into a folder of the worker's own, which is a workspace like
any other, and its features, computed by Spark, stand beside them. So there is one way of telling what has changed and
one way of scoring it, whatever the engine.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.sqltext import parquet
from pipelines.config import Config
from pipelines.score import not_creditable, recipes, score_buckets
from pipelines.scoring import plan
from pipelines.scoring.bucket import Scorer
from pipelines.scoring.parts import FOLDERS, part_name
from pipelines.scoring.run import Run
from pipelines.scoring.work import Layout, buckets_with_work, stage_work
from pipelines.spark.frames import EMPTY, bucket_files
from pipelines.workspace import Workspace

STAGED_TABLES: Final[tuple[str, ...]] = ("deals", "touchpoints", "leads", "stage_history")
FRAMES: Final = ("base", "members")
CLAIMS: Final = "claims"
PREVIOUS: Final = "previous"
ATTEMPTS: Final = "attempts"


@dataclass(frozen=True)
class Job:
    """What the workers are told: plain values, and paths of the shared file system.

    ``staged``: folder of the staged frames. ``root``: the workspace. ``is_divided_anew``: the credit so far is staged
    as well, divided into this run's buckets, instead of lying in the workspace's parts. ``with_features``: there is a
    model, and features are staged.
    """

    staged: str
    root: str
    is_divided_anew: bool
    buckets: int
    config: Config
    methods: tuple[str, ...]
    window: plan.Window
    all_deals: bool
    with_features: bool


@dataclass(frozen=True)
class Outlook:
    """What there is in a bucket, before anything is scored.

    ``content``: its part of ``plan.content_hash``. ``has_work``: whether something must be scored or taken away.
    ``deals_in``: closed deals. ``rejected``: those that some method cannot credit, by reason.
    """

    content: int
    has_work: bool
    deals_in: int
    rejected: dict[str, int]


def outlook(job: Job, scorer: Scorer, bucket: int) -> Outlook:
    """What is to be done in the bucket."""
    with _opened(job, scorer, bucket) as (_, connection):
        content = plan.content_hash(connection)
        return Outlook(
            content=0 if content == "None" else int(content),
            has_work=bool(buckets_with_work(connection)),
            deals_in=plan.count(connection, "score_closed"),
            rejected=not_creditable(connection, with_features=job.with_features),
        )


def credited(job: Job, scorer: Scorer, run: Run, bucket: int, target: str) -> dict[str, int]:
    """Scores the bucket and puts its parts into ``target``; the deals ``scored`` and ``removed``.

    The parts appear there whole, one after the other; a second attempt at the same bucket replaces them by the same.
    """
    with _opened(job, scorer, bucket) as (own, connection):
        score_buckets(own, connection, scorer, run, with_features=job.with_features)
        for name in (part_name(folder, bucket) for folder in FOLDERS):
            if (own.root / name).exists():
                _put(own.root / name, Path(job.staged) / ATTEMPTS, Path(target) / name)
    return run.done.get(bucket, {"scored": 0, "removed": 0})


def on_places(work: Callable[[int], str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """``work`` as a function for Spark's ``mapInArrow``: from places (column ``id``) to rows of ``place``, ``made``."""

    def each(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch.column(0).to_pylist():
                yield pa.RecordBatch.from_pydict({"place": pa.array([place], pa.int64()), "made": [work(place)]})

    return each


@contextmanager
def _opened(job: Job, scorer: Scorer, bucket: int) -> Iterator[tuple[Workspace, Any]]:
    """The bucket as a workspace of its own, and a connection in which its work is staged; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="partnerlift-") as folder:
        own = Workspace(Path(folder), job.config.engine.memory, threads=1)
        for name in STAGED_TABLES:
            _link(own.path(name), bucket_files(Path(job.staged) / name, bucket))
        for part_folder in FOLDERS:
            _link_previous(job, own.root / part_name(part_folder, bucket), part_folder, bucket)
        frames = None if not job.with_features else {name: _frame(Path(job.staged) / name, bucket) for name in FRAMES}
        with own.connect() as connection:
            plan.stage_deals(connection, job.buckets, job.window, scorer.credit.eligibility())
            plan.stage_frames(connection, frames)
            plan.stage_claims(connection, _frame(Path(job.staged) / CLAIMS, bucket))
            plan.stage_wanted(connection, recipes(scorer, job.methods))
            plan.stage_changes(connection, own, all_deals=job.all_deals)
            stage_work(connection, Layout(job.buckets))
            yield own, connection


def _link(folder: Path, files: list[Path]) -> None:
    for file in files:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).symlink_to(file)


def _link_previous(job: Job, part: Path, folder: str, bucket: int) -> None:
    """Links the bucket's credit so far to where a workspace has it; a commit replaces the link, not the file."""
    part.parent.mkdir(parents=True, exist_ok=True)
    if not job.is_divided_anew:
        before = Path(job.root) / part_name(folder, bucket)
        if before.exists():
            part.symlink_to(before)
        return
    staged = Path(job.staged) / PREVIOUS / folder
    files = bucket_files(staged, bucket)
    if files:
        pq.write_table(pa.concat_tables(pq.ParquetFile(file).read() for file in files), part)


def _frame(folder: Path, bucket: int) -> str:
    files = [folder / EMPTY, *bucket_files(folder, bucket)]
    return f"SELECT * FROM {parquet(files, 'union_by_name = true, hive_partitioning = false')}"


def _put(source: Path, attempts: Path, target: Path) -> None:
    """Copies a file so that it appears whole in a folder that is there; what a kill leaves lies in ``attempts``."""
    draft = attempts / uuid.uuid4().hex
    shutil.copyfile(source, draft)
    draft.replace(target)
