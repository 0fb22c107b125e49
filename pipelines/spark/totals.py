"""``partner_scores`` and ``partner_effects`` from all credits, added up by Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from features.coalitions import players
from models.scores import partner_scores, partner_totals
from pipelines.config import Config
from pipelines.scoring.parts import CREDIT_PARTS
from pipelines.scoring.totals import put_totals
from pipelines.spark.tables import VIEW, drop_views, frame_of, inputs_on, stored_frames, uri_of
from pipelines.workspace import Transaction, Workspace

CREDITS = "credits"


def write_totals(
    session: Any,
    workspace: Workspace,
    config: Config,
    transaction: Transaction,
    run_id: str,
    by_paths: pd.DataFrame,
) -> None:
    """Stages both tables anew from the credits as they will be after the commit; ``by_paths`` as in ``put_totals``."""
    tables = stored_frames(session, workspace)
    inputs = inputs_on(session, tables)
    session.read.parquet(*map(uri_of, credit_files(workspace, transaction))).createOrReplaceTempView(
        VIEW.format(name=CREDITS)
    )
    credit = ibis.pyspark.connect(session).table(VIEW.format(name=CREDITS))
    scores = partner_scores(credit, inputs.deals, players(inputs), config.credit.period, config.report_currency)
    fetched = _fetched(session, scores), _fetched(session, partner_totals(credit))
    put_totals(workspace, transaction, run_id, *fetched, by_paths)
    drop_views(session, [*tables, CREDITS])


def credit_files(workspace: Workspace, transaction: Transaction) -> list[Path]:
    """The parts of ``credits`` after the commit: those staged, and of the present ones those that stay."""
    staged = {path.name: path for path in (transaction.staging / CREDIT_PARTS).glob("*.parquet")}
    if CREDIT_PARTS in transaction.removals:
        return sorted(staged.values())
    present = {path.name: path for path in (workspace.root / CREDIT_PARTS).glob("*.parquet")}
    return sorted((present | staged).values())


def _fetched(session: Any, table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = frame_of(session, table).toArrow().to_pandas()
    return frame
