"""A scoring run's journal: what makes an interrupted run end as an undisturbed one."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pipelines.scoring.parts import SCORED, divide_anew, part_files, part_number
from pipelines.scoring.work import Layout
from pipelines.workspace import Workspace

logger = logging.getLogger(__name__)

JOURNAL: Final = "results/run.json"
SUMMARY: Final = "results/score.json"
GROWTH: Final = 2
"""Times as many deals as the buckets by hash are meant for, at which all are divided into more of them."""
NEAR: Final = 0.1
"""Share by which the number of parts may differ from the one asked for before scoring all deals divides them anew."""


@dataclass
class Run:
    """A scoring run's journal: what a resumed run must repeat, and the buckets that are finished.

    ``is_fresh`` says that all deals are dealt to ``buckets`` by hash, also those never scored before.
    """

    run_id: str
    scored_at: datetime
    all_deals: bool
    buckets: int
    is_fresh: bool = True
    done: dict[int, dict[str, int]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The journal as text."""
        return json.dumps({**asdict(self), "scored_at": self.scored_at.isoformat()}, indent=1)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Run:
        """The journal that ``to_json`` wrote."""
        done = {int(bucket): counts for bucket, counts in values["done"].items()}
        return cls(**{**values, "scored_at": datetime.fromisoformat(values["scored_at"]), "done": done})


def n_buckets(workspace: Workspace, connection: Any, chunk_deals: int, *, all_deals: bool) -> int:
    """How many buckets deals are dealt to by hash: what it was, until there are ``GROWTH`` times as many deals.

    It is decided at the first scoring, when the deals have grown so much, and with ``all_deals``, unless there are
    about as many parts as there would be. The same run, begun again, decides the same.
    """
    query = "SELECT count(*) FROM deals WHERE outcome <> 'open' AND closed_at IS NOT NULL"
    n_closed = int(connection.execute(query).fetchall()[0][0])
    before = _before(workspace)
    wanted = max(1, -(-n_closed // chunk_deals))
    if before is None:
        return wanted
    is_near = abs(len(part_files(workspace, SCORED)) - wanted) <= NEAR * wanted
    is_kept = is_near if all_deals else n_closed <= GROWTH * chunk_deals * before["buckets"]
    return int(before["buckets"]) if is_kept else wanted


def last_buckets(workspace: Workspace) -> int | None:
    """How many buckets the credit in the workspace is in, further ones included; None when there is none."""
    before = _before(workspace)
    if before is None:
        return None
    numbers = [part_number(file) for file in part_files(workspace, SCORED)]
    return max(int(before["buckets"]), *(number + 1 for number in numbers)) if numbers else int(before["buckets"])


def layout_of(run: Run, chunk_deals: int) -> Layout:
    """Where the run scores its deals."""
    return Layout(run.buckets, None if run.is_fresh else chunk_deals, tuple(run.done))


def begin(workspace: Workspace, connection: Any, run: Run) -> Run:
    """The run to go on with: the interrupted one when it was the same, else ``run``, entered in the journal.

    Parts that were made for another number of buckets are divided anew together with that entry.
    """
    before, journal = _before(workspace), _read_json(workspace, JOURNAL)
    if journal is not None:
        interrupted = Run.from_dict(journal)
        if (interrupted.run_id, interrupted.all_deals) == (run.run_id, run.all_deals):
            logger.info("Going on with run %s; %s buckets are done.", run.run_id, len(interrupted.done))
            return interrupted
    with workspace.transaction() as transaction:
        run = replace(run, is_fresh=before is None or before["buckets"] != run.buckets)
        if run.is_fresh:
            divide_anew(workspace, connection, transaction, run.buckets)
        transaction.file(JOURNAL).write_text(run.to_json(), encoding="utf-8")
    return run


def _before(workspace: Workspace) -> dict[str, Any] | None:
    return _read_json(workspace, JOURNAL) or _read_json(workspace, SUMMARY)


def _read_json(workspace: Workspace, relative: str) -> dict[str, Any] | None:
    path = workspace.root / relative
    values: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return values
