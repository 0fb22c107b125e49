"""The frames of a workspace's closed deals, in memory, in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import pandas as pd

from features.cutoff import Cutoff
from features.frame import FrameSpec, base, frame_spec, members
from features.inputs import Inputs, inputs_from
from pipelines.provenance import data_fingerprint
from pipelines.workspace import Workspace

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
    """

    base: pd.DataFrame
    members: pd.DataFrame
    spec: FrameSpec
    fingerprint: str
    deal_columns: tuple[str, ...]


def read_frames(
    workspace: Workspace,
    built_by: Cutoff | FrameSpec,
    ignore: tuple[str, ...] = (),
    report_currency: str | None = None,
) -> Frames:
    """Builds the frames by a spec, or by what the data ask for at a cutoff, without the covariates in ``ignore``.

    At a cutoff, amounts are converted to ``report_currency`` where it is given.

    Raises ``ValueError`` when the workspace lacks a column that the spec names.
    """
    with workspace.connect() as connection:
        inputs = inputs_from(connection)
        spec = built_by if isinstance(built_by, FrameSpec) else frame_spec(inputs, built_by, report_currency)
        spec = replace(spec, covariates=tuple(name for name in spec.covariates if name not in ignore))
        missing = [name for name in spec.covariates if name not in inputs.deals.columns]
        if missing:
            raise ValueError(f"The deals of {workspace.root} have no column {', '.join(missing)}.")
        deals = base(inputs, spec).execute().sort_values("deal_id", ignore_index=True)
        partners = members(inputs, spec).execute().sort_values(["deal_id", "partner_id"], ignore_index=True)
        fingerprint = data_fingerprint(connection, FEATURE_TABLES)
        columns = tuple(inputs.deals.columns)
    return Frames(deals, partners, spec, fingerprint, columns)
