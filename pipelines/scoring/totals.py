"""``partner_scores`` and ``partner_effects`` from all credits."""

from __future__ import annotations

from typing import Any, Final

import ibis
import pandas as pd

from features.coalitions import players
from features.inputs import Inputs
from features.tables import PARTNER_EFFECTS, PARTNER_SCORES
from models.scores import partner_scores, partner_totals
from pipelines.config import Config
from pipelines.workspace import Transaction, Workspace, write_frame

MARKOV: Final = "markov"
TOTAL: Final = "total_credit"
EFFECT_ORDER: Final = ["partner_id", "method", "target", "quantity"]


CREDITS: Final = "score_credits"
"""View of the credits as they are after the run; that of the connection has the files of before."""


def write_totals(
    workspace: Workspace,
    connection: Any,
    config: Config,
    transaction: Transaction,
    run_id: str,
    by_paths: pd.DataFrame,
    joined: str | None = None,
) -> None:
    """Stages both tables anew from the credits that are in place.

    ``by_paths`` has the effects that the run found beside its credits. ``joined`` names a table of the connection that
    has the deals' partners already, as ``features.history.participations`` gives them.
    """
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {CREDITS} AS {workspace.select('credits')}")
    engine = ibis.duckdb.from_connection(connection)
    inputs, credit = Inputs.from_backend(engine), engine.table(CREDITS)
    partners = players(inputs) if joined is None else engine.table(joined).select("deal_id", "partner_id")
    scores = partner_scores(credit, inputs.deals, partners, config.credit.period, config.report_currency)
    put_totals(
        workspace, transaction, run_id, _fetched(engine, scores), _fetched(engine, partner_totals(credit)), by_paths
    )


def put_totals(
    workspace: Workspace,
    transaction: Transaction,
    run_id: str,
    scores: pd.DataFrame,
    totals: pd.DataFrame,
    by_paths: pd.DataFrame | None = None,
) -> None:
    """Stages both tables from what the credits add up to, on whatever engine; other effects stay as they are.

    Markov's total is not the sum of its credits, which is another estimand: it comes with its removal effects in
    ``by_paths``, and stays as it is in a run that did not find any.
    """
    present, found = workspace.read("partner_effects"), pd.DataFrame() if by_paths is None else by_paths
    is_markov = present["method"] == MARKOV
    others = present[~is_markov & (present["quantity"] != TOTAL) | is_markov & (len(found) == 0)]
    fresh = [frame for frame in (totals[totals["method"] != MARKOV], found) if len(frame)] or [totals]
    effects = pd.concat(fresh).assign(run_id=run_id)
    rows = pd.concat([others, effects]) if len(others) else effects
    write_frame(scores.assign(run_id=run_id), PARTNER_SCORES, transaction.file("tables/partner_scores.parquet"))
    write_frame(rows.sort_values(EFFECT_ORDER), PARTNER_EFFECTS, transaction.file("tables/partner_effects.parquet"))


def _fetched(engine: Any, table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = engine.to_pyarrow(table).to_pandas()
    return frame
