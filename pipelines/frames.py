"""The frames of a workspace's closed deals, in memory, in the order of their ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.cutoff import Cutoff
from features.frame import FrameSpec, base, frame_spec, members
from features.history import participations
from features.inputs import Inputs, inputs_from
from features.records import Records, past_records
from pipelines.provenance import data_fingerprint
from pipelines.workspace import Workspace

logger: Final = logging.getLogger(__name__)

_CLOSED: Final = "outcome <> 'open' AND closed_at IS NOT NULL"
_DRAWN: Final = f"""
CREATE TEMP TABLE drawn_deals AS SELECT deal_id FROM deals
WHERE {_CLOSED} AND (md5_number_lower('drawn ' || account_id) % 1000000) / 1000000.0 < $share
"""
FEATURE_TABLES: Final = tuple(field.name for field in fields(Inputs))


@dataclass(frozen=True)
class Frames:
    """What models are fitted on.

    Attributes
    ----------
    base : a row a closed deal that reached its cutoff, sorted by ``deal_id``.
    members : a row a deal x partner known at the cutoff, sorted by ``deal_id`` and ``partner_id``.
    spec : how they were built.
    fingerprint : hash of the input tables.
    deal_columns : names of all columns of ``deals``.
    most_deals : how many closed deals there may be before only some accounts' are drawn; None means any number.
    """

    base: pd.DataFrame
    members: pd.DataFrame
    spec: FrameSpec
    fingerprint: str
    deal_columns: tuple[str, ...]
    most_deals: int | None = None


def read_frames(
    workspace: Workspace,
    built_by: Cutoff | FrameSpec,
    ignore: tuple[str, ...] = (),
    report_currency: str | None = None,
    most_deals: int | None = None,
) -> Frames:
    """Builds the frames by a spec, or by what the data ask for at a cutoff, without the covariates in ``ignore``.

    At a cutoff, amounts are converted to ``report_currency`` where it is given. Where there are more than
    ``most_deals`` closed deals, the frames are of about so many: of whole accounts, drawn by a hash of their ids. Their
    features know the past of all deals.

    Raises ``ValueError`` when the workspace lacks a column that the spec names.
    """
    with workspace.connect() as connection:
        inputs = inputs_from(connection)
        spec = built_by if isinstance(built_by, FrameSpec) else frame_spec(inputs, built_by, report_currency)
        spec = replace(spec, covariates=tuple(name for name in spec.covariates if name not in ignore))
        missing = [name for name in spec.covariates if name not in inputs.deals.columns]
        if missing:
            raise ValueError(f"The deals of {workspace.root} have no column {', '.join(missing)}.")
        some, records = _drawn(connection, inputs, spec.cutoff, most_deals)
        deals = base(some, spec, records).execute().sort_values("deal_id", ignore_index=True)
        partners = members(some, spec, records).execute().sort_values(["deal_id", "partner_id"], ignore_index=True)
        fingerprint = data_fingerprint(connection, FEATURE_TABLES)
        columns = tuple(inputs.deals.columns)
    return Frames(deals, partners, spec, fingerprint, columns, most_deals)


def _drawn(connection: Any, inputs: Inputs, cutoff: Cutoff, most_deals: int | None) -> tuple[Inputs, Records | None]:
    """What belongs to the drawn accounts' deals, and the past of these; all of it where there is nothing to draw."""
    n_closed = connection.execute(f"SELECT count(*) FROM deals WHERE {_CLOSED}").fetchall()[0][0]
    if most_deals is None or n_closed <= most_deals:
        return inputs, None
    connection.execute(_DRAWN, {"share": most_deals / n_closed})
    engine = ibis.duckdb.from_connection(connection)
    wanted = engine.table("drawn_deals")
    n_drawn = connection.execute("SELECT count(*) FROM drawn_deals").fetchall()[0][0]
    logger.warning(
        "Learning from %s of %s closed deals, those of accounts drawn by a hash, because `outcome.most_deals` is %s.",
        f"{n_drawn:,}",
        f"{n_closed:,}",
        f"{most_deals:,}",
    )
    stored = {"drawn_joined": participations(inputs.deals, inputs.touchpoints)}
    _store(connection, stored)
    records = past_records(inputs, engine.table("drawn_joined"), cutoff, wanted)
    _store(connection, {"drawn_past": records.deals, "drawn_partners": records.partners})
    return inputs.of_deals(wanted), Records(engine.table("drawn_past"), engine.table("drawn_partners"))


def _store(connection: Any, tables: dict[str, ir.Table]) -> None:
    for name, table in tables.items():
        connection.execute(f"CREATE TEMP TABLE {name} AS {ibis.to_sql(table, dialect='duckdb')}")
